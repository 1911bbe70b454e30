// The door: whoever asks proves who they are here, in one of three ways, or is refused with a sentence that says
// what to do. Nothing is cached between requests, so a key that was revoked a moment ago opens nothing.
import type { Clock } from '../clock/clock.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Store } from '../postgres/store.ts';
import type { ApiKey } from './api-key.ts';
import type { BruteForce } from './brute-force.ts';
import type { GrantTokens } from './grant-token.ts';
import type { Jwt } from './jwt.ts';
import { readKeyText } from './key-text.ts';
import type { Keys } from './keys.ts';
import { type Principal, principalId } from './principal.ts';
import { checkSignedRequest, readSignedRequest, rememberRequest } from './request-signature.ts';

export interface Request {
  readonly method: string;
  /** Path and query as requested. */
  readonly path: string;
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body as it came, before any parsing. Empty where there is none. */
  readonly rawBody: Uint8Array;
  readonly remoteAddress: string;
}

export type Answer = { readonly kind: 'principal'; readonly principal: Principal } | Refusal;

export interface Refusal {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  /** What is wrong and what to do next. Holds nothing of what was presented. */
  readonly detail: string;
  /** Only for `auth_throttled`: whole seconds for Retry-After. */
  readonly retryAfterS: number | null;
}

export type RefusalCode = keyof typeof REFUSAL_STATUS;

/** HTTP status of each refusal; all but the last come with `WWW-Authenticate: Bearer`. */
export const REFUSAL_STATUS = {
  credentials_missing: 401,
  credentials_ambiguous: 401,
  key_mistyped: 401,
  key_unknown: 401,
  key_expired: 401,
  key_revoked: 401,
  token_invalid: 401,
  signature_invalid: 401,
  signature_replayed: 401,
  delegation_invalid: 403,
  auth_throttled: 429,
} as const;

export interface Identity {
  authenticate(request: Request): Promise<Answer>;
  /** Adds the authority of a delegation token to somebody who is authenticated (`delegation` in a body). */
  delegate(principal: Principal, token: string): Promise<Answer>;
}

export interface IdentityNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly keys: Keys;
  readonly grants: GrantTokens;
  /** null: no identity provider is configured, and tokens of one are refused. */
  readonly jwt: Jwt | null;
  readonly bruteForce: BruteForce;
  readonly clock: Clock;
  /** Whether all of these grants stand, from their rows. Without it a delegation token proves nothing and is refused. */
  readonly areGrantsAlive?: (tenant: string, grantIds: readonly string[]) => Promise<boolean>;
  /** Why this agent must prove itself by more than a token that somebody gave it; null where grants are all that names it. */
  readonly ownProofOf: (tenant: string, agent: string) => Promise<string | null>;
}

type Credential =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'signature'; readonly keyId: string }
  | Refusal;

const DELEGATION_HEADER = 'x-mandate-delegation';
const KEY_ID_HEADER = 'x-api-key-id';

