// From a request to a call that a route may trust: every part of it is parsed here, once, and what does not fit is
// refused with its place. Nothing is coerced and nothing unknown is passed over in silence.
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { idempotencyKeyField, isPlainText } from '../../platform/http/fields.ts';
import { holdsSecret, NO_SECRET } from '../../platform/http/names.ts';
import { escapePointer, parseGuardedJson } from '../../platform/http/json-guard.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Call, Route } from '../../platform/http/route.ts';
import type { ProblemContext } from './problem.ts';

export type BadCall = { readonly refusal: Refusal; readonly errors: NonNullable<ProblemContext['errors']> };

/** What the sender said; who the sender is comes from elsewhere. */
export type ReadCall = Pick<
  Call,
  'params' | 'query' | 'body' | 'bodyDigest' | 'idempotency' | 'attempt' | 'accept' | 'waitMs'
>;

const WAIT_MAX_S = 30;
const SHOWN_MAX = 80;
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function readCall(
  route: Route,
  request: FastifyRequest,
  digestOf: (value: unknown) => string,
): ReadCall | BadCall {
  const params = readParams(request.params);
  if ('refusal' in params) return params;
  const query = readQuery(route, fieldsOf(request.query));
  if ('refusal' in query) return query;
  const body = readBody(route, request);
  if ('refusal' in body) return body;
  const key = readKey(request, 'Idempotency-Key');
  if (typeof key === 'object' && key !== null) return key;
  const attempt = readKey(request, 'Mandate-Attempt');
  if (typeof attempt === 'object' && attempt !== null) return attempt;
  const waitMs = readWait(headerOf(request, 'prefer'));
  if (typeof waitMs === 'object') return waitMs;
  const bodyDigest = (): string => (route.body === null ? '' : digestOf(body.value));
  return {
    params: params.value,
    query: query.value,
    body: body.value,
    bodyDigest,
    idempotency: key === null ? null : { key, digest: bodyDigest() },
    attempt,
    accept: headerOf(request, 'accept'),
    waitMs,
  };
}

type Params = Readonly<Record<string, string>>;

function readParams(given: unknown): { readonly value: Params } | BadCall {
  const params = Object.fromEntries(
    Object.entries(fieldsOf(given)).map(([name, value]) => [name, String(value)]),
  );
  for (const [name, value] of Object.entries(params)) {
    if (!isPlainText(value))
      return bad({ code: 'not_found', detail: `The ${name} in the path has control characters.` });
    // It names what a row or an entry will be about (I9).
    if (holdsSecret(value))
      return bad({ code: 'invalid', detail: `The ${name} in the path ${NO_SECRET}.` }, [
        { pointer: `/${name}`, detail: NO_SECRET },
      ]);
    // `:id` is always a UUID; anything else cannot exist.
    if (name === 'id' && !UUID.test(value))
      return bad({ code: 'not_found', detail: `${value.slice(0, SHOWN_MAX)} is no id; ids are UUIDs.` });
  }
  return { value: params };
}

function readQuery(
  route: Route,
  query: Readonly<Record<string, unknown>>,
): { readonly value: unknown } | BadCall {
  for (const [name, value] of Object.entries(query)) {
    if (isPlainText(name) && typeof value === 'string' && isPlainText(value)) continue;
    const detail = Array.isArray(value) ? 'is given more than once' : 'has control characters';
    const shown = name.slice(0, SHOWN_MAX).replaceAll(/[^\x20-\x7e]/g, '?');
    return bad({ code: 'invalid', detail: `?${shown} ${detail}.` }, [{ pointer: `?/${shown}`, detail }]);
  }
  if (route.query !== null) return parse(route.query, query, 'query');
  const [name] = Object.keys(query);
  if (name === undefined) return { value: null };
  const shown = name.slice(0, SHOWN_MAX);
  const detail = `This path takes no query, but ?${shown} was given.`;
  return bad({ code: 'invalid', detail }, [{ pointer: `?/${escapePointer(shown)}`, detail }]);
}

