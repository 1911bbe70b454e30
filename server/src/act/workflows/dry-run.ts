// What a run would meet, before it begins: each step goes through the decision, and through nothing else. What earlier
// steps will give is not known yet, so a step that looks at it is judged with those parts left out, and says so.
import { nextSteps, readInstance } from '@mandate/kernel';
import type {
  Decision,
  Json,
  JsonObject,
  Memo,
  Plan,
  Settled,
  StepCall,
  StepSetting,
  StepState,
} from '@mandate/kernel';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Road } from './road.ts';

export interface DryStep {
  readonly step: string;
  readonly action: string | null;
  readonly agent: string | null;
  /** What would become of it: run, held, denied, wait (a timer), or not to be said. */
  readonly would: 'run' | 'hold' | 'deny' | 'throttle' | 'record' | 'wait' | 'skip' | 'unclear';
  readonly decision: Decision | null;
  /** Results that were taken for null, because the steps that give them have not run. */
  readonly assumes: readonly string[];
  readonly note: string | null;
}

export interface DryRunNeeds {
  readonly road: Pick<Road, 'preview'>;
  readonly agentOf: (tenant: string, role: string) => Promise<string | null>;
  readonly nowMs: number;
}

export interface DryRunOf {
  readonly asker: Asker;
  readonly plan: Plan;
  readonly inputs: JsonObject;
  readonly order: { readonly agents: Readonly<Record<string, string>> };
}

const WOULD = { execute: 'run', hold: 'hold', deny: 'deny', throttle: 'throttle', none: 'record' } as const;

/** What a person can read, and more than one look at the law takes. */
const MAX_SEEN = 1_000;

export async function dryRun(
  needs: DryRunNeeds,
  { asker, plan, inputs, order }: DryRunOf,
): Promise<readonly DryStep[]> {
  const states = new Map<string, StepState>();
  const seen: DryStep[] = [];
  const done = (instance: string, result: Json): void => {
    states.set(instance, { kind: 'succeeded', attempt: 1, endedMs: needs.nowMs, result });
  };
  const memo: Memo = new Map();
  for (;;) {
    const next = nextSteps(plan, { mode: 'running', nowMs: needs.nowMs, inputs, run: {}, states, memo });
    for (const settled of next.settle) {
      seen.push(await foresee(settled));
      // What cannot be said is passed by, so that the rest is looked at all the same.
      if (settled.kind === 'skipped' || (settled.kind === 'failed' && isList(settled.instance)))
        states.set(settled.instance, { kind: 'skipped' });
      else done(settled.instance, null);
    }
    for (const call of next.begin) {
      const { instance, action } = call;
      seen.push(await judge(instance, { ...call, action, note: null }));
      done(instance, null);
    }
    if (next.begin.length === 0 && next.settle.length === 0 && !next.more) return seen;
    if (seen.length >= MAX_SEEN) return [...seen, cutShort(seen.at(-1)?.step ?? '')];
    // A long list takes its time, and others wait for this thread.
    await new Promise((resolve) => void setImmediate(resolve));
  }

  function isList(instance: string): boolean {
    return settingOf(plan, instance)?.forEach !== null;
  }

  /** A step that cannot be put together without what earlier ones give is judged by its action and agent alone. */
  async function foresee(settled: Settled): Promise<DryStep> {
    const { instance } = settled;
    const does = settingOf(plan, instance)?.does;
    if (settled.kind !== 'failed' || does?.kind !== 'action')
      return {
        step: instance,
        action: null,
        agent: null,
        would: settled.kind === 'timer' ? 'wait' : settled.kind === 'skipped' ? 'skip' : 'unclear',
        decision: null,
        assumes: readsOf(plan, instance),
        note: settled.kind === 'failed' ? settled.error : null,
      };
    const { action, agent, role, costMicroUsd } = does;
    const note = `Judged without parameters, which are not known yet. ${settled.error}`;
    return judge(instance, {
      action,
      agent,
      role,
      parameters: {},
      context: {},
      resource: null,
      costMicroUsd,
      note,
    });
  }

  async function judge(
    step: string,
    {
      action,
      note,
      ...call
    }: Omit<StepCall, 'instance' | 'attempt' | 'undoes'> & { readonly note: string | null },
  ): Promise<DryStep> {
    const role = call.role ?? '';
    const agent = call.agent ?? order.agents[role] ?? (await needs.agentOf(asker.tenant, role));
    const preview = await needs.road.preview(asker, {
      agent: agent ?? '',
      action,
      parameters: call.parameters,
      context: call.context,
      resource: call.resource,
      user: asker.user === null ? null : { id: asker.user.id },
      onBehalfOf: null,
      estimatedCostMicroUsd: call.costMicroUsd,
      idempotency: null,
      attach: false,
      compensates: null,
      run: null,
    });
    return {
      step,
      action,
      agent,
      would: preview.kind === 'decision' ? WOULD[preview.decision.effect] : 'deny',
      decision: preview.kind === 'decision' ? preview.decision : null,
      assumes: readsOf(plan, step),
      note: preview.kind === 'refused' ? preview.refusal.detail : note,
    };
  }
}

function cutShort(step: string): DryStep {
  const note = `A dry run looks at ${MAX_SEEN} steps and elements of lists; what comes after ${step} is not judged here.`;
  return { step, action: null, agent: null, would: 'unclear', decision: null, assumes: [], note };
}

function settingOf(plan: Plan, instance: string): StepSetting | undefined {
  const { step } = readInstance(instance);
  return plan.steps.find(({ setting }) => setting.id === step)?.setting;
}

function readsOf(plan: Plan, instance: string): readonly string[] {
  const { step: id } = readInstance(instance);
  return [...(plan.steps.find(({ setting }) => setting.id === id)?.reads ?? [])];
}
