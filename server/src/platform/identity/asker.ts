// Who asks, reduced to what a decision may depend on. Stored sealed beside a waiting act, so that it can be decided
// again for the same asker when it is approved, by any process, after any restart.
import type { Principal } from './principal.ts';
import { isPermitted } from './roles.ts';

export interface Asker {
  readonly id: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  /** The agents it may name. */
  readonly agents: readonly string[] | 'any';
  readonly user: { readonly id: string; readonly email: string | null } | null;
  /** Scopes of that user; null when no user stands behind the key. */
  readonly userScopes: readonly string[] | null;
  readonly userRoles: readonly string[];
  /** Delegators, root first, read from a proven token. */
  readonly chain: readonly string[];
  readonly grantIds: readonly string[];
  /** The grant under which alone it sees and touches acts; null for whoever is proven by more than a delegation token. */
  readonly boundTo: string | null;
  /** Whether it may name an agent without being one. */
  readonly mayAskForOthers: boolean;
  /** The stored key behind it, checked again when a waiting act is decided again; null for tokens. */
  readonly keyId: string | null;
  /** When a token of an identity provider ends, checked likewise. Epoch milliseconds; null without one. */
  readonly expiresMs: number | null;
  readonly traceId: string | null;
  /** The schedule of the charter that asks; missing for everybody else. */
  readonly schedule?: string;
  /** Who else has asked, by the id of the principal: who wrote what it does, and who had it begun. Missing for nobody. */
  readonly alsoAsked?: readonly string[];
}

/** Everybody who has asked, as far as four eyes go. */
export function askersOf({ id, user, alsoAsked = [] }: Asker): readonly string[] {
  return [...new Set([id, ...(user === null ? [] : [`user:${user.id}`]), ...alsoAsked])];
}

/** The same asker, for whom these have asked too. */
export function askedAlsoBy(asker: Asker, others: readonly string[]): Asker {
  const also = new Set([...(asker.alsoAsked ?? []), ...others]);
  also.delete(asker.id);
  return also.size === 0 ? asker : { ...asker, alsoAsked: [...also] };
}

/** Somebody with a name, roles and agents, and what else is said: no key, no person behind it, nothing handed on. */
export function bareAsker(
  of: Partial<Asker> & Pick<Asker, 'id' | 'tenant' | 'roles' | 'agents' | 'traceId'>,
): Asker {
  return {
    user: null,
    userScopes: null,
    userRoles: [],
    chain: [],
    grantIds: [],
    boundTo: null,
    mayAskForOthers: false,
    keyId: null,
    expiresMs: null,
    ...of,
  };
}

/** Who asks, as a decision may know it. */
export function askerOf(principal: Principal, traceId: string | null): Asker {
  return {
    id: principal.id,
    tenant: principal.tenant,
    roles: principal.roles,
    agents: principal.agents,
    user: principal.user === null ? null : { id: principal.user.id, email: principal.user.email },
    userScopes: principal.user?.scopes ?? null,
    // Roles are the credential's; of the user at the root of a delegation they are not known.
    userRoles: principal.delegation === null ? principal.roles : [],
    chain: principal.delegation?.chain ?? [],
    boundTo: boundTo(principal),
    mayAskForOthers: isPermitted(principal, 'actions.request_for_others'),
    grantIds: principal.delegation?.grantIds ?? [],
    keyId: principal.keyId,
    expiresMs: principal.expiresMs,
    traceId,
  };
}

/** Two who were given the same name are not the same: each has what was done under its own grant. null binds to none. */
export function boundTo({ kind, delegation }: Principal): string | null {
  return kind === 'grant' ? (delegation?.grantIds.at(-1) ?? '') : null;
}
