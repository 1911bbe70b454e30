// Lifting a stop. Where the charter asks for two persons, each says resume, and that is an agreement to the stops that
// stood then: a newer stop, or an hour, takes it back. Agreeing is an approval like any other, handed in as a function.
import type { JsonObject } from '@mandate/kernel';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Sql, Tx } from '../../platform/postgres/store.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import { isPerson } from '../../platform/identity/principal.ts';

export interface ResumeOrder {
  readonly tenant: string;
  readonly scope: string;
  /** Only these of the stops in the scope; all of them without it. */
  readonly only?: readonly string[];
  readonly reason: string;
  /** The principal's id; where two persons have to agree it must be a person's. */
  readonly by: string;
  readonly roles: readonly string[];
  readonly twoPersons: boolean;
  /** Since when the file STOP has been in the data directory, where lifting this lifts it too; null without one. */
  readonly fileSinceMs: number | null;
  readonly traceId: string | null;
}

export type ResumeReport =
  /** `lifted` counts what stood on record; the file is for the caller to remove. */
  | { readonly kind: 'resumed'; readonly lifted: number }
  | { readonly kind: 'second_person_needed'; readonly requestedBy: string; readonly approval: string }
  /** Two persons have to agree, and whoever asks is no person by name. */
  | { readonly kind: 'no_person'; readonly detail: string }
  | { readonly kind: 'nothing_to_resume' };

export type Resume = (order: ResumeOrder) => Promise<ResumeReport>;

export interface ResumeNeeds {
  readonly control: Sql;
  readonly clock: Clock;
  readonly writeEntry: WriteEntry;
  /** One person's agreement to lift exactly `content`; when it is enough, it has been lifted by `liftAgreed`. */
  readonly agree: (
    tx: Tx,
    wish: {
      readonly tenant: string;
      readonly scope: string;
      readonly content: JsonObject;
      /** The file has been there since then, and no agreement from before is one to it. Every process notices by itself. */
      readonly sinceMs: number | null;
      readonly by: string;
      readonly roles: readonly string[];
      readonly reason: string;
      readonly waitsMs: number;
      readonly traceId: string | null;
    },
  ) => Promise<{ readonly kind: 'agreed' } | { readonly kind: 'waits'; readonly approval: string }>;
}

/** How long the first person's agreement waits for the second. */
const AGREEMENT_MS = 3_600_000;

export function createResume({ control, clock, writeEntry, agree }: ResumeNeeds): Resume {
  return async (order) => {
    const { tenant, scope, by, reason, traceId } = order;
    return control.begin(async (tx): Promise<ResumeReport> => {
      // Of two who agree at the same moment, one is the second.
      await tx`select pg_advisory_xact_lock(hashtext('resume'), hashtext(${`${tenant}/${scope}`}))`;
      const inScope = await standingStops(tx, tenant, scope);
      const standing = inScope.filter((id) => order.only?.includes(id) ?? true);
      if (standing.length === 0 && order.fileSinceMs === null) return { kind: 'nothing_to_resume' };
      if (order.twoPersons) {
        if (!isPerson(by)) return { kind: 'no_person', detail: noPerson(by) };
        const content = { scope, stops: standing, file: order.fileSinceMs !== null };
        const { roles, fileSinceMs: sinceMs } = order;
        const agreed = await agree(tx, {
          tenant,
          scope,
          content,
          sinceMs,
          by,
          roles,
          reason,
          waitsMs: AGREEMENT_MS,
          traceId,
        });
        if (agreed.kind === 'agreed') return { kind: 'resumed', lifted: standing.length };
        const atMs = clock.nowMs();
        await writeEntry(tx, tenant, {
          kind: 'stop.resume_requested',
          actor: by,
          atMs,
          traceId,
          data: { scope, reason },
        });
        return { kind: 'second_person_needed', requestedBy: by, approval: agreed.approval };
      }
      await lift(
        tx,
        { tenant, scope, stops: standing, by, reason, nowMs: clock.nowMs(), traceId },
        writeEntry,
      );
      return { kind: 'resumed', lifted: standing.length };
    });
  };
}

/** What two persons have agreed to, and who of them decided. */
export interface AgreedLift {
  readonly tenant: string;
  readonly content: JsonObject;
  readonly by: string;
  readonly reason: string;
  readonly nowMs: number;
  readonly traceId: string | null;
}

/** Lifts just what was agreed to, in the transaction of the agreement; otherwise says what stands in its way. */
export async function liftAgreed(
  tx: Tx,
  { content, ...order }: AgreedLift,
  writeEntry: WriteEntry,
): Promise<{ readonly kind: 'applied' } | { readonly kind: 'refused'; readonly detail: string }> {
  const scope = typeof content['scope'] === 'string' ? content['scope'] : '';
  const agreed = Array.isArray(content['stops']) ? content['stops'].map(String) : [];
  const standing = await standingStops(tx, order.tenant, scope);
  if (standing.join() !== agreed.join()) {
    const detail = `What stands in the scope ${scope} is no longer what this was agreed for. Look at it (GET /api/v1/stop), and resume again.`;
    return { kind: 'refused', detail };
  }
  await lift(tx, { ...order, scope, stops: agreed }, writeEntry);
  return { kind: 'applied' };
}

async function standingStops(tx: Tx, tenant: string, scope: string): Promise<readonly string[]> {
  const rows = await tx<{ id: string }[]>`
    select id from mandate.restriction
    where tenant = ${tenant} and scope = ${scope} and kind = 'stop' and lifted_at is null order by id for update`;
  return rows.map(({ id }) => id);
}

interface Lift extends Omit<AgreedLift, 'content'> {
  readonly scope: string;
  /** Those that were looked at: a stop that came since is nobody's to lift yet. */
  readonly stops: readonly string[];
}

async function lift(
  tx: Tx,
  { tenant, scope, stops, by, reason, nowMs, traceId }: Lift,
  writeEntry: WriteEntry,
): Promise<void> {
  await tx`
    update mandate.restriction set lifted_at = ${new Date(nowMs)}, lifted_by = ${by}, lift_reason = ${reason}
    where tenant = ${tenant} and id = any (${[...stops]}::uuid[])`;
  // Loosening needs no new revision for safety; raising it makes every process look again at once.
  await tx`update mandate.tenant set revision = revision + 1 where tenant = ${tenant}`;
  await tx`select pg_notify('mandate_revision', '')`;
  const data = { scope, reason, lifted: stops.length };
  await writeEntry(tx, tenant, { kind: 'stop.resumed', actor: by, atMs: nowMs, traceId, data });
}

function noPerson(by: string): string {
  return `Two persons have to agree to this, and ${by} names no person; use a key that was made for a user (mandate key create --user).`;
}
