// A delegation is proven, not told: the grant travels as a signed token whose nested `act` claims (RFC 8693) name
// everybody who handed it on. Each link is equal to or narrower than the one before it; that is checked when a
// token is made and again when it is read, so that a mistake in one place widens nothing.
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { anyPatternCovers, patternProblem } from '@mandate/kernel';
import type { Clock } from '../clock/clock.ts';
import { deriveSigningPair } from '../crypto/derive.ts';
import type { MasterKeys } from '../crypto/master-key.ts';
import type { Delegation, DelegationLink, ProvenUser } from './principal.ts';

export const GRANT_TYP = 'mandate-grant+jwt';
const ISSUER = 'mandate';
const ALGORITHM = 'EdDSA';
const LENGTH_MAX = 16_384;
/** More hands than this is no delegation any more but a loop. */
const LINKS_MAX = 16;

export interface NewGrant {
  readonly tenant: string;
  /** Id of the grant's row. */
  readonly grantId: string;
  /** Who hands on: with a parent its holder, else the principal or the user at the root. */
  readonly from: string;
  readonly to: string;
  readonly actions: readonly string[];
  readonly purpose: string;
  readonly expiresMs: number;
  /** The user at the root; ignored with a parent, whose user it stays. */
  readonly user: ProvenUser | null;
  /** What was handed to `from`; null when the authority is its own. */
  readonly parent: Delegation | null;
}

export type IssuedGrant =
  | { readonly kind: 'token'; readonly token: string; readonly delegation: Delegation }
  | GrantRefusal;
export type ReadGrant =
  | { readonly kind: 'delegation'; readonly tenant: string; readonly delegation: Delegation }
  | GrantRefusal;

export interface GrantRefusal {
  readonly kind: 'refused';
  readonly detail: string;
}

export interface GrantTokens {
  issue(grant: NewGrant): Promise<IssuedGrant>;
  /** Checks signature, expiry and narrowing. Not revocation: the grant rows know that. */
  verify(token: string): Promise<ReadGrant>;
}

export function createGrantTokens(masterKeys: MasterKeys, clock: Clock): GrantTokens {
  const pairs = new Map(masterKeys.all.map((key) => [key.id, deriveSigningPair(key, 'grant-signing')]));
  return {
    async issue(grant) {
      const link: DelegationLink = {
        grantId: grant.grantId,
        from: grant.from,
        to: grant.to,
        actions: grant.actions,
        purpose: grant.purpose,
        expiresMs: grant.expiresMs,
      };
      const user = grant.parent === null ? grant.user : grant.parent.user;
      const links = [...(grant.parent?.links ?? []), link];
      const problem = findWidening(links, clock.nowMs());
      if (problem !== null) return refused(problem);
      const pair = pairs.get(masterKeys.current.id);
      if (pair === undefined) throw new Error('There is no master key to sign grants with.');
      const token = await new SignJWT({ ...toClaims(links), tenant: grant.tenant, user })
        .setProtectedHeader({ alg: ALGORITHM, typ: GRANT_TYP, kid: masterKeys.current.id })
        .setIssuer(ISSUER)
        .setAudience(ISSUER)
        .setJti(grant.grantId)
        .setIssuedAt(Math.floor(clock.nowMs() / 1000))
        // Whole seconds, rounded down: a token never outlives its grant.
        .setExpirationTime(Math.floor(grant.expiresMs / 1000))
        .sign(pair.privateKey);
      if (token.length > LENGTH_MAX)
        return refused(
          `The token would have ${token.length} characters; ${LENGTH_MAX} are the most. Name fewer patterns, or hand on fewer times.`,
        );
      return { kind: 'token', token, delegation: toDelegation(links, user) };
    },
    async verify(token) {
      if (token.length > LENGTH_MAX)
        return refused(`The delegation token has ${token.length} characters; ${LENGTH_MAX} are the most.`);
      try {
        const { payload } = await jwtVerify(
          token,
          (header) => pairs.get(header.kid ?? '')?.publicKey ?? unknownKey(),
          {
            algorithms: [ALGORITHM],
            issuer: ISSUER,
            audience: ISSUER,
            typ: GRANT_TYP,
            requiredClaims: ['exp', 'sub', 'act', 'jti'],
            currentDate: new Date(clock.nowMs()),
          },
        );
        return readClaims(payload, clock.nowMs());
      } catch (error) {
        if (error instanceof errors.JWTExpired)
          return refused('The delegation has expired. Ask whoever handed it on for a new one.');
        if (error instanceof errors.JOSEError)
          return refused('The delegation token was not issued by this installation, or was changed.');
        throw error;
      }
    },
  };
}

