// The section `schedules`: runs of workflows that begin by themselves. When they do is checked here, so that a schedule
// that is never due is found when it is written and not when it is missed.
import { nextTick, parseCron } from '@mandate/kernel';
import type { ScheduleSetting } from '@mandate/kernel';
import { z } from 'zod';
import { hasKnownZone } from './units.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/i, {
  error: 'Write a name of letters, digits, . _ and -, at most 100 of them.',
});

/** When something recurs. */
export const cronField = z
  .string({ error: "Write five fields in quotes, like '30 9 * * mon-fri', or '@daily'." })
  .max(200)
  .superRefine((text, context) => {
    const parsed = parseCron(text);
    if (parsed.kind === 'refused') context.addIssue({ code: 'custom', message: parsed.message });
    else if (nextTick(parsed.cron, 'UTC', 0) === null)
      context.addIssue({
        code: 'custom',
        message: 'No day of any year is meant by this. Correct the day or the month.',
      });
  });

/** The time zone in which that is meant. */
export const zoneField = z
  .string()
  .refine(hasKnownZone, { error: 'The time zone is unknown. Write an IANA name, like Europe/Berlin.' });

const schedule = z.strictObject({
  name,
  cron: cronField.describe('Five fields of cron, or @hourly, @daily, @weekly, @monthly, @yearly.'),
  timezone: zoneField.optional().describe('An IANA time zone; UTC by default.'),
  // Whoever may write templates would otherwise say what the charter lets run.
  template: z
    .string()
    .max(256)
    .regex(/^[^@\s]+@[0-9a-f]{64}$/, {
      error:
        'Write name@version: the version is the answer of `mandate workflow write`, and stands in GET /api/v1/workflow-templates.',
    })
    .describe('The workflow template as name@version.'),
  input: z.record(z.string(), z.json()).optional(),
  agents: z
    .record(z.string().min(1), z.string().min(1))
    .optional()
    .describe('Who has which role in its runs.'),
});

export const schedulesSection = z
  .array(schedule)
  .max(1_000)
  .superRefine((list, context) => {
    const seen = new Set<string>();
    for (const [index, { name: each }] of list.entries()) {
      if (seen.has(each))
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: `There is a schedule ${each} already. Give this one another name.`,
        });
      seen.add(each);
    }
  });

export function readSchedules(written: z.infer<typeof schedulesSection>): readonly ScheduleSetting[] {
  return written.map((each) => ({
    name: each.name,
    cron: each.cron,
    timezone: each.timezone ?? 'UTC',
    template: each.template,
    input: each.input ?? {},
    agents: each.agents ?? {},
  }));
}
