// From what was seen of a name to the mildest rule that would have let it pass. Two things it never does by itself:
// overrule people who said no, and write a rule milder than one that is red or black already.
import { isActionName } from '@mandate/kernel';
import type { Rule, Tier } from '@mandate/kernel';
import type { Sighting } from './sightings.ts';

/** A rule to write, or null where the charter says the right thing already; and why, in words for a comment. */
export interface Advice {
  readonly action: string;
  readonly tier: Tier | null;
  readonly seen: string;
  readonly why: readonly string[];
  readonly severity: Sighting['severity'];
}

export interface AdviceOptions {
  /** Lets what ran run on, in yellow and loudly, although a rule says red. */
  readonly relax: boolean;
  /** Patterns that the charter's own file writes: another rule of the same pattern would be a mistake. */
  readonly written: ReadonlySet<string>;
}

export function adviseOn(sighting: Sighting, options: AdviceOptions): Advice {
  const { action, severity } = sighting;
  const { tier, why } = decideTier(sighting, options);
  const also = tier === 'red' || tier === 'black' ? [] : leftovers(sighting);
  return { action, tier, severity, seen: seenText(sighting), why: [...why, ...also] };
}

/** A charter takes no longer pattern. */
const MAX_PATTERN = 255;

interface Choice {
  readonly tier: Tier | null;
  readonly why: readonly string[];
}

function decideTier(sighting: Sighting, { relax, written }: AdviceOptions): Choice {
  const { action, ran, approved, deniedByPeople, heldOfRan, wouldHold, wouldPass, ruled, shipped } = sighting;
  if (!isActionName(action) || action.length > MAX_PATTERN)
    return { tier: null, why: ['No rule can spell this name, so it waits whatever the charter says.'] };
  const canWrite = !written.has(action);
  if (deniedByPeople > 0) {
    const why = `People denied it ${times(deniedByPeople)}, so it waits for them.`;
    if (wouldPass === 0) return { tier: null, why: [why] };
    return canWrite
      ? { tier: 'red', why: [why] }
      : { tier: null, why: [`${why} Move your rule for it to red by hand.`] };
  }
  if (ran + approved === 0) return { tier: null, why: ['Nothing of it was let pass.'] };
  const hasNoRule = wouldHold.has('rule:none') || (ruled === null && approved > 0);
  if (heldOfRan === 0 && !hasNoRule) return { tier: null, why: [standing(ruled)] };
  if (hasNoRule) return withoutRule({ ran, approved, shipped, relax });
  const isRuledRed = ruled !== null && ruled.tier === 'red' && wouldHold.has(`rule:${ruled.match}`);
  if (!isRuledRed) return { tier: null, why: [standing(ruled)] };
  const red = `The rule ${ruled.match} is red, and audit let ${heldOfRan} of them pass: they would wait.`;
  if (!relax) return { tier: null, why: [red] };
  return canWrite
    ? { tier: 'yellow', why: [`MILDER than the rule ${ruled.match}, which is red.`] }
    : { tier: null, why: [`${red} Your own file has a rule for exactly this name: change it by hand.`] };
}

function withoutRule(
  of: Pick<Sighting, 'ran' | 'approved' | 'shipped'> & { readonly relax: boolean },
): Choice {
  const { ran, approved, shipped, relax } = of;
  const none = 'No rule of the charter names it.';
  if (shipped?.tier === 'black')
    return {
      tier: 'black',
      why: [`${none} The shipped rule ${shipped.match} is black, and so is this one.`],
    };
  if (shipped?.tier === 'red')
    return relax
      ? { tier: 'yellow', why: [none, `MILDER than the shipped rule ${shipped.match}, which is red.`] }
      : { tier: 'red', why: [`${none} The shipped rule ${shipped.match} is red, and so is this one.`] };
  // People who approved each of them one by one want to hear of the next ones.
  if (ran === 0) return { tier: 'yellow', why: [none, `People approved it ${times(approved)}.`] };
  return { tier: 'green', why: [none] };
}

