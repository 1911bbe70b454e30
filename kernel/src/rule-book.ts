// A charter's rules, made ready to be looked up by the name of an action. In shape only: a law holds one, and those who match
// by it have no part in how it is filed.
import type { ActionSetting } from './action-setting.ts';
import type { Action } from './action.ts';
import type { Charter } from './charter.ts';
import type { CompiledRule, RuleMatch } from './compiled-rule.ts';
import type { RuleFacts } from './rule-facts.ts';

/** The rules that may decide one action of one caller, strongest first, cut at the first that always matches. */
export interface DecisionList {
  readonly rules: readonly CompiledRule[];
  readonly readsClaims: boolean;
  /** The outcome where it is the same for every action on the list: its first rule has neither condition nor exception. */
  readonly certain: RuleMatch | null;
}

/** A charter's rules, compiled. Its memory of decision lists is dropped together with it. */
export interface RuleBook {
  readonly entryOf: (action: string) => RuleEntry;
  /** Every rule whose pattern covers the name, in the order in which rules are tried. Sorts anew: for explaining. */
  readonly candidatesOf: (action: string) => readonly CompiledRule[];
}

export interface RuleEntry {
  /** The name is one that no rule could spell. */
  readonly isOdd: boolean;
  readonly setting: ActionSetting | null;
  /** The list where it is the same for everybody: no rule for the name selects anybody. */
  readonly common: DecisionList | null;
  readonly listOf: (subject: Subject) => DecisionList;
}

/** Who asks, as far as selectors are concerned. */
export interface Subject {
  readonly action: Action;
  readonly facts: RuleFacts;
  readonly charter: Charter;
}
