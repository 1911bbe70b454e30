// Whether a set of actions has earned the next phase: items with weights, each met by what was measured or by what a
// named person attests with evidence. Pure: items, facts and attestations in, a report out that says of every item why.
import type { Condition, ConditionProblem } from './condition.ts';
import { compileCondition } from './condition.ts';
import { factsIn, factText, isGathered, missingText, READINESS_ROOTS } from './readiness/facts.ts';
import type { ReadinessItemReport, ReadinessGround, Finding } from './readiness/ground.ts';
import type { ReadinessCategory, ReadinessItem } from './readiness/item.ts';
import type { ReadinessPartView, ReadinessVerdict } from './readiness/view.ts';
import { lookForWord, soonOver } from './readiness/word.ts';

/** `readiness` of a charter. */
export interface ReadinessSetting {
  readonly items: readonly ReadinessItem[];
}

export interface ReadinessPart extends ReadinessPartView {
  readonly items: readonly ReadinessItemReport[];
}

export interface ReadinessReport extends Readonly<Record<ReadinessCategory, ReadinessPart>> {
  readonly points: number;
  readonly total: number;
  /** 0 to 1. */
  readonly score: number;
  /** The same with what only waits for figures of a young phase taken as met: what a phase on probation is held to. */
  readonly validationScore: number;
  readonly ready: boolean;
  readonly verdict: ReadinessVerdict;
  /** Required items that are unmet, each with why. */
  readonly blockers: readonly string[];
  /** What is worth doing besides. */
  readonly recommendations: readonly string[];
  /** What to do, the most important first. */
  readonly nextActions: readonly string[];
}

export interface ReadinessProblem extends ConditionProblem {
  /** Index of the item. */
  readonly item: number;
}

export interface Readiness {
  readonly items: readonly ReadinessItem[];
  assess(ground: ReadinessGround): ReadinessReport;
}

/** Hundredths of all points from which a set is ready, and almost ready. */
const READY = 95;
const ALMOST_READY = 90;
/** Below it a phase on probation falls. */
export const VALIDATION_SCORE = 0.9;
/** What a proposal takes. */
export const READY_SCORE = 0.95;

interface Checked {
  readonly item: ReadinessItem;
  readonly look: (ground: ReadinessGround) => Finding;
}

/** Compiles the conditions of a list of items; refused are conditions that are none, with the place of what is wrong. */
export function compileReadiness(
  items: readonly ReadinessItem[],
):
  | { readonly kind: 'compiled'; readonly readiness: Readiness }
  | { readonly kind: 'refused'; readonly problems: readonly ReadinessProblem[] } {
  const problems: ReadinessProblem[] = [];
  const checked = items.flatMap((item, index): readonly Checked[] => {
    if (item.kind === 'attested') return [{ item, look: (ground) => lookForWord(item, ground) }];
    const compiled = compileCondition(item.when, READINESS_ROOTS);
    if (compiled.kind === 'compiled')
      return [{ item, look: (ground) => measure(item, compiled.condition, ground) }];
    problems.push(...compiled.problems.map((problem) => ({ ...problem, item: index })));
    return [];
  });
  if (problems.length > 0) return { kind: 'refused', problems };
  return { kind: 'compiled', readiness: { items, assess: (ground) => assess(checked, ground) } };
}

function assess(checked: readonly Checked[], ground: ReadinessGround): ReadinessReport {
  const found = checked.map(({ item, look }) => ({ item, report: reportOf(item, look(ground)) }));
  const sum = (of: readonly (typeof found)[number][]): number =>
    of.reduce((points, { item }) => points + item.weight, 0);
  const unmet = found.filter(({ report }) => report.status === 'unmet');
  const total = sum(found);
  const points = total - sum(unmet);
  const waiting = sum(unmet.filter(({ report }) => report.waits));
  const missing = unmet.filter(({ item }) => item.required);
  const ready = total > 0 && points * 100 >= READY * total && missing.length === 0;
  const partOf = (category: ReadinessCategory): ReadinessPart => {
    const own = found.filter(({ item }) => item.category === category);
    return {
      score: sum(own.filter(({ report }) => report.status === 'met')),
      maxScore: sum(own),
      items: own.map(({ report }) => report),
    };
  };
  // By name where weights are equal, so that the order in the charter changes nothing of what people are told.
  const ranked = unmet.toSorted(
    (a, b) =>
      Number(b.item.required) - Number(a.item.required) ||
      b.item.weight - a.item.weight ||
      (a.item.name < b.item.name ? -1 : 1),
  );
  return {
    points,
    total,
    score: total === 0 ? 0 : points / total,
    validationScore: total === 0 ? 0 : (points + waiting) / total,
    ready,
    verdict: ready ? 'ready' : points * 100 >= ALMOST_READY * total ? 'almost_ready' : 'needs_work',
    technical: partOf('technical'),
    process: partOf('process'),
    organizational: partOf('organizational'),
    blockers: ranked
      .filter(({ item }) => item.required)
      .map(({ report }) => `${report.name}: ${report.details}`),
    recommendations: [
      ...ranked
        .filter(({ item }) => !item.required)
        .map(
          ({ report }) => `${report.name} is worth ${report.weight} of ${total} points: ${report.details}`,
        ),
      ...checked.flatMap(({ item }) => soonOver(item, ground)).toSorted(),
    ],
    nextActions: ranked.map(({ report }) => `${report.name}: ${report.next ?? ''}`),
  };
}

function reportOf(
  { name, group, kind, weight, required }: ReadinessItem,
  finding: Finding,
): ReadinessItemReport {
  return { name, group, kind, weight, required, ...finding };
}

function measure(
  item: ReadinessItem & { readonly kind: 'measured' },
  condition: Condition,
  { facts, why }: ReadinessGround,
): Finding {
  const named = factsIn(item.when);
  const bindings: Record<string, number | boolean> = {};
  for (const name of named) {
    const value = facts[name];
    // What is not known is left out, so that the condition errs wherever it matters, and an error is never met.
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
      bindings[name] = value;
  }
  const result = condition.evaluate(bindings);
  const known = named.flatMap((name) => {
    const value = bindings[name];
    return value === undefined ? [] : [factText(name, value)];
  });
  const measured = known.length === 0 ? '' : `${upper(known.join(', '))}; `;
  if (result.kind === 'value' && result.value)
    return { status: 'met', details: `${measured}it takes ${item.when}.`, next: null, waits: false };
  const next = item.next ?? `Work on it until ${item.when}.`;
  if (result.kind === 'value')
    return { status: 'unmet', details: `${measured}it takes ${item.when}.`, next, waits: false };
  const unknown = named.filter((name) => bindings[name] === undefined);
  // A reason of its own is another than that the phase is young.
  const waits = unknown.length > 0 && unknown.every((name) => isGathered(name) && why?.[name] === undefined);
  const reasons =
    unknown.length === 0
      ? [`The condition ${item.when} cannot be evaluated: ${result.message}.`]
      : [...new Set(unknown.map((name) => why?.[name] ?? missingText(name)))];
  return {
    status: 'unmet',
    details: `${reasons.join(' ')} It takes ${item.when}.`,
    next: waits ? 'Let the agent go on asking in this phase, until there is something to measure.' : next,
    waits,
  };
}

function upper(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
