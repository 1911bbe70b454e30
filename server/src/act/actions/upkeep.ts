// What must happen to acts although nobody asks: approved ones begin, overdue ones and those of dead workers become
// `unknown`, and approvals that nobody gave expire. Every process does it; each step has one winner in the database.
import type { TrustSettings } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Sql, Store } from '../../platform/postgres/store.ts';
import type { Act, WriteActEntry } from './act.ts';
import type { Actions } from './actions.ts';
import type { TakeOver } from './take-over.ts';

export interface Upkeep {
  /** Begins what has been approved. Answers how many acts were tried. */
  runApproved(): Promise<number>;
  /** Ends what nobody will end any more. */
  sweep(): Promise<{ readonly unknown: number; readonly expired: number }>;
  /** Deletes idempotency keys after 7 days and counters of windows long past. */
  prune(): Promise<void>;
}

export interface UpkeepNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly actions: Actions;
  readonly proceed: (act: Act) => Promise<unknown>;
  /** Runs a dead process's act again where that is safe. */
  readonly takeOver: TakeOver;
  readonly trustSettings: (tenant: string) => Promise<TrustSettings>;
  readonly failed: (error: unknown, what: string) => void;
  readonly writeEntry: WriteActEntry;
}

const BATCH = 100;
/** Past its deadline an executor is ended and its act ends with it; what is live for this much longer has lost its end. */
const OVERDUE_MS = 10_000;
const IDEMPOTENCY_MS = 7 * 86_400_000;
const COUNTER_MS = 3 * 86_400_000;

export function createUpkeep({
  store,
  clock,
  actions,
  proceed,
  takeOver,
  trustSettings,
  failed,
  writeEntry,
}: UpkeepNeeds): Upkeep {
  // Where each tenant's next turn begins. What may not begin yet (its agent is frozen, a limit is full) is passed by and
  // comes round again, so that a hundred such acts keep neither the others of their tenant nor other tenants waiting.
  let turns: Readonly<Record<string, string>> = {};

  /** One act that cannot be ended now must not keep the others from their end. */
  async function endLost(lost: LostAct): Promise<boolean> {
    try {
      return await giveUp(lost);
    } catch (error) {
      failed(error, `the lost act ${lost.id} could not be ended; it is tried again in a second`);
      return false;
    }
  }

  async function giveUp({ tenant, id, why }: LostAct): Promise<boolean> {
    const act = await actions.find(tenant, id);
    if (act === null || (await takeOver(act)) !== 'no') return false;
    const ended = await actions.end({
      act,
      ending: { kind: 'unknown', error: why },
      from: ['executing', 'permitted'],
      counts: false,
      by: 'mandate:upkeep',
      settings: await trustSettings(tenant),
      trust: null,
    });
    return ended.kind === 'ended';
  }

  return {
    async runApproved() {
      const waiting = await approvedActs(store.control, clock.nowMs(), turns);
      turns = nextTurns(waiting);
      await Promise.all(
        waiting.map(async ({ tenant, id }) => {
          try {
            const act = await actions.find(tenant, id);
            if (act?.status === 'waiting_for_approval') await proceed(act);
          } catch (error) {
            failed(error, `the approved act ${id} could not begin`);
          }
        }),
      );
      return waiting.length;
    },

    async sweep() {
      let unknown = 0;
      // A process that died may leave more than a batch; their agents' slots must not stay taken for as many passes.
      for (;;) {
        const lostActs = await lostActsOf(store.control, clock.nowMs());
        const ended = await Promise.all(lostActs.map(endLost));
        const count = ended.filter(Boolean).length;
        unknown += count;
        if (lostActs.length < BATCH || count === 0) break;
      }
      return { unknown, expired: await expire(store, clock.nowMs(), writeEntry) };
    },

    async prune() {
      const nowMs = clock.nowMs();
      const tenants = await store.control<
        { tenant: string }[]
      >`select tenant from mandate.tenant where tenant <> '*'`;
      for (const { tenant } of tenants) {
        await store.withTenant(tenant, async (tx) => {
          await tx`delete from mandate.idempotency where tenant = ${tenant} and created_at < ${new Date(nowMs - IDEMPOTENCY_MS)}`;
          await tx`delete from mandate.limit_use where tenant = ${tenant} and window_start < ${new Date(nowMs - COUNTER_MS)}`;
        });
      }
    },
  };
}

