// What the rest of the product tells Prometheus beside what its processes count themselves: everything here is shared by
// all processes and asked of the database at the scrape, in one statement and by indexes, however long the history is.
import { trustLevel } from '@mandate/kernel';
import type { Charter } from '@mandate/kernel';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { Detailed } from './command-metrics.ts';
import { countedElsewhere } from './governance-metrics.ts';
import type { MetricsText } from './governance-metrics.ts';

export interface ProductMetricsNeeds {
  readonly store: Store;
  readonly tenant: string;
  readonly prefix: string;
  readonly version: string;
  readonly nowMs: () => number;
  /** The charter in force with its version; null where it cannot be read. */
  readonly charterOf: () => Promise<{ readonly version: string; readonly charter: Charter } | null>;
  /** Everything that ever happened, of all actions. */
  readonly ever: () => Promise<Detailed>;
  readonly backlog: (tx: Tx) => Promise<{ readonly dirty: number; readonly closedMs: number | null }>;
  /** Whether the second source of metrics could be read when it was last tried; null where there is none. */
  readonly isCommandDbRead: () => boolean | null;
}

const DAY_MS = 86_400_000;
const USD = 1_000_000;

export function createProductMetrics(needs: ProductMetricsNeeds): MetricsText {
  const { store, tenant, prefix, nowMs } = needs;
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
    new Gauge({ name: `${prefix}_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    countedElsewhere(
      new Counter({ name: `${prefix}_${name}`, help, labelNames: [...labelNames], registers: [registry] }),
    );
  const build = gauge('build_info', '1 for the version that runs', ['version']);
  const charterInfo = gauge('charter_info', '1 for the charter in force', ['version']);
  const charterAge = gauge('charter_active_seconds', 'How long the charter has been in force');
  const agents = gauge('agents_registered', 'Agents by level of trust', ['level']);
  const trust = gauge('trust_score_average', 'Mean trust score of all agents, 0 to 100');
  const budgetUsed = gauge('budget_used_usd', 'Reserved and spent on this UTC day', ['scope']);
  const budgetLimit = gauge('budget_limit_usd', 'Ceiling of a UTC day', ['scope']);
  const restrictions = gauge('restrictions_standing', 'Restrictions in force, by kind', ['kind']);
  const runs = gauge('workflow_runs_open', 'Workflow runs that have not ended, by status', ['status']);
  const ended = counter('acts_ended_total', 'Acts that began and ended, by outcome', ['status']);
  const decided = counter('approvals_decided_total', 'Approvals of acts that people decided', ['decision']);
  const shown = shownGauges(gauge);

  function addCharter(
    { version, charter }: { readonly version: string; readonly charter: Charter },
    row: SharedRow,
  ): void {
    charterInfo.set({ version: version.slice(0, 12) }, 1);
    if (row.charter_at !== null) charterAge.set(Math.max(0, nowMs() - row.charter_at) / 1_000);
    const scores = row.scores ?? [];
    for (const level of ['probation', 'standard', 'trusted', 'autonomous'] as const)
      agents.set({ level }, scores.filter((score) => trustLevel(score, charter.trust) === level).length);
    const used = row.used ?? {};
    for (const [scope, ceiling] of ceilings(charter)) {
      budgetUsed.set({ scope }, (used[`usd/${scope}`] ?? 0) / USD);
      budgetLimit.set({ scope }, ceiling / USD);
    }
  }

  return {
    async text() {
      const at = nowMs();
      const [active, ever, { row, backlog }] = await Promise.all([
        needs.charterOf(),
        needs.ever(),
        store.withTenant(tenant, async (tx) => ({
          row: await readShared(tx, tenant, at),
          backlog: await needs.backlog(tx),
        })),
      ]);
      registry.resetMetrics();
      build.set({ version: needs.version }, 1);
      if (active !== null) addCharter(active, row);
      const scores = row.scores ?? [];
      if (scores.length > 0) trust.set(scores.reduce((sum, score) => sum + score, 0) / scores.length);
      for (const [kind, count] of Object.entries(row.restrictions ?? {})) restrictions.set({ kind }, count);
      for (const status of ['running', 'paused', 'cancelling']) runs.set({ status }, row.runs?.[status] ?? 0);
      ended({ status: 'success' }, ever.ended.succeeded);
      ended({ status: 'failed' }, ever.ended.failed);
      ended({ status: 'cancelled' }, ever.ended.cancelled);
      decided({ decision: 'approve' }, ever.commands.approved);
      decided({ decision: 'deny' }, ever.commands.rejected);
      shown.unknown.set(ever.ended.unknown);
      shown.dirty.set(backlog.dirty);
      if (backlog.closedMs !== null) shown.counted.set(Math.max(0, at - backlog.closedMs) / 1_000);
      const seconds = (since: number | null): number =>
        since === null ? 0 : Math.max(0, at - since) / 1_000;
      shown.oldestApproval.set(seconds(row.oldest_approval));
      shown.oldestAct.set(seconds(row.oldest_act));
      shown.lag.set(seconds(row.oldest_entry));
      shown.waiting.set(row.waiting);
      shown.permits.set(row.permits);
      shown.slots.set(row.slots);
      if (active?.charter.limits.concurrentAgents != null)
        shown.slotLimit.set(active.charter.limits.concurrentAgents);
      shown.due.set(row.due);
      shown.grants.set(row.grants);
      shown.keys.set(row.keys);
      shown.unread.set(needs.isCommandDbRead() === false ? 1 : 0);
      shown.revision.set(row.revision);
      shown.epoch.set(row.epoch);
      return registry.metrics();
    },
  };
}

function shownGauges(gauge: (name: string, help: string) => Gauge) {
  return {
    oldestApproval: gauge(
      'approvals_oldest_seconds',
      'Age of the oldest approval that waits for people; 0 for none',
    ),
    oldestAct: gauge(
      'acts_oldest_live_seconds',
      'How long the oldest act that has begun has not ended; 0 for none',
    ),
    waiting: gauge('acts_waiting', 'Acts that wait for an approval'),
    permits: gauge('permits_live', 'Permits that agents hold'),
    unknown: gauge('acts_unknown', 'Acts of which nobody knows how they ended'),
    slots: gauge('agent_slots_used', 'Agents at work, against the ceiling of agents at once'),
    slotLimit: gauge('agent_slots_limit', 'How many agents may be at work at once; absent without a ceiling'),
    due: gauge('workflow_runs_due', 'Workflow runs that wait for a worker'),
    lag: gauge('sequencer_lag_seconds', 'Age of the oldest journal entry without a position; 0 for none'),
    grants: gauge('grants_live', 'Consents, delegations and grants in force'),
    keys: gauge('api_keys_live', 'API keys that open something'),
    unread: gauge('command_db_unreadable', '1 while the command database cannot be read; 0 otherwise'),
    revision: gauge('revision', 'The revision that decisions are held against'),
    epoch: gauge('stop_epoch', 'How many stops there have been'),
    dirty: gauge('rollup_dirty_buckets', 'Minutes that are to be counted again'),
    counted: gauge('rollup_lag_seconds', 'How far back the acts are read one by one'),
  };
}

/** Ceilings that the charter names: of all, of single agents and of single users. */
function ceilings({ limits, agents, users }: Charter): readonly (readonly [string, number])[] {
  const named: [string, number | null][] = [
    ['tenant', limits.usdPerDayMicroUsd],
    ...Object.entries(agents).map(([id, { usdPerDayMicroUsd }]): [string, number | null] => [
      `agent:${id}`,
      usdPerDayMicroUsd,
    ]),
    ...Object.entries(users).map(([id, { usdPerDayMicroUsd }]): [string, number | null] => [
      `user:${id}`,
      usdPerDayMicroUsd ?? null,
    ]),
  ];
  return named.flatMap(([scope, ceiling]) => (ceiling === null ? [] : [[scope, ceiling] as const]));
}

interface SharedRow {
  readonly oldest_approval: number | null;
  readonly oldest_act: number | null;
  readonly oldest_entry: number | null;
  readonly waiting: number;
  readonly permits: number;
  readonly slots: number;
  readonly due: number;
  readonly grants: number;
  readonly keys: number;
  readonly revision: number;
  readonly epoch: number;
  readonly charter_at: number | null;
  readonly scores: readonly number[] | null;
  readonly used: Readonly<Record<string, number>> | null;
  readonly restrictions: Readonly<Record<string, number>> | null;
  readonly runs: Readonly<Record<string, number>> | null;
}

async function readShared(tx: Tx, tenant: string, nowMs: number): Promise<SharedRow> {
  const now = new Date(nowMs);
  const day = new Date(Math.floor(nowMs / DAY_MS) * DAY_MS);
  const [row] = await tx<SharedRow[]>`
    select
      (select min(created_at) from mandate.approval where tenant = ${tenant} and status = 'pending') as oldest_approval,
      (select min(started_at) from mandate.act where tenant = ${tenant} and status in ('executing', 'permitted')) as oldest_act,
      (select min(at) from mandate.journal where tenant = ${tenant} and position is null) as oldest_entry,
      (select count(*)::integer from mandate.act where tenant = ${tenant} and status = 'waiting_for_approval') as waiting,
      (select count(*)::integer from mandate.act where tenant = ${tenant} and status = 'permitted' and deadline_at > ${now}) as permits,
      (select count(*)::integer from mandate.slot where tenant = ${tenant} and agent is not null) as slots,
      (select count(*)::integer from mandate.workflow_run where tenant = ${tenant} and wake_at <= ${now} and not busy) as due,
      (select count(*)::integer from mandate.grants where tenant = ${tenant} and revoked_at is null and expires_at > ${now}) as grants,
      (select count(*)::integer from mandate.api_key where tenant = ${tenant} and revoked_at is null and (expires_at is null or expires_at > ${now})) as keys,
      (select coalesce(sum(revision), 0)::double precision from mandate.tenant where tenant in (${tenant}, '*')) as revision,
      (select coalesce(sum(epoch), 0)::double precision from mandate.tenant where tenant in (${tenant}, '*')) as epoch,
      (select activated_at from mandate.charter_active where tenant = ${tenant}) as charter_at,
      (select jsonb_agg(score) from mandate.agent where tenant = ${tenant}) as scores,
      (select jsonb_object_agg(key, used) from mandate.limit_use where tenant = ${tenant} and window_start = ${day} and starts_with(key, 'usd/')) as used,
      (select jsonb_object_agg(kind, n) from (select kind, count(*)::integer as n from mandate.restriction
        where tenant in (${tenant}, '*') and lifted_at is null and (until_at is null or until_at > ${now}) group by kind) r) as restrictions,
      (select jsonb_object_agg(status, n) from (select status, count(*)::integer as n from mandate.workflow_run
        where tenant = ${tenant} and ended_at is null group by status) w) as runs`;
  if (row === undefined) throw new Error('the shared figures gave no row');
  return row;
}
