// Falling, and pausing one type of command. Whoever notices that something goes wrong may do it at once, and once it has
// returned no act begins by the older decision: the revision is raised in the same transaction, and then the barrier is
// taken, as by a freeze.
import { isActionName, phaseIndex } from '@mandate/kernel';
import type { GovernedSet } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { Phases } from './phases.ts';
import type { Withdrawals } from './withdraw.ts';
import {
  insertRestriction,
  liftRestrictions,
  lockTenant,
  raiseRevision,
  readSet,
  writeSet,
} from './store.ts';

export interface FallOrder {
  readonly tenant: string;
  readonly set: string;
  /** `first`, `previous` (the next one down), or the name of a phase below the current one. */
  readonly to: string;
  /** Only if it is in this phase still: of two that notice the same, one makes it fall. Left out: whatever it is in. */
  readonly from?: string;
  /** For people: what was noticed. */
  readonly cause: string;
  readonly by: string;
  readonly actId?: string | null;
  readonly traceId?: string | null;
}

export type Fall =
  /** `isConfirmed`: no start of before is under way any more. False when hung sessions kept it from being sure. */
  | {
      readonly kind: 'fallen';
      readonly from: string;
      readonly to: string;
      readonly isConfirmed: boolean;
    }
  /** It is as low already, or no longer in `from`. */
  | { readonly kind: 'unchanged'; readonly phase: string; readonly isConfirmed: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The same before the barrier has been taken. */
export type FallIn =
  | Omit<Extract<Fall, { kind: 'fallen' }>, 'isConfirmed'>
  | Omit<Extract<Fall, { kind: 'unchanged' }>, 'isConfirmed'>
  | Extract<Fall, { kind: 'refused' }>;

export interface PauseOrder {
  readonly tenant: string;
  readonly set: string;
  /** The full name of one action. */
  readonly action: string;
  readonly cause: string;
  readonly by: string;
  readonly actId?: string | null;
  readonly traceId?: string | null;
}

export interface Falling {
  /** Lets a set fall; safe to call twice. */
  fall(order: FallOrder): Promise<Fall>;
  /** The same in the caller's transaction, which must call `settle` after its commit. */
  fallIn(tx: Tx, order: FallOrder): Promise<FallIn>;
  /** Holds one type of command until `unpause`; answers with the restriction's id. Throws where it is no action's name. */
  pause(order: PauseOrder): Promise<string>;
  /** The same in the caller's transaction, which must call `settle` after its commit. */
  pauseIn(tx: Tx, order: PauseOrder): Promise<string>;
  /** Lets it go on; false where nothing stood. In the caller's transaction. */
  unpause(
    tx: Tx,
    order: {
      readonly tenant: string;
      readonly id: string;
      readonly reason: string;
      readonly by: string;
      readonly traceId?: string | null;
    },
  ): Promise<boolean>;
  /** Waits until no start of before is under way; false when hung sessions kept it from being sure. */
  readonly settle: (tenant: string) => Promise<boolean>;
}

export interface FallingNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly phases: Phases;
  readonly withdrawals: Withdrawals;
  readonly takeBarrier: (tenant: string) => Promise<boolean>;
  /** The set by the charter in force, in the caller's transaction. */
  readonly setIn: (tx: Tx, tenant: string, set: string) => Promise<GovernedSet | null>;
  readonly writeEntry: WriteEntry;
}

