// Governance, handed what it needs: charters that come into force, the people who approve, and whoever knows of breakers
// that have triggered. It is built before charters are activated, because activating one moves the sets.
import { PROPOSAL_MS } from '@mandate/kernel';
import type { GovernedSet } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { createOpening } from '../decide/approvals/open.ts';
import type { Approvals } from '../decide/approvals/approvals.ts';
import { digestOfSubject } from '../decide/approvals/subject.ts';
import type { Charters } from '../decide/charter/charter.ts';
import { createGovernance } from '../decide/governance/governance.ts';
import { createProposalDesk } from '../decide/governance/proposal-desk.ts';
import type { ProposalDesk } from '../decide/governance/proposal-desk.ts';
import type { ProposingNeeds } from '../decide/governance/propose.ts';
import { governanceRoutes } from '../decide/governance/routes.ts';
import type { GovernanceRoutesNeeds } from '../decide/governance/routes.ts';
import { createBarrier } from '../decide/restrictions/barrier.ts';
import type { Route } from '../platform/http/route.ts';
import type { Tx } from '../platform/postgres/store.ts';
import { writeEntry } from '../prove/journal/journal.ts';

export interface GoverningNeeds {
  readonly infrastructure: Pick<Infrastructure, 'store' | 'clock' | 'chance'>;
  /** Functions, because both come into being after governance does. */
  readonly charters: () => Pick<Charters, 'activeIn'>;
  readonly approvals: () => Approvals;
}

export function buildGovernance({ infrastructure, charters, approvals }: GoverningNeeds) {
  const { store, clock, chance } = infrastructure;
  const opening = createOpening({ clock, chance, writeEntry });
  let unresolvedIn: ProposingNeeds['unresolvedIn'] = () => Promise.resolve(0);
  let readinessOf: ProposingNeeds['readinessOf'] = () => Promise.resolve(null);
  let evidenceOf: ProposingNeeds['evidenceOf'] = () => Promise.resolve(null);

  const setsIn = async (tx: Tx, tenant: string): Promise<readonly GovernedSet[]> =>
    (await charters().activeIn(tx, tenant))?.law.charter.phases ?? [];

  const askerOf: ProposingNeeds['askerOf'] = async (tenant) => {
    const needs = await approvals().needsOf(tenant, 'proposal');
    // Not what the charter says for all: being next in line for actions is no voice in what runs without asking.
    const escalate = (await approvals().settingsOf(tenant)).subjects['proposal']?.escalate ?? [];
    return async (tx, question) => {
      const { content } = question;
      const requiredRoles = [...new Set([...question.requiredRoles, ...(needs?.requiredRoles ?? [])])];
      const { id } = await opening.open(tx, {
        ...question,
        subject: 'proposal',
        digest: digestOfSubject(tenant, 'proposal', content),
        agent: null,
        causes: ['phase:proposal'],
        requiredRoles,
        // Another approver's vote would fill no place, and look as if it had.
        voterRoles: requiredRoles,
        // Whoever holds several of the roles is still one person.
        quorum: Math.max(needs?.quorum ?? 1, requiredRoles.length),
        // Whoever proposes does not approve, whatever the charter says of other subjects.
        fourEyes: true,
        expiresMs: clock.nowMs() + (needs?.expiresMs ?? PROPOSAL_MS),
        escalate,
      });
      return id;
    };
  };

  const governance = createGovernance({
    store,
    control: store.control,
    clock,
    chance,
    writeEntry,
    setsIn,
    askerOf,
    takeBarrier: createBarrier(store.control),
    withdraw: opening.withdraw,
    unresolvedIn: (tx, tenant, set) => unresolvedIn(tx, tenant, set),
    readinessOf: (tenant, set) => readinessOf(tenant, set),
    evidenceOf: (tenant, set, readiness) => evidenceOf(tenant, set, readiness),
  });
  const desk = (): ProposalDesk =>
    createProposalDesk({ ...approvals(), clock, proposalIds: governance.proposalIds });
  return {
    governance,
    subject: governance.subject,
    /** Whoever runs the weekly cycle says how it stands. */
    routes: (cycleOf: GovernanceRoutesNeeds['cycleOf']): readonly Route[] =>
      governanceRoutes({ governance, desk: desk(), cycleOf, nowMs: () => clock.nowMs() }),
    /** Whoever counts breaker events that nobody has resolved says so here; until then there are none. */
    countUnresolvedBy: (count: ProposingNeeds['unresolvedIn']): void => void (unresolvedIn = count),
    /** Whoever assesses readiness says so here; until then nothing is ready. */
    judgeReadinessBy: (judge: ProposingNeeds['readinessOf']): void => void (readinessOf = judge),
    /** Whoever has the record of a set says so here; until then nothing is proposed by people. */
    showRecordBy: (gather: ProposingNeeds['evidenceOf']): void => void (evidenceOf = gather),
  };
}
