// The written shape of a charter, as people type it. Every object is strict, because a key that nobody reads is
// a rule that nobody keeps (I5). The JSON Schema for editors is generated from these same definitions.
import { z } from 'zod';
import { actionResource } from './action-resource-schema.ts';
import { approvalsSection, escalateField } from './approvals-schema.ts';
import { executorKeys } from './executor-schema.ts';
import { executorProblems } from './executor.ts';
import { flowsSection, guardrailsSection } from './guardrails-schema.ts';
import { contactsSchema, notifySchema } from './notify-schema.ts';
import { monitorsSection } from './monitors-schema.ts';
import { phasesSection } from './phases-schema.ts';
import { readinessSection } from './readiness-schema.ts';
import { trustSection } from './trust-schema.ts';
import { schedulesSection } from './schedules-schema.ts';
import { ACTION_NAME, DURATION, isMicroUsd, MAX_USD, PATTERN } from './units.ts';

const text = z.string().min(1).max(2_000);
const texts = z.array(text).max(10_000);
const oneOrMany = z.union([text, z.array(text).min(1)]);
const exact = text.regex(/^[^*]+$/, {
  error: 'A selector takes exact values, without *. Leave it out to match everybody.',
});
const selector = z.union([exact, z.array(exact).min(1)]).optional();
const pattern = z
  .string({
    error:
      'Write an action pattern: an exact name (git.merge), or a prefix with one * at its end (git.read*).',
  })
  .regex(PATTERN, {
    error:
      'This is no action pattern. Write an exact name (git.merge), a prefix with one * at its end (git.read*), or alternatives for the last part (code.read|lint).',
  });
const actionName = z.string().regex(ACTION_NAME, {
  error: 'This is no action name. Write one exact dotted name such as deploy.rollback, without *.',
});
const duration = z
  .string({ error: 'Write a duration as a number and a unit: 30s, 30m, 4h or 14d.' })
  .regex(DURATION, {
    error: 'This is no duration. Write a number and a unit: 30s, 30m, 4h or 14d.',
  });
const usd = z
  .number({ error: 'Write an amount in USD as a number, without currency sign or quotes: 20 or 0.5.' })
  .min(0, { error: 'An amount of money cannot be negative. Write 0 or more USD.' })
  .max(MAX_USD, { error: `This is more than ${MAX_USD} USD. Write a smaller amount.` })
  .refine(isMicroUsd, { error: 'Money is counted in millionths of a USD. Write at most 6 decimals.' });
const condition = z
  .string({ error: 'Write a CEL condition in quotes: "parameters.branch == \'main\'".' })
  .min(1)
  .max(4_096);
const tierName = z.enum(['green', 'yellow', 'red', 'black']);
const severity = z.enum(['low', 'medium', 'high', 'critical']);
const count = z.number().int().min(1).max(1_000_000);

const exception = z
  .strictObject({
    paths: texts
      .min(1)
      .optional()
      .describe('Globs over every parameter that is a path. Alternative to when.'),
    when: condition.optional().describe('CEL condition. Alternative to paths.'),
    tier: tierName
      .optional()
      .describe('Where the rule falls to; red by default. Must be stricter than the rule.'),
  })
  .refine((it) => (it.paths === undefined) !== (it.when === undefined), {
    error: 'An exception has either paths or when. For both, write a list of two exceptions.',
  });

/** What a tier may set for all its rules, and each rule for itself. */
const ruleSettings = {
  requires: texts.optional().describe('Scopes that the user must hold.'),
  obligations: texts.optional().describe('What the agent must do besides; handed on with the decision.'),
  approvers: texts.min(1).optional().describe('One approval for each of these roles.'),
  quorum: z.number().int().min(1).max(20).optional().describe('That many distinct people.'),
  expires: duration.optional().describe('How long an approval may wait: 4h.'),
  fourEyes: z.boolean().optional().describe('Whoever asks never approves.'),
  escalate: escalateField.optional(),
  final: z
    .boolean()
    .optional()
    .describe('Beats more specific rules. Black rules are final unless they say otherwise.'),
  lift: z.boolean().optional().describe('false: trust never turns this yellow rule green.'),
  enforcement: z.enum(['enforce', 'audit']).optional(),
};

const rule = z.strictObject({
  match: pattern,
  when: condition.optional().describe('CEL condition; without one the rule always holds.'),
  tainted: z.literal(true).optional().describe('Only for actions that hold untrusted values.'),
  except: z.union([exception, z.array(exception).min(1)]).optional(),
  agent: selector,
  agentClass: selector,
  user: selector,
  role: selector,
  tenant: selector,
  environment: selector,
  ...ruleSettings,
});

const tierOf = <Entry extends z.ZodType>(entry: Entry) =>
  z.strictObject({ actions: z.array(z.union([pattern, entry])).optional(), ...ruleSettings });
const tiersOf = <Tier extends z.ZodType>(one: Tier) =>
  z.strictObject({
    green: one.optional(),
    yellow: one.optional(),
    red: one.optional(),
    black: one.optional(),
  });
const tier = tierOf(rule.meta({ id: 'rule' }));
const tiers = tiersOf(tier.meta({ id: 'tier' })).meta({ id: 'tiers' });

