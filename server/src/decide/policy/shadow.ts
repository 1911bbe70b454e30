// A charter on trial: it decides beside the live one, binds nobody, and says where the two differ, so that a change of
// the law is known before it is made. One for each tenant.
import type { PolicyChange, ShadowReport } from '@mandate/kernel';
import { iso } from '../../platform/clock/iso.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { CharterAsked, PolicyCharters } from './charters.ts';
import type { Observer } from './observe.ts';
import { CHANGES } from './replay.ts';
import { summaryOf } from './report.ts';
import { deleteShadow, insertShadow, lockShadow, readDifferences, readShadow } from './shadow-store.ts';
import type { ShadowRow } from './shadow-store.ts';

export interface ShadowOrder {
  readonly tenant: string;
  readonly charter: CharterAsked;
  readonly by: string;
  readonly note: string | null;
  readonly traceId: string | null;
}

export type ShadowSet =
  | { readonly kind: 'set'; readonly version: string; readonly changed: boolean }
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
    };

export interface Shadows {
  /** Puts a charter on trial, in place of any that is. The same one goes on counting. */
  set(order: ShadowOrder): Promise<ShadowSet>;
  /** null where none is on trial. Counts of other processes are at most a second behind. */
  show(tenant: string): Promise<ShadowReport | null>;
  /** Ends the trial and answers with what it came to; null where there was none. */
  stop(order: Omit<ShadowOrder, 'charter' | 'note'>): Promise<ShadowReport | null>;
}

export interface ShadowsNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly uuid: () => string;
  readonly charters: Pick<PolicyCharters, 'find'>;
  readonly observer: Pick<Observer, 'forget' | 'settle'>;
  readonly writeEntry: WriteEntry;
}

export function createShadows(needs: ShadowsNeeds): Shadows {
  const { store, clock, uuid, charters, observer, writeEntry } = needs;

  async function set({ tenant, charter, by, note, traceId }: ShadowOrder): Promise<ShadowSet> {
    const found = await charters.find(tenant, charter, '/charter');
    if (found.kind === 'refused') return found;
    const { version, files } = found;
    await observer.settle();
    const changed = await store.withTenant(tenant, async (tx) => {
      const standing = await lockShadow(tx, tenant);
      if (standing?.version === version) return false;
      const nowMs = clock.nowMs();
      if (standing !== null) await end(tx, tenant, { standing, by, traceId });
      const content = JSON.stringify(files);
      await insertShadow(tx, tenant, { id: uuid(), version, content, author: by, note, setMs: nowMs });
      const data = { version, note };
      await writeEntry(tx, tenant, { kind: 'policy.shadow_set', actor: by, atMs: nowMs, traceId, data });
      return true;
    });
    observer.forget(tenant);
    return { kind: 'set', version, changed };
  }

  async function end(
    tx: Tx,
    tenant: string,
    order: { readonly standing: ShadowRow; readonly by: string; readonly traceId: string | null },
  ): Promise<ShadowReport> {
    const { standing, by, traceId } = order;
    const report = await reportOf(tx, tenant, standing);
    await deleteShadow(tx, tenant, standing.id);
    const { summary, version, decided, differed, failed, skipped, counts } = report;
    await writeEntry(tx, tenant, {
      kind: 'policy.shadow_stopped',
      actor: by,
      atMs: clock.nowMs(),
      traceId,
      data: { summary, version, decided, differed, failed, skipped, counts: { ...counts } },
    });
    return report;
  }

  return {
    set,
    async show(tenant) {
      await observer.settle();
      return store.withTenant(tenant, async (tx) => {
        const standing = await readShadow(tx, tenant);
        return standing === null ? null : reportOf(tx, tenant, standing);
      });
    },
    async stop({ tenant, by, traceId }) {
      await observer.settle();
      const report = await store.withTenant(tenant, async (tx) => {
        const standing = await lockShadow(tx, tenant);
        return standing === null ? null : end(tx, tenant, { standing, by, traceId });
      });
      observer.forget(tenant);
      return report;
    },
  };
}

async function reportOf(tx: Tx, tenant: string, standing: ShadowRow): Promise<ShadowReport> {
  const { id, version, author, note, setMs, decided, differed, failed, skipped } = standing;
  const differences = await readDifferences(tx, tenant, id);
  const counts = new Map<PolicyChange, number>();
  for (const { change, count } of differences) counts.set(change, (counts.get(change) ?? 0) + count);
  const grouped = differences.reduce((sum, { count }) => sum + count, 0);
  return {
    summary: summaryOf(counts, differed, { replayed: decided, how: 'decided' }),
    version,
    author,
    note,
    since: iso(setMs),
    decided,
    differed,
    failed,
    skipped,
    counts: Object.fromEntries(
      CHANGES.flatMap((change) => {
        const count = counts.get(change);
        return count === undefined ? [] : [[change, count]];
      }),
    ),
    groups: differences.map(({ action, change, before, after, count, ...seen }) => ({
      action,
      change,
      before,
      after,
      count,
      first: { id: seen.firstAct, at: iso(seen.firstMs) },
      last: { id: seen.lastAct, at: iso(seen.lastMs) },
    })),
    ungrouped: Math.max(0, differed - grouped),
  };
}
