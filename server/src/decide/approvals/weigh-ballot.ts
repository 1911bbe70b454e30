// Whether somebody may cast a vote now: it is still open, it is what they were shown, they are entitled to it today, and
// they are not tired. Counting it is another matter, so that whoever edits can be asked the same without voting.
import { capacitiesOf, redactText } from '@mandate/kernel';
import type { ApprovalSettings, Capacity } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import { fatigueOf } from './fatigue.ts';
import { personOf, readPeople, rolesWithin, votersAmong } from './people.ts';
import { lockApproval } from './store.ts';
import type { ApprovalRow } from './store.ts';
import type { SubjectOf } from './subject.ts';
import { closedRefusal, personalRefusal, reasonRefusal, rememberRefusal, voterRolesOf } from './unfit.ts';

export interface Ballot {
  readonly tenant: string;
  readonly approvalId: string;
  readonly decision: 'approve' | 'deny';
  /** The digest that the voter was shown. */
  readonly digest: string;
  readonly reason: string | null;
  readonly voter: Voting;
  /** For how long the identical action shall run without asking again; null or left out: not at all. */
  readonly rememberMs?: number | null;
  /** Where it was cast: `api` (default), `page`, `mail`, `slack`, … */
  readonly channel?: string;
  readonly traceId: string | null;
}

/** Who votes. `roles: null` for somebody known by name alone (a link, a button): those of the keys made for them count. */
export interface Voting {
  readonly id: string;
  readonly roles: readonly string[] | null;
  /** Of what they hold now only these count; null or left out: all. */
  readonly within?: readonly string[] | null;
  /** The vote counts for this role alone, however they come to speak for it; null or left out: for all that they can. */
  readonly as?: string | null;
}

/** A vote on its way. */
export interface Voted {
  readonly ballot: Ballot;
  readonly row: ApprovalRow;
  readonly settings: ApprovalSettings;
  readonly roles: readonly string[];
  readonly capacities: readonly Capacity[];
  readonly reason: string | null;
  readonly nowMs: number;
}

export type WeighedBallot =
  | { readonly kind: 'fit'; readonly voted: Voted }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface WeighNeeds {
  /** Of the charter in force. */
  readonly settings: ApprovalSettings;
  readonly subjectOf: SubjectOf;
  readonly nowMs: number;
}

/** Locks the approval and weighs the ballot; nothing is written. */
export async function weighBallot(
  tx: Tx,
  ballot: Ballot,
  { settings, subjectOf, nowMs }: WeighNeeds,
): Promise<WeighedBallot> {
  const { tenant, approvalId, voter } = ballot;
  const row = await lockApproval(tx, tenant, approvalId);
  if (row === null) return refused({ code: 'not_found', detail: `There is no approval ${approvalId}.` });
  const closed = closedRefusal(row, ballot, nowMs);
  if (closed !== null) return refused(closed);
  if (row.act_id === null && subjectOf(row.subject) === null)
    return refused({
      code: 'unavailable',
      detail: `This process cannot carry out what an approval of ${row.subject} decides. Vote at a server that can.`,
    });
  const held = voter.roles ?? personOf(await readPeople(tx, tenant, nowMs), voter.id).roles;
  const within = rolesWithin(held, voter.within ?? null);
  const could = capacitiesOf(
    { by: voter.id, roles: within },
    { requiredRoles: row.required_roles },
    { standIns: settings.standIns, escalatedTo: row.escalated_to, nowMs },
    voterRolesOf(row),
  );
  const as = voter.as ?? null;
  const roles = rolesWithin(within, as === null ? null : [as]);
  const capacities = as === null ? could : could.filter(({ role }) => role === as);
  // People paste what they saw into a reason, and a reason is stored and shown in plain text.
  const reason = ballot.reason === null ? null : redactText(ballot.reason);
  const voted: Voted = { ballot, row, settings, roles, capacities, reason, nowMs };
  const unfit = await unfitRefusal(tx, voted);
  return unfit === null ? { kind: 'fit', voted } : refused(unfit);
}

function refused(refusal: Refusal): WeighedBallot {
  return { kind: 'refused', refusal };
}

/** Why this voter may not cast this vote. Denying takes a role, for some subjects a reason, and nothing more. */
async function unfitRefusal(tx: Tx, voted: Voted): Promise<Refusal | null> {
  const { ballot, row, settings, capacities, nowMs } = voted;
  const { voter } = ballot;
  if (capacities.length === 0) {
    const roles = row.required_roles.length > 0 ? row.required_roles : voterRolesOf(row);
    return {
      code: 'forbidden',
      detail: `${voter.id} has no vote here: it takes ${roles.join(row.required_roles.length > 0 ? ' and ' : ' or ')}, or somebody whom the charter names as their stand-in.`,
    };
  }
  const silent = reasonRefusal(row, ballot);
  if (silent !== null || ballot.decision === 'deny') return silent;
  const personal = personalRefusal(row, voter.id);
  if (personal !== null) return personal;
  const forgetful = rememberRefusal(row, ballot.rememberMs ?? null, settings.rememberMaxMs);
  if (forgetful !== null) return forgetful;
  const tired = await fatigueOf(tx, ballot.tenant, {
    settings: settings.fatigue,
    reader: { voter: voter.id, approvalId: row.id, digest: row.digest, nowMs },
  });
  return tired === null ? null : { ...tired, detail: `${tired.detail} ${await othersText(tx, voted)}` };
}

async function othersText(tx: Tx, { ballot, row, settings, nowMs }: Voted): Promise<string> {
  const approval = {
    requiredRoles: row.required_roles,
    voterRoles: row.voter_roles,
    escalatedTo: row.escalated_to,
    fourEyes: row.four_eyes,
    editors: row.editors,
    requester: row.requester,
    requesterUser: row.requester_user,
  };
  const people = await readPeople(tx, ballot.tenant, nowMs);
  const others = votersAmong(people, approval, { standIns: settings.standIns, nowMs }).filter(
    ({ id }) => id !== ballot.voter.id,
  );
  return others.length === 0
    ? 'Nobody else is known who could; denying is always possible.'
    : `Who else could: ${others.map(({ as }) => as).join('; ')}. Denying is always possible.`;
}
