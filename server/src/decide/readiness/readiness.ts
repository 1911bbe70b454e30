// Whether a set has earned its next phase, and during validation whether it may keep the one that it has. It measures
// nothing itself: it asks whoever has it on record, and people vouch for the rest. What was found is kept when it changes.
import { compileReadiness } from '@mandate/kernel';
import type { GovernedSet, ReadinessReport } from '@mandate/kernel';
import { createAttestations } from './attestations.ts';
import type { Attestations } from './attestations.ts';
import { gatherFacts } from './facts.ts';
import { incidentsCause, scoreCause } from './guard.ts';
import type { PhaseStanding, ReadinessCharter, ReadinessNeeds } from './needs.ts';
import { insertAssessment, latestAssessment, listAssessments, lockSet } from './store.ts';
import type { KeptAssessment } from './store.ts';
import { together } from './together.ts';
import { fingerprintOf, isValidating, viewOf } from './view.ts';
import type { ReadinessView } from './view.ts';

export interface Readiness {
  readonly attestations: Attestations;
  /** null where none is in force that can be read. */
  charterOf(tenant: string): Promise<ReadinessCharter | null>;
  /** As it is at `nowMs`; nothing is kept. Throws for a set that the charter does not have; null: of no set. */
  assess(tenant: string, set: string | null, nowMs: number): Promise<ReadinessView>;
  /** What was kept last; where nothing was, as it is now. */
  latest(tenant: string, set: string | null): Promise<ReadinessView>;
  /** Newest first. */
  history(tenant: string, set: string, limit: number): Promise<readonly KeptAssessment[]>;
  /**
   * Assesses every set of the tenant, keeps what has changed, and brings back a set that is on probation and no longer
   * deserves it. A set falls once, however many processes check. Sets that could not be checked are told to `failed`.
   */
  check(tenant: string): Promise<void>;
  /** The same for one set and the weekly cycle, which keeps what was found in any case. Throws where it cannot be done. */
  forCycle(tenant: string, set: string): Promise<ReadinessReport>;
}

/** Clocks of two servers may differ by this much. */
const SKEW_MS = 300_000;

interface Looked {
  readonly view: ReadinessView;
  readonly report: ReadinessReport;
  /** By what is on record here, whatever others may have to add: what a phase on probation is held to. */
  readonly held: ReadinessView;
}

