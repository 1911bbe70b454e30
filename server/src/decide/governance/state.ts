// Where a set stands, worked out from its row and what the charter in force says: the row only tells what happened and
// when, so that a charter which changes a time changes it for what stands now, too.
import { phaseIndex } from '@mandate/kernel';
import type { GovernedSet, Phase } from '@mandate/kernel';
import type { ChangeRow, SetRow } from './store.ts';

/** Clocks of two servers may differ by this much. */
const SKEW_MS = 300_000;

export interface SetState {
  readonly set: string;
  readonly phase: string;
  readonly title: string;
  /** 0 is the strictest phase. */
  readonly index: number;
  readonly sinceMs: number;
  /** How the phase began: the charter began to govern the set, it rose by a proposal, or it fell. */
  readonly entered: 'governed' | 'risen' | 'fallen';
  readonly whitelist: readonly string[];
  /** Until when the phase is on probation; null when it is not, or no longer. Only a phase that was risen to ever is. */
  readonly validationUntilMs: number | null;
  /** The time for which incidents count against the phase, over or not; its end is not in it. null where it was not risen to. */
  readonly probation: { readonly startMs: number; readonly endMs: number } | null;
  /** Until when nothing may be proposed; null when it may. */
  readonly stabilizationUntilMs: number | null;
  /** The phase it was in before; null for none. */
  readonly previous: string | null;
  /** Since when the set is governed. */
  readonly governedMs: number;
  /** When it last fell; null where it never did. */
  readonly fallenMs: number | null;
  /** How often the state has changed, or was ordered to. */
  readonly changes: number;
  /** What it could be proposed to rise to; null at the top. */
  readonly next: Phase | null;
  /** Newest first; at most 50. */
  readonly history: readonly PhaseChange[];
}

export interface PhaseChange {
  readonly number: number;
  /** `rewritten`: the charter changed what the phase lets run. `dropped`: the charter governs the set no more. */
  readonly kind: 'governed' | 'risen' | 'fallen' | 'rewritten' | 'dropped';
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
  readonly by: string;
  readonly atMs: number;
  readonly actId: string | null;
  readonly approval: string | null;
}

export function stateFrom(
  set: GovernedSet,
  row: SetRow,
  { history, nowMs }: { readonly history: readonly ChangeRow[]; readonly nowMs: number },
): SetState {
  const index = phaseIndex(set, row.phase);
  const phase = set.phases[index];
  // The charter and the row change in one transaction, so this is a row that somebody else has written.
  if (phase === undefined)
    throw new Error(`the set ${set.name} stands at ${row.phase}, which its charter does not know`);
  const validationMs = row.entered === 'risen' ? row.since + phase.validationMs : 0;
  const stabilizationMs = Math.max(
    row.governed_at + set.firstStabilizationMs,
    row.fallen_at === null ? 0 : row.fallen_at + set.stabilizationMs,
  );
  return {
    set: set.name,
    phase: phase.name,
    title: phase.title,
    index,
    sinceMs: row.since,
    entered: row.entered,
    whitelist: phase.whitelist,
    validationUntilMs: validationMs > nowMs ? validationMs : null,
    probation:
      row.entered === 'risen'
        ? { startMs: countedFromMs(row.since, history, nowMs), endMs: validationMs }
        : null,
    stabilizationUntilMs: stabilizationMs > nowMs ? stabilizationMs : null,
    previous: row.previous,
    governedMs: row.governed_at,
    fallenMs: row.fallen_at,
    changes: row.changes,
    next: set.phases[index + 1] ?? null,
    history: history.map(changeFrom),
  };
}

/**
 * From when on it counts what happened in the phase. Where the phase begins in what is the future by this clock, the clocks
 * of two servers differ, or one was set back; then what happened since is dated before it began. So a little before counts
 * too, and after a greater leap, by which the rise itself was judged, everything since the change before it.
 */
function countedFromMs(sinceMs: number, history: readonly ChangeRow[], nowMs: number): number {
  if (sinceMs <= nowMs) return sinceMs;
  if (sinceMs - nowMs <= SKEW_MS) return sinceMs - SKEW_MS;
  const entry = history.findIndex(({ kind }) => kind === 'risen');
  const before = entry < 0 ? [] : history.slice(entry + 1);
  return before.find(({ at }) => at <= nowMs)?.at ?? 0;
}

function changeFrom(row: ChangeRow): PhaseChange {
  return {
    number: row.number,
    kind: row.kind,
    from: row.from_phase,
    to: row.to_phase,
    cause: row.cause,
    by: row.actor,
    atMs: row.at,
    actId: row.act_id,
    approval: row.approval_id,
  };
}
