// What an eval set, a run of one and the coverage that runs give look like. What a case says is the business of
// whoever reads and judges it; here it has a name, an action, and perhaps something that it comes to.
import type { JsonObject } from '@mandate/kernel';

/** What an action came to, or would have. */
export type EvalOutcome = 'success' | 'failed' | 'waiting_for_approval' | 'denied';

/** As much of a case as is needed to run it. */
export interface EvalCase {
  readonly name: string;
  readonly action: string;
  /** Really run where the law allows it. */
  readonly run?: boolean | undefined;
  readonly expect: { readonly outcome?: EvalOutcome | undefined };
}

/** An eval set as it was read; `content` is what its version is a hash of. */
export interface EvalContent<Case extends EvalCase> {
  readonly kind: 'read';
  readonly name: string;
  readonly description: string | null;
  readonly cases: readonly Case[];
  readonly content: JsonObject;
}

export interface EvalProblem {
  readonly line: number;
  readonly column: number;
  /** Reads like `cases[3].expect`; empty for the whole. */
  readonly pointer: string;
  readonly message: string;
}

/** One case of a run. */
export interface EvalResult {
  readonly name: string;
  readonly action: string;
  readonly ok: boolean;
  /** What is not as expected, a sentence each. Empty where everything is. */
  readonly problems: readonly string[];
  /** null where nothing could be decided. */
  readonly decision: {
    readonly tier: string;
    readonly effect: string;
    readonly code: string;
    readonly rule: string | null;
    readonly reasons: readonly string[];
  } | null;
  /** null where only a decision was expected. */
  readonly outcome: EvalOutcome | null;
  /** The act, where the case was really run. */
  readonly actId: string | null;
  /** The charter that decided; null where none could. */
  readonly charterVersion: string | null;
}

export interface EvalRun {
  readonly id: string;
  readonly name: string;
  /** Of the eval set. */
  readonly version: string;
  /** In force when the run began. */
  readonly charterVersion: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly by: string;
  readonly passed: number;
  readonly failed: number;
  readonly results: readonly EvalResult[];
}

/** A run without its results. */
export type EvalRunSummary = Omit<EvalRun, 'results'>;

/** What came of the cases of one action in one run. */
export interface EvalTally {
  readonly action: string;
  readonly charterVersion: string | null;
  readonly passed: number;
  readonly failed: number;
}

export interface EvalSet {
  readonly name: string;
  readonly version: string;
  readonly updatedMs: number;
  readonly updatedBy: string;
}

/** How much of what a governed set may do has been tried out under the charter in force. */
export interface EvalCoverage {
  readonly covered: number;
  readonly total: number;
  /** covered / total; null where the set has no command type yet. */
  readonly ratio: number | null;
  /** The last run with a case of this set, by whatever charter. */
  readonly lastRunMs: number | null;
  /** Whether there are runs that count and no case of this set failed in them. */
  readonly passed: boolean;
  readonly charterVersion: string | null;
  readonly types: readonly CoveredType[];
}

export interface CoveredType {
  /** The full action name. */
  readonly commandType: string;
  readonly covered: boolean;
  /** Cases of runs that count. */
  readonly passed: number;
  readonly failed: number;
  /** Why it is not covered and what to do; null where it is. */
  readonly why: string | null;
}
