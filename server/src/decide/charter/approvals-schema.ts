// How people decide, as it is written under `approvals:` and, for escalation, with a rule or a tier: which other things
// than actions they decide, who stands in for whom, whose turn it is next, and how much one person may approve.
import { z } from 'zod';
import { DURATION } from './units.ts';

const duration = z
  .string({ error: 'Write a duration as a number and a unit: 30s, 30m, 4h or 14d.' })
  .regex(DURATION, { error: 'This is no duration. Write a number and a unit: 30s, 30m, 4h or 14d.' });
const name = z.string().min(1).max(256);
const role = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'Write a role, such as tech-lead.' });

/** A day (from its first moment, UTC) or a moment. */
const moment = z
  .string({ error: "Write a day in quotes: '2026-12-20', or a moment: '2026-12-20T08:00:00Z'." })
  .refine((text) => Number.isFinite(momentMs(text)), {
    error: "This is no day. Write '2026-12-20', or a moment with its zone: '2026-12-20T08:00:00Z'.",
  });

const step = z.strictObject({
  after: duration.describe('Counted from when it was asked.'),
  to: z
    .string()
    .regex(/^([a-z][a-z0-9-]*|user:.{1,256})$/, {
      error: 'Write a role (ops-lead), or a person as user:ben.',
    })
    .describe('A role, or a person as user:ben.'),
});

/** `escalate` of a rule, a tier or all approvals. */
export const escalateField = z
  .array(step)
  .max(10)
  .describe('Who is told next, and may vote, when nobody has decided: the earliest first.');

const needs = z.strictObject({
  approvers: z.array(role).min(1).max(20).optional().describe('One approval for each of these roles.'),
  quorum: z.number().int().min(1).max(20).optional().describe('That many distinct people.'),
  expires: duration.optional().describe('How long it may wait; 24h by default.'),
  fourEyes: z.boolean().optional().describe('true by default: whoever asks does not approve it.'),
  escalate: escalateField.optional(),
});

/** Whoever proposes never approves it, and people have a week unless it says otherwise. */
const proposalNeeds = needs.omit({ fourEyes: true });

const standIn = z.strictObject({
  user: name.describe('Id of the user who may vote.'),
  for: role.describe('The role that the vote counts for.'),
  of: name.optional().describe('In whose place; shown and recorded.'),
  from: moment.optional(),
  until: moment.optional(),
});

export const approvalsSection = z.strictObject({
  unfreeze: needs.optional().describe('Unfreezing an agent takes an approval.'),
  charter: needs.optional().describe('Changing the charter takes an approval.'),
  tool: needs.optional().describe('Who accepts the changed description of a tool.'),
  proposal: proposalNeeds
    .optional()
    .describe('What raising a governed set takes beside the approvals of the phase itself.'),
  standIns: z.array(standIn).max(1_000).optional().describe('Who may vote in whose place.'),
  escalate: escalateField.optional(),
  rememberMax: z
    .union([z.literal('never'), duration])
    .optional()
    .describe('For how long an exact action may be let run without asking again; 24h by default.'),
  fatigue: z
    .strictObject({
      perHour: z.number().int().min(1).max(10_000).optional().describe('Different things an hour.'),
      minReadingTime: duration.optional().describe('Between being shown something and approving it.'),
    })
    .optional()
    .describe('What one person may approve at most. Denying is never capped.'),
});

export type WrittenApprovals = z.infer<typeof approvalsSection>;
export type WrittenNeeds = z.infer<typeof needs>;
export type WrittenStep = z.infer<typeof step>;

/** Epoch milliseconds of a day or a moment; NaN for anything else. */
export function momentMs(text: string): number {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  if (!isDay && !/^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text)) return Number.NaN;
  const ms = Date.parse(isDay ? `${text}T00:00:00Z` : text);
  // 31 February is read as 3 March, which nobody wrote.
  if (isDay && Number.isFinite(ms) && new Date(ms).toISOString().slice(0, 10) !== text) return Number.NaN;
  return ms;
}
