// What a charter says beyond its conditions: the names it refers to exist, no two lines contradict each other, and
// every figure is one that the law can reckon with. Each problem names the place and what to write instead.
import type { ActionSetting } from './action-setting.ts';
import { APPROVER_ROLES } from './approval.ts';
import type { CharterProblem } from './charter-problem.ts';
import type { Charter, Rule, Selectors } from './charter.ts';
import { parseWindow } from './finding/deployment.ts';
import { compileGlobs } from './finding/glob.ts';
import type { GuardrailSettings } from './finding/guardrail-settings.ts';
import { suggest } from './nearest.ts';
import { isActionName, patternProblem } from './pattern.ts';
import { resourceProblem } from './resource.ts';
import { TIERS } from './tier.ts';
import type { TrustSettings } from './trust.ts';

/** Adds whatever is wrong to `problems`, in the order of the charter. Patterns and conditions of rules are left to `compileRule`. */
export function checkCharter(charter: Charter, problems: CharterProblem[]): void {
  const report = (origin: string, message: string): void => {
    problems.push({ origin, message, offset: null });
  };
  checkRules(charter, report);
  checkActions(charter, report);
  checkAgents(charter, report);
  checkLimits(charter, report);
  checkTrust(charter.trust, report);
  checkGuardrails(charter.guardrails, report);
}

type Report = (origin: string, message: string) => void;

function checkRules(charter: Charter, report: Report): void {
  const roles = knownRoles(charter);
  const seen = new Map<string, string>();
  for (const rule of charter.rules) {
    const key = JSON.stringify([rule.match, selectorKey(rule.selectors), rule.when]);
    const first = seen.get(key);
    if (first !== undefined) {
      report(
        rule.origin,
        `a rule for ${rule.match} with the same selectors and condition stands at ${first}; keep one of them`,
      );
    }
    seen.set(key, first ?? rule.origin);
    checkRule(rule, report);
    checkSelectors(rule, charter, report);
    if (roles !== null) checkApprovers(rule, roles, report);
  }
}

