// Where people look at proposals and decide them. The mechanism is that of every approval; this only says it in the words
// of phases, and sees to it that whoever says who they are and in which role says the truth.
import { capacitiesOf, missingRolesOf } from '@mandate/kernel';
import type { ApprovalSettings, ApprovalStatus, Json, JsonObject, Proposal } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { approverRolesOf } from '../../platform/identity/roles.ts';

/** An approval, as far as proposals are concerned. */
export interface Asked {
  readonly id: string;
  readonly digest: string;
  readonly subject: string;
  readonly title: string;
  readonly display: Json;
  readonly requester: string;
  readonly requiredRoles: readonly string[];
  readonly voterRoles: readonly string[];
  readonly quorum: number;
  readonly status: ApprovalStatus;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly escalatedTo: readonly string[];
  readonly endedWhy: string | null;
  readonly votes: readonly {
    readonly by: string;
    readonly decision: 'approve' | 'deny';
    readonly reason: string | null;
    readonly at: string;
    readonly capacities: readonly { readonly role: string }[];
    readonly as: string;
  }[];
}

export interface ProposalView extends Proposal {
  readonly source: string;
  /** All that approvers are shown. */
  readonly details: JsonObject;
}

export interface Verdict {
  readonly principal: Principal;
  readonly id: string;
  readonly decision: 'approve' | 'deny';
  readonly reason: string;
  /** What they say of themselves; must be true. */
  readonly approver: string | null;
  readonly role: string | null;
  /** Of what they were shown; null: the id says it, since what it stands for never changes. */
  readonly digest: string | null;
  readonly traceId: string | null;
}

export type Decision =
  | { readonly kind: 'decided'; readonly proposal: ProposalView; readonly missing: string | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface ProposalDesk {
  list(tenant: string, set: string | null, limit: number): Promise<readonly ProposalView[]>;
  /** null for no proposal of that id; notes that this person was shown it. */
  open(principal: Principal, id: string): Promise<ProposalView | null>;
  decide(verdict: Verdict): Promise<Decision>;
}

export interface ProposalDeskNeeds {
  readonly clock: Clock;
  readonly proposalIds: (tenant: string, set: string | null, limit: number) => Promise<readonly string[]>;
  readonly find: (tenant: string, id: string) => Promise<Asked | null>;
  readonly shown: (
    tenant: string,
    showing: { readonly ids: readonly string[]; readonly person: string; readonly channel: string },
  ) => Promise<void>;
  readonly settingsOf: (tenant: string) => Promise<ApprovalSettings>;
  readonly vote: (ballot: {
    readonly tenant: string;
    readonly approvalId: string;
    readonly decision: 'approve' | 'deny';
    readonly digest: string;
    readonly reason: string | null;
    readonly voter: {
      readonly id: string;
      readonly roles: readonly string[];
      readonly as: string | null;
    };
    readonly traceId: string | null;
  }) => Promise<
    | { readonly kind: 'voted'; readonly approval: Asked; readonly missing: string | null }
    | { readonly kind: 'refused'; readonly refusal: Refusal }
  >;
}

export function createProposalDesk(needs: ProposalDeskNeeds): ProposalDesk {
  const { clock, proposalIds, settingsOf, shown, vote } = needs;

  async function find(tenant: string, id: string): Promise<Asked | null> {
    const asked = await needs.find(tenant, id);
    return asked === null || asked.subject !== 'proposal' ? null : asked;
  }

  return {
    async list(tenant, set, limit) {
      const found: ProposalView[] = [];
      for (const id of await proposalIds(tenant, set, limit)) {
        const asked = await find(tenant, id);
        if (asked !== null) found.push(viewOf(asked));
      }
      return found;
    },

    async open({ tenant, id: person }, id) {
      const asked = await find(tenant, id);
      if (asked === null) return null;
      if (asked.status === 'pending') await shown(tenant, { ids: [id], person, channel: 'api' });
      return viewOf(asked);
    },

    async decide({ principal, id, decision, reason, approver, role, digest, traceId }) {
      const { tenant } = principal;
      const asked = await find(tenant, id);
      if (asked === null) return refused('not_found', `There is no proposal ${id}.`);
      if (approver !== null && !namesOf(principal).includes(approver))
        return refused('not_yours', `The key is ${principal.id}'s, and ${approver} is somebody else.`);
      const roles = [...new Set<string>([...principal.roles, ...approverRolesOf(principal.roles)])];
      if (role !== null) {
        const { standIns } = await settingsOf(tenant);
        const held = capacitiesOf(
          { by: principal.id, roles },
          asked,
          { standIns, escalatedTo: asked.escalatedTo, nowMs: clock.nowMs() },
          asked.voterRoles.length > 0 ? asked.voterRoles : undefined,
        );
        if (!roles.includes(role) && !held.some((each) => each.role === role))
          return refused('not_yours', `${principal.id} does not have the role ${role}.`);
      }
      const answer = await vote({
        tenant,
        approvalId: id,
        decision,
        digest: digest ?? asked.digest,
        reason,
        voter: { id: principal.id, roles, as: role },
        traceId,
      });
      return answer.kind === 'refused'
        ? answer
        : { kind: 'decided', proposal: viewOf(answer.approval), missing: answer.missing };
    },
  };
}

/** By which names somebody may call themselves. */
function namesOf({ id, user }: Principal): readonly string[] {
  return [id, ...(user === null ? [] : [user.id, ...(user.email === null ? [] : [user.email])])];
}

/** `display` is what propose.ts wrote. */
function viewOf(asked: Asked): ProposalView {
  const details = objectOf(asked.display);
  const step = objectOf(details['step']);
  const approved = asked.votes.filter((vote) => vote.decision === 'approve');
  return {
    id: asked.id,
    set: textOf(details['set']),
    from: textOf(step['from']),
    to: textOf(step['to']),
    title: asked.title,
    status: asked.status,
    digest: asked.digest,
    source: textOf(details['source']),
    reason: textOf(details['reason']),
    requestedBy: asked.requester,
    requestedAt: asked.createdAt,
    expiresAt: asked.expiresAt,
    commands: textsOf(step['adds']),
    validationDays: Number(step['validationDays']),
    requiredApprovals: asked.requiredRoles,
    missingApprovals: missingRolesOf(
      asked,
      approved.map(({ by, capacities }) => ({ by, roles: capacities.map(({ role }) => role) })),
    ),
    approvals: asked.votes.map(({ by, decision, reason, at, capacities }) => ({
      by,
      roles: capacities.map(({ role }) => role),
      decision: decision === 'approve' ? 'approve' : 'reject',
      reason,
      at,
    })),
    endedWhy: asked.endedWhy,
    details,
  };
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !isList(value) ? value : {};
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: Json | undefined): readonly string[] {
  return value !== undefined && isList(value) ? value.map(textOf) : [];
}

function refused(code: Refusal['code'], detail: string): Decision {
  return { kind: 'refused', refusal: { code, detail } };
}
