// A decision of people on the digest of what they were shown. Votes are counted by the kernel; this module keeps
// them, lets exactly one decision win, and writes what happened in the same transaction.
import { redactText, tally } from '@mandate/kernel';
import type { Json, JsonObject, Vote } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { isPerson } from '../../platform/identity/principal.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { iso } from '../../platform/clock/iso.ts';

export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled' | 'used';

export interface Approval {
  readonly id: string;
  readonly digest: string;
  readonly subject: string;
  readonly actId: string | null;
  readonly agent: string;
  readonly action: string;
  readonly display: Json;
  readonly requester: string;
  readonly causes: readonly string[];
  readonly requiredRoles: readonly string[];
  readonly quorum: number;
  readonly fourEyes: boolean;
  readonly status: ApprovalStatus;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly votes: readonly {
    readonly by: string;
    readonly decision: string;
    readonly reason: string | null;
    readonly at: string;
  }[];
}

export interface Ballot {
  readonly tenant: string;
  readonly approvalId: string;
  readonly decision: 'approve' | 'deny';
  /** The digest that the voter was shown. */
  readonly digest: string;
  readonly reason: string | null;
  readonly voter: { readonly id: string; readonly roles: readonly string[] };
  readonly traceId: string | null;
}

export type VoteAnswer =
  | { readonly kind: 'voted'; readonly approval: Approval; readonly missing: string | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Approvals {
  list(tenant: string, status: ApprovalStatus | null, limit: number): Promise<readonly Approval[]>;
  find(tenant: string, id: string): Promise<Approval | null>;
  vote(ballot: Ballot): Promise<VoteAnswer>;
}

export interface ApprovalsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly writeEntry: (
    tx: Tx,
    tenant: string,
    entry: {
      kind: string;
      agent: string;
      actId: string | null;
      actor: string;
      atMs: number;
      traceId: string | null;
      data: JsonObject;
    },
  ) => Promise<void>;
}

export function createApprovals({ store, clock, writeEntry }: ApprovalsNeeds): Approvals {
  return {
    list: (tenant, status, limit) =>
      store.withTenant(tenant, async (tx) => {
        const rows = await tx<ApprovalRow[]>`
          select a.*, x.agent, x.action from mandate.approval a left join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
          where a.tenant = ${tenant} ${status === null ? tx`` : tx`and a.status = ${status}`}
            ${status === 'pending' ? tx`and a.expires_at > ${new Date(clock.nowMs())}` : tx``}
          order by a.created_at desc, a.id desc limit ${limit}`;
        return withVotes(tx, tenant, rows);
      }),

    find: (tenant, id) => store.withTenant(tenant, (tx) => read(tx, tenant, id)),

    vote: (ballot) =>
      store.withTenant(ballot.tenant, async (tx): Promise<VoteAnswer> => {
        const { tenant, approvalId, voter } = ballot;
        // People paste what they saw into a reason, and a reason is stored and shown in plain text.
        const reason = ballot.reason === null ? null : redactText(ballot.reason);
        const nowMs = clock.nowMs();
        // One winner: every vote on this approval waits here for the one before.
        const [row] = await tx<
          StoredApproval[]
        >`select * from mandate.approval where tenant = ${tenant} and id = ${approvalId} for update`;
        if (row === undefined)
          return refused({ code: 'not_found', detail: `There is no approval ${approvalId}.` });
        const problem = unfit(row, ballot, nowMs);
        if (problem !== null) return refused(problem);
        const inserted = await tx`
          insert into mandate.vote (tenant, approval_id, voter, roles, decision, reason, at)
          values (${tenant}, ${approvalId}, ${voter.id}, ${[...voter.roles]}, ${ballot.decision}, ${reason}, ${new Date(nowMs)})
          on conflict do nothing`;
        if (inserted.count === 0)
          return refused({ code: 'conflict', detail: `${voter.id} has voted on this approval already.` });
        const votes = await tx<{ by: string; roles: string[]; decision: Vote['decision'] }[]>`
          select voter as by, roles, decision from mandate.vote where tenant = ${tenant} and approval_id = ${approvalId} order by at, voter`;
        const [act] = await tx<
          { agent: string }[]
        >`select agent from mandate.act where tenant = ${tenant} and id = ${row.act_id}`;
        const agent = act?.agent ?? '';
        const result = tally(
          {
            requiredRoles: row.required_roles,
            quorum: row.quorum,
            fourEyes: row.four_eyes,
            expiresMs: row.expires_at,
          },
          votes,
          {
            principal: row.requester,
            agent: `agent:${agent}`,
            user: row.requester_user === null ? null : `user:${row.requester_user}`,
          },
        );
        const entry = (kind: string, data: JsonObject) =>
          writeEntry(tx, tenant, {
            kind,
            agent,
            actId: row.act_id,
            actor: voter.id,
            atMs: nowMs,
            traceId: ballot.traceId,
            data: { approval: approvalId, digest: row.digest, ...data },
          });
        await entry('approval.voted', {
          decision: ballot.decision,
          roles: voter.roles,
          reason,
        });
        if (result.kind !== 'pending') {
          await tx`update mandate.approval set status = ${result.kind}, decided_at = ${new Date(nowMs)} where tenant = ${tenant} and id = ${approvalId}`;
          await entry(`approval.${result.kind}`, { by: result.by });
        }
        if (result.kind === 'denied' && row.act_id !== null) {
          const why = `Denied by ${voter.id}${reason === null ? '' : `: ${reason}`}`;
          await tx`
            update mandate.act set status = 'denied', error = ${why}, ended_at = ${new Date(nowMs)}
            where tenant = ${tenant} and id = ${row.act_id} and status = 'waiting_for_approval'`;
          await entry('action.denied', { reason: why });
        }
        if (result.kind === 'approved') await tx`select pg_notify('mandate_approved', '')`;
        const approval = await read(tx, tenant, approvalId);
        if (approval === null) throw new Error(`approval ${approvalId} vanished inside its own transaction`);
        return { kind: 'voted', approval, missing: result.kind === 'pending' ? result.text : null };
      }),
  };
}

