// What monitors need of others, each as a function whose type is written here: they measure nothing, change no phase and
// keep no incidents themselves.
import type { CommandTypeMetrics, GovernedSet, MonitorMetrics, MonitorSettings } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';

/** As much of the charter in force as watching needs. */
export interface WatchedCharter {
  readonly version: string;
  readonly sets: readonly GovernedSet[];
  readonly monitors: MonitorSettings | null;
  /** Patterns of actions that lead to a safe state: no breaker holds them up. */
  readonly safeStates: readonly string[];
  /** Patterns of rules that are constraints: what such a rule alone holds violates one. */
  readonly constraints: readonly string[];
  /** {agent: class}: a stop of a class reaches its agents. */
  readonly classes: Readonly<Record<string, string>>;
}

export interface WatchedMetrics extends MonitorMetrics {
  /** Not everything could be counted: what holds all the same holds, and what does not is not known to be over. */
  readonly isPartial: boolean;
}

/** A span of time over the acts of some patterns; both ends belong to it. */
export interface MetricsSpan {
  readonly patterns: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
}

export interface FallOrder {
  readonly tenant: string;
  readonly set: string;
  readonly to: 'first';
  readonly cause: string;
  readonly by: string;
  readonly actId: string | null;
  readonly traceId: string | null;
}

export interface PauseOrder {
  readonly tenant: string;
  readonly set: string;
  /** The full name of one action. */
  readonly action: string;
  readonly cause: string;
  readonly by: string;
  readonly actId: string | null;
  readonly traceId: string | null;
}

export interface UnpauseOrder {
  readonly tenant: string;
  readonly id: string;
  readonly reason: string;
  readonly by: string;
  readonly traceId: string | null;
}

/** `refused`: there is no such set yet, or no longer; it is tried again. */
export type FallAnswer =
  | { readonly kind: 'fallen' | 'unchanged' }
  | { readonly kind: 'refused'; readonly refusal: { readonly detail: string } };

export interface IncidentOrder {
  readonly tenant: string;
  readonly set: string | null;
  readonly severity: 'medium' | 'high';
  readonly title: string;
  readonly cause: string;
  readonly source: 'breaker' | 'slo';
  readonly actIds: readonly string[];
  readonly by: string;
  readonly traceId: string | null;
  readonly atMs: number;
}

export interface MonitorsNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
  /** null where the active charter cannot be read: then nothing is decided either. */
  readonly charterOf: (tenant: string) => Promise<WatchedCharter | null>;
  readonly metricsOf: (
    tenant: string,
    span: MetricsSpan & { readonly set: string | null },
  ) => Promise<WatchedMetrics>;
  readonly typesOf: (tenant: string, span: MetricsSpan) => Promise<readonly CommandTypeMetrics[]>;
  /** Idempotent: a set that stands at its first phase stays there. In the transaction of the event; `settle` comes after it. */
  readonly fallIn: (tx: Tx, order: FallOrder) => Promise<FallAnswer>;
  /** Likewise; answers with the id of the restriction. */
  readonly pauseIn: (tx: Tx, order: PauseOrder) => Promise<string>;
  readonly unpause: (tx: Tx, order: UnpauseOrder) => Promise<unknown>;
  readonly openIncident: (tx: Tx, order: IncidentOrder) => Promise<{ readonly id: string }>;
  /** Waits until no start of before a hold is on its way any more; false when that could not be made sure of. */
  readonly settle: (tenant: string) => Promise<boolean>;
  /** Told of what nobody waits for. */
  readonly failed: (error: unknown, what: string) => void;
}

/** What made somebody look: the act that failed, or nothing but the time. */
export interface Because {
  /** What failed: what governs it is looked at first. */
  readonly action: string | null;
  readonly traceId: string | null;
  /** When it happened, by the clock of whoever wrote it down: the windows reach that far. */
  readonly atMs: number | null;
  /** The oldest trouble in the journal that no look has seen yet: windows that end now may have left it behind. */
  readonly sinceMs: number | null;
  /** Likewise for those checks alone that have failed meanwhile. */
  readonly owed: { readonly checks: readonly string[]; readonly sinceMs: number } | null;
}

export const BY_TIME: Because = { action: null, traceId: null, atMs: null, sinceMs: null, owed: null };

/** Who acts here, in the journal and in restrictions. */
export const MONITORS = 'mandate:monitors';
