// From a template to a plan, or to all its mistakes. Whatever could only be found out in the middle of a run (a name
// that nobody gives, a step that waits for itself) is refused here, because by then half of the work is done.
import type { Json } from '../action.ts';
import { isActionName } from '../pattern.ts';
import { suggest } from '../nearest.ts';
import { compileCel, compileJson, ITEM_ROOTS, RESULT_ROOTS, STEP_ROOTS } from './expression.ts';
import type { Reference, Scope, Value } from './expression.ts';
import { ancestorsOf, orderSteps } from './graph.ts';
import type { Graph } from './graph.ts';
import { MAX_ITEMS, MAX_NEEDS, MAX_STEPS } from './template.ts';
import type { StepSetting, TemplatePath, TemplateProblem, WorkflowTemplate } from './template.ts';

export interface PlanStep {
  readonly setting: StepSetting;
  readonly when: Value | null;
  readonly items: Value | null;
  /** `{parameters, context, resource, agent, role}` with their expressions; null for a timer. */
  readonly call: Value | null;
  readonly compensation: Value | null;
  readonly outputs: readonly (readonly [string, Value])[];
  /** Steps whose results must be at hand before this one can be looked at. */
  readonly reads: ReadonlySet<string>;
}

export interface Plan {
  readonly template: WorkflowTemplate;
  /** In an order in which every step comes after all it needs. */
  readonly steps: readonly PlanStep[];
  readonly outputs: Value;
}

export type PlanResult =
  | { readonly kind: 'compiled'; readonly plan: Plan }
  | { readonly kind: 'refused'; readonly problems: readonly TemplateProblem[] };

/** Letters, digits and _: what stands behind the dot of an expression. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** More mistakes than this help nobody. */
const MAX_TOLD = 100;

/** Checks and compiles a template. Never throws; answers with every mistake, each with its path. */
export function compilePlan(template: WorkflowTemplate): PlanResult {
  const { steps } = template;
  // Before anything that grows with it: a template of any size is judged at once.
  if (steps.length > MAX_STEPS) {
    const message = `The template has ${steps.length} steps; ${MAX_STEPS} is the most. Split it, or let one step run over a list with forEach.`;
    return { kind: 'refused', problems: [{ path: ['steps'], message, offset: null }] };
  }
  const problems: TemplateProblem[] = [];
  const problem = (found: TemplateProblem): void => {
    if (problems.length < MAX_TOLD) problems.push(found);
  };
  if (steps.length === 0)
    problem({ path: ['steps'], message: 'There is no step. Write at least one.', offset: null });
  const paths = checkNames(template, problem);
  const needs = checkNeeds(template, paths, problem);
  const graph = orderSteps(needs);
  tellCycle(graph, paths, problem);
  const isBefore = ancestorsOf(graph, needs);
  const compiled = new Map<string, PlanStep>();
  for (const step of steps) {
    const at = paths.get(step.id);
    if (at === undefined || compiled.has(step.id)) continue;
    compiled.set(step.id, compileStep({ step, at, template, paths, isBefore, problem }));
  }
  tellUnreached(graph, compiled, { paths, problem });
  const outputs = compileJson(template.outputs, ['outputs'], {
    roots: STEP_ROOTS,
    refer: checkReference({ template, paths, isBefore, problem, of: null }),
    problem,
  });
  if (problems.length > 0) return { kind: 'refused', problems };
  return {
    kind: 'compiled',
    plan: {
      template,
      steps: graph.order.flatMap((id) => {
        const step = compiled.get(id);
        return step === undefined ? [] : [step];
      }),
      outputs,
    },
  };
}

type Tell = (problem: TemplateProblem) => void;
type Paths = ReadonlyMap<string, TemplatePath>;