function refused(refusal: Refusal): VoteAnswer {
  return { kind: 'refused', refusal };
}

function unfit(row: StoredApproval, ballot: Ballot, nowMs: number): Refusal | null {
  const { voter } = ballot;
  if (row.status !== 'pending')
    return { code: 'conflict', detail: `This approval is ${row.status} already.` };
  if (row.expires_at <= nowMs)
    return {
      code: 'conflict',
      detail: `This approval expired at ${iso(row.expires_at)}; the agent has to ask again.`,
    };
  if (row.digest !== ballot.digest)
    return {
      code: 'digest_mismatch',
      detail: 'The digest is not that of what waits here; read the approval again before deciding.',
    };
  if (ballot.decision === 'approve' && row.quorum > 1 && !isPerson(voter.id))
    return {
      code: 'forbidden',
      detail: `This takes ${row.quorum} people, and ${voter.id} names no person; vote with a key that was made for a user (mandate key create --user).`,
    };
  if (ballot.decision === 'approve' && row.four_eyes && voter.id === row.requester)
    return {
      code: 'forbidden',
      detail: `Four eyes: ${voter.id} asked for this and cannot approve it; somebody else has to.`,
    };
  if (
    ballot.decision === 'approve' &&
    row.four_eyes &&
    row.requester_user !== null &&
    voter.id === `user:${row.requester_user}`
  ) {
    return {
      code: 'forbidden',
      detail: `Four eyes: ${voter.id} is the user on whose authority this was asked.`,
    };
  }
  return null;
}

async function read(tx: Tx, tenant: string, id: string): Promise<Approval | null> {
  const rows = await tx<ApprovalRow[]>`
    select a.*, x.agent, x.action from mandate.approval a left join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
    where a.tenant = ${tenant} and a.id = ${id}`;
  const [approval] = await withVotes(tx, tenant, rows);
  return approval ?? null;
}

interface StoredApproval {
  readonly id: string;
  readonly digest: string;
  readonly subject: string;
  readonly act_id: string | null;
  readonly display: Json;
  readonly requester: string;
  readonly requester_user: string | null;
  readonly causes: readonly string[];
  readonly required_roles: readonly string[];
  readonly quorum: number;
  readonly four_eyes: boolean;
  readonly status: ApprovalStatus;
  readonly created_at: number;
  readonly expires_at: number;
}

interface ApprovalRow extends StoredApproval {
  readonly agent: string | null;
  readonly action: string | null;
}

async function withVotes(tx: Tx, tenant: string, rows: readonly ApprovalRow[]): Promise<readonly Approval[]> {
  const votes = await tx<
    { approval_id: string; voter: string; decision: string; reason: string | null; at: number }[]
  >`
    select approval_id, voter, decision, reason, at from mandate.vote
    where tenant = ${tenant} and approval_id = any (${rows.map((row) => row.id)}::uuid[]) order by at, voter`;
  return rows.map((row) => ({
    id: row.id,
    digest: row.digest,
    subject: row.subject,
    actId: row.act_id,
    agent: row.agent ?? '',
    action: row.action ?? '',
    display: row.display,
    requester: row.requester,
    causes: row.causes,
    requiredRoles: row.required_roles,
    quorum: row.quorum,
    fourEyes: row.four_eyes,
    status: row.status,
    createdAt: iso(row.created_at),
    expiresAt: iso(row.expires_at),
    votes: votes
      .filter((vote) => vote.approval_id === row.id)
      .map((vote) => ({ by: vote.voter, decision: vote.decision, reason: vote.reason, at: iso(vote.at) })),
  }));
}
