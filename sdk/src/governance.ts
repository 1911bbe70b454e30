// Autonomy that is earned in phases, for programs that look after it: where a set stands, what is proposed, and letting
// one fall at once.
import type { Proposal } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { Transport } from './transport.ts';

export interface PhaseChange {
  readonly kind: 'governed' | 'risen' | 'fallen' | 'rewritten' | 'dropped';
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
  readonly by: string;
  readonly at: string;
}

/** Where a governed set stands. Times in ISO 8601. */
export interface GovernanceState {
  readonly set: string;
  readonly phase: string;
  readonly title: string;
  /** Names from the strictest to the freest. */
  readonly ladder: readonly string[];
  readonly since: string;
  readonly daysSincePhaseStart: number;
  /** What runs without asking, as far as phases go. */
  readonly whitelist: readonly string[];
  /** Until when it is on probation; null when it is not. */
  readonly validationUntil: string | null;
  /** Until when nothing may be proposed; null when it may. */
  readonly stabilizationUntil: string | null;
  readonly previous: string | null;
  /** null at the top. */
  readonly next: {
    readonly phase: string;
    readonly title: string;
    readonly adds: readonly string[];
    readonly validationDays: number;
    readonly requiredApprovals: readonly string[];
  } | null;
  readonly pendingProposal: string | null;
  /** Newest first. */
  readonly history: readonly PhaseChange[];
}

export interface ProposalVerdict {
  readonly reason: string;
  /** In which of one's roles; the vote then counts for that one alone. */
  readonly role?: string;
  /** Of what was shown. */
  readonly digest?: string;
}

export interface FallReport {
  readonly set: string;
  readonly from: string;
  readonly to: string;
  /** False where it was as low already. */
  readonly changed: boolean;
  /** Whether it is certain that nothing which was decided before still begins. */
  readonly confirmed: boolean;
}

export interface Governance {
  /** null where the charter governs nothing. `set` may be left out where it governs one set only. */
  state(set?: string): Promise<GovernanceState | null>;
  /** Newest first. */
  proposals(query?: { readonly set?: string; readonly limit?: number }): Promise<readonly Proposal[]>;
  proposal(id: string): Promise<Proposal>;
  /** Proposes that a set rises by one phase. Throws MandateProblem `conflict` where something speaks against it. */
  propose(order: { readonly set?: string; readonly reason: string }): Promise<Proposal>;
  approve(id: string, verdict: ProposalVerdict): Promise<Proposal>;
  reject(id: string, verdict: ProposalVerdict): Promise<Proposal>;
  /** Lets a set fall to `first` (the default), `previous`, or a phase below the current one. Safe to call twice. */
  fall(order: { readonly set?: string; readonly to?: string; readonly reason: string }): Promise<FallReport>;
}

export function createGovernance(transport: Transport): Governance {
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path: `/api/v1/governance${path}`, agent: null, isRepeatable: true });
  const post = (
    path: string,
    body: Readonly<Record<string, string>>,
    isRepeatable = false,
  ): Promise<unknown> =>
    transport.read({ method: 'POST', path: `/api/v1/governance${path}`, body, agent: null, isRepeatable });
  const decide = async (id: string, verb: string, verdict: ProposalVerdict): Promise<Proposal> =>
    readProposal(await post(`/proposals/${encodeURIComponent(id)}/${verb}`, { ...verdict }), 'the answer');
  return {
    async state(set) {
      const answer = await get(`/state${set === undefined ? '' : `?set=${encodeURIComponent(set)}`}`);
      return fieldsOf(answer, 'the answer')['phase'] === null ? null : readState(answer);
    },
    async proposals({ set, limit } = {}) {
      const query = new URLSearchParams({
        ...(set === undefined ? {} : { set }),
        ...(limit === undefined ? {} : { limit: String(limit) }),
      });
      const answer = await get(`/proposals${query.size === 0 ? '' : `?${query.toString()}`}`);
      return listOf(fieldsOf(answer, 'the answer')['items'], readProposal, 'items');
    },
    proposal: async (id) => readProposal(await get(`/proposals/${encodeURIComponent(id)}`), 'the answer'),
    propose: async (order) => readProposal(await post('/proposals', { ...order }), 'the answer'),
    approve: (id, verdict) => decide(id, 'approve', verdict),
    reject: (id, verdict) => decide(id, 'reject', verdict),
    // Repeated after a lost answer: falling twice is falling once.
    fall: async (order) => readFall(await post('/fall', { ...order }, true)),
  };
}

