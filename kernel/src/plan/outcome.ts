// What the plan answers: what to begin, what is settled, and how a run ends.
import type { Json, JsonObject } from '../action.ts';
import type { Awaiting } from './state.ts';

/** One step to begin now. */
export interface StepCall {
  readonly instance: string;
  readonly attempt: number;
  readonly action: string;
  /** One of the two is set: an agent by name, or whoever has the role in this run. */
  readonly agent: string | null;
  readonly role: string | null;
  readonly parameters: JsonObject;
  readonly context: JsonObject;
  readonly resource: { readonly type: string; readonly id: string } | null;
  readonly costMicroUsd: number | null;
  /** The instance whose act this one undoes. */
  readonly undoes: string | null;
}

/** What becomes of a step without an act. */
export type Settled =
  | { readonly instance: string; readonly attempt: number; readonly kind: 'skipped' }
  | { readonly instance: string; readonly attempt: number; readonly kind: 'failed'; readonly error: string }
  | { readonly instance: string; readonly attempt: number; readonly kind: 'timer'; readonly untilMs: number }
  | {
      readonly instance: string;
      readonly attempt: number;
      readonly kind: 'succeeded';
      readonly result: Json;
    };

export type RunEnd =
  | { readonly kind: 'succeeded'; readonly output: JsonObject }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'cancelled'; readonly error: string };

export interface GivenUp {
  readonly instance: string;
  readonly why: string;
  /** It took too long: what never started may be tried again. Otherwise its run is over. */
  readonly isTimeout: boolean;
}

export interface Next {
  readonly begin: readonly StepCall[];
  readonly settle: readonly Settled[];
  /** Begun and not wanted any longer. Their acts are to be asked to end; until they have, the steps have not ended. */
  readonly giveUp: readonly GivenUp[];
  /** When to look again although nothing has happened; null: only something that happens changes anything. */
  readonly wakeAtMs: number | null;
  /** What it waits for, the most pressing first; empty while something runs or is to begin. */
  readonly waitsFor: readonly (Awaiting | 'timer' | 'retry' | 'blocked' | 'resume')[];
  readonly end: RunEnd | null;
  /** The look was cut short, so that it holds nobody up: look again, with the same memo. */
  readonly more: boolean;
}
