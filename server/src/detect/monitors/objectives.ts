// Objectives of the charter: how much of the error budget is left, how fast it is being used up, and what follows while it
// burns. A burn that is over lifts its throttle by itself, as an alert that clears.
import { BURN_ALERTS, burnsOf, errorBudget } from '@mandate/kernel';
import type { Burn, GoodOfTotal, SloSetting } from '@mandate/kernel';
import { readGoingOn, readMark } from './event-store.ts';
import type { BreakerEvent } from './event-store.ts';
import type { Because, MonitorsNeeds } from './needs.ts';
import type { Observation } from './observe.ts';
import { endOf } from './open-event.ts';
import { exactly } from './reach.ts';
import type { Reach, Reaches } from './reach.ts';
import { throwAll } from './record.ts';
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

/** `isPartial`: some of it could not be counted. */
interface Counted extends GoodOfTotal {
  readonly isPartial: boolean;
}

const WINDOWS: readonly number[] = [
  ...new Set(BURN_ALERTS.flatMap(({ longMs, shortMs }) => [longMs, shortMs])),
];

export function createObjectives(
  needs: ObjectiveNeeds,
  { record, reaches }: { readonly record: RecordFinding; readonly reaches: Reaches },
): Objectives {
  const { store, clock, charterOf } = needs;

  async function count(
    tenant: string,
    { indicator, patterns, set }: SloSetting,
    { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  ): Promise<Counted> {
    if (indicator.kind === 'latency') {
      const { op, valueMs } = indicator;
      const counted = await store.withTenant(tenant, (tx) =>
        countInTime(tx, tenant, { patterns, startMs, endMs, op, valueMs }),
      );
      return { ...counted, isPartial: false };
    }
    const { commands, isPartial } = await needs.metricsOf(tenant, { patterns, startMs, endMs, set });
    return { good: commands.succeeded, total: commands.succeeded + commands.failed, isPartial };
  }

  async function burnsNow(
    tenant: string,
    slo: SloSetting,
    { startOf, endMs }: { readonly startOf: Reach['startOf']; readonly endMs: number },
  ): Promise<{ readonly burns: readonly Burn[]; readonly isPartial: boolean }> {
    const counts = new Map<number, Counted>();
    for (const windowMs of WINDOWS)
      counts.set(windowMs, await count(tenant, slo, { startMs: startOf(windowMs), endMs }));
    return {
      burns: burnsOf(slo, (windowMs) => counts.get(windowMs) ?? { good: 0, total: 0 }),
      isPartial: [...counts.values()].some(({ isPartial }) => isPartial),
    };
  }

  return {
    async check(tenant, set, nowMs, because) {
      const charter = await charterOf(tenant);
      if (charter === null) return [];
      const mark = await store.withTenant(tenant, (tx) => readMark(tx, tenant));
      const name = { tenant, check: objectivesOf(set) };
      const { sinceMs, startOf, isWide } = reaches.of(name, nowMs, because);
      const endMs = endOf({ nowMs, because });
      const observations: Observation[] = [];
      /** Of which it is not known whether they burn. */
      const unsure = new Set<string>();
      const look = async (slo: SloSetting, from: Reach['startOf']): Promise<Observation> => {
        const { burns, isPartial } = await burnsNow(tenant, slo, { startOf: from, endMs });
        if (isPartial) unsure.add(slo.name);
        return observationOf(slo, burns, from);
      };
      for (const slo of charter.monitors?.slos ?? [])
        if ((slo.set ?? '') === set) {
          const seen = await look(slo, startOf);
          const isThin = !seen.holds && WINDOWS.some(isWide);
          const observation = isThin ? await look(slo, exactly(nowMs)) : seen;
          if (observation.holds || !unsure.has(slo.name)) observations.push(observation);
        }
      const { opened, failed } = await record({
        tenant,
        set,
        sources: ['slo'],
        observations,
        // What a charter no longer names is over as well.
        unobserved: ({ rule }) => (unsure.has(rule) ? 'unknown' : 'gone'),
        charter,
        nowMs,
        sinceMs,
        mark,
        because,
      });
      throwAll(failed);
      reaches.seen(name, nowMs);
      return opened;
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
          burns: (await burnsNow(tenant, slo, { startOf: exactly(nowMs), endMs: nowMs })).burns,
          event: goingOn.find(({ source, rule }) => source === 'slo' && rule === slo.name) ?? null,
        });
      }
      return result;
    },
  };
}

function observationOf(slo: SloSetting, burns: readonly Burn[], startOf: Reach['startOf']): Observation {
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
    startMs: startOf(Math.max(...WINDOWS)),
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
