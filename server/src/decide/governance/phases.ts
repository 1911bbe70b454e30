// How a phase is enforced: as restrictions with floor red, one for each pattern of the set, which leave the whitelist
// alone. Their cause is the phase's name, so a decision says it. Changing the phase replaces them in one transaction.
import { canonicalJson } from '@mandate/kernel';
import type { GovernedSet, Phase } from '@mandate/kernel';
import type { Chance } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import { insertChange, insertRestriction, liftRestrictions, readRestrictions, writeSet } from './store.ts';
import type { ChangeRow, SetRow } from './store.ts';

/** Why something changes, and on whose word. */
export interface Because {
  readonly tenant: string;
  readonly cause: string;
  readonly by: string;
  readonly atMs: number;
  readonly actId: string | null;
  readonly approvalId: string | null;
  readonly traceId: string | null;
}

export interface PhasesNeeds {
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
}

/** Into which phase, and from where. */
export type Entering = { readonly set: GovernedSet; readonly phase: Phase } & (
  | {
      readonly kind: 'governed';
      /** As it was when a charter dropped it; null: it was never governed. */
      readonly row: SetRow | null;
    }
  | { readonly kind: 'risen' | 'fallen' | 'rewritten'; readonly row: SetRow }
);

export interface Phases {
  /** Puts the set into the phase, from which row it may come, and tells the journal. The caller raises the revision. */
  enter(tx: Tx, change: Entering, because: Because): Promise<SetRow>;
  /** Ends what enforces a set that the charter no longer has. */
  drop(tx: Tx, row: SetRow, because: Because): Promise<void>;
  /** What runs without asking by what stands; where rows are missing, nothing. */
  standing(tx: Tx, tenant: string, row: SetRow): Promise<readonly string[]>;
  /** Whether what stands is what the charter asks for in that phase. */
  areEnforced(
    tx: Tx,
    tenant: string,
    of: { readonly set: GovernedSet; readonly phase: Phase; readonly row: SetRow },
  ): Promise<boolean>;
}

export function createPhases({ chance, writeEntry }: PhasesNeeds): Phases {
  async function tell(
    tx: Tx,
    set: string,
    change: { readonly kind: ChangeRow['kind']; readonly from: string | null; readonly to: string | null },
    because: Because,
  ): Promise<void> {
    const { tenant, cause, by, atMs, actId, approvalId, traceId } = because;
    await insertChange(tx, tenant, set, { ...change, cause, by, atMs, actId, approvalId, traceId });
    const { kind: how, from, to } = change;
    await writeEntry(tx, tenant, {
      kind: 'governance.phase_changed',
      actId,
      actor: by,
      atMs,
      traceId,
      data: { set, change: how, from, to, cause, ...(approvalId === null ? {} : { approval: approvalId }) },
    });
  }

  return {
    async enter(tx, change, because) {
      const { set, phase, kind, row } = change;
      const { tenant, by, atMs, cause } = because;
      if (row !== null)
        await liftRestrictions(tx, tenant, { ids: row.restrictions, kind: 'phase', by, why: cause, atMs });
      const restrictions: string[] = [];
      for (const pattern of set.patterns) {
        const id = chance.uuid();
        await insertRestriction(tx, tenant, {
          id,
          kind: 'phase',
          ...restrictionOf(phase, pattern),
          by,
          atMs,
        });
        restrictions.push(id);
      }
      const entered = rowAfter(change, { atMs, restrictions });
      await writeSet(tx, tenant, entered);
      await tell(
        tx,
        set.name,
        { kind, from: kind === 'governed' ? null : row.phase, to: phase.name },
        because,
      );
      return entered;
    },

    async drop(tx, row, because) {
      const { tenant, by, atMs, cause } = because;
      await liftRestrictions(tx, tenant, { ids: row.restrictions, kind: 'phase', by, why: cause, atMs });
      await writeSet(tx, tenant, {
        ...row,
        restrictions: [],
        changes: row.changes + 1,
        dropped_at: atMs,
      });
      await tell(tx, row.name, { kind: 'dropped', from: row.phase, to: null }, because);
    },

    async standing(tx, tenant, row) {
      const rows = await readRestrictions(tx, tenant, row.restrictions);
      const [first, ...others] = rows;
      if (first === undefined || rows.length < row.restrictions.length) return [];
      return first.except_actions.filter((each) =>
        others.every(({ except_actions: except }) => except.includes(each)),
      );
    },

    async areEnforced(tx, tenant, { set, phase, row }) {
      const standing = await readRestrictions(tx, tenant, row.restrictions);
      const asked = set.patterns.map((pattern) => restrictionOf(phase, pattern));
      return inOrder(standing) === inOrder(asked);
    },
  };
}

function rowAfter(
  change: Entering,
  { atMs, restrictions }: { readonly atMs: number; readonly restrictions: readonly string[] },
): SetRow {
  const { set, phase, kind, row } = change;
  const ladder = set.phases.map(({ name }) => name);
  const changes = (row?.changes ?? 0) + 1;
  switch (kind) {
    case 'governed':
      return {
        name: set.name,
        phase: phase.name,
        ladder,
        since: atMs,
        entered: kind,
        previous: null,
        governed_at: atMs,
        fallen_at: null,
        changes,
        restrictions,
        dropped_at: null,
      };
    case 'rewritten':
      return { ...row, ladder, changes, restrictions };
    case 'risen':
    case 'fallen':
      return {
        ...row,
        phase: phase.name,
        ladder,
        since: atMs,
        entered: kind,
        previous: row.phase,
        // A fall by a clock that was set back must not shorten the stabilisation that an earlier one has begun.
        fallen_at: kind === 'fallen' ? Math.max(row.fallen_at ?? atMs, atMs) : row.fallen_at,
        changes,
        restrictions,
      };
  }
}

interface Enforcing {
  readonly scope: string;
  readonly except_actions: readonly string[];
  readonly cause: string;
}

function restrictionOf(phase: Phase, pattern: string): Enforcing {
  return { scope: `action:${pattern}`, except_actions: phase.whitelist, cause: phase.name };
}

function inOrder(restrictions: readonly Enforcing[]): string {
  return restrictions
    .map(({ scope, except_actions: except, cause }) =>
      canonicalJson({ scope, except: except.toSorted(), cause }),
    )
    .toSorted()
    .join('\n');
}
