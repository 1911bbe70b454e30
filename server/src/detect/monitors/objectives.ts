// Objectives of the charter: how much of the error budget is left, how fast it is being used up, and what follows while it
// burns. A burn that is over lifts its throttle by itself, as an alert that clears.
import { BURN_ALERTS, burnsOf, errorBudget } from '@mandate/kernel';
import type { Burn, GoodOfTotal, SloSetting } from '@mandate/kernel';
import { readGoingOn, readMark } from './event-store.ts';
import type { BreakerEvent } from './event-store.ts';
import { isLate, sinceOf } from './needs.ts';
import type { Because, MonitorsNeeds } from './needs.ts';
import type { Observation } from './observe.ts';
import { endOf } from './open-event.ts';
import type { RecordFinding } from './record.ts';
import { countInTime } from './trouble-store.ts';

export interface ObjectiveStatus {
  readonly slo: SloSetting;
  readonly counts: GoodOfTotal;
  readonly budget: ReturnType<typeof errorBudget>;
  readonly burns: readonly Burn[];
  /** The event of a burn that goes on; null while none does. */
  readonly event: BreakerEvent | null;
}

export interface Objectives {
  /** Of one set; '' for those of none. */
  check(tenant: string, set: string, nowMs: number, because: Because): Promise<readonly BreakerEvent[]>;
  status(tenant: string, set: string | null): Promise<readonly ObjectiveStatus[]>;
}

/** The name of the check of a set's objectives, besides that of its breakers. */
export function objectivesOf(set: string): string {
  return `objectives:${set}`;
}

type ObjectiveNeeds = Pick<MonitorsNeeds, 'store' | 'clock' | 'charterOf' | 'metricsOf'>;

export function createObjectives(needs: ObjectiveNeeds, record: RecordFinding): Objectives {
  const { store, clock, charterOf } = needs;

  async function count(
    tenant: string,
    { indicator, patterns, set }: SloSetting,
    { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  ): Promise<GoodOfTotal> {
    if (indicator.kind === 'latency')
      return store.withTenant(tenant, (tx) =>
        countInTime(tx, tenant, { patterns, startMs, endMs, op: indicator.op, valueMs: indicator.valueMs }),
      );
    const { commands } = await needs.metricsOf(tenant, { patterns, startMs, endMs, set });
    return { good: commands.succeeded, total: commands.succeeded + commands.failed };
  }

  async function burnsNow(
    tenant: string,
    slo: SloSetting,
    { sinceMs, endMs }: { readonly sinceMs: number; readonly endMs: number },
  ): Promise<readonly Burn[]> {
    const counts = new Map<number, GoodOfTotal>();
    for (const windowMs of BURN_ALERTS.flatMap(({ longMs, shortMs }) => [longMs, shortMs]))
      counts.set(windowMs, await count(tenant, slo, { startMs: sinceMs - windowMs, endMs }));
    return burnsOf(slo, (windowMs) => counts.get(windowMs) ?? { good: 0, total: 0 });
  }

  return {
    async check(tenant, set, nowMs, because) {
      const charter = await charterOf(tenant);
      if (charter === null) return [];
      const mark = await store.withTenant(tenant, (tx) => readMark(tx, tenant));
      const sinceMs = sinceOf(nowMs, because, objectivesOf(set));
      const endMs = endOf({ nowMs, because });
      const look = async (slo: SloSetting, fromMs: number): Promise<Observation> =>
        observationOf(slo, await burnsNow(tenant, slo, { sinceMs: fromMs, endMs }));
      const observations: Observation[] = [];
      for (const slo of charter.monitors?.slos ?? [])
        if ((slo.set ?? '') === set) {
          const seen = await look(slo, sinceMs);
          const isThin = !seen.holds && isLate(nowMs, sinceMs);
          observations.push(isThin ? await look(slo, nowMs) : seen);
        }
      return record({
        tenant,
        set,
        sources: ['slo'],
        observations,
        // What a charter no longer names is over as well.
        unobserved: () => 'gone',
        safeStates: charter.safeStates,
        nowMs,
        sinceMs,
        mark,
        because,
      });
    },

    async status(tenant, set) {
      const charter = await charterOf(tenant);
      const slos = (charter?.monitors?.slos ?? []).filter((slo) => set === null || slo.set === set);
      const nowMs = clock.nowMs();
      const result: ObjectiveStatus[] = [];
      for (const slo of slos) {
        const counts = await count(tenant, slo, { startMs: nowMs - slo.windowMs, endMs: nowMs });
        const goingOn = await store.withTenant(tenant, (tx) => readGoingOn(tx, tenant, slo.set ?? ''));
        result.push({
          slo,
          counts,
          budget: errorBudget(counts, slo.target),
          burns: await burnsNow(tenant, slo, { sinceMs: nowMs, endMs: nowMs }),
          event: goingOn.find(({ source, rule }) => source === 'slo' && rule === slo.name) ?? null,
        });
      }
      return result;
    },
  };
}

function observationOf(slo: SloSetting, burns: readonly Burn[]): Observation {
  const burning = burns.filter((burn) => burn.burns);
  const said = burning.map(
    ({ name, factor, long, short }) =>
      `${name}: ${rounded(long)} and ${rounded(short)} times as fast as allowed (limit ${factor})`,
  );
  return {
    source: 'slo',
    rule: slo.name,
    commandType: '',
    holds: burning.length > 0,
    condition: BURN_ALERTS.map(
      ({ factor, longMs, shortMs }) => `burn rate > ${factor} over ${span(longMs)} and ${span(shortMs)}`,
    ).join(' or '),
    window: span(slo.windowMs),
    windowMs: Math.max(...BURN_ALERTS.map(({ longMs }) => longMs)),
    action: slo.response,
    alertSeverity: slo.alertSeverity,
    detail: `${slo.title}: the error budget of ${slo.name} (target ${slo.target}) is being used up ${said.join('; ')}`,
    metrics: { target: slo.target, burns: burns.map((burn) => ({ ...burn })) },
    patterns: slo.patterns,
    about: {
      kinds: ['failures'],
      latency: slo.indicator.kind === 'latency' ? slo.indicator : null,
    },
    readsIncidents: false,
  };
}

function rounded(rate: number | null): string {
  return rate === null ? 'unknown' : String(Math.round(rate * 10) / 10);
}

function span(ms: number): string {
  if (ms % 86_400_000 === 0) return `${ms / 86_400_000}d`;
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${ms / 60_000}m`;
}
