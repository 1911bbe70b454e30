// The agents of a tenant: who has been seen, how far each is trusted and why, and freezing one by hand.
import type { TrustLevel, TrustState } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { iso } from '../../platform/clock/iso.ts';
import { stateOf } from './drift.ts';
import type { IdleAgent } from './drift.ts';
import { readTrustHistory } from './trust-history.ts';
import type { TrustPage, TrustQuery } from './trust-history.ts';

export interface AgentView {
  readonly id: string;
  readonly trustScore: number;
  readonly trustLevel: TrustLevel;
  readonly streak: number;
  readonly frozen: boolean;
  /** Why, and since when; null while it is not frozen. */
  readonly freeze: { readonly cause: string; readonly by: string; readonly since: string } | null;
  readonly liveActs: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly registeredAt: string;
}

export interface TrustMove {
  readonly at: string;
  readonly before: number;
  readonly after: number;
  readonly cause: string;
  readonly actId: string | null;
}

export interface FreezeOrder {
  readonly tenant: string;
  readonly agent: string;
  readonly reason: string;
  readonly by: string;
  readonly traceId: string | null;
}

/** `requested`: it binds every decision from now on, but a start that hangs may still have been on its way. */
export type Freezing = 'confirmed' | 'requested' | 'not_found';

export interface Agents {
  list(tenant: string): Promise<readonly AgentView[]>;
  find(tenant: string, id: string): Promise<(AgentView & { readonly history: readonly TrustMove[] }) | null>;
  /** How its trust came about, newest first; null for an agent that has never begun an act. */
  trustHistory(tenant: string, query: TrustQuery): Promise<TrustPage | null>;
  /** Freezing twice changes nothing, but confirms again. */
  freeze(order: FreezeOrder): Promise<Freezing>;
  /** How many freezes were lifted: of these, or (null) of all that stand. */
  unfreeze(order: FreezeOrder, only: readonly string[] | null): Promise<number>;
  /** The same in the caller's transaction. */
  unfreezeIn(tx: Tx, order: FreezeOrder, only: readonly string[] | null): Promise<number>;
  /** Ids of the freezes that stand, locked so that they cannot be lifted twice. */
  freezesIn(tx: Tx, tenant: string, agent: string): Promise<readonly string[]>;
}

export interface AgentsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Waits until no start of before is under way; false when hung sessions kept it from being sure. */
  readonly takeBarrier: (tenant: string) => Promise<boolean>;
  /** Where a stored state stands now: drifted, and under which name. */
  readonly standingOf: (
    tenant: string,
    state: TrustState,
  ) => Promise<{ readonly score: number; readonly level: TrustLevel }>;
  readonly writeEntry: WriteEntry;
}

