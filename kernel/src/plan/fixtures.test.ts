// A plain step for the tests of plans: each names only what its test is about.
import type { StepSetting } from '../plan.ts';

export function step(id: string, more: Partial<StepSetting> = {}): StepSetting {
  return {
    id,
    does: doing({}),
    needs: [],
    when: null,
    forEach: null,
    retries: { max: 0, backoffMs: 100 },
    timeoutMs: null,
    compensate: null,
    outputs: {},
    ...more,
  };
}

export function doing(parameters: Readonly<Record<string, string>>, action = 'work.do'): StepSetting['does'] {
  return {
    kind: 'action',
    action,
    agent: 'a',
    role: null,
    parameters,
    context: {},
    resource: null,
    costMicroUsd: null,
  };
}
