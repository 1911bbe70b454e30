// What Telegram sends when somebody presses a button: an update with a callback query, accompanied by the secret that
// was given to setWebhook (https://core.telegram.org/bots/api#setwebhook, #callbackquery).
import { z } from 'zod';
import { sha256Hex, isEqualSecret } from '../../platform/crypto/hash.ts';
import { headerOf, jsonOf, provenBy, unproven, unreadable } from './inbound.ts';
import type { Inbound, Read, TelegramPress } from './inbound.ts';

const shape = z.object({
  callback_query: z
    .object({
      id: z.string().min(1).max(128),
      from: z.object({ id: z.int() }),
      data: z.string().max(64).optional(),
      message: z.object({ chat: z.object({ id: z.int() }), message_id: z.int() }).optional(),
    })
    .optional(),
});

export function readTelegram(inbound: Inbound): Read<TelegramPress> {
  const { body, channels } = inbound;
  const given = headerOf(inbound, 'x-telegram-bot-api-secret-token') ?? '';
  // Hashed first: the comparison then says nothing of its length either.
  const proven = provenBy(channels, (secret) => isEqualSecret(sha256Hex(secret), sha256Hex(given)));
  if (proven.length === 0)
    return unproven(
      'X-Telegram-Bot-Api-Secret-Token does not fit. Set the webhook again with the secret_token of the channel.',
    );
  const json = jsonOf(Buffer.from(body).toString('utf8'));
  if (json === undefined) return unreadable('The body is not JSON.');
  const read = shape.safeParse(json);
  const query = read.success ? read.data.callback_query : undefined;
  if (query === undefined) return { kind: 'nothing' };
  const { id, from, data, message } = query;
  return {
    kind: 'read',
    value: {
      channels: proven.map(({ name }) => name),
      id,
      sender: String(from.id),
      value: data ?? '',
      message: message === undefined ? null : { chatId: message.chat.id, messageId: message.message_id },
    },
  };
}
