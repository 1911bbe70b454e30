// The rules of each governed set. The charter, or the four that ship, seed them once; from then on the rows are the truth,
// whoever changes them: what a charter says later of a rule counts only while nobody has touched the row.
import { compileBreaker, DEFAULT_BREAKERS, DEFAULT_MIN_SAMPLES } from '@mandate/kernel';
import type { AlertSeverity, BreakerAction, BreakerProblem, BreakerRule } from '@mandate/kernel';
import { lockGoingOn, readMark, updateEnded } from './event-store.ts';
import type { MonitorsNeeds, WatchedCharter } from './needs.ts';
import { resolveIn } from './open-event.ts';
import { insertRule, lockSet, readRules, readSeeds, writeRule, writeSeed } from './rule-store.ts';
import type { StoredRule } from './rule-store.ts';
import type { Tx } from '../../platform/postgres/store.ts';

/** What may be changed of a rule. */
export interface RulePatch {
  readonly enabled?: boolean | undefined;
  readonly condition?: string | undefined;
  readonly window?: string | undefined;
  readonly action?: BreakerAction | undefined;
  readonly alertSeverity?: AlertSeverity | undefined;
  readonly minSamples?: number | undefined;
}

export interface RuleOrder {
  readonly tenant: string;
  readonly set: string;
  readonly name: string;
  readonly patch: RulePatch;
  readonly reason: string | null;
  readonly by: string;
  readonly traceId: string | null;
}

export type RuleAnswer =
  | { readonly kind: 'changed'; readonly created: boolean; readonly rule: StoredRule }
  | { readonly kind: 'incomplete'; readonly missing: readonly string[] }
  | { readonly kind: 'refused'; readonly problems: readonly BreakerProblem[] };

export interface Rules {
  /** Every rule of the set by name; those that were not seeded yet are seeded first. */
  list(tenant: string, set: string): Promise<readonly StoredRule[]>;
  change(order: RuleOrder): Promise<RuleAnswer>;
}

type RulesNeeds = Pick<MonitorsNeeds, 'store' | 'clock' | 'writeEntry' | 'charterOf' | 'unpause'>;

