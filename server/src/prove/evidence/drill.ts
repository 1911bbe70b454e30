// A drill is something that was rehearsed and what came of it: a real stop of a scope where nobody works, a search for
// damage in the journal, an outage that people made on purpose. Readiness believes drills, not declarations.
import { iso } from '../../platform/clock/iso.ts';

export const DRILL_KINDS = ['kill_switch', 'chaos', 'audit_verification'] as const;
export type DrillKind = (typeof DRILL_KINDS)[number];

/** How long a drill counts. */
const DRILL_VALID_MS = 90 * 86_400_000;

/** Plain data about how it went. */
export type DrillEvidence = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface Drill {
  readonly id: string;
  readonly kind: DrillKind;
  /** When it took place. */
  readonly atMs: number;
  readonly passed: boolean;
  readonly by: string;
  readonly evidence: DrillEvidence;
  readonly recordedMs: number;
}

/** Whether it passed, and not too long ago. */
export function counts({ passed, atMs }: Pick<Drill, 'passed' | 'atMs'>, nowMs: number): boolean {
  return passed && nowMs - atMs <= DRILL_VALID_MS;
}

export function drillView(drill: Drill, nowMs: number) {
  return {
    id: drill.id,
    kind: drill.kind,
    at: iso(drill.atMs),
    passed: drill.passed,
    by: drill.by,
    evidence: drill.evidence,
    recordedAt: iso(drill.recordedMs),
    expiresAt: iso(drill.atMs + DRILL_VALID_MS),
    counts: counts(drill, nowMs),
  };
}
