// Asking the road for one step and reading its answer. The key of the request is made of run, attempt and step, so that
// the same attempt asked for twice, by whatever worker, begins one act.
import { canonicalJson, redactText } from '@mandate/kernel';
import type { StepCall, StepState } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { lineField } from '../../platform/http/fields.ts';
import { IS_AGENT_NAME, isAgentName } from '../../platform/http/names.ts';
import type { Carried } from './carried.ts';
import { isPassing, stepKey } from './road.ts';
import type { Road, RoadAnswer, WantedStep } from './road.ts';
import { settledRow } from './settled-row.ts';
import type { RunRow, SettledRow } from './store.ts';

export interface StepToBegin {
  readonly run: RunRow;
  readonly carried: Carried;
  readonly call: StepCall;
  /** How it stood before. */
  readonly before: StepState | undefined;
  /** The act that it undoes. */
  readonly undone: string | null;
}

export type Begun =
  | {
      readonly kind: 'stands';
      readonly state: StepState;
      readonly actId: string | null;
      /** To be put on record; null where the act says it all. */
      readonly row: SettledRow | null;
    }
  /** The run has been paused, or somebody else has begun it: what is on record has to be read again. */
  | { readonly kind: 'look_again' };

export type BeginStep = (step: StepToBegin) => Promise<Begun>;

export interface BeginStepNeeds {
  readonly road: Road;
  readonly clock: Clock;
  /** Who has a role that the run itself gives to nobody. */
  readonly agentOf: (tenant: string, role: string) => Promise<string | null>;
}

/** The longest that what has been held back waits where nobody says that it may go on. */
const BLOCKED_MS = 30_000;
const LIMITED_MS = 60_000;
const BUSY_MS = 1_000;
const PAUSES: Readonly<Record<string, number>> = {
  limit_exceeded: LIMITED_MS,
  throttled: BUSY_MS,
  overloaded: BUSY_MS,
  unavailable: BUSY_MS,
  stale: BUSY_MS,
};