function standing(ruled: Sighting['ruled']): string {
  return ruled === null ? 'No rule matches it.' : `The rule ${ruled.match} is ${ruled.tier} at most.`;
}

/** What no rule of ours lets pass: exceptions, guardrails, probation. */
function leftovers({ wouldHold }: Sighting): readonly string[] {
  const rest = [...wouldHold].filter(([cause]) => !cause.startsWith('rule:'));
  if (rest.length === 0) return [];
  const list = rest.map(([cause, count]) => `${cause} (${count})`).join(', ');
  return [`Would wait whatever its rule says: ${list}.`];
}

function seenText(sighting: Sighting): string {
  const { acts, ran, approved, severity, agents, agentsLeftOut, paths, pathsLeftOut } = sighting;
  const passed = [...(ran > 0 ? [`${ran} ran`] : []), ...(approved > 0 ? [`${approved} approved`] : [])].join(
    ', ',
  );
  const parts = [
    `${acts} seen${passed === '' ? '' : ` (${passed})`}`,
    `severity ${severity}`,
    `by ${listed(agents, agentsLeftOut)}`,
    ...(paths.length > 0 ? [`paths ${listed(paths, pathsLeftOut)}`] : []),
  ];
  return `${parts.join(' · ')}.`;
}

function listed(values: readonly string[], leftOut: number): string {
  return leftOut === 0 ? values.join(', ') : `${values.join(', ')} and ${leftOut} more`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** Names that share a prefix and a tier, as one rule. */
export interface Collapsed {
  readonly match: string;
  readonly tier: Tier;
  readonly of: readonly Advice[];
}

/** So many names make a prefix worth more than a list. */
const ENOUGH = 3;

/**
 * The rules to write. A prefix replaces its names only where nothing else is known below it: no rule of either charter,
 * no name of another tier, and nothing graver than medium, because it also lets pass what nobody has seen yet.
 */
export function collapse(
  advices: readonly Advice[],
  rules: readonly Pick<Rule, 'match'>[],
): readonly Collapsed[] {
  const alone = (advice: Advice, tier: Tier): Collapsed => ({ match: advice.action, tier, of: [advice] });
  const families = new Map<string, Advice[]>();
  for (const advice of advices) {
    const prefix = prefixOf(advice.action);
    families.set(prefix, [...(families.get(prefix) ?? []), advice]);
  }
  return [...families].flatMap(([prefix, family]) => {
    const [{ tier } = { tier: null }] = family;
    if (tier !== null && mayCollapse(prefix, family) && !rules.some(({ match }) => meets(match, prefix)))
      return [{ match: `${prefix}*`, tier, of: family }];
    return family.flatMap((advice) => (advice.tier === null ? [] : [alone(advice, advice.tier)]));
  });

  function mayCollapse(prefix: string, family: readonly Advice[]): boolean {
    const [first] = family;
    const isMild = first?.tier === 'green' || first?.tier === 'yellow';
    if (!isMild || prefix === '' || family.length < ENOUGH) return false;
    const isOne = family.every(
      ({ tier, severity }) => tier === first.tier && (severity === 'low' || severity === 'medium'),
    );
    // Names further down are of another family, and the prefix would cover them too.
    return (
      isOne &&
      advices.every(({ action }) => family.some((it) => it.action === action) || !action.startsWith(prefix))
    );
  }
}

/** `files.read_file` → `files.`; '' where there is no dot. */
function prefixOf(action: string): string {
  return action.slice(0, action.lastIndexOf('.') + 1);
}

/** Whether a rule says something of a name below the prefix, or of all of them; a bare * says it of everything and is no reason. */
function meets(match: string, prefix: string): boolean {
  const literal = match.endsWith('*') ? match.slice(0, -1) : match;
  if (literal === '') return false;
  return literal.startsWith(prefix) || (match.endsWith('*') && prefix.startsWith(literal));
}
