// From a response to an answer: JSON that Mandate could have written, a problem, or a failure. Whatever is not clearly
// one of the first two is the third.
import { readDecisionIfAny } from './act-view.ts';
import type { Problem, UnavailableReason } from './errors.ts';
import { isFields } from './guard.ts';
import type { Fields } from './guard.ts';
import type { FetchResponse } from './machine.ts';

export type Answer =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly body: unknown;
      readonly sentMs: number;
      readonly attempt: number;
    }
  | { readonly kind: 'problem'; readonly problem: Problem; readonly attempt: number };

export type Attempt =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | {
      readonly kind: 'failure';
      readonly reason: UnavailableReason;
      readonly why: string;
      readonly cause: unknown;
      readonly retryAfterMs: number | null;
    };

export function readAttempt(
  response: FetchResponse,
  text: string,
  { sentMs, attempt }: { readonly sentMs: number; readonly attempt: number },
): Attempt {
  const { status } = response;
  const body = parse(response, text);
  const retryAfterMs = secondsOf(response.headers.get('retry-after'));
  if (status >= 200 && status < 300) {
    if (body !== null)
      return { kind: 'answer', answer: { kind: 'json', status, body: body.value, sentMs, attempt } };
    return {
      kind: 'failure',
      reason: 'nonsense',
      why: `What answered is not Mandate: ${status} without JSON. Check MANDATE_URL.`,
      cause: undefined,
      retryAfterMs: null,
    };
  }
  const problem = body === null || !isFields(body.value) ? null : problemOf(body.value, status, retryAfterMs);
  if (status >= 500) {
    const why =
      problem === null
        ? `Mandate answered ${status}.`
        : `Mandate answered ${status} ${problem.code}: ${problem.detail}`;
    return { kind: 'failure', reason: 'server_error', why, cause: undefined, retryAfterMs };
  }
  if (problem !== null) return { kind: 'answer', answer: { kind: 'problem', problem, attempt } };
  return {
    kind: 'failure',
    reason: 'nonsense',
    why: `What answered is not Mandate: ${status} without a problem in JSON. Check MANDATE_URL.`,
    cause: undefined,
    retryAfterMs: null,
  };
}

function parse(response: FetchResponse, text: string): { readonly value: unknown } | null {
  if (!/^application\/(json|problem\+json)\b/i.test(response.headers.get('content-type') ?? '')) return null;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

function problemOf(body: Fields, status: number, retryAfterMs: number | null): Problem | null {
  const { code, detail } = body;
  if (typeof code !== 'string' || typeof detail !== 'string') return null;
  const errors = Array.isArray(body['errors']) ? body['errors'].filter(isFields) : [];
  return {
    code,
    status,
    title: typeof body['title'] === 'string' ? body['title'] : code,
    detail,
    traceId: typeof body['traceId'] === 'string' ? body['traceId'] : null,
    errors: errors.map((error) => ({ pointer: String(error['pointer']), detail: String(error['detail']) })),
    retryAfterMs,
    decision: readDecisionIfAny(body['decision']),
    actionId: typeof body['actionId'] === 'string' ? body['actionId'] : null,
  };
}

function secondsOf(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}
