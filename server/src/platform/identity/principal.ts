// Who asks, once it is proven. Everything behind the door reads authority from here and never from a body.
import type { Role } from './roles.ts';

export interface Principal {
  /**
   * One word per person or machine, whichever key it uses, so that four eyes are four eyes:
   * `user:ID` for people, `agent:ID` for a key of one agent, else `key:ID`.
   */
  readonly id: string;
  /** `grant`: nothing but a delegation token, so it sees and touches only what was done under that grant. */
  readonly kind: 'key' | 'jwt' | 'signature' | 'grant';
  readonly tenant: string;
  readonly roles: readonly Role[];
  /** Which agents it may speak for. */
  readonly agents: readonly string[] | 'any';
  /** The person on whose authority it acts; null where there is none. With a delegation: the user at its root. */
  readonly user: ProvenUser | null;
  /** Permission patterns that narrow what the roles allow; null leaves them as they are. */
  readonly scopes: readonly string[] | null;
  /** The API key it came with; null for tokens. */
  readonly keyId: string | null;
  /** Epoch milliseconds after which a token of an identity provider proves nothing; null where a row is asked instead. */
  readonly expiresMs: number | null;
  readonly delegation: Delegation | null;
}

export interface ProvenUser {
  readonly id: string;
  readonly email: string | null;
  readonly scopes: readonly string[];
}

/** A proven chain of grants. Revocation is not in the token: whoever uses it asks the grant rows. */
export interface Delegation {
  /** Everybody who handed the authority on, root first; the holder is not in it. */
  readonly chain: readonly string[];
  /** The agent the token was made out to. */
  readonly holder: string;
  readonly grantIds: readonly string[];
  /** One per grant, root first; each is equal to or narrower than the one before. */
  readonly links: readonly DelegationLink[];
  /** What the last link allows. */
  readonly actions: readonly string[];
  readonly purpose: string;
  /** Epoch milliseconds; no later than any link's. */
  readonly expiresMs: number;
  /** The user at the root, to whom rates and costs are charged. */
  readonly user: ProvenUser | null;
}

export interface DelegationLink {
  readonly grantId: string;
  readonly from: string;
  readonly to: string;
  readonly actions: readonly string[];
  readonly purpose: string;
  readonly expiresMs: number;
}

/** The id under which somebody is known in decisions and approvals. */
export function principalId(of: {
  readonly roles: readonly Role[];
  readonly agents: readonly string[] | 'any';
  readonly userId: string | null;
  readonly fallback: string;
}): string {
  const [agent] = of.agents === 'any' ? [] : of.agents;
  if (of.roles.includes('agent'))
    return of.agents.length === 1 && agent !== undefined ? `agent:${agent}` : of.fallback;
  return of.userId === null ? of.fallback : `user:${of.userId}`;
}

/** Whether the id is a person's: where people are counted, two keys without a user may both be the same one's. */
export function isPerson(id: string): boolean {
  return id.startsWith('user:');
}

/** Whether a person may be behind the id: a person, or a key that says of nobody that it is theirs. Machines have names. */
export function couldBePerson(id: string): boolean {
  return !/^(?:agent|schedule|drill|case|mandate):/.test(id);
}