export function createReadiness(needs: ReadinessNeeds): Readiness {
  const { store, clock } = needs;
  const attestations = createAttestations(needs);

  async function needCharter(tenant: string): Promise<ReadinessCharter> {
    const charter = await needs.charterOf(tenant);
    if (charter === null)
      throw new Error('the charter in force cannot be read, so nobody knows what readiness takes');
    return charter;
  }

  async function look(
    tenant: string,
    charter: ReadinessCharter,
    { set, state, nowMs }: { set: GovernedSet | null; state: PhaseStanding | null; nowMs: number },
  ): Promise<Looked> {
    const compiled = compileReadiness(charter.items);
    if (compiled.kind === 'refused')
      throw new Error(
        `the readiness items of the charter are refused: ${compiled.problems[0]?.message ?? ''}`,
      );
    const [gathered, attested] = await Promise.all([
      gatherFacts(needs, { tenant, set, state, nowMs }),
      set === null ? [] : attestations.evidenceOf(tenant, set.name, nowMs),
    ]);
    const { facts, atLeast, why, window } = gathered;
    const found = compiled.readiness.assess({ facts, why, attested, nowMs });
    const own = compiled.readiness.assess({ facts: atLeast, attested, nowMs });
    const report = { ...found, validationScore: own.validationScore };
    return {
      report,
      view: viewOf({ set, state, report, window, nowMs }),
      held: viewOf({ set, state, report: own, window, nowMs }),
    };
  }

  async function assess(tenant: string, name: string | null, nowMs: number): Promise<ReadinessView> {
    const charter = await needCharter(tenant);
    const set = name === null ? null : setOf(charter, name);
    const state = set === null ? null : await needs.stateOf(tenant, set.name);
    return (await look(tenant, charter, { set, state, nowMs })).view;
  }

  async function remember(
    tenant: string,
    view: ReadinessView,
    because: KeptAssessment['because'],
  ): Promise<void> {
    const { set, currentPhase: phase, overall } = view;
    if (set === null || phase === null) return;
    const fingerprint = needs.sha256(fingerprintOf(view));
    await store.withTenant(tenant, async (tx) => {
      await lockSet(tx, tenant, set);
      const last = await latestAssessment(tx, tenant, set);
      if (because === 'change' && last?.fingerprint === fingerprint) return;
      const { points, maxPoints: total, ready } = overall;
      const at = Date.parse(view.timestamp);
      await insertAssessment(tx, tenant, {
        set,
        at,
        because,
        phase,
        points,
        total,
        ready,
        fingerprint,
        report: view,
      });
    });
  }

  /** Brings back a phase on probation: once, however many ask. */
  async function bringBack(
    tenant: string,
    {
      set,
      state,
      cause,
    }: { readonly set: GovernedSet; readonly state: PhaseStanding; readonly cause: string },
  ): Promise<void> {
    const fallen = await needs.fall({
      tenant,
      set: set.name,
      to: 'previous',
      // Another process may have brought it back meanwhile: then it stays where it is.
      from: state.phase,
      cause,
      by: 'mandate:readiness',
      traceId: null,
    });
    if (fallen.kind === 'refused')
      throw new Error(`${set.name} should have fallen (${cause}): ${fallen.refusal.detail}`);
  }

  /** Whether a check has got through that was later than this by every clock. */
  async function hasBeenLookedAt(tenant: string, set: string, endMs: number): Promise<boolean> {
    const [kept] = await store.withTenant(tenant, (tx) => listAssessments(tx, tenant, { set, limit: 1 }));
    return kept !== undefined && kept.at >= endMs + SKEW_MS;
  }

  /** An incident during validation brings it back. That needs no score, so nothing that a score takes can keep it up. */
  async function bringBackByIncidents(
    tenant: string,
    { set, nowMs }: { readonly set: GovernedSet; readonly nowMs: number },
  ): Promise<void> {
    const state = await needs.stateOf(tenant, set.name);
    const probation = state?.probation ?? null;
    if (state === null || state.previous === null || probation === null) return;
    // One that came right before the end is still met by a check after it. Once such a check is on record it is over: a
    // charter that governs more by then must not find incidents of long ago.
    if (nowMs >= probation.endMs && (await hasBeenLookedAt(tenant, set.name, probation.endMs))) return;
    const { critical } = await needs.incidentsIn(tenant, {
      set: set.name,
      patterns: set.patterns,
      startMs: probation.startMs,
      endMs: Math.min(nowMs + 1, probation.endMs),
    });
    const cause = incidentsCause(state.phase, critical);
    if (cause !== null) await bringBack(tenant, { set, state, cause });
  }

  /** As it is after the set was held to its probation. */
  async function checkSet(
    tenant: string,
    charter: ReadinessCharter,
    { set, because }: { readonly set: GovernedSet; readonly because: KeptAssessment['because'] },
  ): Promise<ReadinessReport> {
    const nowMs = clock.nowMs();
    await bringBackByIncidents(tenant, { set, nowMs });
    const state = await needs.stateOf(tenant, set.name);
    const found = await look(tenant, charter, { set, state, nowMs });
    const cause = isValidating(state, nowMs) ? scoreCause(found.held) : null;
    if (cause === null || state === null) {
      await remember(tenant, found.view, because);
      return found.report;
    }
    await bringBack(tenant, { set, state, cause });
    await remember(tenant, found.view, because);
    const after = await look(tenant, charter, { set, state: await needs.stateOf(tenant, set.name), nowMs });
    await remember(tenant, after.view, 'change');
    return after.report;
  }

  async function checkTenant(tenant: string): Promise<void> {
    const charter = await needs.charterOf(tenant);
    for (const set of charter?.sets ?? []) {
      if (charter === null) return;
      try {
        await checkSet(tenant, charter, { set, because: 'change' });
      } catch (error) {
        // The other sets are checked all the same, and this one again with the next check.
        needs.failed(error, `the readiness of ${set.name} could not be checked`);
      }
    }
  }

  return {
    attestations,
    charterOf: needs.charterOf,
    assess,

    async latest(tenant, name) {
      if (name === null) return assess(tenant, null, clock.nowMs());
      const kept = await store.withTenant(tenant, (tx) => latestAssessment(tx, tenant, name));
      // Written by `remember` and by nobody else.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the column holds what viewOf made
      return kept === null ? assess(tenant, name, clock.nowMs()) : (kept.report as ReadinessView);
    },

    history: (tenant, set, limit) =>
      store.withTenant(tenant, (tx) => listAssessments(tx, tenant, { set, limit })),

    check: together(checkTenant),

    async forCycle(tenant, name) {
      const charter = await needCharter(tenant);
      return checkSet(tenant, charter, { set: setOf(charter, name), because: 'cycle' });
    },
  };
}

function setOf({ sets }: ReadinessCharter, name: string): GovernedSet {
  const set = sets.find((each) => each.name === name);
  if (set === undefined) throw new Error(`the charter in force has no governed set ${name}`);
  return set;
}
