// One rule of a charter, checked and made ready: its conditions as closures, its paths as globs, and the outcome it
// has when nothing special happens, so that deciding builds as little as possible.
import type { CharterProblem } from './charter-problem.ts';
import type { Rule, RuleException } from './charter.ts';
import { NO_MATCH } from './compiled-rule.ts';
import type { CompiledRule, CompiledException, RuleMatch } from './compiled-rule.ts';
import type { Condition } from './condition.ts';
import { compileCondition, readsClaims, RULE_ROOTS } from './condition.ts';
import { compileGlobs } from './finding/glob.ts';
import { patternProblem } from './pattern.ts';
import { termsOf } from './terms.ts';

/** Compiles one rule; what is wrong with it is added to `problems`, and then there is no rule. */
export function compileRule(rule: Rule, problems: CharterProblem[]): CompiledRule | null {
  const before = problems.length;
  const wrongPattern = patternProblem(rule.match);
  if (wrongPattern !== null) problems.push({ origin: rule.origin, message: wrongPattern, offset: null });
  const when = compileWhen(rule.when, rule.origin, problems);
  // They share what they may spend and are told in this order, so it is not that of the file.
  const except = rule.except
    .map((exception) => compileException(exception, problems))
    .toSorted((a, b) => (contentOf(a.exception) < contentOf(b.exception) ? -1 : 1));
  if (problems.length > before) return null;
  const conditions = [when, ...except.map((exception) => exception.when)];
  const compiled = { rule, when, except, readsClaims: conditions.some(readsClaims) };
  const plain: RuleMatch = {
    ...NO_MATCH,
    tier: rule.tier,
    terms: termsOf(rule),
    causes: [{ tier: rule.tier, cause: `rule:${rule.match}` }],
    ruleText: `The rule ${rule.match} (${rule.origin}) says ${rule.tier}.`,
    exceptionText:
      rule.except.length === 0 ? 'The rule has no exceptions.' : 'None of its exceptions applies.',
  };
  return withPlain(compiled, plain);
}

function withPlain(compiled: Omit<CompiledRule, 'plain'>, plain: RuleMatch): CompiledRule {
  const match: { -readonly [Key in keyof RuleMatch]: RuleMatch[Key] } = { ...plain };
  const whole: CompiledRule = { ...compiled, plain: match };
  match.rule = whole;
  return whole;
}

function compileWhen(source: string | null, origin: string, problems: CharterProblem[]): Condition | null {
  if (source === null) return null;
  const result = compileCondition(source, RULE_ROOTS);
  if (result.kind === 'compiled') return result.condition;
  for (const { message, offset } of result.problems)
    problems.push({ origin, message: `when: ${message}`, offset });
  return null;
}

/** What an exception says, in the same words however it is written. */
export function contentOf({ tier, paths, when }: RuleException): string {
  return JSON.stringify([tier, paths.toSorted(), when]);
}

function compileException(exception: RuleException, problems: CharterProblem[]): CompiledException {
  if (exception.paths.length === 0 && exception.when === null) {
    const message =
      'the exception names neither paths nor a condition, so it could never apply; give it `paths` or `when`';
    problems.push({ origin: exception.origin, message, offset: null });
  }
  // In an order of their own: what touches several is said to touch the first of them.
  const globs = compileGlobs(exception.paths.toSorted());
  for (const { source, problem } of globs) {
    if (problem === null) continue;
    problems.push({
      origin: exception.origin,
      message: `paths: the glob \`${source}\` ${problem}`,
      offset: null,
    });
  }
  return {
    exception,
    globs: globs.length === 0 ? null : globs,
    when: compileWhen(exception.when, exception.origin, problems),
  };
}
