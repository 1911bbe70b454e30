// The HTTP resources of phases: where each set stands, letting one fall, and proposals to rise.
import type { GovernedSet } from '@mandate/kernel';
import { z } from 'zod';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';
import { limitField, nameField, reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Call, Reply, Route } from '../../platform/http/route.ts';
import { alsoUnversioned } from '../../platform/http/unversioned.ts';
import { NOTHING_GOVERNED, setField, whichSet } from '../../platform/http/which-set.ts';
import type { Governance } from './governance.ts';
import type { ProposalDesk } from './proposal-desk.ts';
import type { SetState } from './state.ts';

const DAY_MS = 86_400_000;
const PAGE = 20;
const PAGE_MAX = 100;

const fallBody = z.strictObject({
  set: setField,
  to: nameField.default('first').describe('first, previous, or a phase below the current one.'),
  reason: reasonField,
});
const proposalBody = z.strictObject({ set: setField, reason: reasonField });
const verdictBody = z.strictObject({
  reason: reasonField,
  approver: nameField.optional().describe('Who approves; must be the owner of the key.'),
  role: nameField.optional().describe('In which of their roles; the vote then counts for that one alone.'),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be the digest that the proposal shows')
    .optional(),
});

export interface GovernanceRoutesNeeds {
  readonly governance: Pick<Governance, 'setsOf' | 'stateOf' | 'fall' | 'propose'>;
  readonly desk: ProposalDesk;
  /** The last weekly cycle of a set, and when the next one is due. */
  readonly cycleOf: (tenant: string, set: GovernedSet) => Promise<CycleStanding>;
  readonly nowMs: () => number;
}

export interface CycleStanding {
  /** null where there has been none. */
  readonly last: {
    readonly report: string;
    readonly week: string;
    readonly at: string;
    readonly decision: 'propose' | 'stay';
  } | null;
  readonly next: string | null;
}

