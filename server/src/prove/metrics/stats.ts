// The few numbers that a person wants first: what waits, what runs, what has been decided today.
import type { Stats } from '@mandate/kernel';
import { json, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Store } from '../../platform/postgres/store.ts';

const DAY_MS = 86_400_000;

export function createStats({
  store,
  clock,
}: {
  store: Store;
  clock: Clock;
}): (tenant: string) => Promise<Stats> {
  return (tenant) =>
    store.withTenant(tenant, async (tx) => {
      const nowMs = clock.nowMs();
      const day = new Date(Math.floor(nowMs / DAY_MS) * DAY_MS);
      const [row] = await tx<StatsRow[]>`
        with today as (select status, tier, coalesce(actual_cost_micro_usd, cost_micro_usd) as cost from mandate.act where tenant = ${tenant} and created_at >= ${day})
        select
          (select count(*)::integer from mandate.approval where tenant = ${tenant} and status = 'pending' and expires_at > ${new Date(nowMs)}) as pending,
          (select count(*)::integer from mandate.act where tenant = ${tenant} and status in ('executing', 'permitted')) as live,
          (select count(*)::integer from mandate.agent where tenant = ${tenant}) as agents,
          (select count(distinct scope)::integer from mandate.restriction where tenant = ${tenant} and kind = 'freeze' and lifted_at is null) as frozen,
          (select count(*)::integer from mandate.journal j where tenant = ${tenant} and kind in ('action.started', 'action.permitted') and data like '%"tier":"yellow"%'
             and exists (select 1 from mandate.digest where tenant = ${tenant})
             and (position is null or position > coalesce(
               (select min(from_position) from mandate.digest where tenant = ${tenant} and opened_at is not null),
               (select position from mandate.consumer where tenant = ${tenant} and name = 'notifications'), 0))) as digest,
          (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*)::integer as n from today group by status) s) as by_status,
          (select coalesce(jsonb_object_agg(tier, n), '{}') from (select tier, count(*)::integer as n from today group by tier) t) as by_tier,
          (select coalesce(sum(cost), 0)::double precision from today where status in ('success', 'failed', 'unknown', 'executing', 'permitted')) as cost`;
      if (row === undefined) throw new Error('the statistics gave no row');
      return {
        pendingApprovals: row.pending,
        pendingDigestEntries: row.digest,
        liveActs: row.live,
        agents: row.agents,
        frozenAgents: row.frozen,
        today: { byStatus: row.by_status, byTier: row.by_tier, costUsd: row.cost / 1_000_000 },
      };
    });
}

interface StatsRow {
  readonly pending: number;
  readonly live: number;
  readonly agents: number;
  readonly frozen: number;
  readonly digest: number;
  readonly by_status: Readonly<Record<string, number>>;
  readonly by_tier: Readonly<Record<string, number>>;
  readonly cost: number;
}

export function statsRoutes(statsOf: (tenant: string) => Promise<Stats>): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/stats',
      summary: 'What waits, what runs, what was decided today',
      permission: 'stats.read',
      answer: 'The numbers',
      handle: async ({ principal }) => json(await statsOf(principal.tenant)),
    }),
  ];
}
