// zod knows that something is wrong; this file says it in the words of whoever writes charters, and finds the
// path of the mistake itself: the unknown key and not its map, the one branch of a union that was meant.
import { nearest, TIERS } from '@mandate/kernel';
import type { Tier } from '@mandate/kernel';
import { z } from 'zod';
import type { CharterError, Path } from './error.ts';
import { renderPath } from './error.ts';
import type { YamlFile } from './parse.ts';
import type { ShapedTier, ShapedTiers } from './rules.ts';
import { charterSchema, LATER_SECTIONS, ruleEntrySchema } from './schema.ts';
import type { WrittenCharter } from './schema.ts';

export type Shaped =
  | { readonly kind: 'shaped'; readonly written: WrittenCharter }
  | {
      readonly kind: 'refused';
      readonly errors: readonly CharterError[];
      /** The rules that are sound by themselves, so that what is wrong with them is told in the same pass. */
      readonly tiers: ShapedTiers;
    };

/** More mistakes than this help nobody, and a hostile file must not make us locate a million. */
const MAX_ISSUES = 200;

type Issue = z.core.$ZodIssue;

/** Checks the shape of a whole file; every mistake of it is reported. */
export function checkShape(yaml: YamlFile): Shaped {
  // Only messages of our own schema come through; whatever zod would say by itself is worded below.
  const result = charterSchema.safeParse(yaml.value, { error: () => '' });
  if (result.success) return { kind: 'shaped', written: result.data };
  const errors = shapeErrors(result.error.issues, yaml, charterSchema);
  return { kind: 'refused', errors, tiers: salvageTiers(yaml.value) };
}

/** What is wrong with the shape of a file, by what its schema said of it. */
export function shapeErrors(
  issues: readonly Issue[],
  yaml: YamlFile,
  schema: z.core.$ZodType,
): readonly CharterError[] {
  return issues
    .flatMap((issue) => meant(issue, []))
    .slice(0, MAX_ISSUES)
    .flatMap((issue) => explain(issue, yaml, schema));
}

function salvageTiers(value: unknown): ShapedTiers {
  const tiers: { [K in Tier]?: ShapedTier } = {};
  for (const tier of TIERS) {
    const actions = valueAt(value, ['tiers', tier, 'actions']);
    if (!Array.isArray(actions)) continue;
    tiers[tier] = { actions: actions.map((entry: unknown) => ruleEntrySchema.safeParse(entry).data ?? null) };
  }
  return tiers;
}

/** The issues of the branch of a union that fits the value's type; the union itself where none does. */
function meant(issue: Issue, prefix: Path): Issue[] {
  const path = [...prefix, ...issue.path.map(toStep)];
  if (issue.code !== 'invalid_union') return [{ ...issue, path }];
  const fitting = issue.errors.filter(
    (branch) => !branch.some((it) => it.code === 'invalid_type' && it.path.length === 0),
  );
  const [branch] = fitting.toSorted((a, b) => a.length - b.length);
  if (branch === undefined) return [{ ...issue, path }];
  return branch.flatMap((it) => meant(it, path));
}

function toStep(step: PropertyKey): string | number {
  return typeof step === 'number' ? step : String(step);
}

function explain(issue: Issue, yaml: YamlFile, schema: z.core.$ZodType): CharterError[] {
  const path = issue.path.map(toStep);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => errorAtKey(yaml, [...path, key], unknownKey(key, path, schema)));
  }
  if (issue.code === 'invalid_key') {
    return [
      errorAtKey(
        yaml,
        path,
        issue.issues.map((it) => it.message).find((it) => it !== '') ??
          'This name is not allowed here. Use letters, digits and underscores.',
      ),
    ];
  }
  if (!yaml.has(path) && path.length > 0) {
    const key = String(path.at(-1));
    return [
      errorAt(
        yaml,
        path.slice(0, -1),
        `${key} is missing. ${issue.message === '' ? `Add ${key}.` : issue.message}`,
      ),
    ];
  }
  return [
    errorAt(
      yaml,
      path,
      issue.message === '' ? sayWhatIsWrong(issue, valueAt(yaml.value, path)) : issue.message,
    ),
  ];
}

