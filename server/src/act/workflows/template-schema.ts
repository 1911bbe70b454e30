// The written shape of a workflow template. Every object is strict: a key that nobody reads is a step that nobody takes.
import { z } from 'zod';

const text = z.string().min(1).max(2_000);
const DURATION = /^(0|[1-9][0-9]{0,5})(ms|s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a text that the schema has let through. */
export function durationMs(written: string): number {
  const [, count, unit] = DURATION.exec(written) ?? [];
  return Number(count) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
}

const duration = z
  .string({ error: 'Write a duration as a number and a unit: 30s, 10m, 2h or 7d.' })
  .regex(DURATION, { error: 'This is no duration. Write a number and a unit: 30s, 10m, 2h or 7d.' });
const expression = z.string().min(1).max(4_096);
const TYPES = ['string', 'number', 'boolean', 'object', 'list'] as const;
const inputType = z.enum(TYPES, { error: `Write one of ${TYPES.join(', ')}.` });
const json = z.json();
const object = z.record(z.string(), json);

const input = z.union([
  inputType,
  z.strictObject({
    type: inputType.optional(),
    default: json.optional(),
    description: text.optional(),
  }),
]);

const step = z
  .strictObject({
    id: text.describe('What other steps and expressions call it: letters, digits and _.'),
    action: text.optional().describe('The action, as in the charter.'),
    wait: duration.optional().describe('Instead of an action: a timer.'),
    agent: text.optional().describe('The agent that does it.'),
    role: text
      .optional()
      .describe('Whoever has this role in the run, or the first agent of this class in the charter.'),
    parameters: object.optional().describe('Texts may hold ${{ inputs.x }} or ${{ steps.a.result.y }}.'),
    context: object.optional(),
    resource: z.strictObject({ type: text, id: text }).optional(),
    estimatedCostUsd: z.number().min(0).max(1_000_000).optional(),
    needs: z
      .union([text, z.array(text)])
      .optional()
      .describe('Steps that come before it.'),
    when: expression.optional().describe('CEL condition; false skips the step.'),
    forEach: z
      .union([
        expression,
        z.strictObject({ in: expression, max: z.number().int().min(1).max(1_000).optional() }),
      ])
      .optional()
      .describe('A list, as a CEL expression: once for each `item`.'),
    retries: z
      .union([
        z.number().int().min(0).max(20),
        z.strictObject({ max: z.number().int().min(0).max(20), backoff: duration.optional() }),
      ])
      .optional(),
    timeout: duration.optional(),
    compensate: z.union([text, z.strictObject({ action: text, parameters: object.optional() })]).optional(),
    outputs: z.record(z.string(), expression).optional().describe('Values made of `result`.'),
  })
  .refine((it) => (it.action === undefined) !== (it.wait === undefined), {
    error: 'A step has either an action or wait.',
  })
  .refine((it) => it.agent === undefined || it.role === undefined, {
    error: 'A step names an agent or a role, not both.',
  });

export const templateSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/i, {
    error: 'Write a name of letters, digits, . _ and -, at most 100 of them.',
  }),
  description: text.optional(),
  inputs: z.record(z.string(), input).optional(),
  agent: text.optional().describe('The agent of every step that names none.'),
  parallel: z
    .number()
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('How many steps of a run are at work at once; 10 by default.'),
  onFailure: z.enum(['stop', 'compensate']).optional(),
  steps: z.array(step),
  outputs: object.optional(),
});
export type WrittenTemplate = z.infer<typeof templateSchema>;
