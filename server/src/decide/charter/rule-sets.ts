// Rules that are written together because they are for the same callers: a set with shared selectors and enforcement,
// and what counts for one person. Both are another way to write rules with selectors and follow the same order.
import { TIERS } from '@mandate/kernel';
import type { Selectors } from '@mandate/kernel';
import { renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { YamlFile } from './parse.ts';
import { selectorsOf, settingsOf } from './rules.ts';
import type { RuleGroups, RuleSettings, ShapedTiers, WrittenGroup } from './rules.ts';
import type { WrittenCharter, WrittenRuleSet } from './schema.ts';

/** The sets and the persons' own rules of one file, with what is wrong in how they are put together. */
export function readRuleSets(yaml: YamlFile, written: WrittenCharter): RuleGroups {
  const groups: WrittenGroup[] = [];
  const errors: CharterError[] = [];
  const sets: Record<string, RuleSettings> = {};
  const report = (path: Path, message: string): void => {
    errors.push({ ...yaml.placeOf(path), pointer: renderPath(path), message });
  };
  for (const [set, { tiers = {}, enforcement, ...selected }] of Object.entries(written.sets ?? {})) {
    const selectors = selectorsOf(selected);
    const path = ['sets', set, 'tiers'];
    sets[set] = settingsOf({ enforcement });
    groups.push({ path, tiers, selectors, set });
    eachRule(tiers, path, (rule, at) => {
      for (const field of selectedTwice(selectors, rule))
        report(
          [...at, field],
          `The set ${set} selects by ${field} for all its rules. Remove it here or there.`,
        );
    });
    const message = `What a set says is never final, because it would beat the black rules that are for everybody. Remove it, or write the rule under tiers with the selectors of ${set}.`;
    for (const at of finals(tiers, path)) report(at, message);
  }
  for (const [user, { tiers }] of Object.entries(written.users ?? {})) {
    if (tiers === undefined) continue;
    const path = ['users', user, 'tiers'];
    groups.push({ path, tiers, selectors: { user: [user] }, set: null });
    const message = `What counts for one person is never final, because it would beat the black rules for everybody. Remove it, or write a rule under tiers with user: ${user}.`;
    for (const at of finals(tiers, path)) report(at, message);
  }
  return { groups, sets, errors };
}

type Entry = Exclude<
  NonNullable<NonNullable<NonNullable<WrittenRuleSet['tiers']>['green']>['actions']>[number],
  string
>;

function eachRule(tiers: ShapedTiers, path: Path, visit: (rule: Entry, at: Path) => void): void {
  for (const tier of TIERS) {
    for (const [index, entry] of (tiers[tier]?.actions ?? []).entries()) {
      if (entry !== null && typeof entry !== 'string') visit(entry, [...path, tier, 'actions', index]);
    }
  }
}

/** Where rules that are not black say that they are final: with one selector more they would beat the black rules that are for everybody. */
function finals(tiers: ShapedTiers, path: Path): readonly Path[] {
  const found: Path[] = [];
  for (const tier of TIERS) {
    if (tier === 'black') continue;
    if (tiers[tier]?.final === true) found.push([...path, tier, 'final']);
    eachRule({ [tier]: tiers[tier] }, path, (rule, at) => {
      if (rule.final === true) found.push([...at, 'final']);
    });
  }
  return found;
}

function selectedTwice(selectors: Selectors, rule: Entry): readonly string[] {
  return Object.keys(selectorsOf(rule)).filter((field) => Object.hasOwn(selectors, field));
}