export function createRules({ store, clock, writeEntry, charterOf, unpause }: RulesNeeds): Rules {
  /** Which charter's rules this process has seeded already, by tenant and set. */
  const seeded = new Map<string, string>();

  /** Seeded first, and remembered only once that is committed: until then nobody else finds the rules. */
  async function withRules<Found>(
    tenant: string,
    set: string,
    then: (tx: Tx) => Promise<Found>,
  ): Promise<Found> {
    const charter = await charterOf(tenant);
    const isGoverned = charter !== null && charter.sets.some(({ name }) => name === set);
    const key = JSON.stringify([tenant, set]);
    if (!isGoverned || seeded.get(key) === charter.version) return store.withTenant(tenant, then);
    const found = await store.withTenant(tenant, async (tx) => {
      await seed(tx, tenant, set, charter);
      return then(tx);
    });
    seeded.set(key, charter.version);
    return found;
  }

  async function seed(tx: Tx, tenant: string, set: string, charter: WatchedCharter): Promise<void> {
    await lockSet(tx, tenant, set);
    const seeds = await readSeeds(tx, tenant, set);
    const rows = new Map((await readRules(tx, tenant, set)).map((rule) => [rule.name, rule]));
    const nowMs = clock.nowMs();
    for (const rule of writtenFor(charter, set)) {
      const before = seeds.get(rule.name);
      if (before !== undefined && isSame(before, rule)) continue;
      const row = rows.get(rule.name);
      const stored = { ...rule, set, updatedMs: nowMs, updatedBy: 'charter' };
      if (before === undefined) await insertRule(tx, tenant, stored);
      else if (row !== undefined && row.set === set && isSame(row, before))
        await writeRule(tx, tenant, stored);
      await writeSeed(tx, tenant, { set, rule, nowMs });
    }
  }

  return {
    list: (tenant, set) => withRules(tenant, set, (tx) => readRules(tx, tenant, set)),

    change: ({ tenant, set, name, patch, reason, by, traceId }) =>
      withRules(tenant, set, async (tx): Promise<RuleAnswer> => {
        await lockSet(tx, tenant, set);
        const before = (await readRules(tx, tenant, set)).find((rule) => rule.name === name) ?? null;
        const { condition, window, action } = { ...before, ...said(patch) };
        if (condition === undefined || window === undefined || action === undefined) {
          const missing = Object.entries({ condition, window, action }).filter(
            ([, value]) => value === undefined,
          );
          return { kind: 'incomplete', missing: missing.map(([field]) => field) };
        }
        const rule: StoredRule = {
          name,
          condition,
          window,
          action,
          enabled: patch.enabled ?? before?.enabled ?? true,
          alertSeverity: patch.alertSeverity ?? before?.alertSeverity ?? 'warning',
          minSamples: patch.minSamples ?? before?.minSamples ?? DEFAULT_MIN_SAMPLES,
          // What was written for every set is changed for this one only.
          set,
          updatedMs: clock.nowMs(),
          updatedBy: by,
        };
        const compiled = compileBreaker(rule);
        // A rule that cannot be evaluated may be switched off as it stands; nothing is written into it that is wrong.
        if (compiled.kind === 'refused' && (rule.enabled || before === null || isRewritten(patch)))
          return compiled;
        await writeRule(tx, tenant, rule);
        if (!rule.enabled) await endEpisodes(tx, tenant, { rule, by, traceId });
        await writeEntry(tx, tenant, {
          kind: 'breaker.rule_changed',
          actor: by,
          atMs: clock.nowMs(),
          traceId,
          data: {
            set,
            rule: name,
            before: before === null ? null : { ...definitionOf(before) },
            after: { ...definitionOf(rule) },
            reason,
          },
        });
        return { kind: 'changed', created: before === null, rule };
      }),
  };

  /** Nobody looks any more; switched on again, what holds then is a new episode. */
  async function endEpisodes(
    tx: Tx,
    tenant: string,
    {
      rule: { set, name },
      by,
      traceId,
    }: { readonly rule: StoredRule; readonly by: string; readonly traceId: string | null },
  ): Promise<void> {
    const nowMs = clock.nowMs();
    const mark = await readMark(tx, tenant);
    for (const event of await lockGoingOn(tx, tenant, { set, sources: ['breaker', 'problem'] })) {
      if (event.rule !== name) continue;
      await updateEnded(tx, tenant, { id: event.id, nowMs, mark });
      if (event.source === 'problem' && event.resolvedMs === null)
        await resolveIn(
          tx,
          { tenant, event, by, reason: 'The rule has been disabled.', traceId, nowMs },
          { writeEntry, unpause },
        );
    }
  }
}

/** Whether anything but its switch is changed. */
function isRewritten({ enabled: _enabled, ...definition }: RulePatch): boolean {
  return Object.values(definition).some((value) => value !== undefined);
}

/** What the charter writes for a set; where it writes nothing, the rules that ship. */
function writtenFor({ monitors }: WatchedCharter, set: string): readonly BreakerRule[] {
  const written = (monitors?.breakers ?? []).filter(({ sets }) => sets.length === 0 || sets.includes(set));
  return (written.length === 0 ? DEFAULT_BREAKERS : written).map(definitionOf);
}

/** The rule by itself, without where it stands and who wrote it. */
function definitionOf(rule: BreakerRule): BreakerRule {
  const { name, enabled, condition, window, action, alertSeverity, minSamples } = rule;
  return { name, enabled, condition, window, action, alertSeverity, minSamples };
}

const FIELDS = ['enabled', 'condition', 'window', 'action', 'alertSeverity', 'minSamples'] as const;

function isSame(one: BreakerRule, other: BreakerRule): boolean {
  const [a, b] = [definitionOf(one), definitionOf(other)];
  return FIELDS.every((field) => a[field] === b[field]);
}

function said(patch: RulePatch): RulePatch {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
}
