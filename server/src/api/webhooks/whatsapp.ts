// What Meta sends for WhatsApp: presses, other messages, and what became of ours, several at a time, signed over the bytes
// (https://developers.facebook.com/docs/graph-api/webhooks/getting-started,
// https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples).
import { z } from 'zod';
import { hmacSha256, isEqualSecret, sha256Hex } from '../../platform/crypto/hash.ts';
import { headerOf, jsonOf, provenBy, unproven, unreadable } from './inbound.ts';
import type { Inbound, InboundChannel, Read, WhatsappNews } from './inbound.ts';

const message = z.object({
  id: z.string().min(1).max(512),
  from: z.string().regex(/^\d{3,20}$/),
  timestamp: z.string().regex(/^\d{1,12}$/),
  type: z.string(),
  interactive: z.object({ button_reply: z.object({ id: z.string().max(256) }).optional() }).optional(),
  button: z.object({ payload: z.string().max(256).optional() }).optional(),
});
const status = z.object({
  id: z.string().min(1).max(512),
  status: z.string(),
  errors: z
    .array(
      z.object({
        code: z.int(),
        title: z.string().optional(),
        message: z.string().optional(),
        error_data: z.object({ details: z.string().optional() }).optional(),
      }),
    )
    .optional(),
});
const shape = z.object({
  object: z.literal('whatsapp_business_account'),
  entry: z.array(
    z.object({
      changes: z.array(
        z.object({
          value: z.object({
            metadata: z.object({ phone_number_id: z.string() }).optional(),
            messages: z.array(z.unknown()).optional(),
            statuses: z.array(z.unknown()).optional(),
          }),
        }),
      ),
    }),
  ),
});

export function readWhatsapp(inbound: Inbound): Read<readonly WhatsappNews[]> {
  const { body, channels } = inbound;
  const signature = headerOf(inbound, 'x-hub-signature-256') ?? '';
  const proven = provenBy(channels, (secret) =>
    isEqualSecret(`sha256=${Buffer.from(hmacSha256(Buffer.from(secret), body)).toString('hex')}`, signature),
  );
  if (proven.length === 0)
    return unproven('X-Hub-Signature-256 does not fit. Look at the app secret of the channel.');
  const json = jsonOf(Buffer.from(body).toString('utf8'));
  if (json === undefined) return unreadable('The body is not JSON.');
  const read = shape.safeParse(json);
  if (!read.success) return { kind: 'nothing' };
  const values = read.data.entry.flatMap(({ changes }) => changes.map(({ value }) => value));
  return {
    kind: 'read',
    value: values.flatMap(({ metadata, messages = [], statuses = [] }) => {
      const names = proven
        .filter(({ account }) => account === metadata?.phone_number_id)
        .map(({ name }) => name);
      if (names.length === 0) return [];
      return [
        ...messages.flatMap((each) => newsOfMessage(each, names)),
        ...statuses.flatMap((each) => newsOfStatus(each, names)),
      ];
    }),
  };
}

function newsOfMessage(written: unknown, channels: readonly string[]): readonly WhatsappNews[] {
  const read = message.safeParse(written);
  if (!read.success) return [];
  const { id, from, timestamp, interactive, button } = read.data;
  const value = interactive?.button_reply?.id ?? button?.payload ?? null;
  return [
    { kind: 'written', channels, sender: from, atMs: Number(timestamp) * 1_000 },
    ...(value === null ? [] : [{ kind: 'press' as const, channels, id, sender: from, value }]),
  ];
}

function newsOfStatus(written: unknown, channels: readonly string[]): readonly WhatsappNews[] {
  const read = status.safeParse(written);
  if (!read.success || read.data.status !== 'failed') return [];
  const { id, errors } = read.data;
  const [error] = errors ?? [];
  const details = error?.error_data?.details ?? '';
  const said = [error?.title ?? error?.message ?? 'not delivered', details].filter((each) => each !== '');
  return [
    {
      kind: 'bounce',
      channels,
      reference: id,
      code: error?.code ?? 0,
      error: `WhatsApp ${error?.code ?? ''}: ${said.join('. ')}`.slice(0, 400),
    },
  ];
}

/** The challenge that is to be sent back; null where the token is not that of a channel. It decides nothing. */
export function readChallenge(
  query: Readonly<Record<string, unknown>>,
  channels: readonly InboundChannel[],
): string | null {
  const { 'hub.mode': mode, 'hub.verify_token': given, 'hub.challenge': challenge } = query;
  if (mode !== 'subscribe' || typeof given !== 'string' || typeof challenge !== 'string') return null;
  // Sent back as it is, so it must not be able to mean anything.
  if (!/^[\w.-]{1,200}$/.test(challenge)) return null;
  const fits = channels.some(
    ({ verifyToken }) => verifyToken !== null && isEqualSecret(sha256Hex(verifyToken), sha256Hex(given)),
  );
  return fits ? challenge : null;
}
