// Pages for people who decide: plain HTML under a policy that lets nothing else in. A GET or a HEAD shows and decides
// nothing, whoever follows the link how often; the form is sent back as a POST with the token that it carries.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { bodyOf } from '../http/read-call.ts';
import { sendProblem } from '../http/problem.ts';
import { refusalOfError } from '../http/unreadable.ts';
import type { Doorway } from '../http/doorway.ts';
import { FORM, keyOf, withKey } from './key-form.ts';

interface Page {
  readonly status: number;
  readonly html: string;
}

export interface ApprovalPagesNeeds extends Doorway {
  readonly desk: {
    openByLink(of: {
      readonly id: string;
      readonly token: string;
      readonly isLooking: boolean;
    }): Promise<Page>;
    openByKey(of: { readonly id: string; readonly principal: Principal }): Promise<Page>;
    decide(of: {
      readonly id: string;
      readonly form: Readonly<Record<string, string>>;
      readonly traceId: string | null;
    }): Promise<Page>;
    nobody(id: string): Page;
  };
  /** Base64 of the SHA-256 of the only style sheet that the pages have. */
  readonly styleHash: string;
}

/** Edited parameters come back in a form, where each character may take nine. */
const FORM_MAX = 524_288;
const PATH = '/approvals/:id';
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function mountApprovalPages(needs: ApprovalPagesNeeds): void {
  const { desk, prove } = needs;
  void needs.fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(FORM, { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    scope.get(PATH, (request, reply) =>
      serve(needs, { name: `GET ${PATH}`, request, reply }, async (id, traceId) => {
        const token = tokenOf(request);
        if (token !== null) return desk.openByLink({ id, token, isLooking: !isAhead(request) });
        const { authorization, 'x-api-key': key } = request.headers;
        if (authorization === undefined && key === undefined) return desk.nobody(id);
        const principal = await prove(request, reply, 'approvals.read', traceId);
        if (principal === null) return null;
        return desk.openByKey({ id, principal });
      }),
    );
    scope.post(PATH, { bodyLimit: FORM_MAX }, (request, reply) =>
      serve(needs, { name: `POST ${PATH}`, request, reply }, (id, traceId) =>
        byForm(needs, { id, request, reply, traceId }),
      ),
    );
    done();
  });
}

/** The form of the page, or the key of somebody who came without a link. */
async function byForm(
  { desk, prove }: ApprovalPagesNeeds,
  {
    id,
    request,
    reply,
    traceId,
  }: {
    readonly id: string;
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly traceId: string;
  },
): Promise<Page | null> {
  const form = formOf(request);
  if (form['t'] !== undefined || form['key'] === undefined) return desk.decide({ id, form, traceId });
  const principal = await prove(withKey(request, keyOf(request)), reply, 'approvals.read', traceId);
  return principal === null ? null : desk.openByKey({ id, principal });
}

interface Exchange {
  readonly name: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

function serve(
  { traced, failed, styleHash }: ApprovalPagesNeeds,
  { name, request, reply }: Exchange,
  answer: (id: string, traceId: string) => Promise<Page> | Page | Promise<Page | null>,
): Promise<FastifyReply> {
  return traced(name, request.headers, async (traceId) => {
    try {
      const id = idOf(request);
      const page = id === null ? null : await answer(id, traceId);
      if (id === null) return await sendProblem(reply, NOTHING, { traceId });
      // Whoever was refused has been told so already.
      if (page === null) return reply;
      return await reply.code(page.status).headers(headersFor(styleHash)).send(page.html);
    } catch (error) {
      const ours = (mistake: unknown): void => failed(mistake, traceId, PATH);
      return sendProblem(reply, refusalOfError(error, FORM_MAX, ours), { traceId });
    }
  });
}

const NOTHING: Refusal = { code: 'not_found', detail: 'There is no such approval.' };

/** No script, no frame, no other origin; and no address with a token in it goes anywhere as a referrer. */
function headersFor(styleHash: string): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'x-robots-tag': 'noindex, nofollow',
    'cross-origin-opener-policy': 'same-origin',
  };
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

/** A browser that fetches ahead shows nobody anything (https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header). */
function isAhead({ headers }: FastifyRequest): boolean {
  return [headers['sec-purpose'], headers['purpose'], headers['x-moz']].some(
    (value) => typeof value === 'string' && value.includes('prefetch'),
  );
}

/** The first value of each field; a field that is sent twice was sent by no form of ours. */
function formOf(request: FastifyRequest): Readonly<Record<string, string>> {
  const written = new URLSearchParams(Buffer.from(bodyOf(request)).toString('utf8'));
  return Object.fromEntries([...written.keys()].map((name) => [name, written.get(name) ?? '']));
}
