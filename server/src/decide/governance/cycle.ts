// Once a week each set is looked at as a whole: what happened, how ready it is, what stands in the way; then a next phase
// is proposed or it is said why not, and the report is filed in the same transaction. So a cycle that dies midway has
// done nothing, one that comes second finds the report of the first, and no proposal is ever made twice.
import { decideCycle, isoWeekOf } from '@mandate/kernel';
import type {
  AuditRoot,
  CycleDecision,
  CycleFacts,
  CycleReason,
  GovernanceReport,
  GovernedSet,
  ReadinessReport,
  ReportedBreaker,
  ReportedIncident,
  ReportedObjective,
} from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { factsOf, proposalOf, reportOf } from './cycle-report.ts';
import type { CycleFindings } from './cycle-report.ts';
import { evidenceFrom, recordAtPhase } from './proposal-evidence.ts';
import type { RecordNeeds } from './proposal-evidence.ts';
import type { Propose, Proposed } from './propose.ts';
import type { SetState } from './state.ts';

export interface CycleOrder {
  readonly tenant: string;
  readonly set: string;
  /** The end of the period, and what says which week it is: now, or the tick of the schedule that is made up for. */
  readonly atMs: number;
  /** A principal, or `schedule`. */
  readonly by: string;
  readonly traceId: string | null;
}

export interface Filed {
  readonly report: GovernanceReport;
  readonly sha256: string;
}

export type CycleAnswer =
  /** `isNew` is false where the week had its report already. */
  | { readonly kind: 'done'; readonly filed: Filed; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type RunCycle = (order: CycleOrder) => Promise<CycleAnswer>;

/** Epoch milliseconds; both ends are in it, so that what happened at this very moment is in a window that ends now. */
export interface CycleWindow {
  readonly startMs: number;
  readonly endMs: number;
}

export interface CycleNeeds extends RecordNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly setsOf: (tenant: string) => Promise<readonly GovernedSet[]>;
  readonly stateOf: (tenant: string, set: string) => Promise<SetState | null>;
  readonly pendingProposal: (tenant: string, set: string) => Promise<CycleFacts['pendingProposal']>;
  /** May let the set fall, where it is on probation. */
  readonly assess: (tenant: string, set: string) => Promise<ReadinessReport>;
  /** Triggered in the window, or unresolved; newest first. */
  readonly breakersIn: (
    tenant: string,
    set: string,
    window: CycleWindow,
  ) => Promise<readonly ReportedBreaker[]>;
  /** Opened in the window, or open; newest first. */
  readonly incidentsIn: (
    tenant: string,
    set: GovernedSet,
    window: CycleWindow,
  ) => Promise<readonly ReportedIncident[]>;
  readonly objectivesOf: (tenant: string, set: string) => Promise<readonly ReportedObjective[]>;
  readonly auditRoot: (tenant: string, of: CycleWindow & { readonly set: string }) => Promise<AuditRoot>;
  /** Reads what proposing takes; then proposes in the caller's transaction. */
  readonly proposerOf: (tenant: string) => Promise<Propose>;
  readonly reports: {
    ofWeek(tenant: string, set: string, week: string): Promise<Filed | null>;
    /** Up to when the newest report goes that does not end after a moment. */
    lastEnd(tenant: string, set: string, upToMs: number): Promise<number | null>;
    /** False where the week has its report already. */
    fileIn(
      tx: Tx,
      tenant: string,
      filing: { readonly report: GovernanceReport; readonly traceId: string | null },
    ): Promise<boolean>;
  };
}

const WEEK_MS = 7 * 86_400_000;
/** Who asks: the cycle itself, whoever set it going. So they may vote like anybody else. */
const ASKER = 'mandate:cycle';

