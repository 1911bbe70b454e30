// Tokens of somebody else's identity provider. Everything that other implementations leave to the caller's memory
// (algorithm, type, audience, expiry) is demanded here, and only public keys can ever verify: no shared secret,
// no `none`, no public key taken for a shared secret.
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { z } from 'zod';
import type { Clock } from '../clock/clock.ts';
import { type Principal, principalId } from './principal.ts';
import { isRole, type Role } from './roles.ts';

/** RFC 7518, RFC 8037 and RFC 9864, the asymmetric ones. */
const JWT_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** A token longer than this is refused before anything in it is read. */
const LENGTH_MAX = 16_384;
/** Clocks of two machines may differ by so much. */
const LEEWAY_S = 5;

export interface JwtSettings {
  /** URL of a JWK set (https, or http on loopback), or the set itself as JSON. */
  readonly jwks: string;
  readonly issuer: string;
  readonly audience: string;
  /** The `typ` header that a token must carry: `at+jwt` (RFC 9068) unless the provider writes another. */
  readonly typ: string;
  /** The tenant of every token of this provider; null reads it from the claim `tenant`. */
  readonly tenant: string | null;
}

export type JwtAnswer =
  | { readonly kind: 'principal'; readonly principal: Principal }
  | { readonly kind: 'refused'; readonly detail: string };

export interface Jwt {
  verify(token: string): Promise<JwtAnswer>;
}

export function createJwt(settings: JwtSettings, clock: Clock): Jwt {
  const keys = readKeySet(settings.jwks);
  return {
    async verify(token) {
      if (token.length > LENGTH_MAX)
        return refused(`The token has ${token.length} characters; ${LENGTH_MAX} are the most.`);
      try {
        const { payload } = await jwtVerify(token, keys, {
          algorithms: [...JWT_ALGORITHMS],
          issuer: settings.issuer,
          audience: settings.audience,
          typ: settings.typ,
          requiredClaims: ['exp', 'sub'],
          clockTolerance: LEEWAY_S,
          currentDate: new Date(clock.nowMs()),
        });
        return toPrincipal(payload, settings);
      } catch (error) {
        if (error instanceof errors.JOSEError) return refused(explain(error, settings));
        // The key set could not be fetched: nothing is known about the token, so it does not count.
        return refused(
          'The key set of the identity provider cannot be reached, so the token cannot be checked. Try again, or use an API key.',
        );
      }
    },
  };
}

/** The key set behind a setting. Refuses secrets in it: a JWK set for verifying holds public keys only. */
export function readKeySet(jwks: string): JWTVerifyGetKey {
  if (!jwks.trimStart().startsWith('{'))
    return createRemoteJWKSet(readKeySetUrl(jwks), { timeoutDuration: 3000, cooldownDuration: 10_000 });
  let parsed: unknown;
  try {
    parsed = JSON.parse(jwks);
  } catch {
    throw new Error(
      'MANDATE_JWKS begins like an inline key set but is no JSON. Give {"keys":[…]} or the URL of one.',
    );
  }
  const set = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) }).safeParse(parsed);
  if (!set.success)
    throw new Error(
      'MANDATE_JWKS is no JWK set. Give {"keys":[…]} with at least one public key, or the URL of one.',
    );
  for (const [index, key] of set.data.keys.entries()) {
    if (key.kty === 'oct' || 'd' in key || 'k' in key) {
      throw new Error(
        `MANDATE_JWKS, keys[${index}] is a secret (kty ${key.kty}). A key set for verifying holds public keys only; whoever has seen this one can sign tokens, so replace it.`,
      );
    }
  }
  return createLocalJWKSet(set.data);
}

function readKeySetUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isLoopback = url !== null && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback)) return url;
  throw new Error(
    `MANDATE_JWKS must be an https URL (http only on loopback) or a JWK set as JSON; it begins with ${JSON.stringify(text.slice(0, 20))}.`,
  );
}

/** The row of mandate.tenant whose restrictions bind all tenants. */
const EVERYBODY = '*';
const list = z.array(z.string().min(1).max(200)).max(200);
const claimsShape = z.object({
  sub: z.string().min(1).max(200),
  tenant: z.string().min(1).max(200).optional(),
  email: z.string().max(320).optional(),
  scope: z.string().max(4000).optional(),
  roles: list.optional(),
  agents: z.union([z.literal('any'), list]).default([]),
  exp: z.number(),
});

function toPrincipal(payload: JWTPayload, settings: JwtSettings): JwtAnswer {
  const claims = claimsShape.safeParse(payload);
  if (!claims.success) {
    return refused(
      `The token's claim ${claims.error.issues[0]?.path.join('.') ?? ''} has the wrong form: ${claims.error.issues[0]?.message ?? ''}.`,
    );
  }
  const { sub, email, scope = '', agents, exp } = claims.data;
  const tenant = settings.tenant ?? claims.data.tenant;
  if (tenant === undefined)
    return refused('The token has no claim `tenant`, and MANDATE_JWT_TENANT is not set. Set one of them.');
  if (tenant === EVERYBODY)
    return refused(
      'The tenant * is everybody, and nobody belongs to it. Name one tenant in the claim `tenant`.',
    );
  const roles: readonly Role[] = (claims.data.roles ?? []).filter(isRole);
  if (roles.length === 0)
    return refused(
      'The token has no claim `roles` with a role that Mandate knows. Let the provider add one, e.g. ["operator"].',
    );
  const isAgent = roles.includes('agent');
  if (isAgent && roles.length > 1)
    return refused('The token has the role agent and others. An agent has no other role.');
  if (isAgent && (agents === 'any' || agents.length === 0))
    return refused('The token has the role agent but no claim `agents` that names which.');
  const userId = isAgent ? null : sub;
  const principal: Principal = {
    id: principalId({ roles, agents, userId, fallback: `jwt:${sub}` }),
    kind: 'jwt',
    tenant,
    roles,
    agents,
    // An agent's token speaks for the agent; the person behind it, if any, comes by delegation.
    user:
      userId === null
        ? null
        : { id: userId, email: email ?? null, scopes: scope.split(' ').filter((word) => word !== '') },
    scopes: null,
    keyId: null,
    expiresMs: exp * 1000,
    delegation: null,
  };
  return { kind: 'principal', principal };
}

function refused(detail: string): JwtAnswer {
  return { kind: 'refused', detail };
}

function explain(error: errors.JOSEError, settings: JwtSettings): string {
  if (error instanceof errors.JWTExpired)
    return 'The token has expired. Get a new one from the identity provider.';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `The token's ${error.claim} is missing or not what is required (issuer ${settings.issuer}, audience ${settings.audience}, header typ ${settings.typ}, exp and sub present).`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return `The token's algorithm is not allowed. Allowed are ${JWT_ALGORITHMS.join(', ')}.`;
  if (error instanceof errors.JWKSTimeout)
    return 'The key set of the identity provider did not answer within 3 s. Try again.';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'No key of the identity provider fits the token. It was signed by somebody else, or with a key that is gone.';
  return 'The token is malformed or its signature is wrong. Get a new one from the identity provider.';
}
