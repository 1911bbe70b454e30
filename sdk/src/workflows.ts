// Workflows from a program: templates written as plain objects with their types checked, runs started, looked at and
// steered. Every step is an action on the same road, so nothing here permits anything.
import type { Json, JsonObject } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, numberOf, optional, textOf } from './guard.ts';
import type { Machine } from './machine.ts';
import { sleep } from './machine.ts';
import type { Transport } from './transport.ts';

/** A template as YAML has it. Texts may hold `${{ inputs.x }}` or `${{ steps.a.result.y }}`. */
export interface WorkflowDefinition {
  readonly name: string;
  readonly description?: string;
  readonly inputs?: Readonly<Record<string, WorkflowInputType | WorkflowInput>>;
  /** The agent of every step that names none. */
  readonly agent?: string;
  /** How many steps of a run are at work at once (10). */
  readonly parallel?: number;
  readonly onFailure?: 'stop' | 'compensate';
  readonly steps: readonly WorkflowStep[];
  readonly outputs?: JsonObject;
}

export type WorkflowInputType = 'string' | 'number' | 'boolean' | 'object' | 'list';

export interface WorkflowInput {
  readonly type?: WorkflowInputType;
  readonly default?: Json;
  readonly description?: string;
}

/** Either an action or a timer. */
export type WorkflowStep = WorkflowStepBase &
  (
    | { readonly action: string; readonly wait?: never }
    | {
        readonly action?: never;
        /** A duration: `30s`, `10m`, `2h`. */
        readonly wait: string;
      }
  );

interface WorkflowStepBase {
  readonly id: string;
  readonly agent?: string;
  readonly role?: string;
  readonly parameters?: JsonObject;
  readonly context?: JsonObject;
  readonly resource?: { readonly type: string; readonly id: string };
  readonly estimatedCostUsd?: number;
  readonly needs?: string | readonly string[];
  /** CEL. */
  readonly when?: string;
  readonly forEach?: string | { readonly in: string; readonly max?: number };
  readonly retries?: number | { readonly max: number; readonly backoff?: string };
  readonly timeout?: string;
  readonly compensate?: string | { readonly action: string; readonly parameters?: JsonObject };
  readonly outputs?: Readonly<Record<string, string>>;
}

export interface WorkflowTemplateView {
  readonly name: string;
  readonly version: string;
  readonly createdBy: string;
  readonly createdAt: string;
}

export interface WorkflowRun {
  readonly id: string;
  readonly template: string;
  readonly version: string;
  /** `running`, `waiting`, `paused`, `cancelling`, `succeeded`, `failed` or `cancelled`. */
  readonly status: string;
  /** `approval`, `agent`, `person`, `blocked`, `retry`, `timer`, `run` or `resume`. */
  readonly waitsFor: readonly string[];
  readonly startedBy: string;
  readonly error: string | null;
  readonly createdAt: string;
  readonly endedAt: string | null;
}

export interface WorkflowRunDetails extends WorkflowRun {
  readonly output: unknown;
  readonly steps: readonly WorkflowStepView[];
  /** Steps that have not begun. */
  readonly pending: readonly string[];
}

export interface WorkflowStepView {
  /** `build`, `build[3]` for an element of a list, `~build` for what undoes it. */
  readonly step: string;
  readonly attempt: number;
  readonly status: string;
  readonly actionId: string | null;
  readonly approvalId: string | null;
  readonly error: string | null;
}

export interface StartWorkflow {
  /** A name, or `name@version`. */
  readonly template: string;
  readonly input?: JsonObject;
  /** Agents by role. */
  readonly agents?: Readonly<Record<string, string>>;
}

export interface DryWorkflowStep {
  readonly step: string;
  readonly would: string;
  readonly action: string | null;
  readonly agent: string | null;
  /** Steps whose results were taken for null. */
  readonly assumes: readonly string[];
  readonly note: string | null;
}

export interface Workflows {
  /** Writes a template, as YAML or as an object. Throws MandateProblem with every mistake. */
  write(template: string | WorkflowDefinition): Promise<WorkflowTemplateView>;
  templates(): Promise<readonly WorkflowTemplateView[]>;
  start(order: StartWorkflow): Promise<WorkflowRun>;
  /** What would be decided for each step. Nothing is recorded. */
  dryRun(order: StartWorkflow): Promise<readonly DryWorkflowStep[]>;
  list(query?: { readonly template?: string; readonly status?: string }): Promise<readonly WorkflowRun[]>;
  find(id: string): Promise<WorkflowRunDetails>;
  pause(id: string, reason?: string): Promise<WorkflowRun>;
  resume(id: string, reason?: string): Promise<WorkflowRun>;
  /** Ends it; what was done is undone where the template says how. */
  cancel(id: string, reason?: string): Promise<WorkflowRun>;
  /** Does a step again, and whatever comes after it; without one whatever failed. */
  retry(id: string, from?: string): Promise<WorkflowRun>;
  /** Resolves when it has ended; rejects with the signal's reason when that aborts. */
  wait(
    id: string,
    options?: { readonly signal?: AbortSignal; readonly everyMs?: number },
  ): Promise<WorkflowRunDetails>;
}