interface ApprovedAct {
  readonly tenant: string;
  readonly id: string;
}

/** Waiting acts that an approval alone begins (permits and repeats begin when somebody asks again), one of each tenant
 * after the other, each tenant's from where its turn begins. */
function approvedActs(
  control: Sql,
  nowMs: number,
  turns: Readonly<Record<string, string>>,
): Promise<readonly ApprovedAct[]> {
  return control<ApprovedAct[]>`
    select x.tenant, x.id from mandate.approval a join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
    where a.status = 'approved' and a.expires_at > ${new Date(nowMs)} and x.status = 'waiting_for_approval' and x.runs_on = 'approval'
      and (not ${jsonb(control, turns)}::jsonb ? x.tenant or x.id > (${jsonb(control, turns)}::jsonb ->> x.tenant)::uuid)
    order by row_number() over (partition by x.tenant order by x.id), random() limit ${BATCH}`;
}

/** After a full batch a tenant goes on behind its last one; whoever had none left in it begins again. */
function nextTurns(tried: readonly ApprovedAct[]): Readonly<Record<string, string>> {
  return tried.length < BATCH ? {} : Object.fromEntries(tried.map(({ tenant, id }) => [tenant, id]));
}

interface LostAct {
  readonly tenant: string;
  readonly id: string;
  readonly why: string;
}

function lostActsOf(control: Sql, nowMs: number): Promise<readonly LostAct[]> {
  return control<LostAct[]>`
    select a.tenant, a.id, case when a.deadline_at <= ${new Date(nowMs)} then 'No outcome was reported by its deadline; find out what happened before doing it again.'
      else 'The process that executed it died before its outcome was recorded; find out what happened before doing it again.' end as why
    from mandate.act a left join mandate.worker w on w.id = a.worker and w.lease_until > now()
    where a.status in ('executing', 'permitted')
      and ((a.deadline_at <= ${new Date(nowMs)} and (a.status = 'permitted' or w.id is null)) or (a.worker is not null and w.id is null)
        -- A worker that lives may be one that could not write the end of this act; the act must not be live for ever.
        or a.deadline_at <= ${new Date(nowMs - OVERDUE_MS)})
    limit ${BATCH}`;
}

async function expire(store: Store, nowMs: number, writeEntry: UpkeepNeeds['writeEntry']): Promise<number> {
  const due = await store.control<{ tenant: string; id: string }[]>`
    select tenant, id from mandate.approval where status in ('pending', 'approved') and act_id is not null and expires_at <= ${new Date(nowMs)} limit ${BATCH}`;
  let expired = 0;
  for (const { tenant, id } of due) {
    expired += await store.withTenant(tenant, async (tx) => {
      const [approval] = await tx<{ act_id: string | null }[]>`
        update mandate.approval set status = 'expired' where tenant = ${tenant} and id = ${id} and status in ('pending', 'approved') and expires_at <= ${new Date(nowMs)}
        returning act_id`;
      if (approval === undefined || approval.act_id === null) return 0;
      const [act] = await tx<{ agent: string; action: string; trace_id: string | null }[]>`
        update mandate.act set status = 'expired', ended_at = ${new Date(nowMs)}, error = 'Nobody approved it in time; ask again.'
        where tenant = ${tenant} and id = ${approval.act_id} and status = 'waiting_for_approval' returning agent, action, trace_id`;
      if (act === undefined) return 0;
      await writeEntry(tx, tenant, {
        kind: 'approval.expired',
        agent: act.agent,
        actId: approval.act_id,
        actor: 'mandate:upkeep',
        atMs: nowMs,
        traceId: act.trace_id,
        data: { approval: id, action: act.action },
      });
      return 1;
    });
  }
  return expired;
}
