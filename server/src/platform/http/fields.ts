// The fields that many bodies and queries share. Each is narrow at the door, because what is let in here is stored,
// shown to the people who approve, and handed to Postgres, which takes no NUL and no year 10000.
import { redactText } from '@mandate/kernel';
import { z } from 'zod';
import { AGENT_NAME, holdsSecret, IS_ACTION_NAME, IS_AGENT_NAME, isDottedName, NO_SECRET } from './names.ts';

const NAME_MAX = 256;
const REASON_MAX = 2_000;

/**
 * Control characters, line separators, and what reverses the order in which letters are shown: with them a name looks
 * to an approver like another one, or breaks a log line in two.
 */
const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const DECEPTIVE_BUT_LINES = /[^\P{Cc}\n\r\t]|\p{Bidi_Control}/u;
const IS_PLAIN = 'without control characters and characters that turn the direction of writing';

/** Whether a text may stand in a name, a path parameter or a query. */
export function isPlainText(text: string): boolean {
  return !DECEPTIVE.test(text) && text.isWellFormed();
}

/** A line that is shown: 1 to 256 characters that show as what they are. Whoever keeps it hides the secrets in it (I9). */
export const lineField = z
  .string()
  .min(1)
  .max(NAME_MAX, { abort: true })
  .refine(isPlainText, `must be ${IS_PLAIN}`);

/** A name of something, which is kept and shown as it is. A token is none (I9). */
export const nameField = lineField.refine((text) => !holdsSecret(text), NO_SECRET);

/** The name of an agent. */
export const agentNameField = nameField.regex(AGENT_NAME, IS_AGENT_NAME);

/** The name of an action, as a rule can speak of it. */
export const actionNameField = nameField.refine(isDottedName, IS_ACTION_NAME);

/** What people write for people: lines and tabs are fine, tricks are not. A secret that was pasted in goes no further (I9). */
export const reasonField = z
  .string()
  .min(1)
  .max(REASON_MAX)
  .refine((text) => !DECEPTIVE_BUT_LINES.test(text), `must be ${IS_PLAIN}`)
  .overwrite(redactText);

/** Some five thousand rules. Reading a charter takes its process a second for each such length, and nobody else may wait longer. */
export const CHARTER_MAX = 262_144;
const CHARTER_TOO_LONG = `is longer than ${CHARTER_MAX} characters, which is the most over HTTP; a server takes a longer one from a file (MANDATE_CHARTER)`;

/** A charter, or one file of it, as it was written. */
export const charterTextField = z.string().min(1).max(CHARTER_MAX, CHARTER_TOO_LONG);

/** What may stand in an HTTP header as well as in a body. */
export const idempotencyKeyField = z
  .string()
  .regex(/^[\x20-\x7e]{1,256}$/, { abort: true, error: 'must be 1 to 256 printable ASCII characters' })
  .refine((text) => !holdsSecret(text), NO_SECRET);

const FIRST_MS = 0;
const LAST_MS = 253_402_300_799_999;

/** A moment as RFC 3339 text between 1970 and 9999, which Postgres takes too; parsed to epoch milliseconds. */
export const momentField = z.iso
  .datetime({ offset: true })
  .refine(
    (text) => Date.parse(text) >= FIRST_MS && Date.parse(text) <= LAST_MS,
    'must be between the years 1970 and 9999',
  )
  .transform((text) => Date.parse(text));

/** For whatever asks for a time between two moments: one that would end before it begins would find nothing, and say nothing of it. */
export function inOrder<
  S extends z.ZodType<{ readonly from?: number | undefined; readonly to?: number | undefined }>,
>(shape: S): S {
  return shape.refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ['to'],
    error: 'is before from; exchange the two',
  });
}

/** How many items a page has: a query is text, so digits, and never more than `most`. */
export function limitField(most: number) {
  return z
    .string()
    .regex(/^\d{1,6}$/, `must be a number from 1 to ${most}`)
    .refine((text) => Number(text) >= 1 && Number(text) <= most, `must be a number from 1 to ${most}`)
    .transform(Number);
}

/** A position in the journal. */
export const positionField = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a position: up to 15 digits')
  .transform(Number);