export function createAgents({
  store,
  clock,
  chance,
  takeBarrier,
  standingOf,
  writeEntry,
}: AgentsNeeds): Agents {
  async function view(tenant: string, row: AgentRow): Promise<AgentView> {
    const { score, level } = await standingOf(tenant, stateOf(row));
    return {
      id: row.id,
      trustScore: score,
      trustLevel: level,
      streak: row.streak,
      frozen: row.freeze !== null,
      freeze: row.freeze,
      liveActs: row.live_acts,
      counts: row.counts ?? {},
      registeredAt: iso(row.registered_at),
    };
  }

  async function unfreezeIn(
    tx: Tx,
    { tenant, agent, reason, by, traceId }: FreezeOrder,
    only: readonly string[] | null,
  ): Promise<number> {
    const nowMs = clock.nowMs();
    const lifted = await tx`
      update mandate.restriction set lifted_at = ${new Date(nowMs)}, lifted_by = ${by}, lift_reason = ${reason}
      where tenant = ${tenant} and kind = 'freeze' and scope = ${`agent:${agent}`} and lifted_at is null
        ${only === null ? tx`` : tx`and id = any (${[...only]}::uuid[])`}`;
    if (lifted.count === 0) return 0;
    // A person has looked: the failures that froze it must not freeze it again at the next one.
    await tx`update mandate.agent set failures_in_row = 0, trust_version = trust_version + 1 where tenant = ${tenant} and id = ${agent}`;
    await tx`select mandate.raise_revision(${tenant})`;
    await writeEntry(tx, tenant, {
      kind: 'agent.unfrozen',
      agent,
      actor: by,
      atMs: nowMs,
      traceId,
      data: { reason },
    });
    return lifted.count;
  }

  return {
    async list(tenant) {
      const rows = await store.withTenant(tenant, (tx) => readAgents(tx, tenant, null));
      return Promise.all(rows.map((row) => view(tenant, row)));
    },

    async find(tenant, id) {
      const found = await store.withTenant(tenant, async (tx) => {
        const [row] = await readAgents(tx, tenant, id);
        return row === undefined ? null : { row, history: await readHistory(tx, tenant, id) };
      });
      return found === null ? null : { ...(await view(tenant, found.row)), history: found.history };
    },

    async trustHistory(tenant, query) {
      const isKnown = await store.withTenant(tenant, async (tx) => {
        const [known] =
          await tx`select 1 from mandate.agent where tenant = ${tenant} and id = ${query.agent}`;
        return known !== undefined;
      });
      return isKnown ? readTrustHistory(store, tenant, query) : null;
    },

    async freeze({ tenant, agent, reason, by, traceId }) {
      const isKnown = await store.withTenant(tenant, async (tx) => {
        const [known] =
          await tx`select 1 from mandate.agent where tenant = ${tenant} and id = ${agent} for update`;
        if (known === undefined) return false;
        const [standing] =
          await tx`select 1 from mandate.restriction where tenant = ${tenant} and kind = 'freeze' and scope = ${`agent:${agent}`} and lifted_at is null`;
        if (standing !== undefined) return true;
        const nowMs = clock.nowMs();
        await tx`
          insert into mandate.restriction (tenant, id, kind, scope, floor, cause, created_by, created_at)
          values (${tenant}, ${chance.uuid()}, 'freeze', ${`agent:${agent}`}, 'red', ${reason}, ${by}, ${new Date(nowMs)})`;
        await tx`select mandate.raise_revision(${tenant})`;
        await writeEntry(tx, tenant, {
          kind: 'agent.frozen',
          agent,
          actor: by,
          atMs: nowMs,
          traceId,
          data: { cause: reason },
        });
        return true;
      });
      if (!isKnown) return 'not_found';
      // A start that had read the revision before may still be on its way; once the barrier was ours alone, none is.
      return (await takeBarrier(tenant)) ? 'confirmed' : 'requested';
    },

    unfreeze: (order, only) => store.withTenant(order.tenant, (tx) => unfreezeIn(tx, order, only)),
    unfreezeIn,

    async freezesIn(tx, tenant, agent) {
      const rows = await tx<{ id: string }[]>`
        select id from mandate.restriction
        where tenant = ${tenant} and kind = 'freeze' and scope = ${`agent:${agent}`} and lifted_at is null order by id for update`;
      return rows.map(({ id }) => id);
    },
  };
}

interface AgentRow extends IdleAgent {
  readonly id: string;
  readonly live_acts: number;
  readonly registered_at: number;
  readonly counts: Readonly<Record<string, number>> | null;
  readonly freeze: { readonly cause: string; readonly by: string; readonly since: string } | null;
}

function readAgents(tx: Tx, tenant: string, id: string | null): Promise<readonly AgentRow[]> {
  return tx<AgentRow[]>`
    select a.id, a.score, a.streak, a.failures_in_row, a.gained_today, a.gained_day, a.moved_at, a.live_acts, a.registered_at,
      (select jsonb_object_agg(status, n) from (select status, count(*)::integer as n from mandate.act where tenant = a.tenant and agent = a.id group by status) c) as counts,
      (select jsonb_build_object('cause', cause, 'by', created_by, 'since', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        from mandate.restriction where tenant = a.tenant and kind = 'freeze' and scope = 'agent:' || a.id and lifted_at is null order by created_at limit 1) as freeze
    from mandate.agent a where a.tenant = ${tenant} ${id === null ? tx`` : tx`and a.id = ${id}`} order by a.id`;
}

const HISTORY = 100;

async function readHistory(tx: Tx, tenant: string, agent: string): Promise<readonly TrustMove[]> {
  const rows = await tx<{ at: number; act_id: string | null; data: string }[]>`
    select at, act_id, data from mandate.journal where tenant = ${tenant} and agent = ${agent} and kind = 'trust.moved' order by id desc limit ${HISTORY}`;
  return rows.map((row) => {
    // Written by us as canonical JSON (actions.ts).
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    const data = JSON.parse(row.data) as { before: number; after: number; cause: string };
    return { at: iso(row.at), before: data.before, after: data.after, cause: data.cause, actId: row.act_id };
  });
}
