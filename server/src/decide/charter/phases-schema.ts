// The section `phases`: governed sets by name, each with the actions that it governs and the ladder of phases in which
// these earn their autonomy. Left out, the ladder is the one of a machine that is watched (L3 to L5).
import { z } from 'zod';
import { cronField, zoneField } from './schedules-schema.ts';
import { DURATION, PATTERN } from './units.ts';

const duration = z
  .string({ error: 'Write a duration as a number and a unit: 14d.' })
  .regex(DURATION, { error: 'This is no duration. Write a number and a unit: 30s, 30m, 4h or 14d.' });
const pattern = z
  .string({ error: 'Write an action pattern: roaster.SET_POWER, or roaster.*' })
  .regex(PATTERN, {
    error:
      'This is no action pattern. Write an exact name (roaster.SET_POWER), or a prefix with one * at its end (roaster.*).',
  });
const role = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'Write a role, such as tech-lead.' });
/** No comma: a decision names the phases of several sets in one text. */
const phaseName = z
  .string({ error: 'Write the name of the phase, such as L3+.' })
  .regex(/^[A-Za-z0-9][A-Za-z0-9 +._-]{0,39}$/, {
    error: 'Write a name of letters, digits, blanks and + . _ -, at most 40 of them, such as L3+.',
  })
  .refine((text) => text !== 'first' && text !== 'previous', {
    error: 'first and previous are words of the commands that let a set fall. Write another name.',
  });
const whitelist = z.array(pattern).max(1_000);

const phase = z.strictObject({
  name: phaseName,
  title: z.string().min(1).max(200).optional().describe('For people: Extended Control.'),
  adds: whitelist
    .optional()
    .describe('What runs without asking from this phase on, beside what the phases before it let run.'),
  whitelist: whitelist
    .optional()
    .describe('Instead of adds: everything that runs without asking; holds what the phase before lets run.'),
  validation: duration.optional().describe('How long it is on probation after its start.'),
  approvals: z
    .array(role)
    .min(1, { error: 'Nobody is named. Name at least one approver role, such as tech-lead.' })
    .max(20)
    .optional()
    .describe('One approval for each of these roles, before this phase is entered from below.'),
});

const governedSet = z.strictObject({
  patterns: z
    .union([pattern, z.array(pattern).min(1).max(1_000)])
    .optional()
    .describe('What it governs. Alternative to prefix.'),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_:/@+#~=\-.]{1,250}\.$/, { error: 'Write a prefix with its dot: roaster.' })
    .optional()
    .describe('It governs everything that begins so. Alternative to patterns.'),
  ladder: z
    .array(phase)
    .min(1, { error: 'A ladder has at least one phase. Leave ladder out for the five that ship.' })
    .max(20)
    .optional()
    .describe('From the strictest phase to the freest.'),
  stabilization: duration
    .optional()
    .describe('For how long nothing is proposed after a fall; 30d by default.'),
  firstStabilization: duration
    .optional()
    .describe('For how long nothing is proposed after it was first governed; 180d by default.'),
  cycle: cronField.optional().describe("When the weekly cycle runs; '0 17 * * fri' by default."),
  timezone: zoneField.optional().describe('An IANA time zone; UTC by default.'),
});

export const phasesSection = z.record(
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    error: 'Write a name of letters, digits, . _ and -, at most 64 of them, such as roastery.',
  }),
  governedSet,
);

export type WrittenGovernedSet = z.infer<typeof governedSet>;
export type WrittenPhase = z.infer<typeof phase>;

/** The ladder of a set that writes none; the names of its commands omit the set's prefix. */
export const DEFAULT_LADDER: readonly WrittenPhase[] = [
  { name: 'L3', title: 'Human in Loop' },
  {
    name: 'L3+',
    title: 'Extended Control',
    adds: ['SET_POWER', 'SET_FAN'],
    validation: '14d',
    approvals: ['tech-lead'],
  },
  {
    name: 'L4',
    title: 'High Automation',
    adds: ['SET_DRUM', 'SET_AIRFLOW'],
    validation: '21d',
    approvals: ['tech-lead', 'ops-lead'],
  },
  {
    name: 'L4+',
    title: 'Advanced Autonomy',
    adds: ['PREHEAT', 'COOLING_CYCLE'],
    validation: '30d',
    approvals: ['tech-lead', 'ops-lead', 'product-lead'],
  },
  {
    name: 'L5',
    title: 'Full Autonomy',
    adds: ['*'],
    validation: '60d',
    approvals: ['tech-lead', 'ops-lead', 'product-lead', 'exec-sponsor'],
  },
];