/** With and without the version in their paths. */
export function governanceRoutes({
  governance,
  desk,
  cycleOf,
  nowMs,
}: GovernanceRoutesNeeds): readonly Route[] {
  const { setsOf, stateOf } = governance;

  /** The set that is meant, or the answer that says why there is none. */
  async function setOf(tenant: string, wanted: string | undefined): Promise<GovernedSet | Reply> {
    const which = whichSet(await setsOf(tenant), wanted);
    if (which.kind === 'set') return which.set;
    return problem(which.kind === 'none' ? NOTHING_GOVERNED : which.refusal);
  }

  async function decided(
    { principal, params, body, traceId }: Call<z.output<typeof verdictBody>>,
    decision: 'approve' | 'deny',
  ): Promise<Reply> {
    const answer = await desk.decide({
      principal,
      id: params['id'] ?? '',
      decision,
      reason: body.reason,
      approver: body.approver ?? null,
      role: body.role ?? null,
      digest: body.digest ?? null,
      traceId,
    });
    return answer.kind === 'refused'
      ? problem(answer.refusal)
      : json({ ...answer.proposal, missing: answer.missing });
  }

  return alsoUnversioned([
    route({
      method: 'GET',
      path: '/api/v1/governance/state',
      summary: 'In which phase a governed set stands, since when, and what stands in the way of the next',
      permission: 'governance.read',
      answer: 'The state; phase null where the charter governs nothing',
      query: z.strictObject({ set: setField }),
      async handle({ principal: { tenant }, query }) {
        const sets = await setsOf(tenant);
        const which = whichSet(sets, query.set);
        if (which.kind === 'refused') return problem(which.refusal);
        if (which.kind === 'none') return json({ set: null, phase: null, sets: [] });
        const state = await stateOf(tenant, which.set.name);
        if (state === null) return problem(NOTHING_GOVERNED);
        const [pending] = (await desk.list(tenant, which.set.name, 1)).filter(
          ({ status }) => status === 'pending',
        );
        return json({
          ...stateView(which.set, state, nowMs()),
          pendingProposal: pending?.id ?? null,
          cycle: await cycleOf(tenant, which.set),
          sets: sets.map(({ name }) => name),
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/governance/fall',
      summary: 'Let a set fall to a lower phase at once; falling twice changes nothing',
      permission: 'governance.fall',
      answer: '{ set, from, to, changed, confirmed }',
      body: fallBody,
      async handle({ principal, body, traceId }) {
        const { tenant, id: by } = principal;
        const set = await setOf(tenant, body.set);
        if ('kind' in set) return set;
        const done = await governance.fall({
          tenant,
          set: set.name,
          to: body.to,
          cause: body.reason,
          by,
          traceId,
        });
        if (done.kind === 'refused') return problem(done.refusal);
        const changed = done.kind === 'fallen';
        const from = changed ? done.from : done.phase;
        const to = changed ? done.to : done.phase;
        return json({ set: set.name, from, to, changed, confirmed: done.isConfirmed });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/governance/proposals',
      summary: 'Proposals to rise, newest first',
      permission: 'governance.read',
      answer: '{ items }',
      query: z.strictObject({ set: setField, limit: limitField(PAGE_MAX).optional() }),
      async handle({ principal: { tenant }, query }) {
        const limit = query.limit ?? PAGE;
        if (query.set === undefined) return json({ items: await desk.list(tenant, null, limit) });
        const set = await setOf(tenant, query.set);
        return 'kind' in set ? set : json({ items: await desk.list(tenant, set.name, limit) });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/governance/proposals',
      summary: 'Propose that a set rises by one phase; people approve it',
      permission: 'governance.write',
      answer: 'The proposal',
      body: proposalBody,
      async handle({ principal, body, traceId }) {
        const { tenant, id: by, user } = principal;
        const set = await setOf(tenant, body.set);
        if ('kind' in set) return set;
        const done = await governance.propose({
          tenant,
          set: set.name,
          source: 'person',
          by,
          byUser: user?.id ?? null,
          reason: body.reason,
          traceId,
        });
        if (done.kind === 'refused') return problem(done.refusal);
        return json(await desk.open(principal, done.id), 201);
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/governance/proposals/:id',
      summary: 'One proposal with what is proposed and who has approved',
      permission: 'governance.read',
      answer: 'The proposal',
      async handle({ principal, params }) {
        const id = params['id'] ?? '';
        const found = await desk.open(principal, id);
        return found === null
          ? problem({ code: 'not_found', detail: `There is no proposal ${id}.` })
          : json(found);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/governance/proposals/:id/approve',
      summary: 'Approve a proposal; the last approval that it takes raises the phase',
      permission: 'governance.decide',
      answer: 'The proposal, and what is still missing',
      body: verdictBody,
      handle: (call) => decided(call, 'approve'),
    }),
    route({
      method: 'POST',
      path: '/api/v1/governance/proposals/:id/reject',
      summary: 'Reject a proposal; one rejection ends it',
      permission: 'governance.decide',
      answer: 'The proposal',
      body: verdictBody,
      handle: (call) => decided(call, 'deny'),
    }),
  ]);
}

/** A state as it is shown. */
function stateView(set: GovernedSet, state: SetState, nowMs: number) {
  return {
    set: state.set,
    patterns: set.patterns,
    phase: state.phase,
    title: state.title,
    ladder: set.phases.map(({ name }) => name),
    since: iso(state.sinceMs),
    daysSincePhaseStart: Math.max(0, Math.floor((nowMs - state.sinceMs) / DAY_MS)),
    entered: state.entered,
    whitelist: state.whitelist,
    validationUntil: isoOrNull(state.validationUntilMs),
    stabilizationUntil: isoOrNull(state.stabilizationUntilMs),
    previous: state.previous,
    next:
      state.next === null
        ? null
        : {
            phase: state.next.name,
            title: state.next.title,
            adds: state.next.whitelist.filter((each) => !state.whitelist.includes(each)),
            validationDays: state.next.validationMs / DAY_MS,
            requiredApprovals: state.next.approvals,
          },
    history: state.history.map(({ atMs, ...change }) => ({ ...change, at: iso(atMs) })),
  };
}
