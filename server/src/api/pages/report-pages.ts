// Where the link in a message about a report leads: the page of the report for whoever comes with a key, and for a
// browser that has none a page that says how it is read.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Doorway } from '../http/doorway.ts';
import { sendProblem } from '../http/problem.ts';
import { refusalOfError } from '../http/unreadable.ts';

interface Page {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ReportPagesNeeds extends Doorway {
  /** null for no report of that id. */
  readonly open: (tenant: string, id: string) => Promise<Page | null>;
  /** For whoever comes without a key. */
  readonly nobody: (id: string) => Page;
}

const PATH = '/reports/:id';
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function mountReportPages({ fastify, prove, traced, failed, open, nobody }: ReportPagesNeeds): void {
  fastify.get(PATH, (request, reply) =>
    traced(`GET ${PATH}`, request.headers, async (traceId) => {
      try {
        const id = idOf(request);
        if (id === null) return await sendProblem(reply, nothing('there'), { traceId });
        const { authorization, 'x-api-key': key } = request.headers;
        if (authorization === undefined && key === undefined) return await send(reply, nobody(id));
        const principal = await prove(request, reply, 'governance.read', traceId);
        // Whoever was refused has been told so already.
        if (principal === null) return reply;
        const page = await open(principal.tenant, id);
        return page === null ? await sendProblem(reply, nothing(id), { traceId }) : await send(reply, page);
      } catch (error) {
        const ours = (mistake: unknown): void => failed(mistake, traceId, PATH);
        return sendProblem(reply, refusalOfError(error, 0, ours), { traceId });
      }
    }),
  );
}

function send(reply: FastifyReply, { status, body, headers }: Page): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

function nothing(id: string) {
  return { code: 'not_found', detail: `There is no report ${id}.` } as const;
}

function idOf({ params }: FastifyRequest): string | null {
  const id = typeof params === 'object' && params !== null && 'id' in params ? String(params.id) : '';
  return ID.test(id) ? id : null;
}
