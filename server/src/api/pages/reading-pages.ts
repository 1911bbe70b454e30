// Where the links in messages lead: the page of an act, an incident or a report for whoever holds the link or brings a
// key, and for everybody else a page that takes a key. A page shows; nothing is decided on it.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Permission } from '../../platform/identity/roles.ts';
import type { Doorway } from '../http/doorway.ts';
import { sendProblem } from '../http/problem.ts';
import { refusalOfError } from '../http/unreadable.ts';
import { FORM, FORM_MAX, keyOf, withKey } from './key-form.ts';

interface Page {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One kind of thing that has pages. */
export interface Readable {
  /** `report`: its pages are at `/reports/ID`. */
  readonly kind: string;
  readonly permission: Permission;
  /** null for no such thing, and for what this reader may not read; `reader` is null for whoever holds the link. */
  readonly open: (tenant: string, id: string, reader: Principal | null) => Promise<Page | null>;
}

export interface ReadingPagesNeeds extends Doorway {
  readonly readables: readonly Readable[];
  /** The tenant of which the token shows just this; otherwise the page that says why it opens nothing. */
  readonly holderOf: (of: {
    readonly kind: string;
    readonly id: string;
    readonly token: string;
  }) => { readonly tenant: string } | Page;
  /** For whoever comes without link and key. */
  readonly nobody: (kind: string, id: string) => Page;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function mountReadingPages(needs: ReadingPagesNeeds): void {
  void needs.fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(FORM, { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    for (const readable of needs.readables) {
      const path = `/${readable.kind}s/:id`;
      scope.get(path, (request, reply) => serve(needs, readable, { name: `GET ${path}`, request, reply }));
      scope.post(path, { bodyLimit: FORM_MAX }, (request, reply) =>
        serve(needs, readable, { name: `POST ${path}`, request: withKey(request, keyOf(request)), reply }),
      );
    }
    done();
  });
}

interface Exchange {
  readonly name: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

function serve(
  { prove, traced, failed, holderOf, nobody }: ReadingPagesNeeds,
  { kind, permission, open }: Readable,
  { name, request, reply }: Exchange,
): Promise<FastifyReply> {
  return traced(name, request.headers, async (traceId) => {
    try {
      const id = idOf(request);
      if (id === null) return await sendProblem(reply, nothing(kind, 'there'), { traceId });
      const show = async (tenant: string, reader: Principal | null): Promise<FastifyReply> => {
        const page = await open(tenant, id, reader);
        return page === null ? sendProblem(reply, nothing(kind, id), { traceId }) : send(reply, page);
      };
      const token = tokenOf(request);
      if (token !== null) {
        const holder = holderOf({ kind, id, token });
        return await ('tenant' in holder ? show(holder.tenant, null) : send(reply, holder));
      }
      const { authorization, 'x-api-key': key } = request.headers;
      if (authorization === undefined && key === undefined) return send(reply, nobody(kind, id));
      const principal = await prove(request, reply, permission, traceId);
      // Whoever was refused has been told so already.
      return principal === null ? reply : await show(principal.tenant, principal);
    } catch (error) {
      const ours = (mistake: unknown): void => failed(mistake, traceId, name);
      return sendProblem(reply, refusalOfError(error, FORM_MAX, ours), { traceId });
    }
  });
}

function send(reply: FastifyReply, { status, body, headers }: Page): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

function nothing(kind: string, id: string) {
  return { code: 'not_found', detail: `There is no ${kind} ${id}.` } as const;
}

function idOf({ params }: FastifyRequest): string | null {
  const id = typeof params === 'object' && params !== null && 'id' in params ? String(params.id) : '';
  return ID.test(id) ? id : null;
}

function tokenOf({ query }: FastifyRequest): string | null {
  return typeof query === 'object' && query !== null && 't' in query && typeof query.t === 'string'
    ? query.t
    : null;
}