export function createCycle(needs: CycleNeeds): RunCycle {
  const { store, clock, chance, reports } = needs;

  async function gather(
    tenant: string,
    set: GovernedSet,
    { atMs, lastEndMs }: { readonly atMs: number; readonly lastEndMs: number | null },
  ): Promise<CycleFindings | null> {
    // Not a week alone: a report that came early, or a server that was away, would leave days that stand in none.
    const period = { startMs: Math.min(atMs - WEEK_MS, lastEndMs ?? atMs), endMs: atMs };
    // First, because it may let the set fall: everything else must see the phase that is in force afterwards.
    const readiness = await needs.assess(tenant, set.name);
    const state = await needs.stateOf(tenant, set.name);
    if (state === null) return null;
    const { name } = set;
    return {
      set,
      state,
      period,
      week: isoWeekOf(atMs, set.timeZone),
      readiness,
      metrics: await needs.metricsOf(tenant, set, period),
      // As long as the period, or the two could not be compared.
      previous: await needs.metricsOf(tenant, set, {
        startMs: 2 * period.startMs - atMs,
        endMs: period.startMs - 1,
      }),
      commandTypes: await needs.byType(tenant, set, period),
      ...(await recordAtPhase(needs, { tenant, set, state, endMs: atMs })),
      breakers: await needs.breakersIn(tenant, name, period),
      incidents: await needs.incidentsIn(tenant, set, period),
      objectives: await needs.objectivesOf(tenant, name),
      pendingProposal: await needs.pendingProposal(tenant, name),
      audit: await needs.auditRoot(tenant, { ...period, set: name }),
    };
  }

  /** Proposes and files in one transaction; `late` where another cycle of this week was faster, and nothing was done. */
  async function conclude(
    findings: CycleFindings,
    { tenant, by, traceId }: CycleOrder,
  ): Promise<'filed' | 'late'> {
    const nowMs = clock.nowMs();
    const decision = decideCycle(factsOf(findings, nowMs));
    const proposer = decision.kind === 'propose' ? await needs.proposerOf(tenant) : null;
    const { set, week } = findings;
    try {
      await store.withTenant(tenant, async (tx) => {
        const outcome =
          decision.kind === 'propose' && proposer !== null
            ? await proposed(findings, decision.target, (order) => proposer(tx, { ...order, traceId }))
            : { decision, proposal: null };
        const report = reportOf(findings, { ...outcome, id: chance.uuid(), createdMs: nowMs, by });
        if (!(await reports.fileIn(tx, tenant, { report, traceId })))
          throw new WeekIsReported(set.name, week);
      });
      return 'filed';
    } catch (error) {
      if (error instanceof WeekIsReported) return 'late';
      throw error;
    }
  }

  return async (order) => {
    const { tenant, atMs } = order;
    const set = (await needs.setsOf(tenant)).find(({ name }) => name === order.set);
    if (set === undefined) return unknownSet(order.set);
    const week = isoWeekOf(atMs, set.timeZone);
    const known = await reports.ofWeek(tenant, set.name, week);
    if (known !== null) return { kind: 'done', filed: known, isNew: false };
    // A report from a clock that ran ahead is no reason to wait until that time has come.
    const lastEndMs = await reports.lastEnd(tenant, set.name, Math.max(atMs, clock.nowMs()));
    if (lastEndMs !== null && lastEndMs > atMs) return isReported(set.name, atMs, lastEndMs);
    const findings = await gather(tenant, set, { atMs, lastEndMs });
    if (findings === null) return unknownSet(order.set);
    const isNew = (await conclude(findings, order)) === 'filed';
    const filed = await reports.ofWeek(tenant, set.name, week);
    if (filed === null) throw new Error(`the report of ${set.name} for ${week} was filed and is not there`);
    return { kind: 'done', filed, isNew };
  };
}

/** Undoes what the transaction did for a report that another cycle has filed meanwhile. */
class WeekIsReported extends Error {
  override readonly name = 'WeekIsReported';
  constructor(set: string, week: string) {
    super(`${set} has a report of ${week} already`);
  }
}

/** What became of a decision to propose: whoever is asked may know better by now. */
async function proposed(
  findings: CycleFindings,
  target: string,
  propose: (order: Omit<Parameters<Propose>[1], 'traceId'>) => Promise<Proposed>,
): Promise<{ readonly decision: CycleDecision; readonly proposal: GovernanceReport['proposal'] }> {
  const { set, week } = findings;
  const content = proposalOf(findings, target);
  if (content === null)
    return { decision: stay(`The charter has no phase ${target} any more.`), proposal: null };
  const evidence = evidenceFrom(content);
  const answer = await propose({
    set: set.name,
    source: 'cycle',
    by: ASKER,
    reason: `The weekly cycle of ${week} found nothing that stands in the way.`,
    evidence: { ...evidence, details: { week, ...evidence.details } },
  });
  return answer.kind === 'proposed'
    ? { decision: { kind: 'propose', target }, proposal: { ...content, id: answer.id } }
    : { decision: stay(answer.refusal.detail), proposal: null };
}

function stay(detail: string): CycleDecision {
  const reason: CycleReason = { code: 'proposal_refused', text: `It could not be proposed. ${detail}` };
  return { kind: 'stay', reasons: [reason] };
}

function unknownSet(set: string): CycleAnswer {
  return {
    kind: 'refused',
    refusal: { code: 'not_found', detail: `There is no governed set ${set} in the charter in force.` },
  };
}

function isReported(set: string, atMs: number, lastEndMs: number): CycleAnswer {
  return {
    kind: 'refused',
    refusal: {
      code: 'conflict',
      detail: `The last report of ${set} goes up to ${new Date(lastEndMs).toISOString()}, later than ${new Date(atMs).toISOString()}, up to which this one would go. Nothing was done; the next cycle takes in everything since.`,
    },
  };
}