export function createFalling(needs: FallingNeeds): Falling {
  const { store, clock, chance, phases, withdrawals, takeBarrier, setIn, writeEntry } = needs;

  const fallIn: Falling['fallIn'] = async (tx, order) => {
    const { tenant, by, cause, actId = null, traceId = null } = order;
    await lockTenant(tx, tenant);
    const row = await readSet(tx, tenant, order.set);
    const set = await setIn(tx, tenant, order.set);
    if (row === null || set === null)
      return refused('not_found', `There is no governed set ${order.set} in the charter in force.`);
    if (order.from !== undefined && order.from !== row.phase) return { kind: 'unchanged', phase: row.phase };
    const current = phaseIndex(set, row.phase);
    const wanted = order.to === 'previous' ? Math.max(0, current - 1) : indexOf(set, order.to);
    // A row with a phase that the charter does not have was written by somebody else, and is no reason to refuse a fall.
    const isLost = current < 0;
    const index = isLost ? Math.min(0, wanted) : wanted;
    const phase = set.phases[index];
    if (phase === undefined)
      return refused(
        'invalid',
        `${set.name} has no phase ${order.to}; it has ${set.phases.map(({ name }) => name).join(', ')}. Write one of those below ${row.phase}, first or previous.`,
      );
    if (!isLost && index > current)
      return refused(
        'conflict',
        `${set.name} is at ${row.phase}, and ${phase.name} is above it: a phase rises only by an approved proposal (POST /api/v1/governance/proposals).`,
      );
    const atMs = clock.nowMs();
    if (index === current) {
      // Whoever orders a fall has seen something: what was proposed before they saw it must be proposed anew, also what
      // somebody is voting on at this moment, and that vote looks at how often the set has changed.
      await writeSet(tx, tenant, { ...row, changes: row.changes + 1 });
      const data = { set: set.name, phase: row.phase, cause };
      await writeEntry(tx, tenant, {
        kind: 'governance.fall_ordered',
        actId,
        actor: by,
        atMs,
        traceId,
        data,
      });
      await withdrawals.all(tx, { tenant, set: set.name, by, why: cause });
      return { kind: 'unchanged', phase: row.phase };
    }
    await phases.enter(
      tx,
      { set, phase, kind: 'fallen', row },
      { tenant, cause, by, atMs, actId, approvalId: null, traceId },
    );
    await withdrawals.all(tx, {
      tenant,
      set: set.name,
      by,
      why: `${set.name} fell to ${phase.name}: ${cause}`,
    });
    await raiseRevision(tx, tenant);
    return { kind: 'fallen', from: row.phase, to: phase.name };
  };

  const pauseIn: Falling['pauseIn'] = async (tx, order) => {
    const { tenant, set, action, cause, by, actId = null, traceId = null } = order;
    // A restriction whose scope cannot be read reaches everything.
    if (!isActionName(action))
      throw new TypeError(`${JSON.stringify(action)} is no action's name, so nothing can be paused by it`);
    const id = chance.uuid();
    const atMs = clock.nowMs();
    const scope = `action:${action}`;
    await insertRestriction(tx, tenant, {
      id,
      kind: 'pause',
      scope,
      except_actions: [],
      cause,
      by,
      atMs,
    });
    await raiseRevision(tx, tenant);
    const data = { set, action, restriction: id, cause };
    await writeEntry(tx, tenant, { kind: 'governance.paused', actId, actor: by, atMs, traceId, data });
    return id;
  };

  return {
    fallIn,
    pauseIn,
    settle: takeBarrier,

    async fall(order) {
      const done = await store.withTenant(order.tenant, (tx) => fallIn(tx, order));
      return done.kind === 'refused' ? done : { ...done, isConfirmed: await takeBarrier(order.tenant) };
    },

    async pause(order) {
      const id = await store.withTenant(order.tenant, (tx) => pauseIn(tx, order));
      await takeBarrier(order.tenant);
      return id;
    },

    async unpause(tx, { tenant, id, reason, by, traceId = null }) {
      const atMs = clock.nowMs();
      if ((await liftRestrictions(tx, tenant, { ids: [id], kind: 'pause', by, why: reason, atMs })) === 0)
        return false;
      await raiseRevision(tx, tenant);
      const data = { restriction: id, reason };
      await writeEntry(tx, tenant, {
        kind: 'governance.unpaused',
        actId: null,
        actor: by,
        atMs,
        traceId,
        data,
      });
      return true;
    },
  };
}

/** A phase of that name goes before the word. */
function indexOf(set: GovernedSet, to: string): number {
  const index = phaseIndex(set, to);
  return index < 0 && to === 'first' ? 0 : index;
}

function refused(code: Refusal['code'], detail: string): Extract<FallIn, { kind: 'refused' }> {
  return { kind: 'refused', refusal: { code, detail } };
}
