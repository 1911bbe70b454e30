// The written shape of an eval set: cases in the same words as those beside a charter, held against the server as it
// stands. A case may also be run for real; what it is then expected to come to is one word more.
import type { Json, JsonObject } from '@mandate/kernel';
import { z } from 'zod';
import { caseSchema, expectation, text } from './case-schema.ts';
import { renderPath, sortErrors } from './error.ts';
import type { CharterError } from './error.ts';
import { secretsIn } from './eval-secrets.ts';
import type { SecretPlace } from './eval-secrets.ts';
import { shapeErrors } from './explain.ts';
import { parseYaml } from './parse.ts';

/** What an action comes to: those that need it to begin first, then those that do not. */
const BEGUN = ['success', 'failed'] as const;
const outcome = z.enum([...BEGUN, 'waiting_for_approval', 'denied']);

/** Circumstances that can be supposed where only a decision is made, and that the real road takes as they are. */
const SUPPOSED = ['user', 'roles', 'scopes', 'trust', 'tested', 'at', 'phase'] as const;

const evalCase = caseSchema
  .omit({ tenant: true })
  .extend({
    phase: text
      .optional()
      .describe('As if the governed set of the action were in this phase; as it is without it.'),
    run: z
      .boolean()
      .optional()
      .describe('true: really run it where the law allows it and its executor says evals: true.'),
    expect: expectation.safeExtend({ outcome: outcome.optional().describe('What it comes to.') }),
  })
  .superRefine((written, context) => {
    const issue = (path: readonly string[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message });
    const wanted = written.expect.outcome;
    if (written.run === true && wanted === undefined)
      issue(['run'], 'A case that is run says what it comes to: write expect.outcome.');
    if (written.run !== true && BEGUN.some((word) => word === wanted))
      issue(
        ['expect', 'outcome'],
        `Only what is run comes to ${wanted ?? ''}. Write run: true, or expect an effect.`,
      );
    if (written.run === true)
      for (const key of SUPPOSED)
        if (written[key] !== undefined)
          issue([key], `A case that is run meets things as they are. Remove ${key}, or run.`);
  });

// Not coverage, which is a word of the resource itself.
const NAME = /^(?!coverage$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const MOST_CASES = 500;
const MOST_TOLD = 20;

const evalSchema = z
  .strictObject({
    name: z
      .string()
      .regex(NAME, {
        error: 'Write a name of letters, digits, dots, - and _, such as roastery; coverage is taken.',
      })
      .describe('Registering another set of this name replaces it.'),
    description: text.optional(),
    cases: z.array(evalCase).min(1).max(MOST_CASES),
  })
  .meta({ title: 'Mandate eval set' });

export type WrittenEvalCase = z.infer<typeof evalCase>;

export interface ReadEval {
  readonly kind: 'read';
  readonly name: string;
  readonly description: string | null;
  readonly cases: readonly WrittenEvalCase[];
  /** As it was written, without comments: what its version is a hash of. */
  readonly content: JsonObject;
}

export interface RefusedEval {
  readonly kind: 'refused';
  /** Never empty. */
  readonly problems: readonly CharterError[];
}

const FILE = 'eval';

/** Reads an eval set from YAML or JSON as strictly as a charter. */
export function readEval(written: string): ReadEval | RefusedEval {
  const parsed = parseYaml(FILE, written);
  if (parsed.kind === 'refused') return { kind: 'refused', problems: parsed.errors };
  const { yaml } = parsed;
  const result = evalSchema.safeParse(yaml.value, { error: () => '' });
  if (!result.success)
    return {
      kind: 'refused',
      problems: sortErrors(shapeErrors(result.error.issues, yaml, evalSchema), [FILE]),
    };
  const { name, description = null, cases } = result.data;
  const names = cases.map((each) => each.name);
  const twice = names.flatMap((each, index) => (names.indexOf(each) < index ? [index] : []));
  if (twice.length > 0)
    return {
      kind: 'refused',
      problems: twice.map((index) => {
        const at = ['cases', index, 'name'];
        const message =
          'Another case has this name. Give each a name of its own, so that a failure is found.';
        return { ...yaml.placeOf(at), pointer: renderPath(at), message };
      }),
    };
  const content = plainOf(yaml.value);
  const secrets = Object.entries(content).flatMap(([key, value]) =>
    // Each case for itself: only so much of one value is searched, and the rest counts as secret.
    key === 'cases' && Array.isArray(value)
      ? value.flatMap((each: Json, index) => under(['cases', index], secretsIn(each)))
      : under([key], secretsIn(value)),
  );
  if (secrets.length > 0)
    return {
      kind: 'refused',
      problems: secrets.slice(0, MOST_TOLD).map(({ path, hidden }) => {
        const message = `This holds a secret, or what is named or looks like one, and an eval set is kept as it is written. Write ${hidden} in its place.`;
        return { ...yaml.placeOf(path), pointer: renderPath(path), message };
      }),
    };
  return { kind: 'read', name, description, cases, content };
}

function under(path: readonly (string | number)[], places: readonly SecretPlace[]): readonly SecretPlace[] {
  return places.map((place) => ({ ...place, path: [...path, ...place.path] }));
}

/** YAML that has passed a strict schema of plain values is JSON; the way through text drops what has no value. */
function plainOf(value: unknown): JsonObject {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return JSON.parse(JSON.stringify(value)) as Json & JsonObject;
}
