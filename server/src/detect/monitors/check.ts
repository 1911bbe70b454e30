// One look at a governed set: its rules as they stand in the table now, the figures of their windows, what they say of
// them, and what follows. Safe to run at any time and in any number of processes at once.
import { ratesOf } from '@mandate/kernel';
import type { Breaker, CommandCounts, CommandTypeMetrics } from '@mandate/kernel';
import { readMark, readOwed, updateResponded } from './event-store.ts';
import type { BreakerEvent } from './event-store.ts';
import { MONITORS } from './needs.ts';
import type { Because, MonitorsNeeds, WatchedMetrics } from './needs.ts';
import { compileRules, observe, together } from './observe.ts';
import type { Figures, Observation } from './observe.ts';
import { endOf } from './open-event.ts';
import { exactly } from './reach.ts';
import type { Reach, Reaches } from './reach.ts';
import { throwAll } from './record.ts';
import type { RecordFinding } from './record.ts';
import type { Rules } from './rules.ts';

export interface CheckReport {
  /** Whether there is such a set. */
  readonly checked: boolean;
  /** The events that this look has opened. */
  readonly opened: readonly BreakerEvent[];
  /** Rules that could not be evaluated, with why. */
  readonly failing: readonly { readonly rule: string; readonly why: string }[];
}

export type CheckSet = (tenant: string, set: string, nowMs: number, because: Because) => Promise<CheckReport>;

export function createCheck(
  needs: MonitorsNeeds,
  {
    rules,
    record,
    reaches,
  }: { readonly rules: Rules; readonly record: RecordFinding; readonly reaches: Reaches },
): CheckSet {
  const { store, clock, charterOf } = needs;

  return async (tenant, set, nowMs, because) => {
    const charter = await charterOf(tenant);
    const governed = charter?.sets.find(({ name }) => name === set);
    if (charter === null || governed === undefined) return { checked: false, opened: [], failing: [] };
    const [listed, mark] = await Promise.all([
      rules.list(tenant, set),
      store.withTenant(tenant, (tx) => readMark(tx, tenant)),
    ]);
    const compiled = compileRules(listed);
    const breakers = compiled.flatMap((each) => (each.kind === 'compiled' ? [each.breaker] : []));
    const { sinceMs, startOf, isWide } = reaches.of({ tenant, check: set }, nowMs, because);
    const span = { set, patterns: governed.patterns, endMs: endOf({ nowMs, because }) };
    const figures = await gather(tenant, breakers, { ...span, startOf });
    const seen = observe(compiled, governed.patterns, figures);
    const wide = breakers.filter(({ windowMs }) => isWide(windowMs));
    const observations =
      wide.length === 0 ? seen.observations : together(await exact(wide), seen.observations);
    /** In a wide window what goes wrong just now may be thinned out. */
    async function exact(those: readonly Breaker[]): Promise<readonly Observation[]> {
      const rest = those.map((breaker) => ({ kind: 'compiled', breaker }) as const);
      const narrow = await gather(tenant, those, { ...span, startOf: exactly(nowMs) });
      return observe(rest, span.patterns, narrow).observations.filter(({ holds }) => holds);
    }
    const { answered, enabled } = seen;
    const { opened, failed } = await record({
      tenant,
      set,
      sources: ['breaker', 'problem'],
      observations,
      unobserved: ({ source, rule }) => {
        if (!enabled.has(rule)) return 'gone';
        return source === 'breaker' && answered.has(rule) ? 'holds_not' : 'unknown';
      },
      charter,
      nowMs,
      sinceMs,
      mark,
      because,
    });
    if (opened.some(({ action }) => action !== 'alert_only')) await settle(tenant);
    await respond(tenant, set);
    throwAll(failed);
    reaches.seen({ tenant, check: set }, nowMs);
    return {
      checked: true,
      opened,
      failing: observations
        .filter(({ source, holds }) => source === 'problem' && holds)
        .map(({ rule, detail }) => ({ rule, why: detail })),
    };
  };

  /** Every window is measured once, however many rules look at it. */
  async function gather(
    tenant: string,
    breakers: readonly Breaker[],
    { set, patterns, startOf, endMs }: Span,
  ): Promise<(breaker: Breaker) => Figures> {
    const windows = [...new Set(breakers.map(({ windowMs }) => windowMs))];
    const perType = new Set(breakers.flatMap((each) => (each.perType ? [each.windowMs] : [])));
    const metrics = new Map<number, WatchedMetrics>();
    const types = new Map<number, readonly CommandTypeMetrics[]>();
    await Promise.all(
      windows.map(async (windowMs) => {
        const span = { patterns, startMs: startOf(windowMs), endMs };
        if (perType.has(windowMs)) types.set(windowMs, await needs.typesOf(tenant, span));
        metrics.set(windowMs, await needs.metricsOf(tenant, { ...span, set }));
      }),
    );
    return ({ windowMs }) => {
      const found = metrics.get(windowMs);
      if (found === undefined) throw new Error(`the window of ${windowMs} ms was not measured`);
      const each = types.get(windowMs);
      const startMs = startOf(windowMs);
      if (each === undefined) return { startMs, metrics: found, types: [] };
      // Two questions are of two moments; the figures that an event shows are of one.
      const commands = sumOf(each);
      return { startMs, metrics: { ...found, commands, rates: ratesOf(commands) }, types: each };
    };
  }

  /** Falls that were refused when their event was opened. */
  async function respond(tenant: string, set: string): Promise<void> {
    const owed = await store.withTenant(tenant, (tx) => readOwed(tx, tenant, set));
    for (const { id, detail, actId, traceId } of owed) {
      const fall = await store.withTenant(tenant, async (tx) => {
        const order = { tenant, set, to: 'first', cause: detail, by: MONITORS, actId, traceId } as const;
        const answer = await needs.fallIn(tx, order);
        if (answer.kind !== 'refused') await updateResponded(tx, tenant, id, clock.nowMs());
        return answer;
      });
      if (fall.kind === 'refused')
        needs.failed(new Error(fall.refusal.detail), `the breaker has tripped, but ${set} could not fall`);
      else await settle(tenant);
    }
  }

  async function settle(tenant: string): Promise<void> {
    if (await needs.settle(tenant)) return;
    needs.failed(
      new Error('hung sessions kept the barrier'),
      'a breaker holds actions up, but an act that was decided before may still begin. Stop the tenant, or end those sessions',
    );
  }
}

interface Span {
  readonly set: string;
  readonly patterns: readonly string[];
  readonly startOf: Reach['startOf'];
  readonly endMs: number;
}

function sumOf(types: readonly CommandTypeMetrics[]): CommandCounts {
  const sum = (count: keyof CommandCounts): number => types.reduce((all, each) => all + each[count], 0);
  return {
    total: sum('total'),
    proposed: sum('proposed'),
    approved: sum('approved'),
    rejected: sum('rejected'),
    succeeded: sum('succeeded'),
    failed: sum('failed'),
    rolledBack: sum('rolledBack'),
  };
}