function selectorKey(selectors: Selectors): readonly (readonly [string, readonly string[]])[] {
  return Object.entries(selectors)
    .map(([field, values]) => [field, [...new Set<string>(values)].toSorted()] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function checkRule(rule: Rule, report: Report): void {
  for (const { tier, origin } of [rule, ...rule.except]) {
    if (!TIERS.includes(tier)) report(origin, `\`${tier}\` is no tier; write ${TIERS.join(', ')}`);
  }
  if (!Number.isSafeInteger(rule.quorum) || rule.quorum < 1) {
    report(rule.origin, `a quorum of ${rule.quorum} people can approve nothing; write a whole number from 1`);
  }
  if (rule.expiresMs !== null && !(rule.expiresMs > 0)) {
    report(
      rule.origin,
      'an approval that expires at once can never be given; write a time above zero, such as 4h',
    );
  }
}

function checkSelectors(rule: Rule, charter: Charter, report: Report): void {
  for (const [field, values] of Object.entries(rule.selectors)) {
    if (values.length === 0)
      report(
        rule.origin,
        `the selector \`${field}\` is empty and matches nobody; leave it out to match everybody`,
      );
    for (const value of values) {
      if (value === '' || value.includes('*')) {
        report(
          rule.origin,
          `the selector \`${field}\` takes exact values, not \`${value}\`; leave it out to match everybody`,
        );
      }
    }
  }
  const classes = new Set(Object.values(charter.agents).flatMap((agent) => agent.class ?? []));
  reportUnknown(rule, 'agentClass', classes, report);
  if (charter.registration === 'closed')
    reportUnknown(rule, 'agent', new Set(Object.keys(charter.agents)), report);
}

function reportUnknown(
  rule: Rule,
  field: 'agent' | 'agentClass',
  known: ReadonlySet<string>,
  report: Report,
): void {
  for (const value of rule.selectors[field] ?? []) {
    if (known.has(value)) continue;
    const what = field === 'agent' ? 'agent' : 'class of agents';
    report(
      rule.origin,
      `the charter names no ${what} \`${value}\`${suggest(value, known)}; add it under agents`,
    );
  }
}

/** null where the charter does not say which approver roles there are. */
function knownRoles(charter: Charter): ReadonlySet<string> | null {
  if (charter.roles === undefined) return null;
  const held = Object.values(charter.users).flatMap((user) => user.roles);
  return new Set([...APPROVER_ROLES, 'admin', ...charter.roles, ...held]);
}

function checkApprovers(rule: Rule, known: ReadonlySet<string>, report: Report): void {
  for (const role of rule.approvers) {
    if (known.has(role)) continue;
    report(
      rule.origin,
      `nobody can hold the approver role \`${role}\`${suggest(role, known)}; add it under roles`,
    );
  }
}

function checkActions(charter: Charter, report: Report): void {
  const seen = new Map<string, string>();
  let guesses = MOST_GUESSES;
  for (const setting of charter.actions) {
    const wrong = patternProblem(setting.match);
    if (wrong !== null) report(setting.origin, wrong);
    const first = seen.get(setting.match);
    if (first !== undefined)
      report(setting.origin, `${setting.match} has settings at ${first} already; put them together`);
    seen.set(setting.match, first ?? setting.origin);
    const near = (word: string, known: readonly string[]): string =>
      (guesses -= 1) < 0 ? '' : suggest(word, known);
    checkAction(setting, { charter, near }, report);
  }
}

/** A guess looks at every name; whoever has more mistakes than these does not read them all. */
const MOST_GUESSES = 50;

interface Names {
  readonly charter: Charter;
  /** The name that was perhaps meant, in words. */
  readonly near: (word: string, known: readonly string[]) => string;
}

function checkAction(setting: ActionSetting, { charter, near }: Names, report: Report): void {
  const { executor, compensate, origin } = setting;
  if (executor !== null && !Object.hasOwn(charter.executors, executor)) {
    const known = Object.keys(charter.executors);
    report(origin, `there is no executor \`${executor}\`${near(executor, known)}; add it under executors`);
  }
  if (compensate !== null && !isActionName(compensate)) {
    report(
      origin,
      `\`${compensate}\` cannot compensate ${setting.match}; name one action exactly, such as deploy.rollback`,
    );
  }
  const unread = setting.resource === undefined ? null : resourceProblem(setting.resource, charter, near);
  if (unread !== null) report(origin, unread);
  if (!isAmount(setting.costMicroUsd))
    report(origin, `a cost of ${setting.costMicroUsd} micro-USD is not a whole amount from 0`);
  if (setting.deadlineMs !== null && !(setting.deadlineMs > 0))
    report(origin, 'a deadline must be above zero, such as 10m');
}

function checkAgents(charter: Charter, report: Report): void {
  for (const [agent, { usdPerDayMicroUsd }] of Object.entries(charter.agents)) {
    if (!isAmount(usdPerDayMicroUsd))
      report(`agents.${agent}.usdPerDay`, 'a ceiling is an amount from 0; leave it out for none');
  }
  for (const [user, { usdPerDayMicroUsd }] of Object.entries(charter.users)) {
    if (!isAmount(usdPerDayMicroUsd))
      report(`users.${user}.usdPerDay`, 'a ceiling is an amount from 0; leave it out for none');
  }
}

function checkLimits(charter: Charter, report: Report): void {
  const { concurrentAgents, usdPerDayMicroUsd, actionsPerMinute } = charter.limits;
  if (!isAmount(usdPerDayMicroUsd))
    report('limits.usdPerDay', 'a ceiling is an amount from 0; leave it out for none');
  if (!isAmount(concurrentAgents))
    report('limits.concurrentAgents', 'a ceiling is a whole number from 0; leave it out for none');
  if (!isAmount(actionsPerMinute))
    report('limits.actionsPerMinute', 'a ceiling is a whole number from 0; leave it out for none');
}

function isAmount(value: number | null | undefined): boolean {
  return value === null || value === undefined || (Number.isSafeInteger(value) && value >= 0);
}

function checkTrust(trust: TrustSettings, report: Report): void {
  const { standard, trusted, autonomous } = trust.levels;
  if (!(standard >= 0 && standard <= trusted && trusted <= autonomous && autonomous <= 100)) {
    report('trust.levels', 'the levels must rise from standard over trusted to autonomous, within 0 and 100');
  }
  if (!(trust.start >= 0 && trust.start <= 100)) report('trust.start', 'the start must lie within 0 and 100');
  const points = { ...trust, ...trust.success };
  const figures = [
    'streakBonus',
    'streakBonusMax',
    'gainPerDay',
    'driftPerDay',
    'low',
    'medium',
    'high',
    'critical',
  ] as const;
  for (const figure of figures) {
    if (!(points[figure] >= 0)) report(`trust.${figure}`, 'points are a number from 0');
  }
  for (const [severity, lost] of Object.entries(trust.failure)) {
    if (!(lost >= 0))
      report(`trust.failure.${severity}`, 'points lost are written as a number from 0, without a minus');
  }
  if (!Number.isSafeInteger(trust.freezeAfterFailures) || trust.freezeAfterFailures < 1) {
    report('trust.freezeAfterFailures', 'a freeze comes after a whole number of failures from 1');
  }
}

function checkGuardrails(guardrails: GuardrailSettings, report: Report): void {
  const { cost, diff, protectedPaths, deploymentWindow } = guardrails;
  const { warningMicroUsd, errorMicroUsd, criticalMicroUsd } = cost;
  if (!(warningMicroUsd >= 0 && warningMicroUsd <= errorMicroUsd && errorMicroUsd <= criticalMicroUsd)) {
    report('guardrails.cost', 'the thresholds must rise from warning over error to critical, from 0');
  }
  if (!(diff.warningLines >= 0 && diff.warningLines <= diff.errorLines)) {
    report('guardrails.diff', 'the thresholds must rise from warning to error, from 0');
  }
  for (const { source, problem } of compileGlobs(protectedPaths)) {
    if (problem !== null) report('guardrails.protectedPaths', `the glob \`${source}\` ${problem}`);
  }
  const window = deploymentWindow === null ? null : parseWindow(deploymentWindow);
  if (typeof window === 'string') report('guardrails.deploymentWindow', window);
}
