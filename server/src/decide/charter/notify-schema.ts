// The written shape of `notify` and of people's contacts. A channel is told by the key that names where it leads, so a
// misspelt one is an error and never a channel that nobody hears of.
import { z } from 'zod';
import { optionProblems } from './channel-options.ts';
import { DURATION, hasKnownZone, QUIET_HOURS } from './units.ts';

const QUIET_EXAMPLE = '22:00-07:00 Europe/Berlin';
const text = z.string().min(1).max(2_000);
const duration = z
  .string({ error: 'Write a duration as a number and a unit: 30s, 30m, 4h or 14d.' })
  .regex(DURATION, { error: 'This is no duration. Write a number and a unit: 30s, 30m, 4h or 14d.' });
const quiet = z
  .string()
  .regex(new RegExp(`^none$|${QUIET_HOURS.source}`), {
    error: `Write it like '${QUIET_EXAMPLE}', or none.`,
  })
  .refine((value) => value === 'none' || !QUIET_HOURS.test(value) || hasKnownZone(value), {
    error: `The time zone is unknown. Write an IANA name, like '${QUIET_EXAMPLE}'.`,
  })
  .refine((value) => value.slice(0, 5) !== value.slice(6, 11), {
    error: 'These quiet hours have no end. Write another end, or none.',
  });
const mode = z.enum(['none', 'digest', 'realtime']);
const tierName = z.enum(['green', 'yellow', 'red', 'black']);
const urgent = z
  .array(z.enum(['approval', 'incident', 'stop', 'freeze', 'report']))
  .describe('What is told at once instead of in the next digest.');

const policy = {
  mode: mode.optional().describe('digest by default; realtime: each thing by itself; none: nothing.'),
  digest: duration.optional().describe('How long things are collected: 30m.'),
  quiet: quiet.optional().describe(`Held until they end: ${QUIET_EXAMPLE}.`),
  tiers: z
    .union([z.array(tierName), z.partialRecord(tierName, mode)])
    .optional()
    .describe('Only these tiers; or a mode for each.'),
  urgent: urgent.optional(),
  wake: urgent.optional().describe('Which of the urgent are told during quiet hours too.'),
  tries: z.number().int().min(1).max(50).optional().describe('Tries before a message is put aside as dead.'),
  timeout: duration.optional().describe('How long one try may take.'),
};

const email = z.string().regex(/^[^\s@<>,;"]+@[^\s@<>,;"]+$/, {
  error: 'Write one address, such as ops@example.org.',
});
const url = z.string().regex(/^https?:\/\/[^\s/@?#]+([/?#]\S*)?$/, {
  error: 'Write a full http(s) URL without user or password in it; name a secret under secret instead.',
});
const secretName = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, {
  error: 'Write the name of a secret, such as ops-hook, never the secret itself.',
});
const several = <T extends z.ZodType>(one: T) => z.union([one, z.array(one).max(100)]).optional();

/** Each names a way; exactly one of them stands in a channel. */
export const CHANNEL_KEYS = ['email', 'webhook', 'slack', 'telegram', 'whatsapp', 'function'] as const;

const channel = z
  .strictObject({
    email: several(email).describe('One address or several; none for a channel that only contacts use.'),
    webhook: several(url).describe('URLs that take signed webhooks.'),
    slack: several(text).describe('Slack channels or members.'),
    telegram: several(text).describe('Telegram chats.'),
    whatsapp: several(text).describe('WhatsApp numbers.'),
    function: z.literal(true).optional().describe('Sent by a function of the program: registerChannel.'),
    secret: secretName.optional().describe('SMTP URL, signing secret or token, by kind.'),
    allowPrivate: z.boolean().optional().describe('true: a webhook may reach private network addresses.'),
    options: z.record(text, text).optional().describe('What the way needs besides.'),
    ...policy,
  })
  .superRefine((written, context) => {
    const named = CHANNEL_KEYS.filter((key) => written[key] !== undefined);
    if (named.length === 1) {
      for (const kind of named)
        for (const { path, message } of optionProblems(kind, written))
          context.addIssue({ code: 'custom', path: [...path], message });
      return;
    }
    const found = named.length === 0 ? 'leads nowhere' : `has ${named.join(' and ')}`;
    context.addIssue({
      code: 'custom',
      path: [],
      message: `The channel ${found}. Write exactly one of ${CHANNEL_KEYS.join(', ')}.`,
    });
  })
  .meta({ oneOf: CHANNEL_KEYS.map((key) => ({ required: [key] })) });

/** The section `notify`. */
export const notifySchema = z.strictObject({
  ...policy,
  to: z
    .array(
      z.string().regex(/^(email:[^\s@<>,;"]+@[^\s@<>,;"]+|webhook:https?:\/\/[^\s/@?#]+([/?#]\S*)?)$/, {
        error: 'Write email:ops@example.org or webhook:https://….',
      }),
    )
    .optional()
    .describe('The short form of channels.'),
  channels: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, {
        error: 'Name the channel with a-z, 0-9, dash and underscore.',
      }),
      channel,
    )
    .optional(),
});

/** `users.<id>.contacts`. */
export const contactsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/), text)
  .describe('Where this person is reached, by kind or name of a channel: { email: ada@example.org }.');

export type WrittenNotify = z.infer<typeof notifySchema>;
export type WrittenChannel = z.infer<typeof channel>;
