// Whoever asks for a phase, the weekly cycle or a person, asks with the same evidence: what the set did at the phase that
// it would leave, which commands would run, how risky that is and what is done if it goes wrong. It is gathered before
// the transaction that asks, so it says which step it is for, and counts for no other.
import type {
  CommandTypeMetrics,
  GovernanceMetrics,
  GovernedSet,
  JsonObject,
  PhaseProposal,
} from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { proposalOf } from './cycle-report.ts';
import type { CycleFindings } from './cycle-report.ts';
import type { SetState } from './state.ts';

/** What voters are shown of one step. Free of secrets. */
export interface Evidence {
  readonly from: string;
  readonly to: string;
  readonly details: JsonObject;
}

/** Points of the assessment by which the set may be proposed at all. */
export interface ReadinessPoints {
  readonly points: number;
  readonly maxPoints: number;
}

/** Null where there is no step to take: no such set, or the top of its ladder. */
export type EvidenceOf = (
  tenant: string,
  set: string,
  readiness: ReadinessPoints,
) => Promise<Evidence | null>;

/** Epoch milliseconds; both ends are in it. */
interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

export interface RecordNeeds {
  readonly metricsOf: (tenant: string, set: GovernedSet, window: Window) => Promise<GovernanceMetrics>;
  readonly byType: (
    tenant: string,
    set: GovernedSet,
    window: Window,
  ) => Promise<readonly CommandTypeMetrics[]>;
  /** Names of the rules that are switched on for the set. */
  readonly breakerRules: (tenant: string, set: string) => Promise<readonly string[]>;
}

export interface EvidenceNeeds extends RecordNeeds {
  readonly clock: Clock;
  readonly setsOf: (tenant: string) => Promise<readonly GovernedSet[]>;
  readonly stateOf: (tenant: string, set: string) => Promise<SetState | null>;
}

const RECORD_MS = 180 * 86_400_000;

/** For a person who proposes now. */
export function createEvidence(needs: EvidenceNeeds): EvidenceOf {
  const { clock, setsOf, stateOf } = needs;
  return async (tenant, name, { points, maxPoints }) => {
    const set = (await setsOf(tenant)).find((each) => each.name === name);
    const state = await stateOf(tenant, name);
    if (set === undefined || state === null || state.next === null) return null;
    const endMs = clock.nowMs();
    const proposal = proposalOf(
      {
        set,
        state,
        period: { endMs },
        readiness: { points, total: maxPoints },
        ...(await recordAtPhase(needs, { tenant, set, state, endMs })),
      },
      state.next.name,
    );
    return proposal === null ? null : evidenceFrom(proposal);
  };
}

/** What is counted of a set since it entered its phase, 180 days at most. */
export async function recordAtPhase(
  { metricsOf, byType, breakerRules }: RecordNeeds,
  {
    tenant,
    set,
    state,
    endMs,
  }: {
    readonly tenant: string;
    readonly set: GovernedSet;
    readonly state: SetState;
    readonly endMs: number;
  },
): Promise<Pick<CycleFindings, 'atPhase' | 'breakerRules'>> {
  const startMs = Math.min(Math.max(state.sinceMs, endMs - RECORD_MS), endMs - 1);
  const window = { startMs, endMs };
  return {
    atPhase: {
      metrics: await metricsOf(tenant, set, window),
      commandTypes: await byType(tenant, set, window),
    },
    breakerRules: await breakerRules(tenant, set.name),
  };
}

/** What the voters are shown besides the step itself. */
export function evidenceFrom(proposal: PhaseProposal): Evidence {
  const { from, to, commands, record, achievements, risk, rollbackPlan } = proposal;
  return {
    from,
    to,
    details: {
      commands: commands.map((command) => ({ ...command })),
      record: { ...record },
      achievements,
      risk: { ...risk },
      rollbackPlan,
    },
  };
}
