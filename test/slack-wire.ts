// Slack as far as it meets us: it refuses messages that Slack would refuse (limits of Block Kit), keeps what it was sent,
// and signs presses as Slack does, with code of its own (https://docs.slack.dev/authentication/verifying-requests-from-slack).
import { createHmac, randomUUID } from 'node:crypto';
import type { Closing } from './closing.ts';
import { openWire, sendJson } from './wire.ts';
import type { WireAnswer, WireRequest } from './wire.ts';

export const SLACK_TOKEN = 'xoxb-wire-0123456789-abcdefghij';
export const SLACK_SIGNING = '8f742231b10e8888abcd99yyyzzz85a5';

type Json = Record<string, unknown>;

export interface SlackMessage {
  readonly channel: string;
  readonly text: string;
  readonly blocks: readonly Json[];
  readonly ts: string;
}

export interface SlackWire {
  readonly url: string;
  readonly messages: SlackMessage[];
  /** What came back over a response_url. */
  readonly replies: Json[];
  /** In the place of the next answers, first come first served. */
  readonly faults: WireAnswer[];
  /** The request that a press on a button of the message makes. */
  press(
    of: SlackMessage | { readonly blocks: readonly Json[] },
    wanted: { readonly button: 'Approve' | 'Deny'; readonly user: string; readonly nowMs?: number },
  ): SlackRequest;
}

export interface SlackRequest {
  readonly raw: string;
  readonly headers: Readonly<Record<string, string>>;
}

export async function openSlackWire(t: Closing): Promise<SlackWire> {
  const messages: SlackMessage[] = [];
  const replies: Json[] = [];
  const faults: WireAnswer[] = [];
  const wire = await openWire(t, (request, response) => {
    const fault = faults.shift();
    if (fault !== undefined) return fault(request, response);
    if (request.path.startsWith('/actions/')) {
      replies.push(request.json);
      return void response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
    }
    const error = refusalOf(request);
    if (error !== null) return sendJson(response, 200, { ok: false, error });
    const { channel, text, blocks } = request.json as Json & {
      channel: string;
      text: string;
      blocks: Json[];
    };
    const ts = `${1_700_000_000 + messages.length}.000100`;
    messages.push({ channel, text, blocks, ts });
    sendJson(response, 200, { ok: true, channel, ts, message: { text, blocks } });
  });
  return {
    url: wire.url,
    messages,
    replies,
    faults,
    press({ blocks }, { button, user, nowMs = Date.now() }) {
      const pressed = buttonsOf(blocks).find((each) => labelOf(each) === button);
      if (pressed === undefined) throw new Error(`the message has no button ${button}`);
      const payload = {
        type: 'block_actions',
        user: { id: user, username: user.toLowerCase(), team_id: 'T0TEAM' },
        api_app_id: 'A0APP',
        token: 'deprecated',
        container: { type: 'message', message_ts: '1700000000.000100', channel_id: 'C0TEAM' },
        trigger_id: `12466734323.1395872398.${randomUUID()}`,
        team: { id: 'T0TEAM', domain: 'example' },
        channel: { id: 'C0TEAM', name: 'team' },
        response_url: `${wire.url}/actions/T0TEAM/1/${randomUUID()}`,
        actions: [
          {
            action_id: pressed['action_id'],
            block_id: 'b',
            text: pressed['text'],
            value: pressed['value'],
            type: 'button',
            action_ts: String(nowMs / 1_000),
          },
        ],
      };
      return signSlack(`payload=${encodeURIComponent(JSON.stringify(payload))}`, { nowMs });
    },
  };
}

export function signSlack(
  raw: string,
  { nowMs, secret = SLACK_SIGNING }: { readonly nowMs: number; readonly secret?: string },
): SlackRequest {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${raw}`).digest('hex');
  return {
    raw,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
    },
  };
}

export function buttonsOf(blocks: readonly Json[]): readonly Json[] {
  return blocks.filter(({ type }) => type === 'actions').flatMap(({ elements }) => elements as Json[]);
}

export function labelOf(button: Json): string {
  return String((button['text'] as Json)['text']);
}

/** All that a reader sees, in one text. */
export function textOfBlocks(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([name, each]) => (name === 'text' && typeof each === 'string' ? each : textOfBlocks(each)))
    .filter((text) => text !== '')
    .join('\n');
}

const TYPES = new Set(['header', 'rich_text', 'actions', 'context']);

/** What Slack answers instead of taking it; null where it does. */
function refusalOf({ method, path, headers, json }: WireRequest): string | null {
  if (method !== 'POST' || path !== '/api/chat.postMessage') return 'unknown_method';
  if (headers.authorization !== `Bearer ${SLACK_TOKEN}`) return 'invalid_auth';
  if (headers['content-type'] !== 'application/json; charset=utf-8') return 'invalid_post_type';
  const { channel, text, blocks } = json;
  if (typeof channel !== 'string' || !/^[CUDG][A-Z0-9]+$/.test(channel)) return 'channel_not_found';
  if (typeof text !== 'string' || text === '') return 'no_text';
  if (!Array.isArray(blocks) || blocks.length > 50) return 'invalid_blocks';
  if (JSON.stringify(blocks).length > 13_000) return 'msg_blocks_too_long';
  return (blocks as Json[]).every(isBlock) ? null : 'invalid_blocks';
}

function isBlock(block: Json): boolean {
  const { type, elements } = block;
  if (typeof type !== 'string' || !TYPES.has(type)) return false;
  if (type === 'header') return isText(block['text'], 150);
  if (!Array.isArray(elements) || elements.length === 0) return false;
  if (type === 'context') return elements.length <= 10 && elements.every((each) => isText(each, 2_000));
  if (type === 'actions') return elements.length <= 25 && (elements as Json[]).every(isButton);
  return (elements as Json[]).every(isRich);
}

function isText(value: unknown, max: number): boolean {
  const { type, text } = value as Json;
  return type === 'plain_text' && typeof text === 'string' && text.length > 0 && text.length <= max;
}

function isButton({ type, text, action_id: id, value, confirm }: Json): boolean {
  const { title, text: question, confirm: yes, deny: no } = confirm as Json;
  return (
    type === 'button' &&
    isText(text, 75) &&
    String(id).length <= 255 &&
    String(value).length <= 2_000 &&
    isText(title, 100) &&
    isText(question, 300) &&
    isText(yes, 30) &&
    isText(no, 30)
  );
}

function isRich({ type, elements, text, url }: Json): boolean {
  if (type === 'text') return typeof text === 'string' && text.length > 0;
  if (type === 'link') return typeof url === 'string' && url.length > 0;
  const kinds = ['rich_text_section', 'rich_text_list', 'rich_text_preformatted'];
  return kinds.includes(String(type)) && Array.isArray(elements) && (elements as Json[]).every(isRich);
}
