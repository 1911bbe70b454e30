// Telegram's Bot API as far as it meets us: it refuses what Telegram would refuse (https://core.telegram.org/bots/api), keeps
// messages as they stand, and brings presses with the secret that setWebhook was given.
import type { Closing } from './closing.ts';
import { openWire, sendJson } from './wire.ts';
import type { WireAnswer } from './wire.ts';

export const TELEGRAM_TOKEN = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw';
export const TELEGRAM_SECRET = 'a-secret-of-the-webhook_0123456789';

type Json = Record<string, unknown>;

interface Button {
  readonly text: string;
  readonly callback_data: string;
}

export interface TelegramMessage {
  readonly chatId: number;
  readonly messageId: number;
  text: string;
  buttons: readonly Button[];
}

export interface TelegramWire {
  readonly url: string;
  readonly messages: TelegramMessage[];
  /** Answers to callback queries. */
  readonly answers: Json[];
  readonly faults: WireAnswer[];
  press(
    message: TelegramMessage,
    of: {
      readonly button: 'Approve' | 'Deny';
      readonly user: number;
      readonly data?: string;
      readonly id?: string;
    },
  ): { readonly raw: string; readonly headers: Readonly<Record<string, string>> };
}

export async function openTelegramWire(t: Closing): Promise<TelegramWire> {
  const messages: TelegramMessage[] = [];
  const answers: Json[] = [];
  const faults: WireAnswer[] = [];
  let updates = 0;
  const wire = await openWire(t, (request, response) => {
    const fault = faults.shift();
    if (fault !== undefined) return fault(request, response);
    const fail = (code: number, description: string): void =>
      sendJson(response, code, { ok: false, error_code: code, description });
    const [, method] = new RegExp(`^/bot${TELEGRAM_TOKEN}/(\\w+)$`).exec(request.path) ?? [];
    if (method === undefined) return fail(401, 'Unauthorized');
    const { chat_id: chat, text, reply_markup: markup, message_id: id } = request.json;
    const buttons = ((markup as { inline_keyboard?: Button[][] } | undefined)?.inline_keyboard ?? []).flat();
    if (method === 'answerCallbackQuery') {
      if (typeof text === 'string' && text.length > 200) return fail(400, 'Bad Request: MESSAGE_TOO_LONG');
      answers.push(request.json);
      return sendJson(response, 200, { ok: true, result: true });
    }
    if (!/^-?\d+$/.test(String(chat))) return fail(400, 'Bad Request: chat not found');
    if (typeof text !== 'string' || text === '') return fail(400, 'Bad Request: message text is empty');
    if (text.length > 4_096) return fail(400, 'Bad Request: message is too long');
    if (buttons.some(({ callback_data: data }) => data === '' || Buffer.byteLength(data) > 64))
      return fail(400, 'Bad Request: BUTTON_DATA_INVALID');
    if (method === 'editMessageText') {
      const message = messages.find(({ messageId }) => messageId === id);
      if (message === undefined) return fail(400, 'Bad Request: message to edit not found');
      Object.assign(message, { text, buttons });
      return sendJson(response, 200, { ok: true, result: { message_id: id, chat: { id: Number(chat) } } });
    }
    const message = { chatId: Number(chat), messageId: messages.length + 1, text, buttons };
    messages.push(message);
    sendJson(response, 200, {
      ok: true,
      result: { message_id: message.messageId, date: 0, chat: { id: message.chatId, type: 'private' }, text },
    });
  });
  return {
    url: wire.url,
    messages,
    answers,
    faults,
    press({ chatId, messageId, buttons }, { button, user, data, id = `43823649823${updates}` }) {
      const pressed = buttons.find(({ text }) => text === button);
      if (pressed === undefined) throw new Error(`the message has no button ${button}`);
      updates += 1;
      const update = {
        update_id: 10_000 + updates,
        callback_query: {
          id,
          from: { id: user, is_bot: false, first_name: 'Ada' },
          message: { message_id: messageId, date: 1_700_000_000, chat: { id: chatId, type: 'private' } },
          chat_instance: '-3895382959',
          data: data ?? pressed.callback_data,
        },
      };
      return {
        raw: JSON.stringify(update),
        headers: {
          'content-type': 'application/json',
          'x-telegram-bot-api-secret-token': TELEGRAM_SECRET,
        },
      };
    },
  };
}
