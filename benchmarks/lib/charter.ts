// A charter for the kernel from the shared policy, and the snapshot of an ordinary moment.
import { compileLaw, DEFAULT_GUARDRAILS, DEFAULT_NOTIFY, DEFAULT_TRUST } from '@mandate/kernel';
import type { Action, Charter, JsonObject, Law, Rule, Snapshot } from '@mandate/kernel';
import type { PolicyRule } from './policy.ts';

const RULE: Omit<Rule, 'tier' | 'match' | 'when' | 'origin'> = {
  selectors: {},
  except: [],
  final: false,
  lift: true,
  requires: [],
  obligations: [],
  approvers: [],
  quorum: 1,
  expiresMs: null,
  fourEyes: false,
  enforcement: null,
};

/** The rules of a policy, and `code.write` with the exceptions that the shipped charter has. */
export function lawOf(policy: readonly PolicyRule[]): Law {
  const rules = policy.map(({ match, isAllowed, environment }, i): Rule => ({
    ...RULE,
    match,
    tier: isAllowed ? 'green' : 'black',
    when: environment === null ? null : `parameters.environment == '${environment}'`,
    origin: `charter.yaml:${i + 1}:1 tiers`,
  }));
  const paths = ['.env', 'secrets/**', '**/*.key', '**/*.pem'];
  const except = [{ tier: 'red', paths, when: null, origin: 'charter.yaml' } as const];
  const compiled = compileLaw(
    charterOf([
      ...rules,
      { ...RULE, match: 'code.write', tier: 'green', when: null, except, origin: 'charter.yaml' },
    ]),
    'bench',
  );
  if (compiled.kind === 'law') return compiled.law;
  throw new Error(compiled.problems.map(({ message }) => message).join('\n'));
}

function charterOf(rules: readonly Rule[]): Charter {
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
    limits: { concurrentAgents: 150, usdPerDayMicroUsd: 100_000_000, actionsPerMinute: null },
    resources: {},
    users: {},
    notify: DEFAULT_NOTIFY,
    resume: { twoPersons: false },
  };
}

export function actionOf(action: string, parameters: JsonObject, agent = 'builder-1'): Action {
  return {
    agent,
    action,
    parameters,
    context: {},
    resource: null,
    user: null,
    chain: [],
    onBehalfOf: null,
    costMicroUsd: 1,
  };
}

export function snapshotOf(law: Law): Snapshot {
  return {
    law,
    tenant: 'default',
    nowMs: Date.UTC(2026, 10, 20, 12),
    revision: 7,
    mode: 'FULL',
    principal: { id: 'agent:builder-1', roles: ['agent'] },
    trust: {
      score: 61.5,
      streak: 3,
      failuresInRow: 0,
      gainedToday: 2,
      gainedDay: 20_777,
      movedMs: Date.UTC(2026, 10, 20, 11),
    },
    userScopes: null,
    userRoles: [],
    grants: [],
    restrictions: [],
    used: { 'usd/tenant': 12_000_000 },
    approval: null,
    deployment: null,
    findings: [],
  };
}
