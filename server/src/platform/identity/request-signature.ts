// Requests signed in the Standard Webhooks scheme: the secret itself never travels. The scheme covers id, time and
// body but not where the request goes, so outside of asking for actions the id must also name method and path;
// otherwise the body of a stop could be sent to resume.
import { hmacSha256, isEqualSecret } from '../crypto/hash.ts';
import type { Queryable } from '../postgres/store.ts';

/** How far the timestamp may be from our clock, in ms (the tolerance that the scheme's libraries use). */
const SIGNATURE_TOLERANCE_MS = 300_000;

/** Where an id need not name method and path: what these take fits no other route. */
const UNBOUND: ReadonlySet<string> = new Set(['POST /api/v1/actions', 'POST /api/v1/decisions']);

const SIGNATURES_MAX = 8;

export interface SignedRequest {
  readonly id: string;
  readonly timestampMs: number;
  readonly signatures: readonly string[];
}

export interface RequestTarget {
  readonly method: string;
  /** Path and query as requested. */
  readonly path: string;
  readonly rawBody: Uint8Array;
}

/** Reads the three headers; a sentence where they are unusable. */
export function readSignedRequest(header: (name: string) => string | undefined): SignedRequest | string {
  const id = header('webhook-id');
  const timestamp = header('webhook-timestamp');
  const signature = header('webhook-signature');
  if (id === undefined || timestamp === undefined || signature === undefined) {
    return 'A signed request needs all of webhook-id, webhook-timestamp and webhook-signature.';
  }
  if (id.length === 0 || id.length > 512) return 'webhook-id must have 1 to 512 characters.';
  if (!/^\d{1,12}$/.test(timestamp)) return 'webhook-timestamp must be whole seconds since 1970.';
  const signatures = signature
    .split(' ')
    .filter((part) => part.startsWith('v1,'))
    .map((part) => part.slice(3));
  if (signatures.length === 0 || signatures.length > SIGNATURES_MAX) {
    return `webhook-signature must hold 1 to ${SIGNATURES_MAX} signatures of the form v1,<base64>.`;
  }
  return { id, timestampMs: Number(timestamp) * 1000, signatures };
}

/** base64(HMAC-SHA-256(secret, `<id>.<seconds>.<body>`)), as the header writes it after `v1,`. */
export function signRequest(secret: Uint8Array, id: string, timestampS: number, body: Uint8Array): string {
  return Buffer.from(hmacSha256(secret, `${id}.${timestampS}.`, body)).toString('base64');
}

/** Null when the signature is right, recent and meant for this target; else what is wrong. Replays are remembered apart. */
export function checkSignedRequest(
  request: SignedRequest,
  target: RequestTarget,
  secret: Uint8Array,
  nowMs: number,
): string | null {
  const expected = signRequest(secret, request.id, request.timestampMs / 1000, target.rawBody);
  // Every signature is compared, whichever fits.
  const fitting = request.signatures.filter((signature) => isEqualSecret(signature, expected));
  if (fitting.length === 0)
    return 'The signature does not fit the body, the id, the timestamp and the secret of this key.';
  const offMs = nowMs - request.timestampMs;
  if (Math.abs(offMs) > SIGNATURE_TOLERANCE_MS) {
    return `The timestamp is ${Math.round(Math.abs(offMs) / 1000)} s ${offMs > 0 ? 'old' : 'ahead'}; ${SIGNATURE_TOLERANCE_MS / 1000} s are allowed. Check the clock, and sign again instead of resending.`;
  }
  return checkBinding(request.id, target);
}

/** An id of the form `<unique>:<METHOD>:<path>` counts only there; a plain one only where UNBOUND says so. */
function checkBinding(id: string, { method, path }: RequestTarget): string | null {
  const here = `${method.toUpperCase()} ${path}`;
  const [, boundMethod, boundPath] = /^[^:]+:([A-Z]+):(\/.*)$/.exec(id) ?? [];
  if (boundMethod === undefined || boundPath === undefined) {
    if (UNBOUND.has(here)) return null;
    return `The signature does not say that it is meant for ${here}. Use a webhook-id of the form <unique>:${method.toUpperCase()}:${path}`;
  }
  return `${boundMethod} ${boundPath}` === here
    ? null
    : `The request was signed for ${boundMethod} ${boundPath}, not for ${here}.`;
}

export interface Sighting {
  readonly tenant: string;
  readonly keyId: string;
  readonly messageId: string;
  readonly timestampMs: number;
  readonly nowMs: number;
}

/** How long a sighting outlives its timestamp's tolerance, for processes whose clocks are behind. */
const FORGET_SLACK_MS = 60_000;

/**
 * Remembers a message id; false when any process has seen it. Call it after the signature was found right, or
 * anybody could use up ids. Each call also forgets a few that are too old, so the table needs no cleaner.
 */
export async function rememberRequest(tx: Queryable, seen: Sighting): Promise<boolean> {
  const forgetMs = seen.timestampMs + SIGNATURE_TOLERANCE_MS + FORGET_SLACK_MS;
  const rows = await tx`
    with forgotten as (
      delete from mandate.signed_request s using (
        select key_id, message_id from mandate.signed_request
        where tenant = ${seen.tenant} and forget_at < ${seen.nowMs}::timestamptz
        order by forget_at limit 10 for update skip locked) old
      where s.tenant = ${seen.tenant} and s.key_id = old.key_id and s.message_id = old.message_id)
    insert into mandate.signed_request (tenant, key_id, message_id, forget_at)
    values (${seen.tenant}, ${seen.keyId}, ${seen.messageId}, ${forgetMs}::timestamptz)
    on conflict do nothing returning 1`;
  return rows.length === 1;
}
