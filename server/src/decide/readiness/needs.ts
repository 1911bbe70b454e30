// What readiness takes from others, as functions: it measures nothing itself, it only asks those who have it on record.
import type { CommandCounts, CommandRates, GovernedSet, ReadinessItem, StandIn } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store } from '../../platform/postgres/store.ts';

/** A window in epoch milliseconds; its end is not in it. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

/** The charter in force, as far as it is read here. */
export interface ReadinessCharter {
  readonly sets: readonly GovernedSet[];
  readonly items: readonly ReadinessItem[];
  readonly standIns: readonly StandIn[];
}

/** Where a set stands. */
export interface PhaseStanding {
  readonly phase: string;
  readonly sinceMs: number;
  /** null outside of validation. */
  readonly validationUntilMs: number | null;
  /** The validation, over or not; null where the phase was not risen to. */
  readonly probation: Window | null;
  readonly previous: string | null;
}

export interface CommandFigures {
  readonly commands: Pick<CommandCounts, 'total' | 'proposed' | 'succeeded' | 'failed'>;
  readonly rates: CommandRates;
  /** Why commands may be missing from these figures; null where none are. */
  readonly incomplete: string | null;
}

export interface IncidentFigures {
  readonly total: number;
  readonly critical: number;
  readonly fromAutonomousActions: number;
  readonly criticalFromAutonomousActions: number;
}

export interface Drill {
  readonly atMs: number;
  readonly passed: boolean;
}

export type DrillKind = 'kill_switch' | 'chaos' | 'audit_verification';

export interface FallOrder {
  readonly tenant: string;
  readonly set: string;
  readonly to: 'previous';
  /** The phase it is to fall from; in any other nothing happens. */
  readonly from: string;
  readonly cause: string;
  readonly by: string;
  readonly traceId: string | null;
}

export interface ReadinessNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly sha256: (text: string) => string;
  readonly writeEntry: WriteEntry;
  /** null where none is in force that can be read. */
  readonly charterOf: (tenant: string) => Promise<ReadinessCharter | null>;
  /** null where the set does not stand anywhere yet. */
  readonly stateOf: (tenant: string, set: string) => Promise<PhaseStanding | null>;
  readonly metricsOf: (
    tenant: string,
    scope: Window & { readonly patterns: readonly string[] },
  ) => Promise<CommandFigures>;
  readonly incidentsIn: (
    tenant: string,
    scope: Window & { readonly set: string; readonly patterns: readonly string[] },
  ) => Promise<IncidentFigures>;
  /** 0 to 1; null where nothing was run. */
  readonly evalCoverageOf: (tenant: string, set: string) => Promise<number | null>;
  /** How many rules are switched on for the set. */
  readonly breakersOf: (tenant: string, set: string) => Promise<number>;
  readonly latestDrill: (tenant: string, kind: DrillKind) => Promise<Drill | null>;
  readonly lastScrapeMs: (tenant: string) => Promise<number | null>;
  /** Brings the set back to the phase before; once, however many ask. */
  readonly fall: (
    order: FallOrder,
  ) => Promise<
    | { readonly kind: 'fallen' | 'unchanged' }
    | { readonly kind: 'refused'; readonly refusal: { readonly detail: string } }
  >;
  readonly failed: (error: unknown, what: string) => void;
}
