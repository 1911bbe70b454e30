// The book of drills. What Mandate can do itself it does, and writes down what came of it, passed or not; what only
// people can do they report, by name and with something to show for it.
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { isPerson } from '../../platform/identity/principal.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { Drill, DrillEvidence, DrillKind } from './drill.ts';
import type { KillSwitchDrill } from './kill-switch.ts';
import { insertDrill, selectDrills, selectLatest } from './store.ts';
import type { VerifyJournal } from './verify-journal.ts';

export type DrillAnswer =
  | { readonly kind: 'recorded'; readonly drill: Drill }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface DrillOrder {
  readonly tenant: string;
  readonly by: string;
  readonly traceId: string | null;
}

/** A drill that people did. */
export interface ReportedDrill extends DrillOrder {
  /** When it took place; not in the future. */
  readonly atMs: number;
  readonly passed: boolean;
  readonly summary: string;
  /** Where its evidence is, and the SHA-256 of a file of it; at least one of them. */
  readonly link: string | null;
  readonly sha256: string | null;
}

export interface Drills {
  /** Stops a scope of its own, sees that an act in it is refused, and resumes it. */
  killSwitch(order: DrillOrder): Promise<DrillAnswer>;
  verifyAudit(order: DrillOrder): Promise<DrillAnswer>;
  reportChaos(report: ReportedDrill): Promise<DrillAnswer>;
  /** The one that took place last, passed or not; null where there was none. */
  latestDrill(tenant: string, kind: DrillKind): Promise<Drill | null>;
  /** Newest first. */
  list(
    tenant: string,
    query: { readonly kind: DrillKind | null; readonly limit: number },
  ): Promise<readonly Drill[]>;
}

export interface DrillsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly pullKillSwitch: KillSwitchDrill;
  readonly verifyJournal: VerifyJournal;
  readonly writeEntry: WriteEntry;
}

export function createDrills(needs: DrillsNeeds): Drills {
  const { store, clock, chance } = needs;

  async function record(
    { tenant, by, traceId }: DrillOrder,
    done: {
      readonly kind: DrillKind;
      readonly atMs: number;
      readonly passed: boolean;
      readonly evidence: DrillEvidence;
    },
  ): Promise<DrillAnswer> {
    const drill: Drill = { id: chance.uuid(), ...done, by, recordedMs: clock.nowMs() };
    await store.withTenant(tenant, async (tx) => {
      await insertDrill(tx, tenant, { ...drill, traceId });
      await needs.writeEntry(tx, tenant, {
        kind: 'drill.recorded',
        actor: by,
        atMs: drill.recordedMs,
        traceId,
        data: { drill: drill.id, kind: drill.kind, passed: drill.passed, evidence: { ...drill.evidence } },
      });
    });
    return { kind: 'recorded', drill };
  }

  return {
    async killSwitch(order) {
      const atMs = clock.nowMs();
      const drilled = await needs.pullKillSwitch(order);
      if (drilled.kind === 'refused')
        return { kind: 'refused', refusal: { code: 'conflict', detail: drilled.detail } };
      const { passed, evidence } = drilled;
      return record(order, { kind: 'kill_switch', atMs, passed, evidence });
    },

    async verifyAudit(order) {
      const atMs = clock.nowMs();
      return record(order, {
        kind: 'audit_verification',
        atMs,
        ...(await needs.verifyJournal(order.tenant)),
      });
    },

    async reportChaos({ atMs, passed, summary, link, sha256, ...order }) {
      if (!isPerson(order.by))
        return {
          kind: 'refused',
          refusal: {
            code: 'forbidden',
            detail: `A drill of people is reported by a person, and ${order.by} names none; use a key that was made for a user (mandate key create --user).`,
          },
        };
      if (atMs > clock.nowMs())
        return {
          kind: 'refused',
          refusal: { code: 'invalid', detail: '/at is in the future. Report a drill after it took place.' },
        };
      return record(order, { kind: 'chaos', atMs, passed, evidence: { summary, link, sha256 } });
    },

    latestDrill: (tenant, kind) =>
      store.withTenant(tenant, (tx) => selectLatest(tx, tenant, { kind, nowMs: clock.nowMs() })),
    list: (tenant, query) => store.withTenant(tenant, (tx) => selectDrills(tx, tenant, query)),
  };
}
