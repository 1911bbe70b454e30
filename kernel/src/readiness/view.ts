// Readiness as it is shown: the report of a set, and of what phase and time it is. The server writes it, and whoever reads
// it (SDK, dashboard) knows the same shape. Times are ISO 8601.

export interface ReadinessItemView {
  readonly name: string;
  readonly group: string;
  readonly kind: 'measured' | 'attested';
  /** Points. */
  readonly weight: number;
  readonly required: boolean;
  readonly status: 'met' | 'unmet';
  /** Why it is met or unmet, in sentences. */
  readonly details: string;
  /** What to do about it; null where it is met. */
  readonly next: string | null;
}

export interface ReadinessPartView {
  /** Points. */
  readonly score: number;
  readonly maxScore: number;
  readonly items: readonly ReadinessItemView[];
}

/** `ready`: 95 of 100 points and every required item. `almost_ready`: 90. */
export type ReadinessVerdict = 'ready' | 'almost_ready' | 'needs_work';

export interface ReadinessView {
  readonly timestamp: string;
  /** null where the charter governs nothing in phases. */
  readonly set: string | null;
  readonly currentPhase: string | null;
  /** Whole days. */
  readonly daysSincePhaseStart: number | null;
  readonly overall: {
    /** 0 to 1. */
    readonly score: number;
    readonly points: number;
    readonly maxPoints: number;
    readonly verdict: ReadinessVerdict;
    readonly ready: boolean;
    readonly blockers: readonly string[];
    /** What a phase on probation is held to, with what is too young to be measured taken as met; null outside of it. */
    readonly validation: {
      readonly until: string;
      readonly score: number;
      readonly threshold: number;
    } | null;
  };
  readonly technical: ReadinessPartView;
  readonly process: ReadinessPartView;
  readonly organizational: ReadinessPartView;
  readonly recommendations: readonly string[];
  readonly nextActions: readonly string[];
}

/** The score alone. */
export interface ReadinessScore {
  /** 0 to 1. */
  readonly score: number;
  readonly ready: boolean;
  readonly blockers: readonly string[];
  /** The score that a proposal takes. */
  readonly threshold: number;
}
