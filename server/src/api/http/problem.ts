// Every refusal looks the same, whatever door it leaves by: problem+json (RFC 9457) with a stable code, what is wrong,
// and what to do next.
import type { FastifyReply } from 'fastify';
import { nextStepOf, PROBLEMS } from '../../platform/http/problems.ts';
import type { Refusal } from '../../platform/http/problems.ts';

export interface ProblemContext {
  readonly traceId: string | null;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** Finer than the code, e.g. which way authentication failed. */
  readonly reason?: string;
  readonly status?: number;
  readonly extra?: Readonly<Record<string, unknown>>;
}

export function sendProblem(reply: FastifyReply, refusal: Refusal, context: ProblemContext): FastifyReply {
  const { status, headers, body } = problemOf(refusal, context);
  return reply.code(status).headers(headers).type('application/problem+json').send(body);
}

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The same for doors that have no reply yet: a request that could not even be read. */
export function problemOf(
  refusal: Refusal,
  { traceId, errors = [], reason, status, extra = {} }: ProblemContext,
): Problem {
  const kind = PROBLEMS[refusal.code];
  const code = status ?? kind.status;
  const { retryAfterMs } = refusal;
  return {
    status: code,
    headers: {
      ...(retryAfterMs === undefined
        ? {}
        : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
      ...(code === 401 ? { 'www-authenticate': 'Bearer realm="mandate"' } : {}),
      ...(traceId === null || traceId === '' ? {} : { 'x-trace-id': traceId }),
    },
    body: {
      type: `https://mandate.dev/problems/${refusal.code}`,
      title: kind.title,
      status: code,
      code: refusal.code,
      ...(reason === undefined ? {} : { reason }),
      detail: `${refusal.detail} ${nextStepOf(refusal.code, errors.length > 0)}`,
      traceId,
      ...(errors.length === 0 ? {} : { errors }),
      ...extra,
    },
  };
}
