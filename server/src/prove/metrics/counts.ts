// What is counted of commands: plain arithmetic over counts, wherever they come from (rollups, the acts themselves, a
// second database). The rates made of them are the kernel's.
import type { CommandCounts } from '@mandate/kernel';

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

/** Only what ran to an end counts as ended; what was only asked for has not. */
export function commandsOf(counts: Counts): CommandCounts {
  const { proposed, approved, rejected, succeeded, failed, cancelled, unknown, rolledBack } = counts;
  const total = succeeded + failed + cancelled + unknown;
  return { total, proposed, approved, rejected, succeeded, failed, rolledBack };
}

export function addCommands(a: CommandCounts, b: CommandCounts): CommandCounts {
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
