// What people do to a run while it is under way. Each is one change of its row with its entry in the journal; the workers
// find out from there.
import { readInstance } from '@mandate/kernel';
import type { JsonObject, Plan } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import { askedAlsoBy, askersOf } from '../../platform/identity/asker.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { missing, refused } from './answers.ts';
import type { Refused, RunAnswer } from './answers.ts';
import { openRoles, overreach } from './authority.ts';
import type { Carried } from './carried.ts';
import type { Road } from './road.ts';
import { lockRun, reseal, stepsWithin, supersede } from './run-lock.ts';
import type { LockedStep } from './run-lock.ts';
import { findRun, moveRun } from './store.ts';
import type { RunRow, RunStatus } from './store.ts';

export interface Steering {
  pause(asker: Asker, id: string, reason: string): Promise<RunAnswer>;
  resume(asker: Asker, id: string, reason: string): Promise<RunAnswer>;
  cancel(asker: Asker, id: string, reason: string): Promise<RunAnswer>;
  /** Does a step again, and whatever comes after it; without one, whatever failed. */
  retry(asker: Asker, id: string, from: string | null): Promise<RunAnswer>;
}

export interface SteeringNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly road: Pick<Road, 'standsNow'>;
  readonly planOf: (tenant: string, version: string) => Promise<Plan | null>;
  readonly open: (run: RunRow) => Promise<Carried>;
  readonly seal: (tenant: string, value: unknown, place: string) => Promise<Uint8Array>;
  readonly agentOf: (tenant: string, role: string) => Promise<string | null>;
  readonly writeEntry: WriteEntry;
  /** The run is to be looked at now, wherever it is. */
  readonly stirred: (id: string) => void;
}

export function createSteering(needs: SteeringNeeds): Steering {
  const { store, clock } = needs;

  interface Change {
    readonly from: readonly RunStatus[];
    readonly to: RunStatus;
    readonly entry: string;
    readonly data: JsonObject;
    /** `always`: whoever does this answers for the run from now on; `orphaned`: where nobody else can any more. */
    readonly takesOver: 'never' | 'orphaned' | 'always';
    /** What is to be done again, of the steps as they stand while nothing can begin. */
    readonly again?: (steps: readonly LockedStep[]) => Again | Refused;
  }

  async function change(asker: Asker, id: string, wanted: Change): Promise<RunAnswer> {
    const { tenant } = asker;
    const run = await findRun(store, tenant, id);
    if (run === null) return missing(id);
    const [carried, plan] = await Promise.all([needs.open(run), needs.planOf(tenant, run.version)]);
    const agentsByRole = new Map(
      await Promise.all(
        openRoles(plan, carried).map(async (role) => [role, await needs.agentOf(tenant, role)] as const),
      ),
    );
    const takesOver =
      wanted.takesOver === 'always' ||
      (wanted.takesOver === 'orphaned' && !(await needs.road.standsNow(carried.asker)));
    // The steps stay what others wrote and set going: taking a run over makes none of them somebody who only looks on.
    const heir: Carried = { ...carried, asker: askedAlsoBy(asker, askersOf(carried.asker)) };
    const sealed = takesOver ? await needs.seal(tenant, heir, `workflow:${id}`) : null;
    const refusal = await store.withTenant(tenant, async (tx) => {
      const { from, to, entry, data } = wanted;
      const now = await lockRun(tx, tenant, id);
      if (now === null) return missing(id);
      const steps = await stepsWithin(tx, tenant, id);
      const beyond = overreach(asker, { plan, carried, steps, agentsByRole });
      if (beyond !== null) return refused('forbidden', beyond);
      // Somebody else has taken it over meanwhile: what was looked at above is theirs.
      if (!Buffer.from(now.sealed).equals(Buffer.from(run.sealed)))
        return refused('conflict', `The run ${id} has just been changed by somebody else; look at it again.`);
      const again = wanted.again?.(steps) ?? null;
      if (again?.kind === 'refused') return again;
      const nowMs = clock.nowMs();
      if (!(await moveRun(tx, tenant, { id, from, to, nowMs })))
        return refused(
          'conflict',
          `The run ${id} is ${now.status}; this takes one that is ${from.join(' or ')}.`,
        );
      if (again !== null) await supersede(tx, tenant, id, again.instances);
      if (sealed !== null) await reseal(tx, tenant, { id, sealed });
      await needs.writeEntry(tx, tenant, {
        kind: entry,
        actId: id,
        actor: asker.id,
        atMs: nowMs,
        traceId: asker.traceId,
        data: {
          ...data,
          ...(again === null ? {} : { from: [...again.roots] }),
          ...(sealed === null || asker.id === carried.asker.id ? {} : { onAuthorityOf: asker.id }),
        },
      });
      return null;
    });
    if (refusal !== null) return refusal;
    needs.stirred(id);
    return found(tenant, id);
  }

  async function found(tenant: string, id: string): Promise<RunAnswer> {
    const run = await findRun(store, tenant, id);
    return run === null ? missing(id) : { kind: 'run', run };
  }

  return {
    pause: (asker, id, reason) =>
      change(asker, id, {
        from: ['running'],
        to: 'paused',
        entry: 'workflow.paused',
        data: { reason },
        takesOver: 'never',
      }),
    resume: (asker, id, reason) =>
      change(asker, id, {
        from: ['paused'],
        to: 'running',
        entry: 'workflow.resumed',
        data: { reason },
        takesOver: 'orphaned',
      }),
    cancel: (asker, id, reason) =>
      change(asker, id, {
        from: ['running', 'paused'],
        to: 'cancelling',
        entry: 'workflow.cancelling',
        data: { reason },
        takesOver: 'orphaned',
      }),
    async retry(asker, id, from) {
      const run = await findRun(store, asker.tenant, id);
      if (run === null) return missing(id);
      const plan = await needs.planOf(asker.tenant, run.version);
      if (plan === null)
        return refused(
          'unavailable',
          `The template of the run ${id} cannot be read by this version any more.`,
        );
      return change(asker, id, {
        from: ['failed', 'running', 'paused'],
        to: 'running',
        entry: 'workflow.retried',
        data: {},
        takesOver: 'always',
        again: (steps) => doneAgain(id, { plan, steps, from }),
      });
    },
  };
}

