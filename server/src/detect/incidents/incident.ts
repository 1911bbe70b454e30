// An incident as it stands on record: what went wrong, how bad it is, which acts were involved, and how it ended.
import { iso } from '../../platform/clock/iso.ts';

/** From the mildest to the worst. */
export const INCIDENT_SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type IncidentSeverity = (typeof INCIDENT_SEVERITIES)[number];

/** What opened it: a breaker or an objective that was missed, a person, or a machine through the API. */
export type IncidentSource = 'breaker' | 'slo' | 'person' | 'api';

export interface InvolvedAct {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  /** It began, and no person had approved it. */
  readonly autonomous: boolean;
}

/** One line of the timeline. */
export interface IncidentStep {
  readonly kind: 'opened' | 'note' | 'severity' | 'resolved';
  readonly atMs: number;
  readonly by: string;
  readonly text: string;
  readonly severityFrom: IncidentSeverity | null;
  readonly severityTo: IncidentSeverity | null;
}

export interface Incident {
  readonly id: string;
  readonly tenant: string;
  /** The governed set that it was opened for; null where only its acts say, or nothing does. */
  readonly set: string | null;
  readonly severity: IncidentSeverity;
  /** The worst that it ever was: it is counted by this one. */
  readonly worstSeverity: IncidentSeverity;
  readonly title: string;
  readonly cause: string;
  readonly source: IncidentSource;
  /** Whether an involved act ran without a person's approval. */
  readonly fromAutonomousActions: boolean;
  readonly acts: readonly InvolvedAct[];
  readonly openedMs: number;
  readonly openedBy: string;
  readonly resolvedMs: number | null;
  readonly resolvedBy: string | null;
  readonly resolution: string | null;
  readonly traceId: string | null;
}

export interface IncidentDetails extends Incident {
  /** Oldest first. */
  readonly timeline: readonly IncidentStep[];
}

/** How many were opened in a window or became critical within it. */
export interface IncidentCounts {
  readonly total: number;
  /** Became critical within the window, whatever they are called now. */
  readonly critical: number;
  readonly fromAutonomousActions: number;
  readonly criticalFromAutonomousActions: number;
  /** By the worst severity that each ever had. */
  readonly bySeverity: Readonly<Record<IncidentSeverity, number>>;
}

export function worseOf(one: IncidentSeverity, other: IncidentSeverity): IncidentSeverity {
  return isWorse(one, other) ? one : other;
}

export function isWorse(one: IncidentSeverity, other: IncidentSeverity): boolean {
  return INCIDENT_SEVERITIES.indexOf(one) > INCIDENT_SEVERITIES.indexOf(other);
}

/** As it is shown over HTTP. */
export function incidentView({ openedMs, resolvedMs, resolvedBy, resolution, ...incident }: Incident) {
  return {
    id: incident.id,
    status: resolvedMs === null ? 'open' : 'resolved',
    severity: incident.severity,
    worstSeverity: incident.worstSeverity,
    title: incident.title,
    cause: incident.cause,
    set: incident.set,
    source: incident.source,
    fromAutonomousActions: incident.fromAutonomousActions,
    acts: incident.acts,
    openedAt: iso(openedMs),
    openedBy: incident.openedBy,
    resolvedAt: resolvedMs === null ? null : iso(resolvedMs),
    resolvedBy,
    resolution,
    traceId: incident.traceId,
  };
}

export function detailsView({ timeline, ...incident }: IncidentDetails) {
  return {
    ...incidentView(incident),
    timeline: timeline.map(({ atMs, ...step }) => ({ ...step, at: iso(atMs) })),
  };
}