function readState(value: unknown): GovernanceState {
  const of = fieldsOf(value, 'the answer');
  return {
    set: textOf(of['set'], 'set'),
    phase: textOf(of['phase'], 'phase'),
    title: textOf(of['title'], 'title'),
    ladder: listOf(of['ladder'], textOf, 'ladder'),
    since: textOf(of['since'], 'since'),
    daysSincePhaseStart: numberOf(of['daysSincePhaseStart'], 'daysSincePhaseStart'),
    whitelist: listOf(of['whitelist'], textOf, 'whitelist'),
    validationUntil: optional(of['validationUntil'], textOf, 'validationUntil'),
    stabilizationUntil: optional(of['stabilizationUntil'], textOf, 'stabilizationUntil'),
    previous: optional(of['previous'], textOf, 'previous'),
    next: optional(of['next'], readNext, 'next'),
    pendingProposal: optional(of['pendingProposal'], textOf, 'pendingProposal'),
    history: listOf(of['history'], readChange, 'history'),
  };
}

function readNext(value: unknown, where: string): NonNullable<GovernanceState['next']> {
  const of = fieldsOf(value, where);
  return {
    phase: textOf(of['phase'], `${where}.phase`),
    title: textOf(of['title'], `${where}.title`),
    adds: listOf(of['adds'], textOf, `${where}.adds`),
    validationDays: numberOf(of['validationDays'], `${where}.validationDays`),
    requiredApprovals: listOf(of['requiredApprovals'], textOf, `${where}.requiredApprovals`),
  };
}

function readChange(value: unknown, where: string): PhaseChange {
  const of = fieldsOf(value, where);
  return {
    kind: wordOf(of['kind'], ['governed', 'risen', 'fallen', 'rewritten', 'dropped'], `${where}.kind`),
    from: optional(of['from'], textOf, `${where}.from`),
    to: optional(of['to'], textOf, `${where}.to`),
    cause: textOf(of['cause'], `${where}.cause`),
    by: textOf(of['by'], `${where}.by`),
    at: textOf(of['at'], `${where}.at`),
  };
}

const STATUSES = ['pending', 'approved', 'denied', 'expired', 'cancelled', 'used'] as const;

function readProposal(value: unknown, where: string): Proposal {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    set: textOf(of['set'], `${where}.set`),
    from: textOf(of['from'], `${where}.from`),
    to: textOf(of['to'], `${where}.to`),
    title: textOf(of['title'], `${where}.title`),
    status: wordOf(of['status'], STATUSES, `${where}.status`),
    digest: textOf(of['digest'], `${where}.digest`),
    reason: textOf(of['reason'], `${where}.reason`),
    requestedBy: textOf(of['requestedBy'], `${where}.requestedBy`),
    requestedAt: textOf(of['requestedAt'], `${where}.requestedAt`),
    expiresAt: textOf(of['expiresAt'], `${where}.expiresAt`),
    commands: listOf(of['commands'], textOf, `${where}.commands`),
    validationDays: numberOf(of['validationDays'], `${where}.validationDays`),
    requiredApprovals: listOf(of['requiredApprovals'], textOf, `${where}.requiredApprovals`),
    missingApprovals: listOf(of['missingApprovals'], textOf, `${where}.missingApprovals`),
    approvals: listOf(of['approvals'], readVote, `${where}.approvals`),
    endedWhy: optional(of['endedWhy'], textOf, `${where}.endedWhy`),
  };
}

function readVote(value: unknown, where: string): Proposal['approvals'][number] {
  const of = fieldsOf(value, where);
  return {
    by: textOf(of['by'], `${where}.by`),
    roles: listOf(of['roles'], textOf, `${where}.roles`),
    decision: wordOf(of['decision'], ['approve', 'reject'], `${where}.decision`),
    reason: optional(of['reason'], textOf, `${where}.reason`),
    at: textOf(of['at'], `${where}.at`),
  };
}

function readFall(value: unknown): FallReport {
  const of = fieldsOf(value, 'the answer');
  return {
    set: textOf(of['set'], 'set'),
    from: textOf(of['from'], 'from'),
    to: textOf(of['to'], 'to'),
    changed: truthOf(of['changed'], 'changed'),
    confirmed: truthOf(of['confirmed'], 'confirmed'),
  };
}