export function createIdentity(needs: IdentityNeeds): Identity {
  const { keys, grants, jwt, bruteForce, clock } = needs;

  async function authenticate(request: Request): Promise<Answer> {
    const credential = readCredential(request);
    if (credential.kind === 'refused') return credential;
    const fingerprint = sha256Hex(
      credential.kind === 'text' ? credential.text : `key id ${credential.keyId}`,
    );
    const waitMs = bruteForce.waitMs(request.remoteAddress, fingerprint);
    if (waitMs > 0) return throttled(waitMs);
    const answer =
      credential.kind === 'text'
        ? await byText(credential.text)
        : await bySignature(credential.keyId, request);
    if (answer.kind === 'refused') {
      bruteForce.failed(request.remoteAddress, fingerprint);
      return answer;
    }
    bruteForce.succeeded(fingerprint);
    const token = headerOf(request, DELEGATION_HEADER);
    return token === undefined ? answer : delegate(answer.principal, token);
  }

  function byText(text: string): Promise<Answer> {
    switch (readKeyText(text).kind) {
      case 'key':
        return byKey(text);
      case 'mistyped':
        return Promise.resolve(
          refused(
            'key_mistyped',
            'This is no valid API key: its checksum does not fit. A letter is wrong or missing; copy it again.',
          ),
        );
      case 'foreign':
        return byToken(text);
    }
  }

  async function byKey(text: string): Promise<Answer> {
    const key = await keys.find(text);
    if (key === null)
      return refused(
        'key_unknown',
        'This installation does not know the key. Check that it belongs to this server, or ask an admin for one: mandate key create',
      );
    return judgeKey(key, 'key');
  }

  function judgeKey(key: ApiKey, kind: 'key' | 'signature'): Answer {
    if (key.revokedMs !== null)
      return refused(
        'key_revoked',
        `The key ${key.id} (${key.label}) was revoked. Ask an admin for a new one: mandate key create`,
      );
    if (key.expiresMs !== null && key.expiresMs <= clock.nowMs()) {
      return refused(
        'key_expired',
        `The key ${key.id} (${key.label}) expired at ${new Date(key.expiresMs).toISOString()}. Ask an admin for a new one: mandate key create`,
      );
    }
    const { tenant, roles, agents, user, scopes } = key;
    const id = principalId({ roles, agents, userId: user?.id ?? null, fallback: `key:${key.id}` });
    return {
      kind: 'principal',
      principal: {
        id,
        kind,
        tenant,
        roles,
        agents,
        user,
        scopes,
        keyId: key.id,
        expiresMs: null,
        delegation: null,
      },
    };
  }

  async function bySignature(keyId: string, request: Request): Promise<Answer> {
    const signed = readSignedRequest((name) => headerOf(request, name));
    if (typeof signed === 'string') return refused('signature_invalid', signed);
    const key = await keys.findById(keyId);
    const secret = key === null ? null : keys.signingSecretOf(key);
    if (key === null || secret === null)
      return refused('key_unknown', `This installation does not know the key id in ${KEY_ID_HEADER}.`);
    const problem = checkSignedRequest(signed, request, secret, clock.nowMs());
    if (problem !== null) return refused('signature_invalid', problem);
    const answer = judgeKey(key, 'signature');
    if (answer.kind === 'refused') return answer;
    const sighting = {
      tenant: key.tenant,
      keyId,
      messageId: signed.id,
      timestampMs: signed.timestampMs,
      nowMs: clock.nowMs(),
    };
    if (await needs.store.withTenant(key.tenant, (tx) => rememberRequest(tx, sighting))) return answer;
    return refused(
      'signature_replayed',
      'A request with this webhook-id has been taken already. Sign each request with an id of its own.',
    );
  }

  async function byToken(text: string): Promise<Answer> {
    if (typOf(text) === 'mandate-grant+jwt') return byGrant(text);
    if (jwt === null)
      return refused(
        'token_invalid',
        'This is no API key of Mandate (they begin with mdt_), and no identity provider is configured (MANDATE_JWKS).',
      );
    const answer = await jwt.verify(text);
    return answer.kind === 'principal' ? answer : refused('token_invalid', answer.detail);
  }

  /**
   * A sub-agent that has no key of its own: the token it was given says who it is and what it may. Whoever gives a grant
   * chooses the name in it, so the token of a name that stands for anybody else proves nothing.
   */
  async function byGrant(token: string): Promise<Answer> {
    const read = await readAlive(token);
    if (read.kind === 'refused') return read;
    const { tenant, delegation } = read;
    const why = await needs.ownProofOf(tenant, delegation.holder);
    if (why !== null)
      return refused(
        'delegation_invalid',
        `${why}, so a delegation alone does not prove who asks. Present it beside a key of ${delegation.holder}: X-Mandate-Delegation.`,
      );
    const principal: Principal = {
      id: `agent:${delegation.holder}`,
      kind: 'grant',
      tenant,
      roles: ['agent'],
      agents: [delegation.holder],
      user: delegation.user,
      scopes: null,
      keyId: null,
      expiresMs: null,
      delegation,
    };
    return { kind: 'principal', principal };
  }

  async function readAlive(token: string) {
    const read = await grants.verify(token);
    if (read.kind === 'refused') return refused('delegation_invalid', read.detail);
    if (await needs.areGrantsAlive?.(read.tenant, read.delegation.grantIds)) return read;
    return refused(
      'delegation_invalid',
      'The delegation was revoked, or one that it hangs on. Ask whoever handed it on for a new one.',
    );
  }

  async function delegate(principal: Principal, token: string): Promise<Answer> {
    const read = await readAlive(token);
    if (read.kind === 'refused') return read;
    const { tenant, delegation } = read;
    if (tenant !== principal.tenant)
      return refused('delegation_invalid', 'The delegation belongs to another tenant than the key.');
    if (principal.agents !== 'any' && !principal.agents.includes(delegation.holder)) {
      return refused(
        'delegation_invalid',
        `The delegation is made out to ${delegation.holder}, for whom this key may not speak.`,
      );
    }
    if (
      principal.delegation !== null &&
      principal.delegation.grantIds.join() !== delegation.grantIds.join()
    ) {
      return refused('delegation_invalid', 'Two different delegations were presented. Present one.');
    }
    return { kind: 'principal', principal: { ...principal, user: delegation.user, delegation } };
  }

  return { authenticate, delegate };
}