function readBody(route: Route, request: FastifyRequest): { readonly value: unknown } | BadCall {
  const bytes = bodyOf(request);
  if (bytes.length === 0) {
    if (route.body === null) return { value: null };
    const detail = 'The body is empty; send JSON with Content-Type: application/json.';
    return bad({ code: 'malformed', detail });
  }
  const coded = codingProblem(request);
  if (coded !== null) return bad({ code: 'unsupported_media_type', detail: coded });
  const text = decodeUtf8(bytes);
  if (text === null) return bad({ code: 'malformed', detail: 'The body is not UTF-8.' });
  const guarded = parseGuardedJson(text);
  if (guarded.kind === 'refused') {
    const { pointer, detail } = guarded;
    const place = pointer === '' ? '' : `${pointer.slice(0, SHOWN_MAX)}: `;
    return bad({ code: 'malformed', detail: `${place}${detail}` }, [{ pointer, detail }]);
  }
  if (route.body !== null) return parse(route.body, guarded.value, 'body');
  // Some clients cannot send a POST without a body, so an empty object is none.
  return JSON.stringify(guarded.value) === '{}'
    ? { value: null }
    : bad({ code: 'invalid', detail: 'This path takes no body, but one was sent.' }, [
        { pointer: '', detail: 'takes no body' },
      ]);
}

/** What is signed, digested and decided is the bytes as they come, so they must be what they seem. */
function codingProblem(request: FastifyRequest): string | null {
  const encoding = headerOf(request, 'content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    return 'The body must not be compressed (Content-Encoding).';
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headerOf(request, 'content-type') ?? '')?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset)
    ? null
    : 'The body must be UTF-8, not another charset.';
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

export function parse(
  schema: z.ZodType,
  value: unknown,
  where: 'body' | 'query',
): { readonly value: unknown } | BadCall {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data };
  const errors = parsed.error.issues.flatMap(placesOf).map(({ path, detail }) => ({
    pointer: (where === 'body' ? '' : '?') + path.map((part) => `/${shownPart(part)}`).join(''),
    detail,
  }));
  const [first] = errors;
  const detail =
    first === undefined
      ? `The ${where} does not fit.`
      : `${first.pointer === '' ? `the ${where}` : first.pointer}: ${first.detail}.`;
  return bad({ code: 'invalid', detail }, errors);
}

/** What a field is called is the sender's word as well, and may be what should not have been sent. */
function shownPart(part: string): string {
  return holdsSecret(part) ? '[redacted]' : escapePointer(part);
}

type Issue = z.core.$ZodIssue;

/** Each unknown field is an error of its own, at its own place. */
function placesOf(issue: Issue): readonly { readonly path: readonly string[]; readonly detail: string }[] {
  const path = issue.path.map(String);
  // What is wrong with the key of a record is said by the issue within.
  if (issue.code === 'invalid_key') return [{ path, detail: issue.issues[0]?.message ?? issue.message }];
  return issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => ({ path: [...path, key.slice(0, SHOWN_MAX)], detail: 'unknown field' }))
    : [{ path, detail: issue.message.replace(', received undefined', ', but it is missing') }];
}

function readKey(request: FastifyRequest, name: string): string | null | BadCall {
  const key = headerOf(request, name.toLowerCase());
  if (key === null) return null;
  const read = idempotencyKeyField.safeParse(key);
  if (read.success) return key;
  const detail = `${name} ${read.error.issues[0]?.message ?? 'does not fit'}.`;
  return bad({ code: 'invalid', detail }, [{ pointer: name, detail }]);
}

/** `Prefer: wait=30` (RFC 7240); other preferences are none of ours. More than 30 s counts as 30 s. */
function readWait(prefer: string | null): number | BadCall {
  const [, given] = /(?:^|[,;])\s*wait\s*(?:=\s*([^,;]*))?(?=$|[,;])/i.exec(prefer ?? '') ?? [null, null];
  if (given === null) return 0;
  const seconds = (given ?? '').trim().replace(/^"(.*)"$/, '$1');
  if (/^\d{1,9}$/.test(seconds)) return Math.min(Number(seconds), WAIT_MAX_S) * 1_000;
  const detail = 'Prefer: wait= takes whole seconds, such as wait=30.';
  return bad({ code: 'invalid', detail }, [{ pointer: 'Prefer', detail }]);
}

/** The router's answer is an object of texts, or of lists of them; its type does not say so. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value ?? {}));
}

function bad(refusal: Refusal, errors: BadCall['errors'] = []): BadCall {
  return { refusal, errors };
}

export function bodyOf(request: FastifyRequest): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : new Uint8Array();
}

function headerOf(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}
