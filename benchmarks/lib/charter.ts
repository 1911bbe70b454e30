// A charter for the kernel from the shared policy, and the snapshot of an ordinary moment.
import { compileLaw } from '@mandate/kernel';
import type { Action, JsonObject, Law, Snapshot } from '@mandate/kernel';
import { charterOf, factsOf, ruleOf } from '../../test/plain.ts';
import type { PolicyRule } from './policy.ts';

/** The rules of a policy, and `code.write` with the exceptions that the shipped charter has. */
export function lawOf(policy: readonly PolicyRule[]): Law {
  const rules = policy.map(({ match, isAllowed, environment }) =>
    ruleOf(isAllowed ? 'green' : 'black', match, {
      final: false,
      when: environment === null ? null : `parameters.environment == '${environment}'`,
    }),
  );
  const paths = ['.env', 'secrets/**', '**/*.key', '**/*.pem'];
  const except = [{ tier: 'red', paths, when: null, origin: 'charter.yaml' } as const];
  const limits = { concurrentAgents: 150, usdPerDayMicroUsd: 100_000_000, actionsPerMinute: null };
  const compiled = compileLaw(
    charterOf([...rules, ruleOf('green', 'code.write', { except })], { limits }),
    'bench',
  );
  if (compiled.kind === 'law') return compiled.law;
  throw new Error(compiled.problems.map(({ message }) => message).join('\n'));
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
    ...factsOf({
      tenant: 'default',
      principal: { id: 'agent:builder-1', roles: ['agent'] },
      trust: {
        score: 61.5,
        streak: 3,
        failuresInRow: 0,
        gainedToday: 2,
        gainedDay: 20_777,
        movedMs: Date.UTC(2026, 10, 20, 11),
      },
      used: { 'usd/tenant': 12_000_000 },
    }),
  };
}
