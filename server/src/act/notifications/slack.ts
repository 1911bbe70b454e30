// Slack over chat.postMessage (https://docs.slack.dev/reference/methods/chat.postMessage). Slack says ok in the body and
// not by the status, so only a body that says so, with the message's own name, counts as taken.
import type { ChannelSetting, JsonObject } from '@mandate/kernel';
import type { ChannelAnswer } from './message.ts';
import {
  apiOf,
  callProvider,
  readAnswer,
  refused,
  retryAfterMs,
  rubbishAnswer,
  textOf,
  tokenOf,
} from './provider.ts';
import type { ProviderJson, ProviderNeeds } from './provider.ts';
import { questionOf } from './question.ts';
import type { QuestionNeeds } from './question.ts';
import { zoneOf } from './quiet.ts';
import { documentBlocks, escaped, questionBlocks } from './slack-blocks.ts';
import { cut } from './asked.ts';
import type { Sender } from './sender.ts';
import type { Post } from './webhook.ts';

const SLACK_API = 'https://slack.com/api';
/** The option that names the app's signing secret. */
export const SLACK_PROOF = 'signingSecret';

export interface SlackNeeds extends ProviderNeeds, QuestionNeeds {}

export function createSlack(needs: SlackNeeds): Sender {
  return async (message, setting, signal) => {
    const token = tokenOf(setting, needs.secrets, 'the bot token (xoxb-…)');
    if (typeof token !== 'string') return token;
    const question = await questionOf(message, { setting, proof: SLACK_PROOF, needs });
    const blocks =
      question === null
        ? documentBlocks(message.blocks)
        : questionBlocks({ ...question, zone: zoneOf(setting.quiet), link: message.link });
    const answer = await callProvider(needs.post, {
      setting,
      url: `${apiOf(setting, SLACK_API)}/chat.postMessage`,
      token,
      bearer: true,
      body: {
        channel: message.to,
        text: escaped(cut(message.subject, 1_000)),
        blocks: [...blocks],
        // A link with a token in it is nobody's to fetch.
        unfurl_links: false,
        unfurl_media: false,
      },
      signal,
    });
    return readAnswer('Slack', answer, readJson);
  };
}

/** Another try cannot end otherwise: the message, or the place it goes to, has to change. */
const FINAL: ReadonlySet<string> = new Set([
  'channel_not_found',
  'user_not_found',
  'is_archived',
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'msg_too_long',
  'too_many_attachments',
  'no_text',
  'cannot_dm_bot',
  'messages_tab_disabled',
]);

/** Part of it may have succeeded: Slack says so of these itself. */
const UNSURE: ReadonlySet<string> = new Set(['internal_error', 'fatal_error', 'request_timeout']);

function readJson({ status, headers, value }: ProviderJson): ChannelAnswer {
  const ts = textOf(value['ts']);
  if (value['ok'] === true && ts !== '')
    return { kind: 'accepted', reference: `${textOf(value['channel'])}/${ts}` };
  const error = textOf(value['error']);
  if (value['ok'] !== false || error === '')
    return rubbishAnswer('Slack', { kind: 'rubbish', status, headers });
  const said = `Slack: ${error}${hintFor(error)}`;
  if (UNSURE.has(error)) return { kind: 'unknown', error: said };
  return refused(said, FINAL.has(error), retryAfterMs(headers));
}

function hintFor(error: string): string {
  switch (error) {
    case 'not_in_channel':
      return '. Invite the app into the channel.';
    case 'invalid_auth':
    case 'not_authed':
    case 'token_revoked':
    case 'token_expired':
    case 'account_inactive':
      return '. Put a valid bot token into the secret.';
    case 'missing_scope':
      return '. Give the app the scope chat:write.';
    case 'channel_not_found':
      return '. Write the id of a channel (C…) or member (U…) that the app can see.';
    default:
      return '.';
  }
}

/** Where a press is answered: Slack's own host, or beside an API that the charter names inside a private network. */
export function isSlackReplyUrl(url: string, setting: ChannelSetting): boolean {
  const target = URL.parse(url);
  if (target === null) return false;
  const api = URL.parse(apiOf(setting, SLACK_API));
  if (setting.allowPrivate && api !== null && target.origin === api.origin) return true;
  return target.origin === 'https://hooks.slack.com' || target.origin === 'https://hooks.slack-gov.com';
}

/** Answers a press over its response_url, up to five times within half an hour. null when it was taken. */
export async function replyToSlack(
  post: Post,
  of: {
    readonly setting: ChannelSetting;
    readonly url: string;
    readonly body: JsonObject;
    readonly signal: AbortSignal;
  },
): Promise<string | null> {
  if (!isSlackReplyUrl(of.url, of.setting)) return 'The response_url is not one of Slack.';
  const answer = await callProvider(post, { ...of, token: null, bearer: false });
  if (answer.kind === 'refused' || answer.kind === 'unknown') return answer.error;
  // Slack answers a plain "ok" here.
  return answer.status >= 200 && answer.status < 300 ? null : `Slack answered HTTP ${answer.status}.`;
}