function checkNames({ steps, inputs }: WorkflowTemplate, problem: Tell): Paths {
  const paths = new Map<string, TemplatePath>();
  for (const [index, step] of steps.entries()) {
    const path = ['steps', index];
    const first = paths.get(step.id);
    if (first !== undefined) {
      const message = `There is a step ${step.id} already (steps[${String(first[1])}]). Give this one another id.`;
      problem({ path: [...path, 'id'], message, offset: null });
    } else if (!NAME.test(step.id)) {
      const message = `An id is made of letters, digits and _ (so that steps.${step.id.replaceAll(/\W/g, '_') || 'ID'}.result is an expression) and has at most 64 of them.`;
      problem({ path: [...path, 'id'], message, offset: null });
    }
    if (first === undefined) paths.set(step.id, path);
  }
  for (const name of Object.keys(inputs)) {
    if (!NAME.test(name))
      problem({
        path: ['inputs', name],
        message: 'The name of an input is made of letters, digits and _, at most 64 of them.',
        offset: null,
        key: true,
      });
  }
  return paths;
}

function checkNeeds(
  { steps }: WorkflowTemplate,
  paths: Paths,
  problem: Tell,
): ReadonlyMap<string, readonly string[]> {
  const needs = new Map<string, readonly string[]>();
  for (const [index, step] of steps.entries()) {
    if (needs.has(step.id)) continue;
    const known: string[] = [];
    if (step.needs.length > MAX_NEEDS) {
      const message = `A step needs at most ${MAX_NEEDS} others. Let one step stand between them.`;
      problem({ path: ['steps', index, 'needs'], message, offset: null });
    }
    for (const [at, need] of step.needs.slice(0, MAX_NEEDS).entries()) {
      if (!paths.has(need)) {
        const message = `There is no step ${need}${suggest(need, paths.keys())}. Name a step of this template.`;
        problem({ path: ['steps', index, 'needs', at], message, offset: null });
      } else if (!known.includes(need)) known.push(need);
    }
    needs.set(step.id, known);
  }
  return needs;
}

function tellCycle({ cycle, behind }: Graph, paths: Paths, problem: Tell): void {
  const [first] = cycle;
  if (first === undefined) return;
  const circle = cycle.join(' → ');
  problem({
    path: [...(paths.get(first) ?? []), 'needs'],
    message: `These steps wait for each other and none can begin: ${circle}. Take one of these needs away.`,
    offset: null,
  });
  for (const id of behind)
    problem({
      path: [...(paths.get(id) ?? []), 'needs'],
      message: `The step ${id} is never reached: it waits for the circle ${circle}, or for another one.`,
      offset: null,
    });
}

interface StepToCompile {
  readonly step: StepSetting;
  readonly at: TemplatePath;
  readonly template: WorkflowTemplate;
  readonly paths: Paths;
  readonly isBefore: (id: string, before: string) => boolean;
  readonly problem: Tell;
}

function compileStep({ step, at, template, paths, isBefore, problem }: StepToCompile): PlanStep {
  const refer = checkReference({ template, paths, isBefore, problem, of: step.id });
  const scope: Scope = { roots: STEP_ROOTS, refer, problem };
  const within: Scope = { ...scope, roots: step.forEach === null ? STEP_ROOTS : ITEM_ROOTS };
  const after: Scope = {
    ...scope,
    roots: step.forEach === null ? { ...STEP_ROOTS, result: 'dyn' } : RESULT_ROOTS,
  };
  const when = step.when === null ? null : compileWhen(step.when, [...at, 'when'], scope);
  const items =
    step.forEach === null
      ? null
      : (compileCel(step.forEach.in, [...at, 'forEach', 'in'], scope)?.value ?? null);
  if (step.forEach !== null && (step.forEach.max < 1 || step.forEach.max > MAX_ITEMS))
    problem({
      path: [...at, 'forEach', 'max'],
      message: `Write a number from 1 to ${MAX_ITEMS}.`,
      offset: null,
    });
  const { does, compensate } = step;
  if (does.kind === 'action') checkAction(does.action, [...at, 'action'], problem);
  if (compensate !== null) checkAction(compensate.action, [...at, 'compensate', 'action'], problem);
  const call = does.kind === 'wait' ? null : compileCall(does, at, within);
  const compensation =
    compensate === null
      ? null
      : compileJson(compensate.parameters, [...at, 'compensate', 'parameters'], after);
  const outputs = Object.entries(step.outputs).flatMap(([name, source]): (readonly [string, Value])[] => {
    const compiled = compileCel(source, [...at, 'outputs', name], after);
    return compiled === null ? [] : [[name, compiled.value]];
  });
  const parts = [when, items, call, compensation, ...outputs.map(([, value]) => value)];
  const reads = new Set(parts.flatMap((part) => (part === null ? [] : [...part.steps])));
  return { setting: step, when, items, call, compensation, outputs, reads };
}

