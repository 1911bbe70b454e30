// Telegram over the Bot API (https://core.telegram.org/bots/api). Texts are sent without a parse mode, so what others
// wrote stays text; the token is part of every address and therefore of nothing that is kept or shown.
import type { ChannelSetting, JsonObject } from '@mandate/kernel';
import { askedText, cut, cutLines } from './asked.ts';
import type { AskedApproval } from './asked.ts';
import type { ChannelAnswer } from './message.ts';
import {
  apiOf,
  callProvider,
  recordOf,
  readAnswer,
  refused,
  retryAfterMs,
  rubbishAnswer,
  textOf,
  tokenOf,
  within,
} from './provider.ts';
import type { ProviderAnswer, ProviderJson, ProviderNeeds } from './provider.ts';
import { questionOf } from './question.ts';
import type { QuestionNeeds } from './question.ts';
import { zoneOf } from './quiet.ts';
import type { Sender } from './sender.ts';

const TELEGRAM_API = 'https://api.telegram.org';
/** The option that names the secret_token given to setWebhook. */
export const TELEGRAM_PROOF = 'webhookSecret';
/** A message takes 4,096 characters. */
const TEXT_MAX = 4_000;

export interface TelegramNeeds extends ProviderNeeds, QuestionNeeds {}

export function createTelegram(needs: TelegramNeeds): Sender {
  return async (message, setting, signal) => {
    const question = await questionOf(message, { setting, proof: TELEGRAM_PROOF, needs });
    const body =
      question === null
        ? { text: cutLines(message.text, TEXT_MAX) }
        : questionBody({ ...question, zone: zoneOf(setting.quiet), link: message.link });
    const answer = await callTelegram(needs, {
      setting,
      method: 'sendMessage',
      body: { chat_id: message.to, link_preview_options: { is_disabled: true }, ...body },
      signal,
    });
    return readAnswer('Telegram', answer, readJson);
  };
}

export interface TelegramQuestion {
  readonly heading: string;
  readonly asked: AskedApproval;
  readonly zone: string;
  readonly notes: readonly string[];
  readonly values: { readonly approve: string; readonly deny: string } | null;
  readonly link: string | null;
}

/** `text` and, while it can be decided here, `reply_markup`. Without one an edited message loses its buttons. */
export function questionBody({ heading, asked, zone, notes, values, link }: TelegramQuestion): JsonObject {
  const { text, isWhole } = askedText(
    { heading: [...notes, heading].join('\n'), asked, zone },
    { link, max: TEXT_MAX },
  );
  if (values === null || !asked.isOpen) return { text };
  const row = [
    ...(isWhole ? [{ text: 'Approve', callback_data: values.approve }] : []),
    { text: 'Deny', callback_data: values.deny },
  ];
  return { text, reply_markup: { inline_keyboard: [row] } };
}

export async function callTelegram(
  { post, secrets }: ProviderNeeds,
  of: {
    readonly setting: ChannelSetting;
    readonly method: string;
    readonly body: JsonObject;
    readonly signal: AbortSignal;
  },
): Promise<ProviderAnswer> {
  const token = tokenOf(of.setting, secrets, 'the token of the bot (123456:ABC…)');
  if (typeof token !== 'string') return token;
  const { setting, body, signal } = of;
  const url = `${apiOf(setting, TELEGRAM_API)}/bot${token}/${of.method}`;
  return callProvider(post, { setting, url, token, bearer: false, body, signal });
}

function readJson({ status, headers, value }: ProviderJson): ChannelAnswer {
  const result = recordOf(value['result']);
  const messageId = result === null ? '' : textOf(result['message_id']);
  if (value['ok'] === true && result !== null && messageId !== '')
    return { kind: 'accepted', reference: `${textOf(within(result, 'chat')['id'])}/${messageId}` };
  if (value['ok'] !== false) return rubbishAnswer('Telegram', { kind: 'rubbish', status, headers });
  // What error_code says is what the status says, and the documentation reserves the right to change it.
  const parameters = within(value, 'parameters');
  const seconds = Number(textOf(parameters['retry_after']) || Number.NaN);
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : retryAfterMs(headers);
  const moved = textOf(parameters['migrate_to_chat_id']);
  const said = cut(`Telegram: ${textOf(value['description']) || `HTTP ${status}`}`, 300);
  if (moved !== '') return refused(`${said}. The group is the chat ${moved} now; write that.`, true);
  if (status === 429) return refused(said, false, waitMs);
  if (status === 401 || status === 404) return refused(`${said}. Put a valid bot token into the secret.`);
  if (status >= 500) return { kind: 'unknown', error: said };
  return refused(`${said}.${status === 403 ? ' The person has to write to the bot first.' : ''}`, true);
}
