// Guardrails that a charter brings along: a condition in CEL over one action and what the shipped guardrails and the
// plug-ins have found on it. They see none of each other, so their order cannot matter (I4).
import type { Action } from '../action.ts';
import type { CharterProblem } from '../charter-problem.ts';
import type { Bindings, Condition } from '../condition.ts';
import { compileCondition, readsClaims, RULE_ROOTS } from '../condition.ts';
import type { Finding, FindingSeverity } from '../finding.ts';
import { MAX_LOOKBACK_MS } from '../flow.ts';
import { anyPatternCovers, patternProblem } from '../pattern.ts';
import type { GuardrailSettings, OwnGuardrail } from './guardrail-settings.ts';
import { redactText } from './redact.ts';

export interface CompiledOwn {
  readonly own: OwnGuardrail;
  readonly when: Condition;
  readonly readsClaims: boolean;
}

/** What the condition of a guardrail of one's own may look at. */
export const OWN_ROOTS = { ...RULE_ROOTS, action: 'string', costUsd: 'double' } as const;

/** Checks the names that shipped findings have: a charter cannot speak in their name. */
const SHIPPED: ReadonlySet<string> = new Set([
  'cost',
  'secret_leak',
  'protected_path',
  'branch_protection',
  'deployment_safety',
  'rate_limit',
  'diff_size',
  'tainted',
]);

/** What is wrong with the name of a guardrail of one's own; null when it is sound. */
export function guardrailNameProblem(name: string): string | null {
  if (!/^[a-z][a-z0-9_-]{0,63}$/.test(name))
    return `\`${name}\` is no name of a guardrail; write lower-case letters, digits, - and _`;
  return SHIPPED.has(name) ? `\`${name}\` is the name of a shipped guardrail; choose another one` : null;
}

/** null where the charter has none; what is wrong with them is added to `problems`. */
export function compileOwn(
  guardrails: readonly OwnGuardrail[] | undefined,
  problems: CharterProblem[],
): readonly CompiledOwn[] | null {
  if (guardrails === undefined || guardrails.length === 0) return null;
  // They share what they may spend, so the one order in which they are asked is not that of the file.
  return guardrails.toSorted(byName).flatMap((own) => {
    const { name, actions, when, origin } = own;
    const wrong = [guardrailNameProblem(name), ...actions.map(patternProblem)];
    for (const message of wrong) if (message !== null) problems.push({ origin, message, offset: null });
    const result = compileCondition(when, OWN_ROOTS);
    if (result.kind === 'compiled')
      return [{ own, when: result.condition, readsClaims: readsClaims(result.condition) }];
    for (const { message, offset } of result.problems)
      problems.push({ origin, message: `when: ${message}`, offset });
    return [];
  });
}

function byName(a: OwnGuardrail, b: OwnGuardrail): number {
  return a.name < b.name ? -1 : 1;
}

/** Adds what is wrong with plug-ins, with the list of those that are required, and with taint. */
export function checkPlugins(settings: GuardrailSettings, problems: CharterProblem[]): void {
  const report = (origin: string, message: string): void =>
    void problems.push({ origin, message, offset: null });
  const own = new Set(settings.own?.map(({ name }) => name));
  for (const [name, { actions, timeoutMs }] of Object.entries(settings.plugins ?? {})) {
    const origin = `guardrails.plugins.${name}`;
    const wrong = [guardrailNameProblem(name), ...actions.map(patternProblem)];
    for (const message of wrong) if (message !== null) report(origin, message);
    if (own.has(name))
      report(origin, `\`${name}\` stands under guardrails.own as well; give one of them another name`);
    if (!(timeoutMs > 0)) report(origin, 'a time budget must be above zero, such as 250ms');
  }
  for (const [index, name] of (settings.required ?? []).entries()) {
    const wrong = guardrailNameProblem(name);
    if (wrong !== null) report(`guardrails.required.${index}`, wrong);
    else if (own.has(name))
      report(
        `guardrails.required.${index}`,
        `\`${name}\` is a guardrail in CEL and always looks; leave it out`,
      );
  }
  const windowMs = settings.taint?.windowMs ?? 1;
  if (!(windowMs > 0 && windowMs <= MAX_LOOKBACK_MS))
    report('guardrails.taint.window', 'the window must be above zero and 7d at most, such as 1h');
}

/** What guardrails look at. */
export interface OwnScene {
  readonly claimed: Bindings;
  /** The same had the agent said nothing, with this action and ever; none where it has said nothing. */
  readonly unclaimed: readonly (() => Bindings)[];
}

/**
 * What the guardrails of a charter find. One that cannot be evaluated has failed, which is an error (I5). What the agent
 * says of itself may bring a finding about and makes none go away: what is found without it counts as well.
 */
export function ownFindings(
  guardrails: readonly CompiledOwn[],
  action: Action,
  { claimed, unclaimed }: OwnScene,
): readonly Finding[] {
  const findings: Finding[] = [];
  let silent: readonly Bindings[] | null = null;
  for (const { own, when, readsClaims: mayReadClaims } of guardrails) {
    if (own.actions.length > 0 && !anyPatternCovers(own.actions, action.action)) continue;
    let found = findingOf(own, when.evaluate(claimed));
    if (mayReadClaims && couldBeGraver(found, own)) {
      silent ??= unclaimed.map((bindings) => bindings());
      for (const bindings of silent)
        if (couldBeGraver(found, own)) found = graver(found, findingOf(own, when.evaluate(bindings)));
    }
    if (found !== null) findings.push(found);
  }
  return findings;
}

const RANK: Readonly<Record<FindingSeverity, number>> = { info: 0, warning: 1, error: 2, critical: 3 };

/** One finding of each guardrail: at worst it has failed, which is an error, or is as grave as the charter has it. */
function couldBeGraver(found: Finding | null, { severity }: OwnGuardrail): boolean {
  return found === null || RANK[found.severity] < Math.max(RANK.error, RANK[severity]);
}

function graver(one: Finding | null, other: Finding | null): Finding | null {
  if (one === null || other === null) return one ?? other;
  return RANK[other.severity] > RANK[one.severity] ? other : one;
}

function findingOf(own: OwnGuardrail, met: ReturnType<Condition['evaluate']>): Finding | null {
  if (met.kind === 'error') return failed(own, met.message);
  if (!met.value) return null;
  return { check: own.name, severity: own.severity, message: own.message, pointer: null };
}

function failed({ name, origin }: OwnGuardrail, why: string): Finding {
  return {
    check: name,
    severity: 'error',
    message: `The guardrail ${name} (${origin}) could not be evaluated (${redactText(why)}), so it has failed. Correct its condition or the action.`,
    pointer: null,
  };
}
