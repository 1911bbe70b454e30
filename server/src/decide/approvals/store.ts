// The rows of approvals and votes. Every function takes the caller's transaction, because what people decide, what
// becomes of it and the journal entry that tells of it commit together.
import { describeCapacities } from '@mandate/kernel';
import type { ApprovalStatus, Capacity, EscalationStep, Json, JsonObject } from '@mandate/kernel';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Approval, CastVote } from './approval.ts';

/** A row as it stands, with what only the mechanism reads. */
export interface ApprovalRow {
  readonly id: string;
  readonly digest: string;
  readonly subject: string;
  readonly title: string | null;
  readonly act_id: string | null;
  readonly agent: string | null;
  readonly action: string | null;
  readonly display: Json;
  readonly content: JsonObject | null;
  readonly requester: string;
  readonly requester_user: string | null;
  readonly causes: readonly string[];
  readonly required_roles: readonly string[];
  readonly voter_roles: readonly string[];
  readonly quorum: number;
  readonly four_eyes: boolean;
  readonly status: ApprovalStatus;
  readonly created_at: number;
  readonly expires_at: number;
  readonly escalated_to: readonly string[];
  readonly escalate_at: number | null;
  readonly replaced_by: string | null;
  readonly replaces: string | null;
  readonly editors: readonly string[];
  readonly ended_why: string | null;
  readonly trace_id: string | null;
  /** Of the act that waits, if one does. */
  readonly act_agent: string | null;
  readonly act_action: string | null;
}

export interface NewApproval {
  readonly tenant: string;
  readonly id: string;
  readonly digest: string;
  readonly subject: string;
  readonly title: string;
  readonly agent: string | null;
  readonly display: JsonObject;
  readonly content: JsonObject;
  readonly requester: string;
  readonly requesterUser: string | null;
  readonly causes: readonly string[];
  readonly requiredRoles: readonly string[];
  readonly voterRoles: readonly string[];
  readonly quorum: number;
  readonly fourEyes: boolean;
  readonly escalation: readonly EscalationStep[];
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly traceId: string | null;
}

export interface NewVote {
  readonly tenant: string;
  readonly approvalId: string;
  readonly voter: string;
  readonly roles: readonly string[];
  readonly capacities: readonly Capacity[];
  readonly decision: 'approve' | 'deny';
  readonly reason: string | null;
  readonly rememberMs: number | null;
  readonly channel: string;
  readonly atMs: number;
}

export interface StoredVote {
  readonly by: string;
  readonly roles: readonly string[];
  readonly capacities: readonly Capacity[];
  readonly decision: 'approve' | 'deny';
  readonly remember_ms: number | null;
}

/** Inserts a pending approval that waits on no act. */
export async function insertApproval(tx: Tx, it: NewApproval): Promise<void> {
  const [first] = it.escalation;
  await tx`
    insert into mandate.approval (tenant, id, digest, subject, title, agent, display, content, requester, requester_user, causes,
      required_roles, voter_roles, quorum, four_eyes, status, created_at, expires_at, escalation, escalate_at, trace_id)
    values (${it.tenant}, ${it.id}, ${it.digest}, ${it.subject}, ${it.title}, ${it.agent}, ${jsonb(tx, it.display)}, ${jsonb(tx, it.content)},
      ${it.requester}, ${it.requesterUser}, ${[...it.causes]}, ${[...it.requiredRoles]}, ${[...it.voterRoles]}, ${it.quorum}, ${it.fourEyes}, 'pending',
      ${new Date(it.createdMs)}, ${new Date(it.expiresMs)}, ${jsonb(tx, it.escalation)}, ${first === undefined ? null : new Date(it.createdMs + first.afterMs)}, ${it.traceId})`;
}

/** The row, locked: every vote on it and every end of it waits here for the one before. */
export async function lockApproval(tx: Tx, tenant: string, id: string): Promise<ApprovalRow | null> {
  const locked = await tx`select 1 from mandate.approval where tenant = ${tenant} and id = ${id} for update`;
  if (locked.count === 0) return null;
  const [row] = await selectRows(tx, tenant, { ids: [id] });
  return row ?? null;
}

/** The pending approval of that subject and digest, if there is one; the newest, should there be several. */
export async function findPending(
  tx: Tx,
  tenant: string,
  { subject, digest, nowMs }: { readonly subject: string; readonly digest: string; readonly nowMs: number },
): Promise<string | null> {
  const [row] = await tx<{ id: string }[]>`
    select id from mandate.approval
    where tenant = ${tenant} and subject = ${subject} and digest = ${digest} and status = 'pending' and act_id is null and expires_at > ${new Date(nowMs)}
    order by created_at desc limit 1`;
  return row?.id ?? null;
}

