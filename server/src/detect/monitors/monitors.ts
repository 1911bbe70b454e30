// Monitors watch what happened and answer within the second: breakers of governed sets and objectives with their error
// budgets. What they notice is an event with the figures of that moment, one for each episode; what they do is a
// restriction, a fall or an alert, never a mechanism of their own.
import { createCheck } from './check.ts';
import type { CheckReport, CheckSet } from './check.ts';
import { isGoverned } from '@mandate/kernel';
import type { GovernedSet } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import {
  countUnresolved,
  hasEvents,
  lockEvent,
  readEvents,
  readMark,
  readSetsGoingOn,
  readSetsUnresolved,
} from './event-store.ts';
import type { BreakerEvent, EventQuery } from './event-store.ts';
import { BY_TIME } from './needs.ts';
import type { Because, MonitorsNeeds } from './needs.ts';
import { createObjectives, objectivesOf } from './objectives.ts';
import type { ObjectiveStatus } from './objectives.ts';
import { resolveIn } from './open-event.ts';
import { createReaches } from './reach.ts';
import { createRecord, throwAll } from './record.ts';
import { createRules } from './rules.ts';
import type { RuleAnswer, RuleOrder } from './rules.ts';
import type { StoredRule } from './rule-store.ts';

export interface ResolveOrder {
  readonly tenant: string;
  readonly id: string;
  readonly reason: string;
  readonly by: string;
  readonly traceId: string | null;
}

export type ResolveAnswer =
  | { readonly kind: 'resolved'; readonly event: BreakerEvent }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'already'; readonly event: BreakerEvent };

export interface TenantReport {
  readonly reports: readonly CheckReport[];
  /** Checks that came to no end; all others did. */
  readonly failed: readonly { readonly check: string; readonly error: unknown }[];
}

export interface EventsQuery extends Omit<EventQuery, 'besides'> {
  readonly loose?: boolean;
}

export interface Monitors {
  /** One look at one set. */
  readonly check: CheckSet;
  /** One look at every set of the tenant, at its objectives, and at what goes on of sets that the charter has dropped. */
  checkTenant(tenant: string, because: Because): Promise<TenantReport>;
  /** Another process looks at this tenant: what this one has seen last says nothing any more. */
  forget(tenant: string): void;
  rulesOf(tenant: string, set: string): Promise<readonly StoredRule[]>;
  changeRule(order: RuleOrder): Promise<RuleAnswer>;
  /** `loose`: also those of objectives that belong to no set, and of sets that the charter no longer names. */
  events(tenant: string, query: EventsQuery): Promise<readonly BreakerEvent[]>;
  /** Whether anything was ever noticed of a set, whether the charter still names it or not. */
  hasEvents(tenant: string, set: string): Promise<boolean>;
  /** Sets that the charter no longer names and of which something is unresolved. */
  droppedSets(tenant: string): Promise<readonly string[]>;
  /** Newest first; at most 1,000. `loose`: also those of no set of the charter. */
  unresolvedEvents(tenant: string, set: string | null, loose?: boolean): Promise<readonly BreakerEvent[]>;
  /** How many there are, in the caller's transaction. */
  countUnresolvedIn(tx: Tx, tenant: string, set: string): Promise<number>;
  resolve(order: ResolveOrder): Promise<ResolveAnswer>;
  objectives(tenant: string, set: string | null): Promise<readonly ObjectiveStatus[]>;
}

const MOST_UNRESOLVED = 1_000;

export function createMonitors(needs: MonitorsNeeds): Monitors {
  const { store, clock, charterOf } = needs;
  const rules = createRules(needs);
  const record = createRecord(needs);
  const reaches = createReaches();
  const check = createCheck(needs, { rules, record, reaches });
  const objectives = createObjectives(needs, { record, reaches });
  const setsOf = async (tenant: string): Promise<readonly GovernedSet[]> =>
    (await charterOf(tenant))?.sets ?? [];
  const events: Monitors['events'] = async (tenant, { loose = false, ...query }) => {
    const besides = loose ? { besides: (await setsOf(tenant)).map(({ name }) => name) } : {};
    return store.withTenant(tenant, (tx) => readEvents(tx, tenant, { ...query, ...besides }));
  };

  /** Its rules and objectives are gone with it. What its breakers hold up stays until somebody resolves the event. */
  async function endDropped(tenant: string, set: string, nowMs: number): Promise<void> {
    const charter = await charterOf(tenant);
    if (charter === null || charter.sets.some(({ name }) => name === set)) return;
    const { failed } = await record({
      tenant,
      set,
      sources: ['breaker', 'problem', 'slo'],
      observations: [],
      unobserved: () => 'gone',
      charter,
      nowMs,
      sinceMs: nowMs,
      mark: await store.withTenant(tenant, (tx) => readMark(tx, tenant)),
      because: BY_TIME,
    });
    throwAll(failed);
  }

  return {
    check,
    async checkTenant(tenant, because) {
      const reports: CheckReport[] = [];
      const failed: { check: string; error: unknown }[] = [];
      const nowMs = clock.nowMs();
      const { action } = because;
      // One that fails keeps no other from being looked at.
      async function alone(name: string, look: () => Promise<unknown>): Promise<void> {
        try {
          await look();
        } catch (error) {
          failed.push({ check: name, error });
        }
      }
      // The next decision is about what has just failed, more likely than not.
      const isConcerned = (set: GovernedSet): boolean => action !== null && isGoverned(set, action);
      const sets = await setsOf(tenant);
      for (const { name } of [...sets.filter(isConcerned), ...sets.filter((each) => !isConcerned(each))])
        await alone(name, async () => reports.push(await check(tenant, name, nowMs, because)));
      const names = sets.map(({ name }) => name);
      for (const name of ['', ...names])
        await alone(objectivesOf(name), () => objectives.check(tenant, name, nowMs, because));
      // After what has come in their place, so that nothing goes unguarded in between.
      for (const name of await store.withTenant(tenant, (tx) => readSetsGoingOn(tx, tenant)))
        if (name !== '' && !names.includes(name)) await alone(name, () => endDropped(tenant, name, nowMs));
      return { reports, failed };
    },
    forget: reaches.forget,
    rulesOf: (tenant, set) => rules.list(tenant, set),
    changeRule: (order) => rules.change(order),
    events,
    unresolvedEvents: (tenant, set, loose = false) =>
      events(tenant, { set, loose, unresolved: true, limit: MOST_UNRESOLVED }),
    hasEvents: (tenant, set) => store.withTenant(tenant, (tx) => hasEvents(tx, tenant, set)),
    async droppedSets(tenant) {
      const named = new Set(['', ...(await setsOf(tenant)).map(({ name }) => name)]);
      const sets = await store.withTenant(tenant, (tx) => readSetsUnresolved(tx, tenant));
      return sets.filter((name) => !named.has(name));
    },
    countUnresolvedIn: countUnresolved,
    resolve: ({ tenant, id, reason, by, traceId }) =>
      store.withTenant(tenant, async (tx): Promise<ResolveAnswer> => {
        const event = await lockEvent(tx, tenant, id);
        if (event === null) return { kind: 'unknown' };
        if (event.resolvedMs !== null) return { kind: 'already', event };
        const nowMs = clock.nowMs();
        await resolveIn(tx, { tenant, event, by, reason, traceId, nowMs }, needs);
        return { kind: 'resolved', event: (await lockEvent(tx, tenant, id)) ?? event };
      }),
    objectives: (tenant, set) => objectives.status(tenant, set),
  };
}
