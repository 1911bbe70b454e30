// The written shape of `guardrails` and `flows`: the shipped thresholds, guardrails of one's own in CEL, plug-ins, what
// is untrusted, and what must not follow what.
import { MAX_LOOKBACK_MS } from '@mandate/kernel';
import { z } from 'zod';
import { DURATION, durationMs, hasKnownZone, isMicroUsd, MAX_USD, PATTERN, WINDOW } from './units.ts';

const text = z.string().min(1).max(2_000);
const texts = z.array(text).max(10_000);
const count = z.number().int().min(1).max(1_000_000);
const usd = z
  .number({ error: 'Write an amount in USD as a number, without currency sign or quotes: 20 or 0.5.' })
  .min(0, { error: 'An amount of money cannot be negative. Write 0 or more USD.' })
  .max(MAX_USD, { error: `This is more than ${MAX_USD} USD. Write a smaller amount.` })
  .refine(isMicroUsd, { error: 'Money is counted in millionths of a USD. Write at most 6 decimals.' });
const duration = z.string().regex(DURATION, {
  error: 'This is no duration. Write a number and a unit: 30s, 30m, 4h or 14d.',
});
const lookback = duration.refine((text) => !DURATION.test(text) || durationMs(text) <= MAX_LOOKBACK_MS, {
  error: 'What was done before is remembered for 7d. Write 7d or less.',
});
const condition = z
  .string({ error: 'Write a CEL condition in quotes: "parameters.branch == \'main\'".' })
  .min(1)
  .max(4_096);
const pattern = z.string().regex(PATTERN, {
  error:
    'This is no action pattern. Write an exact name (mail.send), or a prefix with one * at its end (mail.*).',
});
const patterns = z.union([pattern, z.array(pattern).min(1).max(1_000)]);
const name = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, {
  error: 'This is no name of a guardrail. Write lower-case letters, digits, - and _.',
});
const window = z
  .string()
  .regex(WINDOW, { error: "Write it like 'Mon-Fri 09:00-17:00 Europe/Berlin'." })
  .refine((value) => !WINDOW.test(value) || hasKnownZone(value), {
    error: "The time zone is unknown. Write an IANA name, like 'Mon-Fri 09:00-17:00 Europe/Berlin'.",
  });
const severity = z.enum(['warning', 'error', 'critical']);

const own = z.strictObject({
  when: condition.describe(
    'CEL over parameters, findings, taint, agent, user, resource, action and costUsd.',
  ),
  severity: severity.optional().describe('warning by default; error and critical hold the action.'),
  message: text.describe('What was found and what to do next.'),
  actions: patterns.optional().describe('The actions that it looks at; every action by default.'),
});

const plugin = z.strictObject({
  http: z.string().regex(/^https?:\/\/[^\s/@?#]+([/?#]\S*)?$/, {
    error: 'Write a full http(s) URL without user or password in it; name a secret under secret instead.',
  }),
  secret: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/i, {
      error: 'Write the name of a secret, such as guard-token, never the secret itself.',
    })
    .optional(),
  allowPrivate: z.boolean().optional().describe('true: may reach private network addresses.'),
  actions: patterns.optional().describe('The actions that it looks at; every action by default.'),
  timeoutMs: z.number().int().min(1).max(10_000).optional().describe('Its time budget; 250 by default.'),
  full: z.boolean().optional().describe('true: parameters are sent with their secrets.'),
});

export const guardrailsSection = z.strictObject({
  cost: z
    .strictObject({ warningUsd: usd.optional(), errorUsd: usd.optional(), criticalUsd: usd.optional() })
    .optional(),
  secretLeak: z.boolean().optional(),
  protectedPaths: texts.optional(),
  protectedBranches: texts.optional(),
  deploymentWindow: window.optional(),
  diff: z.strictObject({ warningLines: count.optional(), errorLines: count.optional() }).optional(),
  own: z.record(name, own).optional().describe('Guardrails of your own, by name.'),
  plugins: z.record(name, plugin).optional().describe('Guardrails in other processes, by name.'),
  required: z
    .array(name)
    .max(100)
    .optional()
    .describe('Plug-ins that must have looked: one that nobody registered has failed.'),
  taint: z
    .strictObject({
      severity: z.enum(['info', 'warning', 'error', 'critical']).optional(),
      window: lookback
        .optional()
        .describe('How long what was read is remembered; 1h by default, 7d at most.'),
    })
    .optional(),
});

export const flowsSection = z
  .array(
    z.strictObject({
      name,
      after: patterns.describe('What comes first.'),
      // oxlint-disable-next-line unicorn/no-thenable -- the word that people write; nothing awaits a schema
      then: patterns.describe('What must then not simply happen.'),
      within: lookback
        .optional()
        .describe('How long what came first is remembered; 1h by default, 7d at most.'),
      unless: condition.optional().describe('CEL, without context: where it holds, the flow does not count.'),
      tier: z.enum(['yellow', 'red', 'black']).optional().describe('red by default.'),
    }),
  )
  .max(1_000);
