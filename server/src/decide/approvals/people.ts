// Who could decide something. Roles are on keys, so a person has those of all keys that stand and are made for them;
// whoever signs in elsewhere and has no key here is known by what the charter says: as a stand-in, or as next in line.
import { APPROVER_ROLES, capacitiesOf, describeCapacities } from '@mandate/kernel';
import type { Capacity, StandIn } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import { isPermitted, isRole } from '../../platform/identity/roles.ts';
import type { Approval } from './approval.ts';

export interface Person {
  /** `user:ada`. */
  readonly id: string;
  readonly email: string | null;
  /** Of keys with which they may vote. */
  readonly roles: readonly string[];
}

/** Somebody who may vote on an approval, and as what. */
export interface Voter extends Person {
  readonly capacities: readonly Capacity[];
  /** `ben for tech-lead (stand-in of ada)`. */
  readonly as: string;
}

/** Everybody for whom a key stands that is no agent's. */
export async function readPeople(tx: Tx, tenant: string, nowMs: number): Promise<readonly Person[]> {
  const rows = await tx<
    { user_id: string; user_email: string | null; roles: string[]; scopes: string[] | null }[]
  >`
    select user_id, user_email, roles, scopes from mandate.api_key
    where tenant = ${tenant} and user_id is not null and revoked_at is null and (expires_at is null or expires_at > ${new Date(nowMs)})
    order by user_id, created_at`;
  const people = new Map<string, { readonly email: string | null; readonly roles: ReadonlySet<string> }>();
  for (const { user_id: user, user_email: email, roles: held, scopes } of rows) {
    const roles = held.filter(isRole);
    if (roles.includes('agent')) continue;
    const known = people.get(user);
    const voting = isPermitted({ roles, scopes }, 'approvals.decide') ? roles : [];
    people.set(user, {
      email: email ?? known?.email ?? null,
      roles: new Set([...(known?.roles ?? []), ...voting]),
    });
  }
  return [...people].map(([user, { email, roles }]) => ({ id: `user:${user}`, email, roles: [...roles] }));
}

export interface Line {
  readonly standIns: readonly StandIn[];
  readonly nowMs: number;
}

/** The person of that id: with no roles where no key stands for them. */
export function personOf(people: readonly Person[], id: string): Person {
  return people.find((person) => person.id === id) ?? { id, email: null, roles: [] };
}

/** What is left of roles where only some count; null: all of them do. */
export function rolesWithin(roles: readonly string[], within: readonly string[] | null): readonly string[] {
  return within === null ? roles : roles.filter((role) => within.includes(role));
}

/** Everybody who could vote on it now, whether or not they have. Whom four eyes exclude is left out. */
export function votersAmong(
  people: readonly Person[],
  approval: Pick<
    Approval,
    'requiredRoles' | 'voterRoles' | 'escalatedTo' | 'fourEyes' | 'requester' | 'editors'
  > & {
    readonly requesterUser?: string | null;
  },
  { standIns, nowMs }: Line,
): readonly Voter[] {
  const named = [
    ...standIns.map(({ user }) => `user:${user}`),
    ...approval.escalatedTo.filter((to) => to.startsWith('user:')),
  ].map((id) => personOf(people, id));
  const all = [...new Map([...people, ...named].map((person) => [person.id, person])).values()];
  const { requiredRoles, voterRoles, escalatedTo } = approval;
  return all.flatMap((person) => {
    if (approval.fourEyes && person.id === approval.requester) return [];
    if (approval.fourEyes && approval.editors.includes(person.id)) return [];
    if (approval.fourEyes && person.id === `user:${approval.requesterUser ?? ''}`) return [];
    const capacities = capacitiesOf(
      { by: person.id, roles: person.roles },
      { requiredRoles },
      { standIns, escalatedTo, nowMs },
      voterRoles.length > 0 ? voterRoles : APPROVER_ROLES,
    );
    if (capacities.length === 0) return [];
    return [{ ...person, capacities, as: describeCapacities(person.id, capacities) }];
  });
}
