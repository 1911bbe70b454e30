// What the record shows of each action name: how often, by whom, how grave, which paths, what people said of it, and
// what the charter in force would do with it if it enforced. A draft is written from this and from nothing else.
import { matchRule, pathParameters, redactText, settingOf, strictest } from '@mandate/kernel';
import type { Decision, Law, Severity, Tier } from '@mandate/kernel';
import { asAsked, decideUnder } from './replay.ts';
import type { Evidence } from './replay.ts';
import type { RecordedAct } from './store.ts';

export interface Sighting {
  readonly action: string;
  readonly acts: number;
  /** Let pass by the law alone. */
  readonly ran: number;
  /** Let pass by people. */
  readonly approved: number;
  readonly deniedByPeople: number;
  /** Of those that ran: what would be held if the charter in force enforced, by cause. */
  readonly wouldHold: ReadonlyMap<string, number>;
  readonly heldOfRan: number;
  /** Of all acts: those that it would let pass. */
  readonly wouldPass: number;
  /** The gravest. */
  readonly severity: Severity;
  readonly agents: readonly string[];
  readonly agentsLeftOut: number;
  /** Redacted. */
  readonly paths: readonly string[];
  readonly pathsLeftOut: number;
  /** The strictest that the charter in force says by a rule; null where no rule matches any of them. */
  readonly ruled: { readonly tier: Tier; readonly match: string } | null;
  /** The same by the shipped charter. */
  readonly shipped: { readonly tier: Tier; readonly match: string } | null;
}

export interface Sightings {
  see(act: RecordedAct, evidence: Evidence): void;
  /** In the order of their names. */
  all(): readonly Sighting[];
  /** Acts whose name came when there was no room for another one. */
  leftOut(): number;
}

export interface SightingsNeeds {
  /** The charter in force. */
  readonly law: Law;
  readonly shipped: Law;
  /** Act ids that people approved and denied. */
  readonly approved: ReadonlySet<string>;
  readonly denied: ReadonlySet<string>;
}

const MOST_NAMES = 2_000;
const MOST_SHOWN = 3;
const MOST_COUNTED = 1_000;
const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

interface Growing {
  acts: number;
  ran: number;
  approved: number;
  deniedByPeople: number;
  heldOfRan: number;
  wouldPass: number;
  severity: number;
  ruled: Sighting['ruled'];
  shipped: Sighting['shipped'];
  readonly wouldHold: Map<string, number>;
  readonly agents: Set<string>;
  readonly paths: Set<string>;
}

export function createSightings({ law, shipped, approved, denied }: SightingsNeeds): Sightings {
  const byName = new Map<string, Growing>();
  let leftOut = 0;

  function seen(name: string): Growing | null {
    const known = byName.get(name);
    if (known !== undefined) return known;
    if (byName.size >= MOST_NAMES) return null;
    const fresh: Growing = {
      acts: 0,
      ran: 0,
      approved: 0,
      deniedByPeople: 0,
      heldOfRan: 0,
      wouldPass: 0,
      severity: 0,
      ruled: null,
      shipped: null,
      wouldHold: new Map(),
      agents: new Set(),
      paths: new Set(),
    };
    byName.set(name, fresh);
    return fresh;
  }

  return {
    see(act, { action, facts: recorded }) {
      const of = seen(act.action);
      if (of === null) {
        leftOut += 1;
        return;
      }
      const facts = asAsked(recorded);
      const decision = decideUnder({ law, enforcement: 'enforce' }, action, facts);
      const passes = decision.effect === 'execute';
      const isApproved = act.code === 'approved' || approved.has(act.id);
      const didRun = hasRun(act);
      of.acts += 1;
      if (isApproved) of.approved += 1;
      else if (didRun) of.ran += 1;
      if (denied.has(act.id)) of.deniedByPeople += 1;
      if (passes) of.wouldPass += 1;
      else if (didRun) {
        of.heldOfRan += 1;
        for (const cause of causesOf(decision)) of.wouldHold.set(cause, (of.wouldHold.get(cause) ?? 0) + 1);
      }
      of.severity = Math.max(of.severity, SEVERITIES.indexOf(decision.severity));
      of.ruled = stricterRule(of.ruled, law, { action, facts });
      of.shipped = stricterRule(of.shipped, shipped, { action, facts });
      note(of.agents, action.agent);
      for (const { value } of pathParameters(action, settingOf(law, action.action))) note(of.paths, value);
    },
    all: () =>
      [...byName.entries()]
        .map(([action, { severity, agents, paths, ...of }]) => ({
          ...of,
          action,
          severity: SEVERITIES[severity] ?? 'critical',
          agents: shown(agents),
          agentsLeftOut: Math.max(0, agents.size - MOST_SHOWN),
          paths: shown(paths),
          pathsLeftOut: Math.max(0, paths.size - MOST_SHOWN),
        }))
        .toSorted((a, b) => (a.action < b.action ? -1 : 1)),
    leftOut: () => leftOut,
  };
}

/** Whether it ran because the law let it, people's approval aside. */
export function hasRun(act: Pick<RecordedAct, 'effect' | 'code'>): boolean {
  return act.effect === 'execute' && act.code !== 'approved';
}

/** Why it would not run; a refusal has no causes of its own. */
export function causesOf({ causes, code }: Decision): readonly string[] {
  return causes.length === 0 || code !== 'approval_required' ? [code] : causes;
}

function stricterRule(before: Sighting['ruled'], law: Law, { action, facts }: Evidence): Sighting['ruled'] {
  const { rule, tier } = matchRule(law, action, facts);
  if (rule === null) return before;
  const isStricter = before === null || (strictest([before.tier, tier]) === tier && before.tier !== tier);
  return isStricter ? { tier, match: rule.rule.match } : before;
}

function note(set: Set<string>, value: string): void {
  if (set.size < MOST_COUNTED) set.add(value);
}

function shown(values: ReadonlySet<string>): readonly string[] {
  return [...values].toSorted().slice(0, MOST_SHOWN).map(redactText);
}