const LOOK_MS = 500;
const ENDS: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

/** A template as an object, with its types checked where it is written. */
export function defineWorkflow(definition: WorkflowDefinition): WorkflowDefinition {
  return definition;
}

export function createWorkflows({
  transport,
  machine,
}: {
  readonly transport: Transport;
  readonly machine: Machine;
}): Workflows {
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path: `/api/v1/${path}`, agent: null, isRepeatable: true });
  const post = (path: string, body: JsonObject): Promise<unknown> =>
    transport.read({ method: 'POST', path: `/api/v1/${path}`, body, agent: null, isRepeatable: true });
  const steer = async (id: string, verb: string, body: JsonObject): Promise<WorkflowRun> =>
    readRun(await post(`workflows/${encodeURIComponent(id)}/${verb}`, body), 'the answer');
  const orderOf = ({ template, input = {}, agents = {} }: StartWorkflow): JsonObject => ({
    template,
    input,
    agents,
  });
  const find = async (id: string): Promise<WorkflowRunDetails> =>
    readDetails(await get(`workflows/${encodeURIComponent(id)}`));
  return {
    async write(template) {
      const body: JsonObject =
        typeof template === 'string'
          ? { text: template }
          : // A definition is JSON; going through its text drops what is undefined.
            // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
            { template: JSON.parse(JSON.stringify(template)) as JsonObject };
      return readTemplate(await post('workflow-templates', body), 'the answer');
    },
    templates: async () => itemsOf(await get('workflow-templates'), 'items', readTemplate),
    start: async (order) => readRun(await post('workflows', orderOf(order)), 'the answer'),
    dryRun: async (order) =>
      itemsOf(await post('workflows?dryRun=true', orderOf(order)), 'steps', readDryStep),
    async list(query = {}) {
      const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined));
      return itemsOf(
        await get(search.size === 0 ? 'workflows' : `workflows?${search.toString()}`),
        'items',
        readRun,
      );
    },
    find,
    pause: (id, reason) => steer(id, 'pause', reason === undefined ? {} : { reason }),
    resume: (id, reason) => steer(id, 'resume', reason === undefined ? {} : { reason }),
    cancel: (id, reason) => steer(id, 'cancel', reason === undefined ? {} : { reason }),
    retry: (id, from) => steer(id, 'retry', from === undefined ? {} : { from }),
    async wait(id, { signal, everyMs = LOOK_MS } = {}) {
      for (;;) {
        const run = await find(id);
        if (ENDS.has(run.status)) return run;
        await sleep(machine, everyMs, signal);
      }
    },
  };
}

function itemsOf<T>(value: unknown, name: string, read: (item: unknown, where: string) => T): readonly T[] {
  return listOf(fieldsOf(value, 'the answer')[name], read, name);
}

function readTemplate(value: unknown, where: string): WorkflowTemplateView {
  const of = fieldsOf(value, where);
  return {
    name: textOf(of['name'], `${where}.name`),
    version: textOf(of['version'], `${where}.version`),
    createdBy: textOf(of['createdBy'], `${where}.createdBy`),
    createdAt: textOf(of['createdAt'], `${where}.createdAt`),
  };
}

function readRun(value: unknown, where: string): WorkflowRun {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    template: textOf(of['template'], `${where}.template`),
    version: textOf(of['version'], `${where}.version`),
    status: textOf(of['status'], `${where}.status`),
    waitsFor: listOf(of['waitsFor'], textOf, `${where}.waitsFor`),
    startedBy: textOf(of['startedBy'], `${where}.startedBy`),
    error: optional(of['error'], textOf, `${where}.error`),
    createdAt: textOf(of['createdAt'], `${where}.createdAt`),
    endedAt: optional(of['endedAt'], textOf, `${where}.endedAt`),
  };
}

function readDetails(value: unknown): WorkflowRunDetails {
  const of = fieldsOf(value, 'the answer');
  return {
    ...readRun(value, 'the answer'),
    output: of['output'] ?? null,
    steps: listOf(of['steps'], readStep, 'steps'),
    pending: listOf(of['pending'], textOf, 'pending'),
  };
}

function readStep(value: unknown, where: string): WorkflowStepView {
  const of = fieldsOf(value, where);
  return {
    step: textOf(of['step'], `${where}.step`),
    attempt: numberOf(of['attempt'], `${where}.attempt`),
    status: textOf(of['status'], `${where}.status`),
    actionId: optional(of['actionId'], textOf, `${where}.actionId`),
    approvalId: optional(of['approvalId'], textOf, `${where}.approvalId`),
    error: optional(of['error'], textOf, `${where}.error`),
  };
}

function readDryStep(value: unknown, where: string): DryWorkflowStep {
  const of = fieldsOf(value, where);
  return {
    step: textOf(of['step'], `${where}.step`),
    would: textOf(of['would'], `${where}.would`),
    action: optional(of['action'], textOf, `${where}.action`),
    agent: optional(of['agent'], textOf, `${where}.agent`),
    assumes: listOf(of['assumes'], textOf, `${where}.assumes`),
    note: optional(of['note'], textOf, `${where}.note`),
  };
}
