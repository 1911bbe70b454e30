// The written shape of a case: an action, who asks for it, and what the charter is expected to say. The same in a file
// beside the charter and in the body of a request.
import { z } from 'zod';

export const text = z.string().min(1).max(2_000);
const texts = z.array(text).max(1_000);
const json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]),
);
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
const fields = z.record(z.string(), json);

export const expectation = z
  .strictObject({
    tier: z.enum(['green', 'yellow', 'red', 'black']).optional(),
    effect: z.enum(['execute', 'hold', 'deny', 'throttle']).optional(),
    code: text.optional().describe('allowed, approval_required, denied, scope_missing, …'),
    rule: text.nullable().optional().describe('The pattern of the rule that decides; null: none does.'),
    findings: texts.optional().describe('The checks that find something, in any order; [] for none.'),
    obligations: texts.optional().describe('In any order; [] for none.'),
    approvers: texts
      .optional()
      .describe('The roles that must approve, in any order; [] for anybody who may.'),
    quorum: z.number().int().min(1).max(20).optional(),
  })
  .refine((it) => Object.values(it).some((value) => value !== undefined), {
    error: 'A case that expects nothing cannot fail. Write at least one of tier, effect, code and rule.',
  });

export const caseSchema = z.strictObject({
  name: text.describe('A sentence that says what is promised.'),
  agent: text.optional(),
  action: text.describe('One action by its exact name.'),
  parameters: fields.optional(),
  context: fields.optional().describe('What the agent claims.'),
  resource: text.regex(/^[^/]+\/.+$/, { error: 'Write TYPE/ID, such as repository/shop.' }).optional(),
  user: text.optional().describe('The person behind the agent.'),
  roles: texts.optional().describe('Of that person, beside those that the charter gives.'),
  scopes: texts.optional().describe('Of that person. Without them nothing narrows what they may.'),
  trust: z.number().min(0).max(100).optional().describe('The score of the agent; as a new one without it.'),
  costUsd: z.number().min(0).max(1_000_000).optional(),
  tested: z.boolean().optional().describe('Tests passed on what is deployed.'),
  tenant: text.optional(),
  at: z.iso
    .datetime({ offset: true, error: 'Write a moment such as 2026-01-07T12:00:00Z, in quotes.' })
    .optional()
    .describe('When; noon UTC of a Wednesday without it.'),
  expect: expectation,
});

/** A file of cases. */
export const casesSchema = z
  .strictObject({
    charter: text.optional().describe('The charter they are about, relative to this file.'),
    cases: z.array(caseSchema).min(1).max(2_000),
  })
  .meta({ title: 'Cases for a Mandate charter' });

export type WrittenCase = z.infer<typeof caseSchema>;
