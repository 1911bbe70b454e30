// A rule of the charter made ready, and what it comes to for an action. The two hold each other: a rule keeps the
// outcome that it has when nothing special happens, and an outcome names the rule that it came from.
import type { Rule, RuleException } from './charter.ts';
import type { Condition } from './condition.ts';
import type { CompiledGlob } from './finding/glob.ts';
import type { RuleCause } from './cause.ts';
import { NO_TERMS } from './terms.ts';
import type { Terms } from './terms.ts';
import type { Tier } from './tier.ts';

export interface RuleMatch {
  /** null: no rule matched. */
  readonly rule: CompiledRule | null;
  /** The rule's tier after its exceptions, before trust. */
  readonly tier: Tier;
  /** What it asks for, as the rule has it; more where what the agent says of itself led to the rule. */
  readonly terms: Terms;
  /** Everything that speaks for a tier: the rule itself, each exception that applies, what could not be evaluated. */
  readonly causes: readonly RuleCause[];
  /** The same with what the agent says of itself and had it said nothing, together; empty where that is nothing else. */
  readonly eitherWay: readonly RuleCause[];
  /** For the trace, in words. */
  readonly ruleText: string;
  readonly exceptionText: string;
}

/** What nobody wrote a rule for waits for a human. */
export const NO_MATCH: RuleMatch = {
  rule: null,
  tier: 'red',
  terms: NO_TERMS,
  causes: [{ tier: 'red', cause: 'rule:none' }],
  eitherWay: [],
  ruleText: 'No rule of the charter matches this action, so it is red.',
  exceptionText: 'Without a rule there are no exceptions.',
};

export interface CompiledRule {
  readonly rule: Rule;
  readonly when: Condition | null;
  readonly except: readonly CompiledException[];
  /** Whether a condition may look at something that the agent only says. */
  readonly readsClaims: boolean;
  /** The outcome when no condition errs and no exception applies. */
  readonly plain: RuleMatch;
}

export interface CompiledException {
  readonly exception: RuleException;
  readonly globs: readonly CompiledGlob[] | null;
  readonly when: Condition | null;
}