interface Again {
  readonly kind: 'again';
  readonly roots: readonly string[];
  readonly instances: readonly string[];
}

function doneAgain(
  id: string,
  {
    plan,
    steps,
    from,
  }: { readonly plan: Plan; readonly steps: readonly LockedStep[]; readonly from: string | null },
): Again | Refused {
  const roots = from === null ? failedSteps(steps) : [from];
  const [root] = roots;
  if (root === undefined)
    return refused(
      'conflict',
      `Nothing of the run ${id} has failed; name the step from which it is to be done again.`,
    );
  if (!plan.steps.some(({ setting }) => setting.id === root))
    return refused(
      'invalid',
      `The template has no step ${root}. Its steps: ${plan.steps.map(({ setting }) => setting.id).join(', ')}.`,
    );
  const again = downstream(plan, roots);
  const live = steps.find((step) => again.has(readInstance(step.instance).step) && isLive(step));
  if (live !== undefined)
    return refused(
      'conflict',
      `The step ${live.instance} is still ${live.act_status ?? ''}. Wait for it, or cancel the act ${live.act_id ?? ''} first.`,
    );
  const instances = steps.flatMap(({ instance }) =>
    again.has(readInstance(instance).step) ? [instance] : [],
  );
  return { kind: 'again', roots, instances };
}

function isLive({ status, superseded, act_status }: LockedStep): boolean {
  return (
    !superseded &&
    status === null &&
    (act_status === 'executing' || act_status === 'waiting_for_approval' || act_status === 'permitted')
  );
}

/** What failed, or nobody knows the end of; where a list failed, the step that it belongs to. */
function failedSteps(steps: readonly LockedStep[]): readonly string[] {
  const bad = steps.filter(
    ({ status, superseded, act_status, instance }) =>
      !superseded &&
      !instance.startsWith('~') &&
      (status === 'failed' ||
        (status === null &&
          ['failed', 'unknown', 'denied', 'expired', 'cancelled', 'recorded'].includes(act_status ?? ''))),
  );
  return [...new Set(bad.map(({ instance }) => readInstance(instance).step))];
}

function downstream(plan: Plan, roots: readonly string[]): ReadonlySet<string> {
  const again = new Set(roots);
  // In the order of the plan every step comes after all it needs.
  for (const { setting } of plan.steps)
    if (setting.needs.some((need) => again.has(need))) again.add(setting.id);
  return again;
}