function refused(code: RefusalCode, detail: string): Refusal {
  return { kind: 'refused', code, detail, retryAfterS: null };
}

function throttled(waitMs: number): Refusal {
  const retryAfterS = Math.ceil(waitMs / 1000);
  const detail = `Too many failed attempts from this address. Try again in ${retryAfterS} s, with a valid key.`;
  return { kind: 'refused', code: 'auth_throttled', detail, retryAfterS };
}

/** Exactly one way of proving who one is; with two, it would be unclear which one the sender meant to count. */
function readCredential(request: Request): Credential {
  const authorization = headerOf(request, 'authorization');
  const apiKey = headerOf(request, 'x-api-key');
  const keyId = headerOf(request, KEY_ID_HEADER);
  const isSigned = headerOf(request, 'webhook-signature') !== undefined;
  const given = [authorization, apiKey, isSigned ? 'signed' : undefined].filter(
    (one) => one !== undefined,
  ).length;
  if (given === 0) {
    return refused(
      'credentials_missing',
      'Say who you are: `Authorization: Bearer <key>` or `X-API-Key: <key>`. The first start of the server wrote an admin key to admin.key in its data directory.',
    );
  }
  if (given > 1)
    return refused(
      'credentials_ambiguous',
      'Present one of Authorization, X-API-Key and a signature, not several.',
    );
  if (isSigned) {
    if (keyId === undefined)
      return refused(
        'signature_invalid',
        `A signed request names its key in ${KEY_ID_HEADER} (the id, not the secret).`,
      );
    return { kind: 'signature', keyId };
  }
  if (apiKey !== undefined) return { kind: 'text', text: apiKey.trim() };
  const text = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (text === undefined)
    return refused('credentials_missing', 'The Authorization header must be `Bearer <key or token>`.');
  return { kind: 'text', text };
}

/** A header that came twice counts as one with both values, which no key looks like: it is refused further on. */
function headerOf(request: Request, name: string): string | undefined {
  const value = request.headers[name];
  return value === undefined || typeof value === 'string' ? value : value.join(', ');
}

/** The `typ` that a token claims, unverified: it only chooses who checks the token. */
function typOf(token: string): string | null {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8'));
    return typeof header === 'object' && header !== null && 'typ' in header && typeof header.typ === 'string'
      ? header.typ
      : null;
  } catch {
    return null;
  }
}