export function createBeginStep({ road, clock, agentOf }: BeginStepNeeds): BeginStep {
  return async (step) => {
    const { run, carried, call, before } = step;
    const agent = await agentFor(step);
    if (agent === null)
      return failed(
        step,
        `Nobody has the role ${call.role ?? ''}. Start the run with agents: { ${call.role ?? 'role'}: NAME }, or give an agent of the charter this class.`,
        null,
      );
    const odd = oddName(call, agent);
    if (odd !== null) return failed(step, odd, null);
    if (!(await road.stands(carried.asker)))
      return failed(
        step,
        `The key ${carried.asker.id} that started this run has been revoked or has expired.`,
        null,
      );
    const wanted = wantedOf(step, agent);
    // What was refused a moment ago leaves an act and an entry each time it is asked for: looked at first, asked for later.
    if (before?.kind === 'put_off') {
      const preview = await road.preview(carried.asker, { ...wanted, idempotency: null });
      const code = preview.kind === 'refused' ? preview.refusal.code : preview.decision.code;
      if (isPassing(code)) return putOff(step, code, null);
    }
    if (!(await road.executes(run.tenant, call.action))) return offered(step, agent);
    try {
      return read(step, await road.request(carried.asker, wanted));
    } catch (error) {
      if (codeOf(error) === 'MD020' || codeOf(error) === 'MD021') return { kind: 'look_again' };
      throw error;
    }
  };

  async function agentFor({ run, carried, call }: StepToBegin): Promise<string | null> {
    if (call.agent !== null) return call.agent;
    const role = call.role ?? '';
    return Object.hasOwn(carried.agents, role) ? (carried.agents[role] ?? null) : agentOf(run.tenant, role);
  }

  function read(step: StepToBegin, answer: RoadAnswer): Begun {
    const { call, run } = step;
    const { attempt, instance } = call;
    if (answer.kind === 'refused') {
      const { code, detail } = answer.refusal;
      if (code === 'in_flight') return { kind: 'look_again' };
      if (isPassing(code)) return putOff(step, code, answer.refusal.retryAfterMs ?? null);
      return failed(step, detail, answer.actId);
    }
    const { view } = answer;
    const nowMs = clock.nowMs();
    const begun = (awaiting: 'run' | 'approval' | 'agent' | 'person'): Begun => ({
      kind: 'stands',
      state: { kind: 'begun', attempt, sinceMs: nowMs, awaiting },
      actId: view.id,
      row: null,
    });
    switch (view.status) {
      case 'success': {
        const result = view.result ?? null;
        const row = {
          ...settledRow(run, { kind: 'succeeded', instance, attempt, result: null }),
          actId: view.id,
        };
        return {
          kind: 'stands',
          state: { kind: 'succeeded', attempt, endedMs: nowMs, result },
          actId: view.id,
          row,
        };
      }
      case 'waiting_for_approval':
        return begun('approval');
      case 'permitted':
        return begun('agent');
      case 'executing':
        return begun('run');
      case 'unknown':
      case 'cancelled':
        return begun('person');
      case 'failed': {
        const tries = step.before?.kind === 'failed' ? step.before.tries + 1 : 1;
        const error = redactText(view.error ?? 'failed');
        const row = {
          ...settledRow(run, { kind: 'failed', instance, attempt, error }),
          isFinal: false,
          actId: view.id,
        };
        return {
          kind: 'stands',
          state: { kind: 'failed', attempt, tries, endedMs: nowMs, error, isFinal: false },
          actId: view.id,
          row,
        };
      }
      case 'recorded':
        return failed(step, 'The mode is DRY_RUN: it was decided and not done.', view.id);
      default:
        return failed(step, view.error ?? `The act ended as ${view.status}.`, view.id);
    }
  }

  function failed({ run, call }: StepToBegin, error: string, actId: string | null): Begun {
    const { instance, attempt } = call;
    const words = redactText(error);
    return {
      kind: 'stands',
      state: { kind: 'failed', attempt, tries: 1, endedMs: clock.nowMs(), error: words, isFinal: true },
      actId,
      row: { ...settledRow(run, { kind: 'failed', instance, attempt, error: words }), actId },
    };
  }

  function putOff({ run, call, before }: StepToBegin, code: string, retryAfterMs: number | null): Begun {
    const { instance, attempt } = call;
    const untilMs = clock.nowMs() + (retryAfterMs ?? PAUSES[code] ?? BLOCKED_MS);
    return {
      kind: 'stands',
      state: { kind: 'put_off', attempt, untilMs, why: 'blocked' },
      actId: null,
      row: {
        ...settledRow(run, { kind: 'timer', instance, attempt, untilMs }),
        why: code,
        // Told once: it is tried again until it is let through.
        data: before?.kind === 'put_off' ? null : canonicalJson({ step: instance, attempt, code }),
      },
    };
  }

  /** Nobody here executes it: its agent is to come and take it. */
  function offered({ run, call }: StepToBegin, agent: string): Begun {
    const { instance, attempt, action } = call;
    return {
      kind: 'stands',
      state: { kind: 'begun', attempt, sinceMs: clock.nowMs(), awaiting: 'agent' },
      actId: null,
      row: {
        ...settledRow(run, { kind: 'skipped', instance, attempt }),
        status: 'offered',
        why: agent,
        data: canonicalJson({ step: instance, attempt, agent, action }),
      },
    };
  }
}

/**
 * What an expression has made of a name that no door would let in, without repeating it: names stand in the clear in steps,
 * acts and entries, and what earlier steps gave is sealed.
 */
function oddName({ instance, resource }: StepCall, agent: string): string | null {
  if (!isAgentName(agent))
    return `What the step ${instance} names as its agent is not ${IS_AGENT_NAME}, or holds a token or a password. Look at the expression that makes it.`;
  if (resource === null) return null;
  for (const part of ['type', 'id'] as const) {
    const { error } = lineField.safeParse(resource[part]);
    if (error !== undefined)
      return `The ${part} of what the step ${instance} touches ${error.issues[0]?.message ?? 'does not fit'}. Look at the expression that makes it.`;
  }
  return null;
}

/** The request as the road takes it; the same for the same attempt, whoever makes it. */
export function wantedOf({ run, carried, call, undone }: StepToBegin, agent: string): WantedStep {
  const key = stepKey(run, call);
  return {
    agent,
    action: call.action,
    parameters: call.parameters,
    context: call.context,
    resource: call.resource,
    user: carried.asker.user === null ? null : { id: carried.asker.user.id },
    onBehalfOf: null,
    estimatedCostMicroUsd: call.costMicroUsd,
    idempotency: { key, digest: run.version, isNew: true },
    attach: false,
    compensates: undone,
    run: run.id,
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
