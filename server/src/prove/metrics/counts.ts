// What is counted of commands, and the rates made of it: plain arithmetic over counts, wherever they come from (rollups,
// the acts themselves, a second database). A rate of nothing is null, so that no condition on it is ever true by accident.

/** A span of time and the actions in it. Both ends belong to it, to the millisecond. */
export interface Window {
  /** Patterns of actions: exact names, or a prefix with one trailing `*`. */
  readonly patterns: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
}

/** Of acts: asked for in the window (`proposed` to `heldByRule`), or ended in it (`succeeded` to `stopped`). */
export interface Counts {
  readonly proposed: number;
  readonly approved: number;
  readonly rejected: number;
  readonly begun: number;
  readonly violations: number;
  readonly gates: number;
  /** Held by nothing but a rule; a constraint where the charter gives that rule a condition. */
  readonly heldByRule: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly unknown: number;
  readonly rolledBack: number;
  readonly stopped: number;
}

export interface ActionCounts extends Counts {
  /** The full action name. */
  readonly action: string;
  /** The rule that alone held them; '' for everything else. */
  readonly rule: string;
}

export interface Commands {
  /** Began and ended: success, failed, cancelled or unknown. */
  readonly total: number;
  readonly proposed: number;
  readonly approved: number;
  readonly rejected: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly rolledBack: number;
}

/** From 0 to 1; null where there is nothing to divide by. */
export interface Rates {
  readonly successRate: number | null;
  readonly approvalRate: number | null;
  readonly rollbackRate: number | null;
  readonly errorRate: number | null;
}

export const NO_COMMANDS: Commands = {
  total: 0,
  proposed: 0,
  approved: 0,
  rejected: 0,
  succeeded: 0,
  failed: 0,
  rolledBack: 0,
};

/** Only what ran to an end counts as ended; what was only asked for has not. */
export function commandsOf(counts: Counts): Commands {
  const { proposed, approved, rejected, succeeded, failed, cancelled, unknown, rolledBack } = counts;
  const total = succeeded + failed + cancelled + unknown;
  return { total, proposed, approved, rejected, succeeded, failed, rolledBack };
}

export function addCommands(a: Commands, b: Commands): Commands {
  return {
    total: a.total + b.total,
    proposed: a.proposed + b.proposed,
    approved: a.approved + b.approved,
    rejected: a.rejected + b.rejected,
    succeeded: a.succeeded + b.succeeded,
    failed: a.failed + b.failed,
    rolledBack: a.rolledBack + b.rolledBack,
  };
}

export function ratesOf({
  total,
  proposed,
  approved,
  succeeded,
  failed,
  rolledBack,
}: Omit<Commands, 'rejected'>): Rates {
  return {
    successRate: ratio(succeeded, succeeded + failed),
    approvalRate: ratio(approved, proposed),
    // What is undone in a window may have been done before it: more undone than done counts as all of it.
    rollbackRate: rolledBack > succeeded ? 1 : ratio(rolledBack, succeeded),
    errorRate: ratio(failed, total),
  };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
