// Proposing that a set rises by one phase: an approval of people on exactly that step. It is asked for when nothing
// speaks against it, and everything is asked again when the last of them has approved.
import { readinessReasons } from '@mandate/kernel';
import type { GovernedSet, JsonObject, ReadinessStanding } from '@mandate/kernel';
import { iso } from '../../platform/clock/iso.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { ProblemCode } from '../../platform/http/problems.ts';
import { isPerson } from '../../platform/identity/principal.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { Phases } from './phases.ts';
import type { Evidence, EvidenceOf, ReadinessPoints } from './proposal-evidence.ts';
import { setNameOf, stepOf, whyOutgrown } from './proposal.ts';
import { stateFrom } from './state.ts';
import type { SetState } from './state.ts';
import { lockTenant, pendingProposals, raiseRevision, readSet } from './store.ts';
import type { Withdrawals } from './withdraw.ts';

export interface ProposalOrder {
  readonly tenant: string;
  readonly set: string;
  readonly source: 'person' | 'cycle';
  /** A principal: `user:ada`, or `mandate:cycle`. */
  readonly by: string;
  /** The user at the root of its authority, where that is another. */
  readonly byUser?: string | null;
  readonly reason: string;
  readonly traceId?: string | null;
}

/** Why nothing is proposed, for machines. */
export type NotProposed =
  | 'unknown_set'
  | 'nobody'
  | 'at_the_top'
  | 'not_ready'
  | 'stabilizing'
  | 'validating'
  | 'breakers_unresolved'
  | 'pending'
  | 'moved';

export type Proposed =
  | { readonly kind: 'proposed'; readonly id: string; readonly from: string; readonly to: string }
  | {
      readonly kind: 'refused';
      readonly why: NotProposed;
      readonly refusal: { readonly code: ProblemCode; readonly detail: string };
    };

/** A question to people, as the approvals open it. */
export interface Question {
  readonly tenant: string;
  readonly title: string;
  readonly display: JsonObject;
  readonly content: JsonObject;
  readonly requiredRoles: readonly string[];
  readonly requester: string;
  readonly requesterUser: string | null;
  readonly traceId: string | null;
}

/** An approval that has been decided, as far as this module reads it. */
export interface Decided {
  readonly id: string;
  readonly tenant: string;
  readonly content: JsonObject;
  readonly approvedBy: readonly string[];
  readonly nowMs: number;
  readonly traceId: string | null;
}

/** Proposes in the caller's transaction, with what speaks for the step; a refusal has changed nothing. */
export type Propose = (
  tx: Tx,
  order: Omit<ProposalOrder, 'tenant'> & { readonly evidence: Evidence | null },
) => Promise<Proposed>;

export interface Proposing {
  /** For a person: asks of them what the weekly cycle asks of itself. */
  propose(order: ProposalOrder): Promise<Proposed>;
  /** Reads what proposing takes, so that it can be part of a larger transaction. Whoever uses it has seen to readiness. */
  proposerOf(tenant: string): Promise<Propose>;
  /** What becomes of an approved proposal, in the transaction of the last vote. */
  readonly subject: {
    apply(
      tx: Tx,
      approval: Decided,
    ): Promise<{ readonly kind: 'applied' } | { readonly kind: 'refused'; readonly detail: string }>;
  };
}

export interface ProposingNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly phases: Phases;
  readonly withdrawals: Withdrawals;
  readonly setIn: (tx: Tx, tenant: string, set: string) => Promise<GovernedSet | null>;
  /** How people are asked by the charter in force; then asks, and answers with the approval's id. */
  readonly askerOf: (tenant: string) => Promise<(tx: Tx, question: Question) => Promise<string>>;
  /** How many breaker events of the set nobody has resolved, in the caller's transaction. */
  readonly unresolvedIn: (tx: Tx, tenant: string, set: string) => Promise<number>;
  /** How ready a set is at this moment; null for a set that the charter in force does not have. */
  readonly readinessOf: (
    tenant: string,
    set: string,
  ) => Promise<(ReadinessStanding & ReadinessPoints) | null>;
  /** What people are shown of the step that would come now. */
  readonly evidenceOf: EvidenceOf;
  readonly writeEntry: WriteEntry;
}

/** One thing that stands in the way. */
interface Obstacle {
  readonly why: NotProposed;
  readonly text: string;
}

