// From merged files to the kernel's Charter: defaults filled in, units converted, names that point nowhere
// refused. After this nothing of YAML is left but the origins.
import { APPROVER_ROLES, DEFAULT_GUARDRAILS, DEFAULT_TRUST, nearest } from '@mandate/kernel';
import type {
  ActionSetting,
  Charter,
  GuardrailSettings,
  LimitSettings,
  NotifySettings,
  Rule,
  TrustSettings,
} from '@mandate/kernel';
import { renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import { readExecutor } from './executor.ts';
import { overlay } from './merge.ts';
import type { Merged } from './merge.ts';
import type { DraftRule } from './rules.ts';
import { durationMs, microUsd } from './units.ts';
import { findWarnings } from './warnings.ts';

export interface CharterData {
  readonly charter: Charter;
  readonly errors: readonly CharterError[];
  readonly warnings: readonly CharterError[];
}

/** Neither viewers nor operators nor machines approve. */
const NO_APPROVERS: readonly string[] = ['viewer', 'operator', 'agent', 'scrape'];
/** Roles that keys can carry. */
const SHIPPED_ROLES: readonly string[] = [...NO_APPROVERS, ...APPROVER_ROLES, 'admin'];
const DIGEST_MS = 30 * 60_000;

/** Builds the charter from the merged files and checks what only the whole can show. */
export function buildCharter(merged: Merged): CharterData {
  const { sections } = merged;
  const errors: CharterError[] = [];
  const roles = sections.roles ?? [];
  const known = [...SHIPPED_ROLES, ...roles];
  errors.push(
    ...checkRoles(merged, known),
    ...checkExecutorNames(merged),
    ...checkApproverRoles(merged, known),
  );
  const guardrails = readGuardrails(merged, errors);
  const trust = readTrust(merged, errors);
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
    trust,
    limits: readLimits(merged),
    resources: sections.resources ?? {},
    users: mapValues(sections.users, (it) => ({
      // Not written is not none: then the scopes of the key count as they are.
      scopes: it.scopes ?? null,
      roles: it.roles ?? [],
      usdPerDayMicroUsd: microUsdOrNull(it.usdPerDay),
    })),
    roles,
    notify: readNotify(merged),
    resume: { twoPersons: sections.resume?.twoPersons ?? false },
  };
  return { charter, errors, warnings: findWarnings(merged, charter, SHIPPED_ROLES) };
}

function errorAt(merged: Merged, path: Path, message: string): CharterError {
  return { ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message };
}

function finishRule(draft: DraftRule, merged: Merged): Rule {
  const settings = overlay(merged.tiers[draft.tier], draft.settings);
  return {
    tier: draft.tier,
    match: draft.match,
    selectors: draft.selectors,
    when: draft.when,
    except: draft.except,
    final: settings.final ?? draft.tier === 'black',
    lift: settings.lift ?? true,
    requires: settings.requires ?? [],
    obligations: settings.obligations ?? [],
    approvers: settings.approvers ?? [],
    quorum: settings.quorum ?? 1,
    expiresMs: settings.expiresMs ?? null,
    fourEyes: settings.fourEyes ?? false,
    enforcement: settings.enforcement ?? null,
    origin: draft.origin,
  };
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

function readNotify({ sections: { notify } }: Merged): NotifySettings {
  return {
    digestMs: notify?.digest === undefined ? DIGEST_MS : durationMs(notify.digest),
    quiet: notify?.quiet ?? null,
    to: notify?.to ?? [],
  };
}

function readGuardrails(merged: Merged, errors: CharterError[]): GuardrailSettings {
  const written = merged.sections.guardrails;
  const usd = (amount: number | undefined, byDefault: number): number =>
    amount === undefined ? byDefault : microUsd(amount);
  const guardrails: GuardrailSettings = {
    cost: {
      warningMicroUsd: usd(written?.cost?.warningUsd, DEFAULT_GUARDRAILS.cost.warningMicroUsd),
      errorMicroUsd: usd(written?.cost?.errorUsd, DEFAULT_GUARDRAILS.cost.errorMicroUsd),
      criticalMicroUsd: usd(written?.cost?.criticalUsd, DEFAULT_GUARDRAILS.cost.criticalMicroUsd),
    },
    secretLeak: written?.secretLeak ?? DEFAULT_GUARDRAILS.secretLeak,
    protectedPaths: written?.protectedPaths ?? DEFAULT_GUARDRAILS.protectedPaths,
    protectedBranches: written?.protectedBranches ?? DEFAULT_GUARDRAILS.protectedBranches,
    deploymentWindow: written?.deploymentWindow ?? DEFAULT_GUARDRAILS.deploymentWindow,
    diff: overlay(DEFAULT_GUARDRAILS.diff, written?.diff),
  };
  const { cost, diff } = guardrails;
  if (cost.warningMicroUsd > cost.errorMicroUsd || cost.errorMicroUsd > cost.criticalMicroUsd) {
    errors.push(
      errorAt(
        merged,
        ['guardrails', 'cost'],
        `The thresholds must ascend: warningUsd ${cost.warningMicroUsd / 1e6}, errorUsd ${cost.errorMicroUsd / 1e6}, criticalUsd ${cost.criticalMicroUsd / 1e6}. Correct their order.`,
      ),
    );
  }
  if (diff.warningLines > diff.errorLines) {
    errors.push(
      errorAt(
        merged,
        ['guardrails', 'diff'],
        `The thresholds must ascend: warningLines ${diff.warningLines}, errorLines ${diff.errorLines}. Correct their order.`,
      ),
    );
  }
  return guardrails;
}

function readTrust(merged: Merged, errors: CharterError[]): TrustSettings {
  const written = merged.sections.trust;
  const { levels: writtenLevels, success, failure, ...figures } = written ?? {};
  const levels = overlay(DEFAULT_TRUST.levels, writtenLevels);
  if (levels.standard >= levels.trusted || levels.trusted >= levels.autonomous) {
    errors.push(
      errorAt(
        merged,
        ['trust', 'levels'],
        `The levels must ascend: standard ${levels.standard}, trusted ${levels.trusted}, autonomous ${levels.autonomous}. Correct their order.`,
      ),
    );
  }
  return {
    ...overlay(DEFAULT_TRUST, figures),
    levels,
    success: overlay(DEFAULT_TRUST.success, success),
    failure: overlay(DEFAULT_TRUST.failure, failure),
  };
}

function checkExecutorNames(merged: Merged): CharterError[] {
  const names = Object.keys(merged.sections.executors ?? {});
  return merged.actions.flatMap(({ setting, placeOf }) => {
    if (setting.executor === undefined || names.includes(setting.executor)) return [];
    const { place, path } = placeOf('executor');
    const message = `There is no executor ${setting.executor}.${didYouMean(setting.executor, names, 'Declare it under executors.')}`;
    return [{ ...place, pointer: renderPath(path), message }];
  });
}

/** Whoever is named as an approver must be able to exist, or what waits for them waits for ever. */
function checkApproverRoles(merged: Merged, known: readonly string[]): CharterError[] {
  const approvers = known.filter((role) => !NO_APPROVERS.includes(role));
  const problem = (role: string): string | null => {
    if (NO_APPROVERS.includes(role))
      return `The role ${role} approves nothing. Name one of ${approvers.join(', ')}.`;
    return approvers.includes(role)
      ? null
      : `The role ${role} is unknown.${didYouMean(role, approvers, 'Declare it under roles.')}`;
  };
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
  return [...ofRules, ...ofTiers];
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