/** Rules of one person: the person is their selector. */
const ownTiers = tiersOf(tierOf(rule.omit({ user: true }).meta({ id: 'ownRule' })).meta({ id: 'ownTier' }));

/** Rules that belong together and share selectors and enforcement. */
const ruleSet = z.strictObject({
  enforcement: z.enum(['enforce', 'audit']).optional().describe('For all rules of this set.'),
  agent: selector,
  agentClass: selector,
  user: selector,
  role: selector,
  tenant: selector,
  environment: selector,
  tiers: tiers.optional(),
});

const action = z.strictObject({
  severity: severity.optional().describe('How bad a failure is; medium by default.'),
  executor: text.optional().describe('A name under executors: Mandate itself executes the action.'),
  paths: texts.optional().describe('Parameters that hold paths.'),
  branches: texts.optional().describe('Parameters that hold branches.'),
  amounts: texts.optional().describe('Parameters that hold amounts of money.'),
  diff: text.optional().describe('The parameter that holds the new content or a diff.'),
  compensate: actionName.optional().describe('The action that undoes this one.'),
  safeState: z.boolean().optional().describe('May be run through a stop by an operator.'),
  idempotent: z
    .boolean()
    .optional()
    .describe('Doing it twice under one key is doing it once: after a crash it is run again.'),
  untrusted: z
    .boolean()
    .optional()
    .describe('What comes back is vouched for by nobody and followed into later parameters.'),
  resource: actionResource.optional().describe('What it touches, read from a parameter.'),
  costUsd: usd.optional().describe('What an act is charged at least.'),
  deadline: duration.optional().describe('When an act without an outcome becomes unknown.'),
});

const executor = executorKeys
  .superRefine((written, context) => {
    for (const { key, message } of executorProblems(written)) {
      context.addIssue({ code: 'custom', path: key === null ? [] : [key], message });
    }
  })
  .meta({ oneOf: [{ required: ['command'] }, { required: ['http'] }, { required: ['mcp'] }] });

const sections = {
  version: z.literal(1, { error: 'Write version: 1, the only version of the format that there is.' }),
  extends: oneOrMany.optional().describe('default, another shipped charter, or files relative to this one.'),
  enforcement: z.enum(['enforce', 'audit']).optional(),
  registration: z
    .enum(['open', 'closed'])
    .optional()
    .describe('closed: an agent that the charter does not name is denied.'),
  environment: text.optional(),
  roles: z
    .array(z.string().regex(/^[a-z][a-z0-9-]*$/))
    .optional()
    .describe('Approver roles beyond the shipped ones.'),
  resume: z.strictObject({ twoPersons: z.boolean().optional() }).optional(),
  approvals: approvalsSection.optional(),
  agents: z.record(text, z.strictObject({ class: text.optional(), usdPerDay: usd.optional() })).optional(),
  users: z
    .record(
      text,
      z.strictObject({
        scopes: texts.optional(),
        roles: texts.optional(),
        usdPerDay: usd.optional(),
        contacts: contactsSchema.optional(),
        tiers: ownTiers.optional().describe('Rules for this person alone, beside those for everybody.'),
      }),
    )
    .optional(),
  resources: z.record(text, texts).optional().describe('Names of resources by type, for example portals.'),
  executors: z.record(text, executor).optional(),
  actions: z.record(pattern, action).optional(),
  tiers: tiers.optional(),
  sets: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), ruleSet)
    .optional()
    .describe('Rules that belong together and share selectors and enforcement.'),
  tests: oneOrMany
    .optional()
    .describe('Files with cases for mandate policy test, relative to this one. Nothing is decided by them.'),
  limits: z
    .strictObject({
      concurrentAgents: count.optional(),
      usdPerDay: usd.optional(),
      actionsPerMinute: count.optional(),
    })
    .optional(),
  notify: notifySchema.optional(),
  guardrails: guardrailsSection.optional(),
  flows: flowsSection.optional().describe('What must not follow what.'),
  trust: trustSection.optional(),
  schedules: schedulesSection.optional().describe('Workflows that begin by themselves.'),
  monitors: monitorsSection.optional().describe('What watches: breakers and objectives.'),
  phases: phasesSection.optional().describe('What earns its autonomy in phases, by name of the set.'),
  readiness: readinessSection.optional().describe('What a set must show before its next phase.'),
};

/** One charter file. */
export const charterSchema = z.strictObject(sections).meta({ title: 'Mandate charter' });

export type WrittenCharter = z.infer<typeof charterSchema>;
export type WrittenTier = z.infer<typeof tier>;
export type WrittenRule = z.infer<typeof rule>;
export type WrittenRuleSet = z.infer<typeof ruleSet>;
export type WrittenException = z.infer<typeof exception>;
export type WrittenAction = z.infer<typeof action>;
/** One entry of a tier by itself, so that sound rules can be judged although another one is not. */
export const ruleEntrySchema = z.union([pattern, rule]);

/** Sections that are announced but not read yet; saying so is kinder than "unknown key". */
export const LATER_SECTIONS: ReadonlySet<string> = new Set(['retention']);