/** Ids of what waits with that digest, oldest first. */
export async function pendingOfDigest(
  tx: Tx,
  tenant: string,
  { digest, nowMs, limit }: { readonly digest: string; readonly nowMs: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await tx<{ id: string }[]>`
    select id from mandate.approval where tenant = ${tenant} and digest = ${digest} and status = 'pending' and expires_at > ${new Date(nowMs)}
    order by created_at, id limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** False where this voter has voted on it already. */
export async function insertVote(tx: Tx, it: NewVote): Promise<boolean> {
  const inserted = await tx`
    insert into mandate.vote (tenant, approval_id, voter, roles, capacities, decision, reason, at, remember_ms, channel, shown_at)
    select ${it.tenant}, ${it.approvalId}, ${it.voter}, ${[...it.roles]}, ${jsonb(tx, it.capacities)}, ${it.decision}, ${it.reason}, ${new Date(it.atMs)},
      ${it.rememberMs}, ${it.channel},
      (select s.at from mandate.approval_shown s where s.tenant = ${it.tenant} and s.approval_id = ${it.approvalId} and s.person = ${it.voter})
    on conflict do nothing`;
  return inserted.count > 0;
}

export function votesOf(tx: Tx, tenant: string, id: string): Promise<readonly StoredVote[]> {
  return tx<StoredVote[]>`
    select voter as by, roles, capacities, decision, remember_ms from mandate.vote
    where tenant = ${tenant} and approval_id = ${id} order by at, voter`;
}

/** Ties an approval to the one of which somebody made it; they and whoever edited it before are its editors. */
export async function noteEdit(
  tx: Tx,
  {
    tenant,
    id,
    replaces,
    editor,
  }: { readonly tenant: string; readonly id: string; readonly replaces: string; readonly editor: string },
): Promise<void> {
  await tx`
    update mandate.approval a set replaces = b.id, editors = array_append(array_remove(b.editors, ${editor}), ${editor})
    from mandate.approval b
    where a.tenant = ${tenant} and a.id = ${id} and b.tenant = ${tenant} and b.id = ${replaces}`;
}

/** Ends a pending approval, or marks one used. */
export async function setStatus(
  tx: Tx,
  { tenant, id }: { readonly tenant: string; readonly id: string },
  {
    status,
    why = null,
    nowMs,
  }: { readonly status: ApprovalStatus; readonly why?: string | null; readonly nowMs: number },
): Promise<void> {
  const now = new Date(nowMs);
  await tx`
    update mandate.approval set status = ${status}, decided_at = ${now}, ended_why = ${why}, used_at = ${status === 'used' ? now : null}
    where tenant = ${tenant} and id = ${id}`;
}

/** Approvals as they are shown, with their votes. */
export async function readApprovals(tx: Tx, tenant: string, which: Which): Promise<readonly Approval[]> {
  return withVotes(tx, tenant, await selectRows(tx, tenant, which));
}

export interface Which {
  readonly ids?: readonly string[];
  readonly status?: ApprovalStatus | null;
  /** With status `pending`: what has run out by now is left out. */
  readonly nowMs?: number;
  readonly limit?: number;
}

function selectRows(
  tx: Tx,
  tenant: string,
  { ids, status = null, nowMs, limit = 200 }: Which,
): Promise<readonly ApprovalRow[]> {
  return tx<ApprovalRow[]>`
    select a.*, x.agent as act_agent, x.action as act_action
    from mandate.approval a left join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
    where a.tenant = ${tenant} ${ids === undefined ? tx`` : tx`and a.id = any (${[...ids]}::uuid[])`}
      ${status === null ? tx`` : tx`and a.status = ${status}`}
      ${status === 'pending' && nowMs !== undefined ? tx`and a.expires_at > ${new Date(nowMs)}` : tx``}
    order by a.created_at desc, a.id desc limit ${limit}`;
}

async function withVotes(tx: Tx, tenant: string, rows: readonly ApprovalRow[]): Promise<readonly Approval[]> {
  const votes = await tx<VoteRow[]>`
    select approval_id, voter, decision, reason, at, capacities, channel from mandate.vote
    where tenant = ${tenant} and approval_id = any (${rows.map((row) => row.id)}::uuid[]) order by at, voter`;
  return rows.map((row) =>
    viewOf(
      row,
      votes.filter((vote) => vote.approval_id === row.id),
    ),
  );
}

interface VoteRow {
  readonly approval_id: string;
  readonly voter: string;
  readonly decision: 'approve' | 'deny';
  readonly reason: string | null;
  readonly at: number;
  readonly capacities: readonly Capacity[];
  readonly channel: string;
}

function viewOf(row: ApprovalRow, votes: readonly VoteRow[]): Approval {
  const agent = row.act_agent ?? row.agent ?? '';
  const action = row.act_action ?? row.action ?? row.subject;
  return {
    id: row.id,
    digest: row.digest,
    subject: row.subject,
    title: row.title ?? `${action} by ${agent}`,
    actId: row.act_id,
    agent,
    action,
    display: row.display,
    requester: row.requester,
    causes: row.causes,
    requiredRoles: row.required_roles,
    voterRoles: row.voter_roles,
    quorum: row.quorum,
    fourEyes: row.four_eyes,
    status: row.status,
    createdAt: iso(row.created_at),
    expiresAt: iso(row.expires_at),
    escalatedTo: row.escalated_to,
    escalatesAt: row.status === 'pending' ? isoOrNull(row.escalate_at) : null,
    replacedBy: row.replaced_by,
    replaces: row.replaces,
    editors: row.editors,
    endedWhy: row.ended_why,
    votes: votes.map(voteView),
  };
}

function voteView({ voter, decision, reason, at, capacities, channel }: VoteRow): CastVote {
  return {
    by: voter,
    decision,
    reason,
    at: iso(at),
    capacities,
    as: describeCapacities(voter, capacities),
    channel,
  };
}
