// What every refusal at the HTTP door promises, asserted in one place.
import assert from 'node:assert/strict';
import type { Answered } from './door.ts';

/** The code that belongs to a status where nothing finer is meant. */
const CODES: Readonly<Record<number, string | undefined>> = {
  400: 'malformed',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  415: 'unsupported_media_type',
  422: 'invalid',
};

/** A problem as RFC 9457 and we promise it: code, what is wrong, what to do next, and the trace that finds the log. */
export function assertProblem(name: string, answer: Answered, status: number, code = CODES[status]): void {
  assert.equal(answer.status, status, `${name}: ${answer.text.slice(0, 300)}`);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/, name);
  const { json } = answer;
  assert.ok(json !== null, name);
  assert.equal(json['code'], code, `${name}: ${answer.text.slice(0, 300)}`);
  assert.equal(json['status'], status, name);
  assert.match(String(json['detail']), /^.+\. .+\.$/s, `${name} says what is wrong and what to do next`);
  assert.match(String(json['traceId']), /^[0-9a-f]{32}$/, name);
  assert.equal(answer.headers.get('x-trace-id'), json['traceId'], name);
  assert.doesNotMatch(
    answer.text,
    /node_modules|\.ts:|postgres|select /i,
    `${name} tells nothing of our insides`,
  );
}

/** Where the sender has to look. */
export function pointersOf(answer: Answered): readonly string[] {
  return ((answer.json?.['errors'] ?? []) as readonly { readonly pointer: string }[]).map(
    (error) => error.pointer,
  );
}
