// A charter, compiled once: rules into a trie with decision lists, conditions into closures. A charter with any
// problem compiles to no law at all, so that nothing written in it can be silently ignored (I5).
import type { ActionSetting, Charter } from './charter.ts';
import { checkCharter } from './law-check.ts';
import { compileGuardrails } from './finding.ts';
import { checkPlugins, compileOwn } from './finding/own.ts';
import type { CompiledOwn } from './finding/own.ts';
import { compileFlows } from './flow.ts';
import type { FlowBook } from './flow.ts';
import type { Guardrails } from './finding.ts';
import { createPatternTable } from './pattern.ts';
import { compileRule } from './rule-compile.ts';
import type { CompiledRule } from './rule-compile.ts';
import { createRuleBook } from './rule.ts';
import type { RuleBook } from './rule.ts';

export interface Law {
  /** Content hash of the charter. */
  readonly version: string;
  readonly charter: Charter;
  /** The rules in their compiled form: not plain data, and rebuilt by `compileLaw` wherever a law is needed. */
  readonly rules: RuleBook;
  /** The guardrails in their compiled form, likewise. */
  readonly guardrails: Guardrails;
  /** The guardrails of the charter's own, compiled; null where it has none, which then cost nothing. */
  readonly own: readonly CompiledOwn[] | null;
  /** Its flow rules, compiled; null where it has none. */
  readonly flows: FlowBook | null;
}

/** What is wrong in a charter, with the path to it, so that the loader can name line and column. */
export interface CharterProblem {
  /** E.g. `['tiers', 'yellow', 'actions', 3, 'except', 'when']`, or the rule's own origin. */
  readonly origin: string;
  readonly message: string;
  /** Offset within the offending string (a CEL source), where there is one. */
  readonly offset: number | null;
}

export type LawResult =
  | { readonly kind: 'law'; readonly law: Law }
  | { readonly kind: 'refused'; readonly problems: readonly CharterProblem[] };

/** Compiles a charter into the law that `decide` applies, or says everything that is wrong with it at once. */
export function compileLaw(charter: Charter, version: string): LawResult {
  const problems: CharterProblem[] = [];
  checkCharter(charter, problems);
  const compiled: CompiledRule[] = [];
  for (const rule of charter.rules) {
    const each = compileRule(rule, problems);
    if (each !== null) compiled.push(each);
  }
  const own = compileOwn(charter.guardrails.own, problems);
  checkPlugins(charter.guardrails, problems);
  const flows = compileFlows(charter.flows, problems);
  if (problems.length > 0) return { kind: 'refused', problems };
  const settings = createPatternTable(charter.actions.map((setting) => [setting.match, setting] as const));
  const rules = createRuleBook(compiled, settings);
  const guardrails = compileGuardrails(charter.guardrails);
  return { kind: 'law', law: { version, charter, rules, guardrails, own, flows } };
}

/** What the charter knows of an action: its setting under the most specific pattern, or null. */
export function settingOf(law: Law, action: string): ActionSetting | null {
  return law.rules.entryOf(action).setting;
}
