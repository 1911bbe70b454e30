// A workflow template as plain data: what the reader hands over after YAML or TypeScript has been turned into values.
// The kernel compiles it into a plan (compile.ts) and never sees the file.
import type { Json, JsonObject } from '../action.ts';

export type InputType = 'string' | 'number' | 'boolean' | 'object' | 'list';

export interface InputSetting {
  readonly type: InputType;
  /** Taken when the input is not given; undefined: it has to be given. */
  readonly default?: Json;
  readonly description: string | null;
}

export interface StepSetting {
  /** Letters, digits and _, so that `steps.ID` is an expression. */
  readonly id: string;
  readonly does: StepWork;
  /** Steps that must have ended well, or have been skipped, before this one begins. */
  readonly needs: readonly string[];
  /** CEL condition; false skips the step and whatever needs it and has no condition of its own. */
  readonly when: string | null;
  readonly forEach: ForEach | null;
  readonly retries: Retries;
  /** From its beginning to its end, waiting for people included; null waits as long as an approval does. */
  readonly timeoutMs: number | null;
  readonly compensate: Compensation | null;
  /** Values made of the step's `result` (and of inputs and earlier steps), each a CEL expression. */
  readonly outputs: Readonly<Record<string, string>>;
}

export type StepWork =
  | {
      readonly kind: 'action';
      readonly action: string;
      /** Who does it. Exactly one of the two is set. */
      readonly agent: string | null;
      readonly role: string | null;
      /** Texts may hold `${{ expression }}`. */
      readonly parameters: JsonObject;
      readonly context: JsonObject;
      readonly resource: { readonly type: string; readonly id: string } | null;
      readonly costMicroUsd: number | null;
    }
  | { readonly kind: 'wait'; readonly waitMs: number };

export interface ForEach {
  /** CEL expression that yields a list; `item` and `index` stand for each of its elements. */
  readonly in: string;
  /** How many of them run at once. */
  readonly max: number;
}

export interface Retries {
  /** Further attempts after the first. */
  readonly max: number;
  /** Before the first retry; doubles with each further one. */
  readonly backoffMs: number;
}

export interface Compensation {
  readonly action: string;
  readonly parameters: JsonObject;
}

export interface WorkflowTemplate {
  readonly name: string;
  readonly description: string | null;
  readonly inputs: Readonly<Record<string, InputSetting>>;
  readonly steps: readonly StepSetting[];
  /** What the run answers with: texts may hold `${{ expression }}`. */
  readonly outputs: JsonObject;
  /** What a failed step means for what was done before it. */
  readonly onFailure: 'stop' | 'compensate';
  /** How many steps of one run are at work at once. */
  readonly parallel: number;
}

/** A path into the template, as its author wrote it. */
export type TemplatePath = readonly (string | number)[];

export interface TemplateProblem {
  readonly path: TemplatePath;
  /** What is wrong and what to write instead. */
  readonly message: string;
  /** Where in the text at `path`, in UTF-16 code units; null for the value as a whole. */
  readonly offset: number | null;
  /** The key is at fault, not its value. */
  readonly key?: boolean;
}

/** A template is read by people: beyond this they cannot, and the plan of a run is looked at before every step. */
export const MAX_STEPS = 1_000;
/** Elements of one forEach. */
export const MAX_ITEMS = 1_000;
/** Elements of all lists of one run together: a run is looked at as a whole before each of its steps. */
export const MAX_INSTANCES = 10_000;
export const MAX_NEEDS = 100;
