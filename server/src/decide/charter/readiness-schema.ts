// The section `readiness`: what a set of actions must show before its next phase. A list of items replaces the 80 points
// that ship, and their weights have to add up to what is declared, so that no point can be lost or won by a typing slip.
import { z } from 'zod';
import { DURATION } from './units.ts';

const points = z
  .number({ error: 'Write whole points: 5.' })
  .int({ error: 'Points are whole numbers. Write 5.' })
  .max(1_000, { error: 'One item is worth 1,000 points at most.' });
const sum = z.number({ error: 'Write whole points: 80.' }).int().min(0).max(100_000);
const text = z.string().min(1).max(2_000);

const attest = z.strictObject({
  roles: z
    .array(z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'Write a role, such as tech-lead.' }))
    .min(1, { error: 'Nobody is named. Name at least one approver role, such as tech-lead.' })
    .max(20)
    .describe('Anybody with one of these approver roles may vouch for it.'),
  expires: z
    .string({ error: 'Write a duration as a number and a unit: 90d.' })
    .regex(DURATION, { error: 'This is no duration. Write a number and a unit: 30s, 30m, 4h or 90d.' })
    .describe('For how long it counts at most.'),
});

const item = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(120)
      .regex(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+$/u, {
        error: 'Write the name on one line, without control characters.',
      })
      .describe('Unique within the list: runbooks complete.'),
    category: z.enum(['technical', 'process', 'organizational']),
    group: text.max(120).optional().describe('Under what it is shown; the category by default.'),
    weight: points.min(1, { error: 'An item is worth at least 1 point. Leave it out if it is worth none.' }),
    required: z.boolean().optional().describe('true: without it nothing is ready, whatever the score.'),
    when: z
      .string({ error: 'Write a CEL condition in quotes: "successRate > 0.995".' })
      .min(1)
      .max(4_096)
      .optional()
      .describe('CEL over what is measured. Alternative to attest.'),
    attest: attest.optional().describe('A person vouches for it, with evidence. Alternative to when.'),
    next: text.optional().describe('What to do while it is unmet.'),
  })
  .refine((it) => (it.when === undefined) !== (it.attest === undefined), {
    error: 'An item is either measured (when) or attested (attest). Write one of them.',
  });

export const readinessSection = z.strictObject({
  total: z
    .union([
      sum,
      z.strictObject({
        technical: sum.optional(),
        process: sum.optional(),
        organizational: sum.optional(),
      }),
    ])
    .optional()
    .describe('What the weights add up to: in all, or by category. 35, 25 and 20 by default.'),
  items: z
    .array(item)
    .min(1, { error: 'There is no item. Leave items out for the 80 points that ship.' })
    .max(500)
    .optional()
    .describe('Instead of the 80 points that ship.'),
});

export type WrittenReadiness = z.infer<typeof readinessSection>;
export type WrittenReadinessItem = z.infer<typeof item>;
