// How a run begins: its template is found, its inputs are checked, and one row with what it is about, sealed, is all that
// has to be written.
import type { JsonObject, Plan, ScheduleSetting } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import { askedAlsoBy } from '../../platform/identity/asker.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { missing, refused } from './answers.ts';
import type { Refused, RunAnswer } from './answers.ts';
import type { Carried } from './carried.ts';
import { checkInputs } from './inputs.ts';
import { findRun, findStarted, findTemplate, insertRun, moveRun } from './store.ts';
import type { TemplateRow } from './store.ts';

/** `template`: a name, for its current version, or `name@version`. */
export type StartOrder = Pick<ScheduleSetting, 'template' | 'input' | 'agents'>;

export type Idempotency = { readonly key: string; readonly digest: string } | null;

export interface Prepared {
  readonly kind: 'prepared';
  readonly row: TemplateRow;
  readonly plan: Plan;
  readonly inputs: JsonObject;
}

export interface Starting {
  prepared(asker: Asker, order: StartOrder): Promise<Prepared | Refused>;
  /** The same key and order give the same run, never a second one. */
  started(asker: Asker, order: StartOrder, idempotency: Idempotency): Promise<RunAnswer>;
  beginTick(asker: Asker, schedule: ScheduleSetting, tickMs: number): Promise<void>;
}

export interface StartingNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly seal: (tenant: string, value: unknown, place: string) => Promise<Uint8Array>;
  readonly planOf: (tenant: string, version: string) => Promise<Plan | null>;
  readonly agentOf: (tenant: string, role: string) => Promise<string | null>;
  readonly writeEntry: WriteEntry;
  /** A run is due right now. */
  readonly kick: () => void;
}

export function createStarting(needs: StartingNeeds): Starting {
  const { store, clock, chance, planOf } = needs;

  async function prepared(asker: Asker, order: StartOrder): Promise<Prepared | Refused> {
    const [name = '', version = null] = order.template.split('@');
    const row = await findTemplate(store, asker.tenant, { name, version });
    if (row === null)
      return refused(
        'not_found',
        `There is no workflow template ${order.template}. Write one with POST /api/v1/workflow-templates.`,
      );
    const plan = await planOf(asker.tenant, row.version);
    if (plan === null)
      return refused(
        'unavailable',
        `The template ${order.template} cannot be read by this version any more; write it again.`,
      );
    const inputs = checkInputs(plan.template, order.input);
    if (inputs.kind === 'wrong') return refused('invalid', inputs.detail);
    const unknown = rolesWithout(plan, order.agents);
    for (const role of unknown)
      if ((await needs.agentOf(asker.tenant, role)) === null)
        return refused(
          'invalid',
          `Nobody has the role ${role}. Send agents: { "${role}": "NAME" }, or give an agent of the charter this class.`,
        );
    return { kind: 'prepared', row, plan, inputs: inputs.inputs };
  }

  interface Begun {
    readonly id: string;
    readonly template: string;
    readonly version: string;
    readonly carried: Carried;
    readonly tick: { readonly schedule: string; readonly ms: number } | null;
    readonly idempotency: Idempotency;
    /** Why it has failed before it began; null where it begins. */
    readonly error: string | null;
  }

  async function put(
    asker: Asker,
    { id, template, version, carried, tick, idempotency, error }: Begun,
  ): Promise<void> {
    const nowMs = clock.nowMs();
    const sealed = await needs.seal(asker.tenant, carried, `workflow:${id}`);
    await store.withTenant(asker.tenant, async (tx) => {
      const isNew = await insertRun(tx, asker.tenant, {
        id,
        template,
        version,
        started_by: asker.id,
        sealed,
        schedule: tick?.schedule ?? null,
        tickMs: tick?.ms ?? null,
        idempotency,
        trace_id: asker.traceId,
        nowMs,
      });
      if (!isNew) return;
      if (error !== null)
        await moveRun(tx, asker.tenant, { id, from: ['running'], to: 'failed', nowMs, error });
      await needs.writeEntry(tx, asker.tenant, {
        kind: error === null ? 'workflow.started' : 'workflow.failed',
        actId: id,
        actor: asker.id,
        atMs: nowMs,
        traceId: asker.traceId,
        data: {
          template,
          version,
          ...(tick === null ? {} : { schedule: tick.schedule, tick: new Date(tick.ms).toISOString() }),
          ...(error === null ? {} : { error }),
        },
      });
    });
  }

  async function started(asker: Asker, order: StartOrder, idempotency: Idempotency): Promise<RunAnswer> {
    const known = await repeated(asker, idempotency);
    if (known !== null) return known;
    const ready = await prepared(asker, order);
    if (ready.kind === 'refused') return ready;
    const { row, inputs } = ready;
    const id = chance.uuid();
    const carried: Carried = { asker: writtenBy(asker, row), inputs, agents: order.agents };
    await put(asker, {
      id,
      template: row.name,
      version: row.version,
      carried,
      tick: null,
      idempotency,
      error: null,
    });
    needs.kick();
    // Of two with one key that came at the same time, one has begun.
    const run = await findRun(store, asker.tenant, id);
    return run === null ? ((await repeated(asker, idempotency)) ?? missing(id)) : { kind: 'run', run };
  }

  async function repeated(asker: Asker, idempotency: Idempotency): Promise<RunAnswer | null> {
    if (idempotency === null) return null;
    const known = await findStarted(store, asker.tenant, asker.id, idempotency.key);
    if (known === null) return null;
    if (known.start_digest !== idempotency.digest)
      return refused('idempotency_mismatch', 'This Idempotency-Key was used to start another run.');
    const run = await findRun(store, asker.tenant, known.id);
    return run === null ? missing(known.id) : { kind: 'run', run };
  }

  /** A tick that cannot begin is on record as a run that has failed: whoever waits for it must find out why. */
  async function beginTick(asker: Asker, schedule: ScheduleSetting, tickMs: number): Promise<void> {
    const ready = await prepared(asker, schedule);
    const isReady = ready.kind === 'prepared';
    await put(asker, {
      id: chance.uuid(),
      template: isReady ? ready.row.name : schedule.template,
      version: isReady ? ready.row.version : '',
      carried: {
        asker: isReady ? writtenBy(asker, ready.row) : asker,
        inputs: isReady ? ready.inputs : schedule.input,
        agents: schedule.agents,
      },
      tick: { schedule: schedule.name, ms: tickMs },
      idempotency: null,
      error: isReady ? null : ready.refusal.detail,
    });
    if (isReady) needs.kick();
  }

  return { prepared, started, beginTick };
}

/** Whoever wrote what a run does has asked for it as well, whoever or whatever starts it. */
function writtenBy(asker: Asker, row: TemplateRow): Asker {
  return askedAlsoBy(asker, [row.created_by]);
}

function rolesWithout(plan: Plan, agents: Readonly<Record<string, string>>): ReadonlySet<string> {
  return new Set(
    plan.steps.flatMap(({ setting: { does } }) =>
      // A role that is an expression is known only when its step begins.
      does.kind === 'action' &&
      does.role !== null &&
      !does.role.includes('${{') &&
      !Object.hasOwn(agents, does.role)
        ? [does.role]
        : [],
    ),
  );
}