function errorAt(yaml: YamlFile, path: Path, message: string): CharterError {
  return { ...yaml.placeOf(path), pointer: renderPath(path), message };
}

function errorAtKey(yaml: YamlFile, path: Path, message: string): CharterError {
  return { ...yaml.placeOfKey(path), pointer: renderPath(path), message };
}

function unknownKey(key: string, path: Path, schema: z.core.$ZodType): string {
  if (schema === charterSchema && path.length === 0 && LATER_SECTIONS.has(key)) {
    return `The section ${key} is not supported yet by this version. Remove it: nothing in a charter is silently ignored.`;
  }
  const known = knownKeys(schema, path);
  const guess = nearest(key, known);
  if (guess !== null) return `The key ${key} is unknown. Did you mean ${guess}?`;
  return known.size === 0
    ? `The key ${key} is unknown. Remove it, or see docs/charter.md for what may stand here.`
    : `The key ${key} is unknown. Known here: ${[...known].toSorted().join(', ')}.`;
}

/** The keys that the schema knows at a path, over all branches of unions. */
function knownKeys(schema: z.core.$ZodType, path: Path): Set<string> {
  if (schema instanceof z.ZodOptional) return knownKeys(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion)
    return new Set(schema.options.flatMap((option) => [...knownKeys(option, path)]));
  const [step, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (step === undefined) return new Set(Object.keys(schema.shape));
    const inner: unknown = Object.hasOwn(schema.shape, step) ? schema.shape[step] : undefined;
    return inner instanceof z.ZodType ? knownKeys(inner, rest) : new Set();
  }
  if (step === undefined)
    return schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum
      ? new Set(schema.keyType.options.map(String))
      : new Set();
  if (schema instanceof z.ZodRecord) return knownKeys(schema.valueType, rest);
  return schema instanceof z.ZodArray ? knownKeys(schema.element, rest) : new Set();
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) {
    here =
      typeof here === 'object' && here !== null
        ? Object.getOwnPropertyDescriptor(here, step)?.value
        : undefined;
  }
  return here;
}

function sayWhatIsWrong(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `Expected ${kindName(issue.expected)}, found ${describe(value)}. Write ${kindName(issue.expected)} here.`;
    case 'invalid_value': {
      const words = issue.values.map(String);
      const guess = typeof value === 'string' ? nearest(value, words) : null;
      return `Expected one of ${words.join(', ')}, found ${describe(value)}. ${guess === null ? 'Choose one of them.' : `Did you mean ${guess}?`}`;
    }
    case 'invalid_union': {
      const kinds = issue.errors.flatMap((branch) =>
        branch.flatMap((it) =>
          it.code === 'invalid_type' && it.path.length === 0 ? [kindName(it.expected)] : [],
        ),
      );
      const expected = [...new Set(kinds)].join(' or ');
      return `Expected ${expected}, found ${describe(value)}. Write ${expected} here.`;
    }
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `${describe(value).replace(/^t/, 'T')} is too small. Write ${issue.minimum} or more.`
        : `This must not be empty. Write at least ${issue.minimum}, or leave the key out.`;
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `${describe(value).replace(/^t/, 'T')} is too large. Write ${issue.maximum} or less.`
        : `This is too long. The most is ${issue.maximum}; shorten it.`;
    case 'invalid_format':
      return `${describe(value)} does not have the form that is needed here${issue.pattern === undefined ? '' : ` (${issue.pattern})`}. Correct it.`;
    case 'not_multiple_of':
    case 'invalid_element':
    case 'invalid_key':
    case 'unrecognized_keys':
    case 'custom':
      return `${describe(value)} is not allowed here. See charter.schema.json for what is.`;
  }
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function kindName(kind: string): string {
  return KIND_NAMES[kind] ?? kind;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return `the text '${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  return `${typeof value === 'number' ? 'the number' : 'the value'} ${JSON.stringify(value)}`;
}