function compileCall(
  does: Extract<StepSetting['does'], { kind: 'action' }>,
  at: TemplatePath,
  scope: Scope,
): Value {
  const fields: Record<string, Json> = {
    agent: does.agent,
    role: does.role,
    parameters: does.parameters,
    context: does.context,
    resource: does.resource === null ? null : { type: does.resource.type, id: does.resource.id },
  };
  return compileJson(fields, at, scope);
}

function compileWhen(source: string, path: TemplatePath, scope: Scope): Value | null {
  const compiled = compileCel(source, path, scope);
  if (compiled === null) return null;
  const { type } = compiled.expression;
  if (type !== 'bool' && type !== 'dyn')
    scope.problem({
      path,
      message: 'A condition is true or false; this expression is neither. Compare it with something.',
      offset: 0,
    });
  return compiled.value;
}

function checkAction(action: string, path: TemplatePath, problem: Tell): void {
  if (isActionName(action) && action.split('.').every((part) => part !== '')) return;
  problem({
    path,
    message: 'This is no action. Write one dotted name such as git.merge, without *.',
    offset: null,
  });
}

interface ReferenceNeeds {
  readonly template: WorkflowTemplate;
  readonly paths: Paths;
  readonly isBefore: (id: string, before: string) => boolean;
  readonly problem: Tell;
  /** The step it stands in; null for the outputs of the run. */
  readonly of: string | null;
}

function checkReference({ template, paths, isBefore, problem, of }: ReferenceNeeds): Scope['refer'] {
  return ({ root, name }: Reference, path, offset) => {
    const tell = (message: string): void => problem({ path, message, offset });
    if (name === null)
      return tell(
        `Write ${root}.NAME: which ${root === 'steps' ? 'step' : 'input'} is meant must stand in the template.`,
      );
    if (root === 'inputs') {
      if (!Object.hasOwn(template.inputs, name))
        tell(
          `There is no input ${name}${suggest(name, Object.keys(template.inputs))}. Declare it under inputs.`,
        );
      return;
    }
    if (!paths.has(name))
      return tell(`There is no step ${name}${suggest(name, paths.keys())}. Name a step of this template.`);
    if (of !== null && !isBefore(of, name))
      tell(
        name === of
          ? 'A step cannot look at its own result here.'
          : `The step ${of} looks at ${name} without waiting for it. Write ${name} under needs.`,
      );
  };
}

/** What can never begin: its condition is false whatever is put in, or it waits for such a step without a condition of its own. */
function tellUnreached(
  { order }: Graph,
  compiled: ReadonlyMap<string, PlanStep>,
  { paths, problem }: { readonly paths: Paths; readonly problem: Tell },
): void {
  const never = new Set<string>();
  for (const id of order) {
    const step = compiled.get(id);
    if (step === undefined) continue;
    const at = paths.get(id) ?? [];
    if (step.when !== null) {
      const always = step.when.evaluate({});
      if (always.kind !== 'value' || always.value !== false) continue;
      never.add(id);
      problem({
        path: [...at, 'when'],
        message: `The step ${id} is never reached: this condition is always false. Correct it, or take the step away.`,
        offset: null,
      });
      continue;
    }
    const missing = step.setting.needs.find((need) => never.has(need));
    if (missing === undefined) continue;
    never.add(id);
    problem({
      path: [...at, 'needs'],
      message: `The step ${id} is never reached: it needs ${missing}, which never runs.`,
      offset: null,
    });
  }
}