function unknownKey(): never {
  throw new errors.JWKSNoMatchingKey();
}

function refused(detail: string): GrantRefusal {
  return { kind: 'refused', detail };
}

/** One actor of the nested claims; the outermost holds the authority now, the innermost had it from `sub`. */
interface ActClaim {
  readonly sub: string;
  readonly grant: string;
  readonly actions: readonly string[];
  readonly purpose: string;
  /** Epoch milliseconds. */
  readonly until: number;
  readonly act?: ActClaim | undefined;
}

const actShape: z.ZodType<ActClaim> = z.strictObject({
  sub: z.string(),
  grant: z.string(),
  actions: z.array(z.string()),
  purpose: z.string(),
  until: z.int(),
  get act() {
    return actShape.optional();
  },
});

const claimsShape = z.object({
  sub: z.string(),
  tenant: z.string(),
  user: z
    .strictObject({ id: z.string(), email: z.string().nullable(), scopes: z.array(z.string()) })
    .nullable(),
  act: actShape,
});

function toClaims(links: readonly DelegationLink[]): JWTPayload {
  const act = links.reduce<ActClaim | undefined>(
    (inner, link) => ({
      sub: link.to,
      grant: link.grantId,
      actions: link.actions,
      purpose: link.purpose,
      until: link.expiresMs,
      ...(inner && { act: inner }),
    }),
    undefined,
  );
  return { sub: links[0]?.from ?? '', act };
}

function readClaims(payload: JWTPayload, nowMs: number): ReadGrant {
  const claims = claimsShape.safeParse(payload);
  if (!claims.success)
    return refused('The delegation token was made by another version of Mandate. Ask for a new one.');
  const actors: ActClaim[] = [];
  for (let act: ActClaim | undefined = claims.data.act; act !== undefined; act = act.act) actors.unshift(act);
  const links = actors.map((act, index) => ({
    grantId: act.grant,
    from: actors[index - 1]?.sub ?? claims.data.sub,
    to: act.sub,
    actions: act.actions,
    purpose: act.purpose,
    expiresMs: act.until,
  }));
  const problem = findWidening(links, nowMs);
  if (problem !== null) return refused(problem);
  return {
    kind: 'delegation',
    tenant: claims.data.tenant,
    delegation: toDelegation(links, claims.data.user),
  };
}

function toDelegation(links: readonly DelegationLink[], user: ProvenUser | null): Delegation {
  const last = links.at(-1);
  if (last === undefined) throw new Error('A delegation has at least one link.');
  return {
    chain: links.map((link) => link.from),
    holder: last.to,
    grantIds: links.map((link) => link.grantId),
    links,
    actions: last.actions,
    purpose: last.purpose,
    expiresMs: last.expiresMs,
    user,
  };
}

/** What would make a chain wider on its way down, in a sentence; null when nothing does. */
function findWidening(links: readonly DelegationLink[], nowMs: number): string | null {
  if (links.length > LINKS_MAX)
    return `The authority would pass through ${links.length} hands; ${LINKS_MAX} are the most.`;
  for (const [index, link] of links.entries()) {
    const parent = links[index - 1];
    if (link.actions.length === 0) return `The grant to ${link.to} names no actions.`;
    const odd = link.actions.map((pattern) => patternProblem(pattern)).find((problem) => problem !== null);
    if (odd !== undefined) return `The grant to ${link.to} cannot be read: ${odd}.`;
    if (link.expiresMs <= nowMs) return `The grant to ${link.to} has expired.`;
    if (
      links.slice(0, index).some((earlier) => earlier.from === link.to || earlier.to === link.to) ||
      link.from === link.to
    ) {
      return `${link.to} is already in the chain. Authority is handed down, not in a circle.`;
    }
    if (parent === undefined) continue;
    if (parent.to !== link.from) return `${link.from} cannot hand on what was given to ${parent.to}.`;
    if (link.expiresMs > parent.expiresMs)
      return `The grant to ${link.to} would outlast the one that it comes from. Let it expire earlier.`;
    const wide = link.actions.find((action) => !anyPatternCovers(parent.actions, action));
    if (wide !== undefined)
      return `${link.from} may not hand on ${wide}: it holds ${parent.actions.join(', ')}.`;
  }
  return null;
}
