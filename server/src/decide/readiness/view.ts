// Readiness as it is shown and stored: the kernel's report, and of what set, phase and time it is.
import type {
  GovernedSet,
  ReadinessPart,
  ReadinessReport,
  ReadinessScore,
  ReadinessView as Shown,
} from '@mandate/kernel';
import { canonicalJson, READINESS_CATEGORIES, READY_SCORE, VALIDATION_SCORE } from '@mandate/kernel';
import { iso } from '../../platform/clock/iso.ts';
import type { PhaseStanding, Window } from './needs.ts';

export interface ReadinessView extends Shown {
  readonly technical: ReadinessPart;
  readonly process: ReadinessPart;
  readonly organizational: ReadinessPart;
  /** What the rates and the incidents are about. */
  readonly window: { readonly start: string; readonly end: string } | null;
}

const DAY_MS = 86_400_000;

export interface Assessed {
  readonly set: GovernedSet | null;
  readonly state: PhaseStanding | null;
  readonly report: ReadinessReport;
  readonly window: Window | null;
  readonly nowMs: number;
}

export function viewOf({ set, state, report, window, nowMs }: Assessed): ReadinessView {
  const { points, total, score, verdict, ready, blockers } = report;
  return {
    timestamp: iso(nowMs),
    set: set?.name ?? null,
    currentPhase: state?.phase ?? null,
    daysSincePhaseStart: state === null ? null : Math.max(0, Math.floor((nowMs - state.sinceMs) / DAY_MS)),
    overall: {
      score,
      points,
      maxPoints: total,
      verdict,
      ready,
      blockers,
      validation: isValidating(state, nowMs)
        ? {
            until: iso(state.validationUntilMs),
            score: report.validationScore,
            threshold: VALIDATION_SCORE,
          }
        : null,
    },
    technical: report.technical,
    process: report.process,
    organizational: report.organizational,
    recommendations: report.recommendations,
    nextActions: report.nextActions,
    window: window === null ? null : { start: iso(window.startMs), end: iso(window.endMs - 1) },
  };
}

export function scoreOf({ overall: { score, ready, blockers } }: ReadinessView): ReadinessScore {
  return { score, ready, blockers, threshold: READY_SCORE };
}

/** Whether the phase is on probation, with a phase below that it can fall to. */
export function isValidating(
  state: PhaseStanding | null,
  nowMs: number,
): state is PhaseStanding & { readonly validationUntilMs: number } {
  return state?.previous != null && state.validationUntilMs !== null && nowMs < state.validationUntilMs;
}

/** What has to differ for an assessment to be worth keeping: figures move all the time, statuses do not. */
export function fingerprintOf(view: ReadinessView): string {
  const items = READINESS_CATEGORIES.flatMap((category) => view[category].items);
  return canonicalJson({
    phase: view.currentPhase,
    validating: view.overall.validation !== null,
    items: items.map(({ name, weight, required, status }) => [name, weight, required, status]),
  });
}
