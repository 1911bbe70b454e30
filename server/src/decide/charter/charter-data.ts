// From merged files to the kernel's Charter: defaults filled in, units converted, names that point nowhere
// refused. After this nothing of YAML is left but the origins.
import { APPROVER_ROLES, DEFAULT_TRUST, nearest } from '@mandate/kernel';
import type { ActionSetting, Charter, LimitSettings, Rule, TrustSettings } from '@mandate/kernel';
import { checkResources } from './action-resource-data.ts';
import { readApprovals, stepProblems } from './approvals-data.ts';
import { renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import { readExecutor } from './executor.ts';
import { readFlows, readGuardrails } from './guardrails-data.ts';
import type { Merged } from './merged.ts';
import { readMonitors } from './monitors-data.ts';
import { checkContacts, readNotify } from './notify-data.ts';
import { overlay } from './overlay.ts';
import { readPhases } from './phases-data.ts';
import { readReadiness } from './readiness-data.ts';
import type { DraftRule } from './rules.ts';
import { readSchedules } from './schedules-schema.ts';
import { trustProblem, trustSettingsOf } from './trust-schema.ts';
import { durationMs, microUsd } from './units.ts';
import { findWarnings } from './warnings.ts';

export interface CharterData {
  readonly charter: Charter;
  readonly errors: readonly CharterError[];
  readonly warnings: readonly CharterError[];
}

/** Neither viewers nor operators nor machines approve. */
const NO_APPROVERS: readonly string[] = ['viewer', 'operator', 'agent', 'scrape'];
/** A guess looks at every name; whoever has more mistakes than these does not read them all. */
const MOST_GUESSES = 50;
/** Roles that keys can carry. */
const SHIPPED_ROLES: readonly string[] = [...NO_APPROVERS, ...APPROVER_ROLES, 'admin'];

/** Builds the charter from the merged files and checks what only the whole can show. */
export function buildCharter(merged: Merged): CharterData {
  const { sections } = merged;
  const errors: CharterError[] = [];
  const roles = sections.roles ?? [];
  const known = [...SHIPPED_ROLES, ...roles];
  errors.push(
    ...checkRoles(merged, known),
    ...checkExecutorNames(merged),
    ...checkResources(merged),
    ...checkApproverRoles(merged, known),
    ...checkContacts(merged),
  );
  const approvals = readApprovals(sections.approvals, (role) => approverProblem(role, known));
  for (const { path, message } of approvals.problems)
    errors.push(errorAt(merged, ['approvals', ...path], message));
  const guardrails = readGuardrails(merged, errors);
  const flows = readFlows(merged, errors);
  const trust = readTrust(merged, errors);
  const unknownRole = (role: string): string | null => approverProblem(role, known);
  const phases = readPhases({ merged, errors, unknownRole });
  const monitors = readMonitors({ merged, errors, phases: phases ?? [] });
  const readiness = readReadiness({ merged, errors, unknownRole });
  const charter: Charter = {
    enforcement: sections.enforcement ?? 'enforce',
    registration: sections.registration ?? 'open',
    environment: sections.environment ?? null,
    rules: merged.rules.map((rule) => finishRule(rule, merged)),
    actions: readActions(merged),
    agents: mapValues(sections.agents, (it) => ({
      class: it.class ?? null,
      usdPerDayMicroUsd: microUsdOrNull(it.usdPerDay),
    })),
    executors: mapValues(sections.executors, readExecutor),
    guardrails,
    ...(flows === null ? {} : { flows }),
    trust,
    limits: readLimits(merged),
    resources: sections.resources ?? {},
    users: mapValues(sections.users, (it) => ({
      // Not written is not none: then the scopes of the key count as they are.
      scopes: it.scopes ?? null,
      roles: it.roles ?? [],
      usdPerDayMicroUsd: microUsdOrNull(it.usdPerDay),
      ...(it.contacts === undefined ? {} : { contacts: it.contacts }),
    })),
    roles,
    notify: readNotify(merged),
    resume: { twoPersons: sections.resume?.twoPersons ?? false },
    ...(sections.schedules === undefined ? {} : { schedules: readSchedules(sections.schedules) }),
    ...(phases === null ? {} : { phases }),
    ...(monitors === null ? {} : { monitors }),
    ...(readiness === null ? {} : { readiness }),
    ...(sections.approvals === undefined ? {} : { approvals: approvals.settings }),
  };
  return { charter, errors, warnings: findWarnings(merged, charter, SHIPPED_ROLES) };
}

function errorAt(merged: Merged, path: Path, message: string): CharterError {
  return { ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message };
}

function finishRule(draft: DraftRule, merged: Merged): Rule {
  const ofSet = draft.set === null ? undefined : merged.sets[draft.set];
  const settings = overlay(overlay(merged.tiers[draft.tier], ofSet), draft.settings);
  return {
    tier: draft.tier,
    match: draft.match,
    selectors: draft.selectors,
    when: draft.when,
    except: draft.except,
    final: isFinal(draft, settings.final),
    lift: settings.lift ?? true,
    requires: settings.requires ?? [],
    obligations: settings.obligations ?? [],
    approvers: settings.approvers ?? [],
    quorum: settings.quorum ?? 1,
    expiresMs: settings.expiresMs ?? null,
    fourEyes: settings.fourEyes ?? false,
    ...(settings.escalate === undefined ? {} : { escalate: settings.escalate }),
    enforcement: settings.enforcement ?? null,
    origin: draft.origin,
  };
}

/**
 * What the tiers of the charter say for all their rules ends at the rules of persons and sets unless they are black:
 * final, with a selector more, they would be tried before the black rules that are for everybody.
 */
function isFinal({ tier, path }: DraftRule, said: boolean | undefined): boolean {
  return tier === 'black' ? (said ?? true) : path[0] === 'tiers' && said === true;
}

function readActions(merged: Merged): ActionSetting[] {
  return merged.actions.map(({ match, setting, origin }) => ({
    match,
    severity: setting.severity ?? null,
    executor: setting.executor ?? null,
    paths: setting.paths ?? [],
    branches: setting.branches ?? [],
    amounts: setting.amounts ?? [],
    diff: setting.diff ?? null,
    compensate: setting.compensate ?? null,
    safeState: setting.safeState ?? false,
    idempotent: setting.idempotent ?? false,
    ...(setting.untrusted === true ? { untrusted: true } : {}),
    ...(setting.resource === undefined ? {} : { resource: setting.resource }),
    costMicroUsd: microUsdOrNull(setting.costUsd),
    deadlineMs: setting.deadline === undefined ? null : durationMs(setting.deadline),
    origin,
  }));
}

function readLimits({ sections: { limits } }: Merged): LimitSettings {
  return {
    concurrentAgents: limits?.concurrentAgents ?? null,
    usdPerDayMicroUsd: microUsdOrNull(limits?.usdPerDay),
    actionsPerMinute: limits?.actionsPerMinute ?? null,
  };
}

function readTrust(merged: Merged, errors: CharterError[]): TrustSettings {
  const settings = trustSettingsOf(merged.sections.trust ?? {}, DEFAULT_TRUST);
  const problem = trustProblem(settings);
  if (problem !== null) errors.push(errorAt(merged, ['trust', 'levels'], problem));
  return settings;
}

function checkExecutorNames(merged: Merged): CharterError[] {
  const names = Object.keys(merged.sections.executors ?? {});
  const known = new Set(names);
  let guesses = MOST_GUESSES;
  return merged.actions.flatMap(({ setting, placeOf }) => {
    if (setting.executor === undefined || known.has(setting.executor)) return [];
    const { place, path } = placeOf('executor');
    const near = guesses > 0 ? names : [];
    guesses -= 1;
    const message = `There is no executor ${setting.executor}.${didYouMean(setting.executor, near, 'Declare it under executors.')}`;
    return [{ ...place, pointer: renderPath(path), message }];
  });
}

/** Whoever is named as an approver must be able to exist, or what waits for them waits for ever. */
function checkApproverRoles(merged: Merged, known: readonly string[]): CharterError[] {
  const problem = (role: string): string | null => approverProblem(role, known);
  const ofRules = merged.rules.flatMap((rule) =>
    (rule.settings.approvers ?? []).flatMap((role, index) => {
      const message = problem(role);
      const path = [...rule.path, 'approvers', index];
      return message === null ? [] : [{ ...rule.yaml.placeOf(path), pointer: renderPath(path), message }];
    }),
  );
  const ofTiers = Object.entries(merged.tiers).flatMap(([tier, settings]) =>
    (settings.approvers ?? []).flatMap((role, index) => {
      const message = problem(role);
      return message === null ? [] : [errorAt(merged, ['tiers', tier, 'approvers', index], message)];
    }),
  );
  const ofSteps = merged.rules.flatMap((rule) =>
    stepProblems([...rule.path, 'escalate'], rule.settings.escalate, problem).map(({ path, message }) => ({
      ...rule.yaml.placeOf(path),
      pointer: renderPath(path),
      message,
    })),
  );
  const ofTierSteps = Object.entries(merged.tiers).flatMap(([tier, settings]) =>
    stepProblems(['tiers', tier, 'escalate'], settings.escalate, problem).map(({ path, message }) =>
      errorAt(merged, path, message),
    ),
  );
  return [...ofRules, ...ofTiers, ...ofSteps, ...ofTierSteps];
}

function approverProblem(role: string, known: readonly string[]): string | null {
  const approvers = known.filter((each) => !NO_APPROVERS.includes(each));
  if (NO_APPROVERS.includes(role))
    return `The role ${role} approves nothing. Name one of ${approvers.join(', ')}.`;
  return approvers.includes(role)
    ? null
    : `The role ${role} is unknown.${didYouMean(role, approvers, 'Declare it under roles.')}`;
}

function checkRoles(merged: Merged, known: readonly string[]): CharterError[] {
  const message = (role: string): string =>
    `The role ${role} is unknown.${didYouMean(role, known, 'Declare it under roles.')}`;
  const ofUsers = Object.entries(merged.sections.users ?? {}).flatMap(([user, { roles = [] }]) =>
    roles.flatMap((role, index) =>
      known.includes(role) ? [] : [errorAt(merged, ['users', user, 'roles', index], message(role))],
    ),
  );
  const ofRules = merged.rules.flatMap((rule) =>
    (rule.selectors.role ?? []).flatMap((role) => {
      const path = [...rule.path, 'role'];
      return known.includes(role)
        ? []
        : [{ ...rule.yaml.placeOf(path), pointer: renderPath(path), message: message(role) }];
    }),
  );
  return [...ofUsers, ...ofRules];
}

function didYouMean(name: string, known: readonly string[], otherwise: string): string {
  const guess = nearest(name, known);
  return guess === null ? ` ${otherwise}` : ` Did you mean ${guess}?`;
}

function microUsdOrNull(usd: number | undefined): number | null {
  return usd === undefined ? null : microUsd(usd);
}

function mapValues<T, U>(
  map: Readonly<Record<string, T>> | undefined,
  change: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, change(value)]));
}
