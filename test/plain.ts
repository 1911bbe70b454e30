// A plain rule, charter, action and moment for tests and benchmarks: each names only what it is about, and what the law
// learns to ask for is added in one place.
import { DEFAULT_GUARDRAILS, DEFAULT_NOTIFY, DEFAULT_TRUST } from '@mandate/kernel';
import type { Action, ActionSetting, Charter, Facts, Rule, Tier } from '@mandate/kernel';

/** 2026-11-20T12:00:00Z, a Friday at noon. */
export const NOON_MS = 1_795_176_000_000;

export function ruleOf(tier: Tier, match: string, more: Partial<Rule> = {}): Rule {
  return {
    tier,
    match,
    selectors: {},
    when: null,
    except: [],
    final: tier === 'black',
    lift: true,
    requires: [],
    obligations: [],
    approvers: [],
    quorum: 1,
    expiresMs: null,
    fourEyes: false,
    enforcement: null,
    origin: `test:${match}`,
    ...more,
  };
}

export function settingOfAction(match: string, more: Partial<ActionSetting> = {}): ActionSetting {
  return {
    match,
    severity: null,
    executor: null,
    paths: [],
    branches: [],
    amounts: [],
    diff: null,
    compensate: null,
    safeState: false,
    idempotent: false,
    costMicroUsd: null,
    deadlineMs: null,
    origin: `test:actions:${match}`,
    ...more,
  };
}

export function charterOf(rules: readonly Rule[], more: Partial<Charter> = {}): Charter {
  return {
    enforcement: 'enforce',
    registration: 'open',
    environment: null,
    rules,
    actions: [],
    agents: {},
    executors: {},
    guardrails: DEFAULT_GUARDRAILS,
    trust: DEFAULT_TRUST,
    limits: { concurrentAgents: null, usdPerDayMicroUsd: null, actionsPerMinute: null },
    resources: {},
    users: {},
    notify: DEFAULT_NOTIFY,
    resume: { twoPersons: false },
    ...more,
  };
}

export function actionOf(action: string, more: Partial<Action> = {}): Action {
  return {
    agent: 'builder-1',
    action,
    parameters: {},
    context: {},
    resource: null,
    user: null,
    chain: [],
    onBehalfOf: null,
    costMicroUsd: null,
    ...more,
  };
}

/** A quiet moment: an agent that nobody knows yet, nothing restricted, nothing spent. */
export function factsOf(more: Partial<Facts> = {}): Facts {
  return {
    tenant: 'acme',
    nowMs: NOON_MS,
    revision: 7,
    mode: 'FULL',
    principal: { id: 'key-1', roles: ['agent'] },
    trust: null,
    userScopes: null,
    userRoles: [],
    grants: [],
    restrictions: [],
    used: {},
    approval: null,
    deployment: null,
    findings: [],
    ...more,
  };
}
