// Every refusal looks the same, whatever door it leaves by: problem+json (RFC 9457) with a stable code, what is wrong,
// and what to do next.
import type { FastifyReply } from 'fastify';
import { PROBLEMS } from '../../platform/http/problems.ts';
import type { Refusal } from '../../platform/http/problems.ts';

export interface ProblemContext {
  readonly traceId: string | null;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** Finer than the code, e.g. which way authentication failed. */
  readonly reason?: string;
  readonly status?: number;
  readonly extra?: Readonly<Record<string, unknown>>;
}

export function sendProblem(reply: FastifyReply, refusal: Refusal, { traceId, errors = [], reason, status, extra = {} }: ProblemContext): FastifyReply {
  const kind = PROBLEMS[refusal.code];
  const code = status ?? kind.status;
  if (refusal.retryAfterMs !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(refusal.retryAfterMs / 1_000))));
  if (code === 401) reply.header('www-authenticate', 'Bearer realm="mandate"');
  if (traceId !== null) reply.header('x-trace-id', traceId);
  return reply
    .code(code)
    .type('application/problem+json')
    .send({
      type: `https://mandate.dev/problems/${refusal.code}`,
      title: kind.title,
      status: code,
      code: refusal.code,
      ...(reason === undefined ? {} : { reason }),
      detail: `${refusal.detail} ${kind.next}`,
      traceId,
      ...(errors.length === 0 ? {} : { errors }),
      ...extra,
    });
}
