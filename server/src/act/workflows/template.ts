// From a text to a plan, or to all its mistakes with line and column. YAML and the JSON that the TypeScript builder
// gives are read by the same reader, so that both are refused for the same things in the same words.
import { canonicalJson, compilePlan, findSecrets, MAX_STEPS, suggest } from '@mandate/kernel';
import type { Json, JsonObject, Plan, StepSetting, TemplatePath, WorkflowTemplate } from '@mandate/kernel';
import type { z } from 'zod';
import { durationMs, templateSchema } from './template-schema.ts';
import type { WrittenTemplate } from './template-schema.ts';

export interface TemplateError {
  readonly line: number;
  readonly column: number;
  /** Like `steps[3].needs[0]`; empty for the template as a whole. */
  readonly pointer: string;
  /** What is wrong and what to write instead. */
  readonly message: string;
}

/** A text that was read as YAML, with the way back from every path to where it is written. */
export interface ReadText {
  readonly value: unknown;
  placeOf(path: TemplatePath): Position;
  placeOfKey(path: TemplatePath): Position;
  placeWithin(path: TemplatePath, offset: number): Position;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

export type ReadYaml = (
  text: string,
) =>
  | { readonly kind: 'read'; readonly text: ReadText }
  | { readonly kind: 'refused'; readonly errors: readonly TemplateError[] };

export type TemplateResult =
  | { readonly kind: 'template'; readonly plan: Plan; readonly canonical: string }
  | { readonly kind: 'refused'; readonly errors: readonly TemplateError[] };

/** A template is read by people, and every start of a run reads it once more. */
const MAX_TEMPLATE_CHARACTERS = 262_144;
const BACKOFF_MS = 1_000;
const PARALLEL = 10;

/** Never throws for what is written in it. Sizes are judged first, so that no template costs more than it may. */
export function readTemplate(
  text: string,
  readYaml: ReadYaml,
  /** Kept already: what is called a secret today may have been none when it was written, and is not refused again. */
  { isKept }: { readonly isKept: boolean } = { isKept: false },
): TemplateResult {
  if (text.length > MAX_TEMPLATE_CHARACTERS)
    return whole(
      `The template has ${text.length} characters; ${MAX_TEMPLATE_CHARACTERS} (and ${MAX_STEPS} steps) are the most. Split it, or let one step run over a list with forEach.`,
    );
  const steps = countSteps(text);
  if (steps > MAX_STEPS)
    return whole(
      `The template has ${steps} steps; ${MAX_STEPS} is the most. Split it, or let one step run over a list with forEach.`,
    );
  const read = readYaml(text);
  if (read.kind === 'refused') return read;
  const { text: source } = read;
  const parsed = templateSchema.safeParse(source.value);
  if (!parsed.success)
    return { kind: 'refused', errors: parsed.error.issues.flatMap((issue) => tellIssue(issue, source)) };
  const template = templateOf(parsed.data);
  const errors = [...missingAgents(parsed.data, source), ...(isKept ? [] : leaks(text))];
  const compiled = compilePlan(template);
  if (compiled.kind === 'refused') {
    for (const { path, message, offset, key } of compiled.problems) {
      const real = existing(path, source.value);
      const place =
        key === true
          ? source.placeOfKey(path)
          : offset === null
            ? source.placeOf(real)
            : source.placeWithin(real, offset);
      errors.push(at(place, path, message));
    }
  }
  if (compiled.kind === 'refused' || errors.length > 0)
    return { kind: 'refused', errors: errors.toSorted((a, b) => a.line - b.line || a.column - b.column) };
  return { kind: 'template', plan: compiled.plan, canonical: canonicalJson(asJson(template)) };
}

/** Before anything is parsed: a document of ten thousand steps would take seconds only to be refused. */
function countSteps(text: string): number {
  let count = 0;
  // A step of a list of YAML or JSON begins with a dash or a brace and has its id first or soon after. What is counted
  // too much by this (an id among parameters) stands deeper; only what is at the depth of the first one counts.
  const indent = /^([ \t]*)- +\{? *["']?id["']? *:/m.exec(text)?.[1];
  if (indent === undefined) return 0;
  const pattern = new RegExp(`^${indent}- `, 'gm');
  while (pattern.exec(text) !== null) count += 1;
  return count;
}

function whole(message: string): TemplateResult {
  return { kind: 'refused', errors: [{ line: 1, column: 1, pointer: 'steps', message }] };
}

function templateOf(written: WrittenTemplate): WorkflowTemplate {
  return {
    name: written.name,
    description: written.description ?? null,
    inputs: Object.fromEntries(
      Object.entries(written.inputs ?? {}).map(([name, input]) => {
        const full = typeof input === 'string' ? { type: input } : input;
        return [
          name,
          {
            type: full.type ?? typeOf(full.default),
            description: full.description ?? null,
            ...(full.default === undefined ? {} : { default: full.default }),
          },
        ];
      }),
    ),
    steps: written.steps.map((step) => stepOf(step, written.agent ?? null)),
    outputs: written.outputs ?? {},
    onFailure: written.onFailure ?? 'stop',
    parallel: written.parallel ?? PARALLEL,
  };
}

function stepOf(step: WrittenTemplate['steps'][number], agent: string | null): StepSetting {
  const { forEach, retries, compensate } = step;
  return {
    id: step.id,
    does:
      step.action === undefined
        ? { kind: 'wait', waitMs: durationMs(step.wait ?? '0s') }
        : {
            kind: 'action',
            action: step.action,
            agent: step.agent ?? (step.role === undefined ? agent : null),
            role: step.role ?? null,
            parameters: step.parameters ?? {},
            context: step.context ?? {},
            resource: step.resource ?? null,
            costMicroUsd:
              step.estimatedCostUsd === undefined ? null : Math.round(step.estimatedCostUsd * 1e6),
          },
    needs: step.needs === undefined ? [] : typeof step.needs === 'string' ? [step.needs] : step.needs,
    when: step.when ?? null,
    forEach:
      forEach === undefined
        ? null
        : typeof forEach === 'string'
          ? { in: bare(forEach), max: PARALLEL }
          : { in: bare(forEach.in), max: forEach.max ?? PARALLEL },
    retries:
      retries === undefined
        ? { max: 0, backoffMs: BACKOFF_MS }
        : typeof retries === 'number'
          ? { max: retries, backoffMs: BACKOFF_MS }
          : {
              max: retries.max,
              backoffMs: retries.backoff === undefined ? BACKOFF_MS : durationMs(retries.backoff),
            },
    timeoutMs: step.timeout === undefined ? null : durationMs(step.timeout),
    compensate:
      compensate === undefined
        ? null
        : typeof compensate === 'string'
          ? { action: compensate, parameters: { step: step.id } }
          : { action: compensate.action, parameters: compensate.parameters ?? {} },
    outputs: step.outputs ?? {},
  };
}

/** A list may be written as `${{ inputs.files }}` too: that is how every other field says it. */
function bare(source: string): string {
  return /^\s*\$\{\{(.*)\}\}\s*$/s.exec(source)?.[1]?.trim() ?? source;
}

function typeOf(value: Json | undefined): WorkflowTemplate['inputs'][string]['type'] {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'object' && value !== null ? 'object' : 'string';
}

function missingAgents(written: WrittenTemplate, source: ReadText): TemplateError[] {
  if (written.agent !== undefined) return [];
  return written.steps.flatMap((step, index) =>
    step.action === undefined || step.agent !== undefined || step.role !== undefined
      ? []
      : [
          at(
            source.placeOf(['steps', index]),
            ['steps', index],
            `Nobody does the step ${step.id}. Write agent or role here, or agent for the whole template.`,
          ),
        ],
  );
}

/** A template is kept as it is written, so nothing may stand in it that may stand in no column. */
function leaks(text: string): TemplateError[] {
  return findSecrets(text)
    .filter((found) => !found.generic)
    .map(({ start }) => {
      const before = text.slice(0, start).split('\n');
      return {
        line: before.length,
        column: (before.at(-1)?.length ?? 0) + 1,
        pointer: '',
        message:
          'A secret stands here in plain text. Hand it in as an input, which is sealed, or let the executor have it.',
      };
    });
}

function tellIssue(issue: z.core.$ZodIssue, source: ReadText): TemplateError[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) =>
      at(
        source.placeOfKey([...path, key]),
        [...path, key],
        `There is no key ${key}${suggest(key, knownKeys(path))}. Known here: ${knownKeys(path).join(', ')}.`,
      ),
    );
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.flat().toSorted((a, b) => b.path.length - a.path.length)[0];
    if (deepest !== undefined && deepest.path.length > 0)
      return tellIssue({ ...deepest, path: [...issue.path, ...deepest.path] }, source);
  }
  const real = existing(path, source.value);
  const message =
    real.length < path.length ? `${String(path.at(-1))} is missing. ${issue.message}.` : issue.message;
  return [at(source.placeOf(real), path, message)];
}

function knownKeys(path: TemplatePath): readonly string[] {
  if (path.length === 0) return Object.keys(templateSchema.shape);
  if (path[0] === 'steps' && path.length === 2) return Object.keys(templateSchema.shape.steps.element.shape);
  return [];
}

/** As much of the path as is written: what is missing is told where it should stand. */
function existing(path: TemplatePath, value: unknown): TemplatePath {
  let here = value;
  for (const [depth, part] of path.entries()) {
    if (typeof here !== 'object' || here === null || !(part in here)) return path.slice(0, depth);
    here = Object.entries(here).find(([key]) => key === String(part))?.[1];
  }
  return path;
}

function at({ line, column }: Position, path: TemplatePath, message: string): TemplateError {
  return { line, column, pointer: renderPath(path), message };
}

function renderPath(path: TemplatePath): string {
  let text = '';
  for (const part of path)
    text +=
      typeof part === 'number'
        ? `[${part}]`
        : text === ''
          ? part
          : /^\w+$/.test(part)
            ? `.${part}`
            : `['${part}']`;
  return text;
}

function asJson(value: unknown): JsonObject {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of what zod let through as JSON; this drops undefined
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
