// Why a vote is not taken, as far as the row of the approval says it: it is over, it is about something else than was
// shown, or this person is the one whom four eyes exclude.
import { APPROVER_ROLES } from '@mandate/kernel';
import { iso } from '../../platform/clock/iso.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { couldBePerson, isPerson } from '../../platform/identity/principal.ts';
import type { ApprovalRow } from './store.ts';

/** Why nobody can vote on this any more, or not with this digest. */
export function closedRefusal(
  row: ApprovalRow,
  { digest }: { readonly digest: string },
  nowMs: number,
): Refusal | null {
  if (row.status !== 'pending') {
    const why = row.ended_why === null ? '' : `: ${row.ended_why}`;
    return { code: 'conflict', detail: `This approval is ${row.status} already${why}.` };
  }
  if (row.expires_at <= nowMs) {
    const detail = `This approval expired at ${iso(row.expires_at)}; ${row.act_id === null ? 'it has to be asked for again' : 'the agent has to ask again'}.`;
    return { code: 'conflict', detail };
  }
  if (row.digest === digest) return null;
  return {
    code: 'digest_mismatch',
    detail: 'The digest is not that of what waits here; read the approval again before deciding.',
  };
}

/** Why this person cannot approve it, whatever their role. */
export function personalRefusal(row: ApprovalRow, voter: string): Refusal | null {
  // Two keys without a user may both be the same person's: where people are counted, and where one of them asked.
  if ((row.quorum > 1 || row.subject === 'proposal') && !isPerson(voter))
    return {
      code: 'forbidden',
      detail: `This takes ${row.quorum === 1 ? 'a person' : `${row.quorum} people`}, and ${voter} names no person; vote with a key that was made for a user (mandate key create --user).`,
    };
  if (!row.four_eyes) return null;
  if (voter === row.requester)
    return {
      code: 'forbidden',
      detail: `Four eyes: ${voter} asked for this and cannot approve it; somebody else has to.`,
    };
  if (row.editors.includes(voter))
    return {
      code: 'forbidden',
      detail: `Four eyes: ${voter} wrote what is asked for here, or had it begun, and cannot approve it; somebody else has to.`,
    };
  if (row.requester_user !== null && voter === `user:${row.requester_user}`)
    return {
      code: 'forbidden',
      detail: `Four eyes: ${voter} is the user on whose authority this was asked.`,
    };
  return isPerson(voter) ? null : namelessRefusal(row, voter);
}

/** A key that names nobody may be a second one of whoever asked. Where only machines asked, it is as good as any other. */
function namelessRefusal(row: ApprovalRow, voter: string): Refusal | null {
  const user = row.requester_user === null ? [] : [`user:${row.requester_user}`];
  const somebody = [row.requester, ...row.editors, ...user].find(couldBePerson);
  if (somebody === undefined) return null;
  return {
    code: 'forbidden',
    detail: `Four eyes: ${voter} names no person, so it could be another key of ${somebody}, who asked for this or wrote it. Vote with a key that was made for a user (mandate key create --user).`,
  };
}

/** Why a phase neither rises nor is kept from it without a word: the next cycle, and whoever audits it, reads why. */
export function reasonRefusal(
  row: ApprovalRow,
  { decision, reason }: { readonly decision: 'approve' | 'deny'; readonly reason: string | null },
): Refusal | null {
  if (row.subject !== 'proposal' || (reason !== null && reason.trim() !== '')) return null;
  const verb = decision === 'approve' ? 'approve' : 'reject';
  return {
    code: 'invalid',
    detail: `A proposal is decided with a reason, which stands on record. Write one on its page, or: mandate governance ${verb} ${row.id} --reason "…".`,
  };
}

/** Why it cannot be remembered for so long. */
export function rememberRefusal(row: ApprovalRow, rememberMs: number | null, maxMs: number): Refusal | null {
  if (rememberMs === null) return null;
  if (row.act_id === null)
    return { code: 'invalid', detail: `Only an action can be remembered; this is about ${row.subject}.` };
  if (rememberMs > 0 && rememberMs <= maxMs) return null;
  const most =
    maxMs === 0
      ? 'The charter lets nothing be remembered (approvals.rememberMax: never)'
      : `The charter lets an action be remembered for ${Math.round(maxMs / 60_000)} minutes at most (approvals.rememberMax)`;
  return { code: 'invalid', detail: `${most}. Approve it without remember, or for less.` };
}

/** The agent it concerns; empty for none. */
export function agentOf(row: ApprovalRow): string {
  return row.act_agent ?? row.agent ?? '';
}

/** Which roles have a vote where none is required. */
export function voterRolesOf(row: ApprovalRow): readonly string[] {
  return row.voter_roles.length > 0 ? row.voter_roles : APPROVER_ROLES;
}
