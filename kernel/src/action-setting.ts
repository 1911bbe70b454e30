// What a charter says of an action by name. Guardrails read an action by it and know nothing else of the charter.
import type { Severity } from './action.ts';

/** What the charter knows of an action, so that the agent need not be believed. */
export interface ActionSetting {
  readonly match: string;
  readonly severity: Severity | null;
  readonly executor: string | null;
  readonly paths: readonly string[];
  readonly branches: readonly string[];
  readonly amounts: readonly string[];
  readonly diff: string | null;
  readonly compensate: string | null;
  readonly safeState: boolean;
  readonly idempotent: boolean;
  /** What comes back from it is vouched for by nobody: it is followed into later parameters. */
  readonly untrusted?: boolean;
  /** What it touches, read from its parameters. Absent: what whoever asks says. */
  readonly resource?: ResourceSetting;
  /** Cost floor in micro-USD: what an act is charged at least. */
  readonly costMicroUsd: number | null;
  /** When an act that the agent executes becomes `unknown`, or one of ours is cut off. */
  readonly deadlineMs: number | null;
  readonly origin: string;
}

/** Which parameter of an action says what it touches. */
export interface ResourceSetting {
  /** One that the charter lists under `resources`. */
  readonly type: string;
  /** The parameter that holds its name, or a place within the parameters: `target.portal`, `/target/portal`. */
  readonly from: string;
}
