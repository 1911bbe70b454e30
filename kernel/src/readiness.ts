// Whether a set of actions has earned the next phase: items with weights, each met by what was measured or by what a
// named person attests with evidence. Pure: items, facts and attestations in, a report out that says of every item why.
import type { Condition, ConditionProblem } from './condition.ts';
import { compileCondition } from './condition.ts';
import { factsIn, factText, isGathered, missingText, READINESS_ROOTS } from './readiness/facts.ts';
import type { FactName, ReadinessFacts } from './readiness/facts.ts';

export type ReadinessCategory = 'technical' | 'process' | 'organizational';

export const READINESS_CATEGORIES: readonly ReadinessCategory[] = ['technical', 'process', 'organizational'];

interface ItemBase {
  /** Unique within its list. */
  readonly name: string;
  readonly category: ReadinessCategory;
  readonly group: string;
  /** Whole points. */
  readonly weight: number;
  readonly required: boolean;
  /** What to do while it is unmet; null: as its kind has it. */
  readonly next: string | null;
}

export type ReadinessItem =
  /** `when` is CEL over {@link READINESS_ROOTS}. */
  | (ItemBase & { readonly kind: 'measured'; readonly when: string })
  /** Anybody with one of the roles may vouch for it, for at most so long. */
  | (ItemBase & {
      readonly kind: 'attested';
      readonly roles: readonly string[];
      readonly expiresMs: number;
    });

/** `readiness` of a charter. */
export interface ReadinessSetting {
  readonly items: readonly ReadinessItem[];
}

/** What somebody vouches for. Times are epoch milliseconds. */
export interface Attested {
  readonly item: string;
  /** The person, as people call them. */
  readonly by: string;
  readonly role: string;
  readonly dateMs: number;
  readonly expiresMs: number;
  /** The evidence, as people call it: a file's name or an address. */
  readonly evidence: string;
  readonly withdrawn: { readonly by: string; readonly atMs: number } | null;
}

export interface ReadinessItemReport {
  readonly name: string;
  readonly group: string;
  readonly kind: ReadinessItem['kind'];
  readonly weight: number;
  readonly required: boolean;
  readonly status: 'met' | 'unmet';
  /** Why it is met or unmet, in sentences. */
  readonly details: string;
  /** What to do about it; null where it is met. */
  readonly next: string | null;
  /** Unmet only because the phase is too young for there to be figures. */
  readonly waits: boolean;
}

export interface ReadinessPart {
  /** Points. */
  readonly score: number;
  readonly maxScore: number;
  readonly items: readonly ReadinessItemReport[];
}

/** `ready`: 95 of 100 points and every required item. `almost_ready`: 90. */
export type ReadinessVerdict = 'ready' | 'almost_ready' | 'needs_work';

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

export interface ReadinessGround {
  readonly facts: ReadinessFacts;
  /** Why a fact is not known, where there is more to say than usual. */
  readonly why?: Readonly<Partial<Record<FactName, string>>>;
  /** Of the set alone, also those that no longer count. */
  readonly attested: readonly Attested[];
  readonly nowMs: number;
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
/** How far the clock of whoever wrote an attestation down may be ahead of this one. */
const SKEW_MS = 300_000;
/** Somebody is asked to vouch anew this long before it ends. */
const SOON_MS = 14 * 86_400_000;

type Finding = Pick<ReadinessItemReport, 'status' | 'details' | 'next' | 'waits'>;

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

type AttestedItem = ReadinessItem & { readonly kind: 'attested' };

function lookForWord(item: AttestedItem, ground: ReadinessGround): Finding {
  const words = ground.attested.filter(({ item: of }) => of === item.name);
  const best = bestOf(item, ground);
  if (best !== null) {
    const details = `${best.by} (${best.role}) attested it on ${day(best.dateMs)} with ${best.evidence}; it counts until ${day(endOf(item, best))}.`;
    return { status: 'met', details, next: null, waits: false };
  }
  const last = words.toSorted((a, b) => b.dateMs - a.dateMs)[0];
  const next =
    item.next ??
    `Have somebody with the role ${item.roles.join(' or ')} attest it with evidence: mandate governance attest '${item.name}' --file FILE.`;
  return { status: 'unmet', details: whyNot(item, last, ground.nowMs), next, waits: false };
}

function whyNot(item: AttestedItem, last: Attested | undefined, nowMs: number): string {
  if (last === undefined) return 'Nobody has attested it.';
  const given = `What ${last.by} (${last.role}) attested on ${day(last.dateMs)}`;
  if (last.withdrawn !== null)
    return `${given} was withdrawn by ${last.withdrawn.by} on ${day(last.withdrawn.atMs)}.`;
  if (!item.roles.includes(last.role))
    return `${given} no longer counts: now it takes the role ${item.roles.join(' or ')}.`;
  if (last.dateMs > nowMs + SKEW_MS) return `${given} is still to come: nobody can vouch for it today.`;
  return `${given} expired on ${day(endOf(item, last))}.`;
}

/** The attestation that counts the longest; null where none does. */
function bestOf(item: AttestedItem, { attested, nowMs }: ReadinessGround): Attested | null {
  const [best] = attested
    .filter(
      (it) =>
        it.item === item.name &&
        it.withdrawn === null &&
        item.roles.includes(it.role) &&
        it.dateMs <= nowMs + SKEW_MS &&
        endOf(item, it) > nowMs,
    )
    .toSorted((a, b) => endOf(item, b) - endOf(item, a) || (a.by < b.by ? -1 : 1));
  return best ?? null;
}

/** A charter that has shortened the time since then counts. */
function endOf(item: AttestedItem, { dateMs, expiresMs }: Attested): number {
  return Math.min(expiresMs, dateMs + item.expiresMs);
}

function soonOver(item: ReadinessItem, ground: ReadinessGround): readonly string[] {
  const best = item.kind === 'attested' ? bestOf(item, ground) : null;
  if (item.kind !== 'attested' || best === null) return [];
  const endMs = endOf(item, best);
  return endMs - ground.nowMs > SOON_MS
    ? []
    : [`${item.name} counts only until ${day(endMs)}: have it attested anew before that.`];
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function upper(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
