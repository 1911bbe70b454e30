// One vote. Whoever casts it must be entitled to it now, must mean what was shown, and must not be tired; then it is
// counted by the kernel, and the vote that decides carries out what was decided in the same transaction (I6).
import { describeCapacities, missingSince, tally } from '@mandate/kernel';
import type { ApprovalSettings, JsonObject } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Approval } from './approval.ts';
import { queueVoter } from './fatigue.ts';
import { insertSignature } from './remember.ts';
import { insertVote, readApprovals, setStatus, votesOf } from './store.ts';
import type { StoredVote } from './store.ts';
import type { Applied, AppliedApproval, SubjectOf } from './subject.ts';
import { agentOf, voterRolesOf } from './unfit.ts';
import { weighBallot } from './weigh-ballot.ts';
import type { Ballot, Voted, Voting } from './weigh-ballot.ts';

export type { Ballot, Voting };

export type VoteAnswer =
  | { readonly kind: 'voted'; readonly approval: Approval; readonly missing: string | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface CastNeeds {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
  readonly subjectOf: SubjectOf;
}

/** Casts one vote in the caller's transaction. `settings` are those of the charter in force. */
export type Cast = (tx: Tx, ballot: Ballot, settings: ApprovalSettings) => Promise<VoteAnswer>;

export function createCast(needs: CastNeeds): Cast {
  const { clock, chance, writeEntry, subjectOf } = needs;

  return async (tx, ballot, settings) => {
    const { tenant, approvalId, voter } = ballot;
    if (ballot.decision === 'approve')
      await queueVoter(tx, { tenant, voter: voter.id, settings: settings.fatigue });
    const weighed = await weighBallot(tx, ballot, { settings, subjectOf, nowMs: clock.nowMs() });
    if (weighed.kind === 'refused') return weighed;
    const { voted } = weighed;
    const { roles, capacities, reason, nowMs } = voted;
    const isNew = await insertVote(tx, {
      tenant,
      approvalId,
      voter: voter.id,
      roles,
      capacities,
      decision: ballot.decision,
      reason,
      rememberMs: ballot.decision === 'approve' ? (ballot.rememberMs ?? null) : null,
      channel: ballot.channel ?? 'api',
      atMs: nowMs,
    });
    if (!isNew)
      return refused({ code: 'conflict', detail: `${voter.id} has voted on this approval already.` });
    await entry('approval.voted', tx, voted, {
      decision: ballot.decision,
      roles,
      as: describeCapacities(voter.id, capacities),
      channel: ballot.channel ?? 'api',
      reason,
    });
    return count(tx, voted);
  };

  async function count(tx: Tx, voted: Voted): Promise<VoteAnswer> {
    const { row, ballot, nowMs } = voted;
    const { tenant } = ballot;
    const votes = await votesOf(tx, tenant, row.id);
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
        agent: `agent:${agentOf(row)}`,
        user: row.requester_user === null ? null : `user:${row.requester_user}`,
      },
      voterRolesOf(row),
    );
    if (result.kind === 'pending') return answer(tx, voted, result.text);
    await setStatus(tx, { tenant, id: row.id }, { status: result.kind, nowMs });
    await entry(`approval.${result.kind}`, tx, voted, { by: result.by });
    if (result.kind === 'denied') await denied(tx, voted);
    else if (row.act_id === null) return apply(tx, voted, result.by);
    else {
      await remember(tx, voted, votes);
      await tx`select pg_notify('mandate_approved', '')`;
    }
    return answer(tx, voted, null);
  }

  async function denied(tx: Tx, voted: Voted): Promise<void> {
    const { row, ballot, reason, nowMs } = voted;
    const { tenant } = ballot;
    if (row.act_id === null) {
      await subjectOf(row.subject)?.ended?.(tx, await appliedOf(tx, voted, []));
      return;
    }
    const why = `Denied by ${ballot.voter.id}${reason === null ? '' : `: ${reason}`}`;
    await tx`
      update mandate.act set status = 'denied', error = ${why}, ended_at = ${new Date(nowMs)}
      where tenant = ${tenant} and id = ${row.act_id} and status = 'waiting_for_approval'`;
    await entry('action.denied', tx, voted, { reason: why });
  }

  /** What was approved happens here, once, or is told why it no longer can. */
  async function apply(tx: Tx, voted: Voted, by: readonly string[]): Promise<VoteAnswer> {
    const { row, ballot, nowMs } = voted;
    const place = { tenant: ballot.tenant, id: row.id };
    const subject = subjectOf(row.subject);
    if (subject === null) throw new Error(`nothing is registered for approvals of ${row.subject}`);
    const outgrown = outgrownText(voted);
    const applied: Applied =
      outgrown === null
        ? await subject.apply(tx, await appliedOf(tx, voted, by))
        : { kind: 'refused', detail: outgrown };
    if (applied.kind === 'refused') {
      await setStatus(tx, place, { status: 'cancelled', why: applied.detail, nowMs });
      await entry('approval.cancelled', tx, voted, { reason: applied.detail });
      return refused({ code: 'conflict', detail: applied.detail });
    }
    await setStatus(tx, place, { status: 'used', nowMs });
    await entry('approval.used', tx, voted, { subject: row.subject });
    return answer(tx, voted, null);
  }

  /** Only where everybody who approved wants it, and for the shortest time that one of them wants. */
  async function remember(tx: Tx, voted: Voted, votes: readonly StoredVote[]): Promise<void> {
    const { row, ballot, reason, nowMs } = voted;
    const approving = votes.filter((vote) => vote.decision === 'approve');
    const wanted = approving.map((vote) => vote.remember_ms ?? 0);
    const forMs = Math.min(...wanted);
    if (!(forMs > 0)) return;
    const given = await insertSignature(tx, {
      tenant: ballot.tenant,
      id: chance.uuid(),
      signature: row.digest,
      approvalId: row.id,
      agent: agentOf(row),
      action: row.act_action ?? '',
      causes: row.causes,
      requiredRoles: row.required_roles,
      quorum: row.quorum,
      fourEyes: row.four_eyes,
      by: approving.map((vote) => describeCapacities(vote.by, vote.capacities)),
      from: ballot.voter.id,
      reason,
      nowMs,
      untilMs: nowMs + forMs,
    });
    await entry('grant.given', tx, voted, given);
  }

  async function appliedOf(tx: Tx, voted: Voted, by: readonly string[]): Promise<AppliedApproval> {
    const { ballot, row, nowMs } = voted;
    return {
      ...(await shown(tx, ballot.tenant, row.id)),
      tenant: ballot.tenant,
      content: row.content ?? {},
      approvedBy: by,
      nowMs,
      traceId: ballot.traceId,
    };
  }

  async function answer(tx: Tx, { ballot }: Voted, missing: string | null): Promise<VoteAnswer> {
    return { kind: 'voted', approval: await shown(tx, ballot.tenant, ballot.approvalId), missing };
  }

  function entry(kind: string, tx: Tx, { ballot, row, nowMs }: Voted, data: JsonObject): Promise<void> {
    return writeEntry(tx, ballot.tenant, {
      kind,
      agent: agentOf(row) || null,
      actId: row.act_id,
      actor: ballot.voter.id,
      atMs: nowMs,
      traceId: ballot.traceId,
      data: { approval: row.id, subject: row.subject, digest: row.digest, ...data },
    });
  }
}

/** What the charter asks for today and those who approved were not asked for: people decide by the law of now. */
function outgrownText({ row, settings }: Voted): string | null {
  const wanted = settings.subjects[row.subject];
  if (wanted === undefined) return null;
  const given = { requiredRoles: row.required_roles, quorum: row.quorum, fourEyes: row.four_eyes };
  const missing = missingSince(given, wanted);
  return missing === null
    ? null
    : `Since this was asked the charter has come to ask for ${missing}, so these votes do not suffice any more. Ask again.`;
}

async function shown(tx: Tx, tenant: string, id: string): Promise<Approval> {
  const [approval] = await readApprovals(tx, tenant, { ids: [id] });
  if (approval === undefined) throw new Error(`approval ${id} vanished inside its own transaction`);
  return approval;
}

function refused(refusal: Refusal): VoteAnswer {
  return { kind: 'refused', refusal };
}
