// The doors by which chats bring presses. They have no key of ours: each provider proves itself by what it signs or
// sends along, and a person counts only by the charter. What is answered here is that it was taken; what came of it is
// said in the chat.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Refusal } from '../../platform/http/problems.ts';
import { sendProblem } from '../http/problem.ts';
import { bodyOf } from '../http/read-call.ts';
import { refusalOfError } from '../http/unreadable.ts';
import type { Doorway } from '../http/doorway.ts';
import type { Inbound, InboundChannel, Read, SlackPress, TelegramPress, WhatsappNews } from './inbound.ts';
import { readSlack } from './slack.ts';
import { readTelegram } from './telegram.ts';
import { readChallenge, readWhatsapp } from './whatsapp.ts';

type Kind = 'slack' | 'telegram' | 'whatsapp';

export interface WebhooksNeeds extends Omit<Doorway, 'prove'> {
  readonly nowMs: () => number;
  /** The tenant's channels of that kind; `tenant` null is the server's own. */
  readonly channelsOf: (tenant: string | null, kind: Kind) => Promise<readonly InboundChannel[]>;
  /**
   * Each settles once what was pressed is decided and kept; what is said in the chat follows by itself. A refusal has the
   * provider send the same once more.
   */
  readonly slack: (press: SlackPress, of: Taken) => Promise<Refusal | null>;
  readonly telegram: (press: TelegramPress, of: Taken) => Promise<Refusal | null>;
  readonly whatsapp: (news: readonly WhatsappNews[], of: Taken) => Promise<Refusal | null>;
}

export interface Taken {
  readonly tenant: string | null;
  readonly traceId: string;
}

const BODY_MAX = 262_144;
const NOBODY: Refusal = {
  code: 'not_found',
  detail:
    'No channel of the charter takes anything here. Name the secret of the provider under its options (docs/notifications.md).',
};

export function mountWebhooks(needs: WebhooksNeeds): void {
  const { slack, telegram, whatsapp } = needs;
  void needs.fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      ['application/json', 'application/x-www-form-urlencoded'],
      { parseAs: 'buffer' },
      (_request, body, parsed) => parsed(null, body),
    );
    post(scope, needs, { kind: 'slack', read: readSlack, take: slack });
    post(scope, needs, { kind: 'telegram', read: readTelegram, take: telegram });
    post(scope, needs, { kind: 'whatsapp', read: readWhatsapp, take: whatsapp });
    scope.get('/webhooks/whatsapp', (request, reply) =>
      serve(needs, { path: 'GET /webhooks/whatsapp', request, reply }, async () => {
        const query = fieldsOf(request.query);
        const challenge = readChallenge(query, await needs.channelsOf(tenantOf(query), 'whatsapp'));
        if (challenge === null)
          return { code: 'forbidden', detail: 'hub.verify_token is not that of a channel.' };
        await reply.type('text/plain; charset=utf-8').send(challenge);
        return null;
      }),
    );
    done();
  });
}

interface Door<T> {
  readonly kind: Kind;
  readonly read: (inbound: Inbound) => Read<T>;
  readonly take: (value: T, of: Taken) => Promise<Refusal | null>;
}

function post<T>(scope: FastifyInstance, needs: WebhooksNeeds, { kind, read, take }: Door<T>): void {
  const path = `/webhooks/${kind}`;
  scope.post(path, { bodyLimit: BODY_MAX }, (request, reply) =>
    serve(needs, { path: `POST ${path}`, request, reply }, async (traceId) => {
      const tenant = tenantOf(fieldsOf(request.query));
      const channels = (await needs.channelsOf(tenant, kind)).filter(({ proof }) => proof !== null);
      if (channels.length === 0) return NOBODY;
      const { headers } = request;
      const answer = read({ headers, body: bodyOf(request), channels, nowMs: needs.nowMs() });
      if (answer.kind === 'refused') return answer.refusal;
      const refusal = answer.kind === 'read' ? await take(answer.value, { tenant, traceId }) : null;
      if (refusal !== null) return refusal;
      await reply.code(200).type('text/plain; charset=utf-8').send('');
      return null;
    }),
  );
}

interface Exchange {
  readonly path: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

function serve(
  { traced, failed }: Pick<WebhooksNeeds, 'traced' | 'failed'>,
  { path, request, reply }: Exchange,
  answer: (traceId: string) => Promise<Refusal | null>,
): Promise<FastifyReply> {
  return traced(path, request.headers, async (traceId) => {
    try {
      const refusal = await answer(traceId);
      return refusal === null ? reply : await sendProblem(reply, refusal, { traceId });
    } catch (error) {
      const ours = (mistake: unknown): void => failed(mistake, traceId, path);
      return sendProblem(reply, refusalOfError(error, BODY_MAX, ours), { traceId });
    }
  });
}

/** Whose channels: `?tenant=` where one server has several. The signature has to be theirs. */
function tenantOf(query: Readonly<Record<string, unknown>>): string | null {
  const { tenant } = query;
  return typeof tenant === 'string' && tenant !== '' && tenant.length <= 128 ? tenant : null;
}

function fieldsOf(query: unknown): Readonly<Record<string, unknown>> {
  return typeof query === 'object' && query !== null ? Object.fromEntries(Object.entries(query)) : {};
}