export function createProposing(needs: ProposingNeeds): Proposing {
  const {
    store,
    clock,
    phases,
    withdrawals,
    setIn,
    askerOf,
    unresolvedIn,
    readinessOf,
    evidenceOf,
    writeEntry,
  } = needs;

  /** `unready`: what its readiness has against it. */
  async function proposing(tenant: string, unready: readonly Obstacle[]): Promise<Propose> {
    const ask = await askerOf(tenant);
    return async (tx, order) => {
      const { by, byUser = null, source, reason, evidence, traceId = null } = order;
      // Two keys without a user may both be the same person's, and then four eyes would be two.
      if (source === 'person' && !isPerson(by))
        return refused(
          'nobody',
          'forbidden',
          `A person has to propose this, and ${by} names none; use a key that was made for a user (mandate key create --user).`,
        );
      await lockTenant(tx, tenant);
      const set = await setIn(tx, tenant, order.set);
      const row = await readSet(tx, tenant, order.set);
      if (set === null || row === null)
        return refused(
          'unknown_set',
          'not_found',
          `There is no governed set ${order.set} in the charter in force.`,
        );
      const nowMs = clock.nowMs();
      const state = stateFrom(set, row, { history: [], nowMs });
      const from = set.phases[state.index];
      const to = state.next;
      if (from === undefined || to === null)
        return refused(
          'at_the_top',
          'conflict',
          `${set.name} is at ${state.phase}, the highest phase of its ladder.`,
        );
      await withdrawals.stale(tx, { tenant, name: set.name, set, by });
      const obstacles = [
        ...waitsFor(set, state),
        ...breakersOf(set, await unresolvedIn(tx, tenant, set.name)),
        ...(await alreadyAsked(tx, tenant, { set, nowMs })),
        ...unready,
      ];
      const [first] = obstacles;
      if (first !== undefined)
        return refused(first.why, 'conflict', obstacles.map(({ text }) => text).join(' '));
      // Nobody votes on one step with the record of another before them.
      if (evidence === null || evidence.from !== from.name || evidence.to !== to.name)
        return refused(
          'moved',
          'conflict',
          `${set.name} changed while its record was gathered, so nobody was asked. Propose it again.`,
        );
      const step = stepOf(set, from, to);
      const said = { set: set.name, source, reason, ...evidence.details, step };
      const title = `Raise ${set.name} from ${from.name} to ${to.name}`;
      const id = await ask(tx, {
        tenant,
        title,
        display: said,
        content: { ...said, changes: row.changes },
        requiredRoles: to.approvals,
        requester: by,
        requesterUser: byUser,
        traceId,
      });
      const data = { set: set.name, from: from.name, to: to.name, approval: id, source, reason };
      await writeEntry(tx, tenant, {
        kind: 'governance.proposed',
        actId: null,
        actor: by,
        atMs: nowMs,
        traceId,
        data,
      });
      return { kind: 'proposed', id, from: from.name, to: to.name };
    };
  }

  async function alreadyAsked(
    tx: Tx,
    tenant: string,
    { set, nowMs }: { readonly set: GovernedSet; readonly nowMs: number },
  ): Promise<readonly Obstacle[]> {
    const [waiting] = (await pendingProposals(tx, tenant, { set: set.name, idle: false })).filter(
      ({ expires_at: until }) => until > nowMs,
    );
    if (waiting === undefined) return [];
    const text = `The proposal ${waiting.id} for ${set.name} waits for approval already; approve or reject that one.`;
    return [{ why: 'pending', text }];
  }

  return {
    proposerOf: (tenant) => proposing(tenant, []),

    async propose(order) {
      const { tenant, set } = order;
      const readiness = await readinessOf(tenant, set);
      const unready = unreadiness(set, readiness);
      const evidence =
        readiness === null || unready.length > 0 ? null : await evidenceOf(tenant, set, readiness);
      const propose = await proposing(tenant, unready);
      return store.withTenant(tenant, (tx) => propose(tx, { ...order, evidence }));
    },

    subject: {
      async apply(tx, { id, tenant, content, approvedBy, nowMs, traceId }) {
        const name = setNameOf(content);
        // Before the lock, so that nobody who lets it fall has to wait for that.
        const unready = unreadiness(name, await readinessOf(tenant, name));
        await lockTenant(tx, tenant);
        const set = await setIn(tx, tenant, name);
        const row = await readSet(tx, tenant, name);
        const outgrown = whyOutgrown(content, set, row);
        if (outgrown !== null || set === null || row === null)
          return { kind: 'refused', detail: outgrown ?? `${name} is governed no more.` };
        // What the charter in force says of times counts, also where it says more than when this was proposed.
        const state = stateFrom(set, row, { history: [], nowMs });
        const against = [
          ...waitsFor(set, state),
          ...breakersOf(set, await unresolvedIn(tx, tenant, name)),
          ...unready,
        ];
        if (against.length > 0) {
          const detail = `${against.map(({ text }) => text).join(' ')} Propose it again when that is done.`;
          return { kind: 'refused', detail };
        }
        const phase = state.next;
        if (phase === null) return { kind: 'refused', detail: `${name} is at the top of its ladder.` };
        await phases.enter(
          tx,
          { set, phase, kind: 'risen', row },
          {
            tenant,
            cause: `The proposal ${id} was approved by ${approvedBy.join(' and ')}.`,
            by: approvedBy.at(-1) ?? 'mandate:approval',
            atMs: nowMs,
            actId: null,
            approvalId: id,
            traceId,
          },
        );
        await raiseRevision(tx, tenant);
        return { kind: 'applied' };
      },
    },
  };
}

/** Times in which nothing is proposed. */
function waitsFor(
  set: GovernedSet,
  { phase, stabilizationUntilMs, validationUntilMs }: SetState,
): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (stabilizationUntilMs !== null)
    obstacles.push({
      why: 'stabilizing',
      text: `${set.name} is in its stabilisation until ${iso(stabilizationUntilMs)}; nothing is proposed before.`,
    });
  if (validationUntilMs !== null)
    obstacles.push({
      why: 'validating',
      text: `${phase} of ${set.name} is on probation until ${iso(validationUntilMs)}; the next phase is proposed after it.`,
    });
  return obstacles;
}

function breakersOf({ name }: GovernedSet, unresolved: number): readonly Obstacle[] {
  if (unresolved === 0) return [];
  const what =
    unresolved === 1
      ? `A circuit breaker of ${name} has triggered and nobody has resolved it.`
      : `${unresolved} circuit breaker events of ${name} are unresolved.`;
  return [{ why: 'breakers_unresolved', text: `${what} Resolve what is open first.` }];
}

/** What readiness has against it; what cannot be assessed is not ready (I5). */
function unreadiness(set: string, standing: ReadinessStanding | null): readonly Obstacle[] {
  if (standing === null)
    return [{ why: 'not_ready', text: `The readiness of ${set} cannot be assessed, so it is not ready.` }];
  return readinessReasons(standing).map(({ text }) => ({ why: 'not_ready', text }));
}

function refused(why: NotProposed, code: ProblemCode, detail: string): Proposed {
  return { kind: 'refused', why, refusal: { code, detail } };
}
