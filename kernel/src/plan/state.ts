// How the steps of a run stand, as plain data: what a worker reads back from the acts, and all that the plan needs to
// know to say what comes next. Keys are instances: `build`, `build[3]` for an element of a forEach, `~build` for what
// undoes it.
import type { Json, JsonObject } from '../action.ts';
import type { Plan, PlanStep } from './compile.ts';

/** Why a step that has begun has not ended: it runs, people are asked, its agent is awaited, or nobody knows how it ended. */
export type Awaiting = 'run' | 'approval' | 'agent' | 'person';

export type StepState =
  | {
      readonly kind: 'begun';
      readonly attempt: number;
      readonly sinceMs: number;
      readonly awaiting: Awaiting;
    }
  /** Not begun before `untilMs`: a timer, or what a stop or a full limit has put off. */
  | {
      readonly kind: 'put_off';
      readonly attempt: number;
      readonly untilMs: number;
      readonly why: 'timer' | 'blocked';
    }
  | { readonly kind: 'succeeded'; readonly attempt: number; readonly endedMs: number; readonly result: Json }
  | {
      readonly kind: 'failed';
      readonly attempt: number;
      /** Attempts since the beginning, or since somebody had it done again. */
      readonly tries: number;
      readonly endedMs: number;
      readonly error: string;
      /** No retry will change it: denied, expired, cancelled, or not to be evaluated. */
      readonly isFinal: boolean;
    }
  | { readonly kind: 'skipped' }
  /** Somebody has it done again: as if it had never begun, but attempts go on counting. */
  | { readonly kind: 'reset'; readonly attempt: number };

export type States = ReadonlyMap<string, StepState>;

/** - `running`: goes on
 *  - `paused`: begins nothing
 *  - `cancelling`: begins nothing but what undoes */
export type RunMode = 'running' | 'paused' | 'cancelling';

/** What earlier looks at the same run have worked out. Begin with an empty one whenever a step is to be done again. */
export type Memo = Map<string, Json>;

export interface RunFacts {
  readonly mode: RunMode;
  readonly nowMs: number;
  readonly inputs: JsonObject;
  /** Bound as `run`. */
  readonly run: JsonObject;
  readonly states: States;
  /** With it a look works out a bounded amount and says when there is more; without it all at once. */
  readonly memo?: Memo;
}

export function itemKey(step: string, index: number): string {
  return `${step}[${index}]`;
}

export function undoKey(instance: string): string {
  return `~${instance}`;
}

/** Steps at work: those of the run, and how many of each. What cannot be waited for while cancelling does not count. */
export function countLive({ states, mode }: RunFacts): {
  readonly all: number;
  readonly of: ReadonlyMap<string, number>;
} {
  const of = new Map<string, number>();
  let all = 0;
  for (const [instance, state] of states) {
    if (state.kind !== 'begun' || instance.startsWith('~')) continue;
    if (mode === 'cancelling' && state.awaiting === 'person') continue;
    const { step } = readInstance(instance);
    of.set(step, (of.get(step) ?? 0) + 1);
    all += 1;
  }
  return { all, of };
}

/** Steps whose end nobody knows. */
export function unclearOf(states: States): readonly string[] {
  return [...states].flatMap(([instance, state]) =>
    state.kind === 'begun' && state.awaiting === 'person' ? [instance] : [],
  );
}

/** The step that an instance belongs to, and which element of its list it is. */
export function readInstance(instance: string): {
  readonly step: string;
  readonly index: number | null;
  readonly undoes: boolean;
} {
  const undoes = instance.startsWith('~');
  const [, step = '', index] = /^~?([^[]*)(?:\[(\d+)\])?$/.exec(instance) ?? [];
  return { step, index: index === undefined ? null : Number(index), undoes };
}

/** Steps whose results the next look at the plan may ask for: whatever is not settled yet reads them. */
export function readsOf(plan: Plan, settled: (step: string) => boolean): ReadonlySet<string> {
  const byId = new Map(plan.steps.map((step) => [step.setting.id, step]));
  const wanted = new Set<string>(plan.outputs.steps);
  const open: string[] = [...wanted];
  const want = (names: Iterable<string>): void => {
    for (const name of names) {
      if (wanted.has(name)) continue;
      wanted.add(name);
      open.push(name);
    }
  };
  for (const step of plan.steps) {
    if (!settled(step.setting.id) || step.compensation !== null) want(step.reads);
    if (step.compensation !== null) want([step.setting.id]);
  }
  // The outputs of a step may be made of what earlier ones gave.
  for (let id = open.pop(); id !== undefined; id = open.pop()) want(outputReads(byId.get(id)));
  return wanted;
}

function outputReads(step: PlanStep | undefined): readonly string[] {
  return step === undefined ? [] : step.outputs.flatMap(([, value]) => [...value.steps]);
}
