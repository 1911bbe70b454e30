// The section `monitors`: breakers of governed sets, and objectives in a subset of OpenSLO v1 (github.com/OpenSLO/OpenSLO),
// so that what other tools read and write can be taken over as it is. What is not in the subset is refused by name.
import { z } from 'zod';
import { DURATION, PATTERN } from './units.ts';

const pattern = z
  .string({ error: 'Write an action pattern: roaster.SET_POWER, or roaster.*' })
  .regex(PATTERN, {
    error:
      'This is no action pattern. Write an exact name (roaster.SET_POWER), or a prefix with one * at its end (roaster.*).',
  });
const patterns = z.union([pattern, z.array(pattern).min(1).max(1_000)]);
const setName = z.string().min(1).max(64);
const window = z.string({ error: 'Write a window as a number and a unit: 5m, 1h or 7d.' }).min(1).max(40);
const minSamples = z.number().int().min(1).max(1_000_000);
const text = z.string().min(1).max(2_000);
const severity = z.enum(['info', 'warning', 'alert', 'critical']);

const breaker = z.strictObject({
  condition: z
    .string({ error: "Write a CEL condition in quotes: 'errorRate > 0.05'." })
    .min(1)
    .max(4_096)
    .describe(
      'CEL over errorRate, successRate, approvalRate, rollbackRate, commands, incidents, safety, commandType.',
    ),
  window: window.describe('Over which time: 5m. From 10s to 180d.'),
  action: z
    .enum(['revert_to_l3', 'pause_command_type', 'alert_only'])
    .describe(
      'What happens: the set falls to its first phase, that action type waits for people, or people are told.',
    ),
  alertSeverity: severity.optional().describe('alert and critical open an incident; warning by default.'),
  minSamples: minSamples.optional().describe('Rates of fewer acts say nothing yet; 20 by default.'),
  enabled: z.boolean().optional().describe('true by default.'),
  sets: z
    .union([setName, z.array(setName).min(1).max(100)])
    .optional()
    .describe('Names under phases; every set by default.'),
});

const breakerName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,99}$/, {
  error: 'Write a name of letters, digits, blanks and . _ + -, at most 100 of them, such as High Error Rate.',
});

const metricSource = z.strictObject({
  metricSource: z.strictObject({
    type: z.literal('Mandate', {
      error: 'Objectives are counted over the acts of Mandate. Write type: Mandate.',
    }),
    spec: z.strictObject({
      actions: patterns.describe('Whose acts are counted.'),
      status: z
        .literal('success', { error: 'Good is what succeeded. Write status: success, or leave it out.' })
        .optional(),
    }),
  }),
});

const indicatorSpec = z
  .strictObject({
    ratioMetric: z
      .strictObject({
        counter: z.literal(true, { error: 'Acts are counted one by one. Write counter: true.' }).optional(),
        good: metricSource,
        total: metricSource,
      })
      .optional()
      .describe('Acts that succeeded, of all that succeeded or failed.'),
    thresholdMetric: metricSource
      .optional()
      .describe('How long acts take, from start to end; op and value of the objective say what is good.'),
  })
  .refine((it) => (it.ratioMetric === undefined) !== (it.thresholdMetric === undefined), {
    error: 'An indicator has either ratioMetric or thresholdMetric. Write one of them.',
  });

const objective = z
  .strictObject({
    displayName: text.optional(),
    target: z
      .number({ error: 'Write the target as a share: 0.99.' })
      .optional()
      .describe('The share that must be good: 0.99. Alternative to targetPercent.'),
    targetPercent: z.number().optional().describe('99. Alternative to target.'),
    op: z
      .enum(['lt', 'lte'], { error: 'Less time is better. Write lt or lte.' })
      .optional()
      .describe('With thresholdMetric: what is good is less than value.'),
    value: z.number().positive().max(1e9).optional().describe('With thresholdMetric: milliseconds.'),
  })
  .refine((it) => (it.target === undefined) !== (it.targetPercent === undefined), {
    error: 'An objective has either target or targetPercent. Write one of them.',
  });

const slo = z.strictObject({
  apiVersion: z.literal('openslo/v1', { error: 'Write apiVersion: openslo/v1.' }),
  kind: z.literal('SLO', { error: 'Of OpenSLO only kind: SLO is read here.' }),
  metadata: z.strictObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
      error: 'Write a name of a-z, 0-9 and -, at most 63 of them, such as roast-success.',
    }),
    displayName: text.optional(),
    labels: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
    annotations: z
      .strictObject({
        'mandate.dev/response': z
          .enum(['throttle', 'alert_only'])
          .optional()
          .describe('throttle: while the budget burns, the actions wait for people. alert_only by default.'),
        'mandate.dev/severity': severity.optional().describe('alert by default.'),
        'mandate.dev/min-samples': z
          .string()
          .regex(/^[1-9]\d{0,5}$/, { error: "Write a whole number in quotes, such as '20'." })
          .optional()
          .describe("Windows with fewer acts say nothing yet; '20' by default."),
      })
      .optional(),
  }),
  spec: z.strictObject({
    description: text.optional(),
    service: text.describe('A governed set by its name, or what you call the service.'),
    indicator: z.strictObject({
      metadata: z.strictObject({ name: text, displayName: text.optional() }).optional(),
      spec: indicatorSpec,
    }),
    timeWindow: z
      .array(
        z.strictObject({
          duration: z.string().regex(DURATION, { error: 'Write a duration such as 30d.' }),
          isRolling: z.literal(true, { error: 'Only rolling windows are counted. Write isRolling: true.' }),
        }),
      )
      .length(1, { error: 'Write one time window.' }),
    budgetingMethod: z.literal('Occurrences', {
      error: 'Budgets are counted in acts. Write budgetingMethod: Occurrences.',
    }),
    objectives: z
      .array(objective)
      .length(1, { error: 'Write one objective; for a second one, write a second SLO.' }),
  }),
});

export const monitorsSection = z.strictObject({
  breakers: z
    .record(breakerName, breaker)
    .optional()
    .describe('Breakers of governed sets, by name. The four default ones where none is written.'),
  slos: z
    .array(slo)
    .max(200)
    .superRefine((list, context) => {
      const seen = new Set<string>();
      for (const [index, { metadata }] of list.entries()) {
        if (seen.has(metadata.name))
          context.addIssue({
            code: 'custom',
            path: [index, 'metadata', 'name'],
            message: `There is an objective ${metadata.name} already. Give this one another name.`,
          });
        seen.add(metadata.name);
      }
    })
    .optional()
    .describe('Objectives, as OpenSLO v1 writes them.'),
});

export type WrittenMonitors = z.infer<typeof monitorsSection>;
export type WrittenSlo = z.infer<typeof slo>;
