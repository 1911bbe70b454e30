// A charter, compiled once: rules into a trie with decision lists, conditions into closures. A charter with any
// problem compiles to no law at all, so that nothing written in it can be silently ignored (I5).
import type { CharterProblem } from './charter-problem.ts';
import type { Charter } from './charter.ts';
import type { CompiledRule } from './compiled-rule.ts';
import { compileGuardrails } from './finding/guardrails.ts';
import { checkCharter } from './law-check.ts';
import { checkPlugins, compileOwn } from './finding/own.ts';
import { compileFlows } from './flow.ts';
import { createPatternTable } from './pattern.ts';
import { compileResources } from './resource.ts';
import { compileRule } from './rule-compile.ts';
import { createRuleBook } from './rule.ts';
import type { Law } from './law.ts';

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
  const resources = compileResources(charter);
  return { kind: 'law', law: { version, charter, rules, guardrails, own, flows, resources } };
}
