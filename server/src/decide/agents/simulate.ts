// Other trust settings, tried out on what is on record: who would stand where, and whose level and freezes would differ.
// Nothing is changed.
import { beginReplay, driftTrust, endReplay, newTrust, replayOutcome, trustLevel } from '@mandate/kernel';
import type { Severity, TrustLevel, TrustOutcome, TrustReplay, TrustSettings } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { iso } from '../../platform/clock/iso.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { stateOf } from './drift.ts';
import type { IdleAgent } from './drift.ts';

export interface TrustStanding {
  readonly score: number;
  readonly level: TrustLevel;
  readonly frozen: boolean;
  /** Times that the agent was frozen for its outcomes in the period. */
  readonly freezes: number;
}

export interface SimulatedAgent {
  readonly agent: string;
  /** How many outcomes were replayed. */
  readonly outcomes: number;
  /** As it is on record. */
  readonly recorded: TrustStanding;
  /** As it would be. */
  readonly simulated: TrustStanding & {
    readonly freezeCauses: readonly { readonly at: string; readonly cause: string }[];
    /** Outcomes on record that would not have come about, because the agent would have been frozen by then. */
    readonly outcomesWhileFrozen: number;
  };
  /** What would differ: `level`, `freezes`, `score` (by a point or more), several or nothing. */
  readonly differs: readonly ('level' | 'freezes' | 'score')[];
}

export interface TrustSimulation {
  readonly from: string;
  readonly to: string;
  readonly outcomes: number;
  /** Those that would differ first, then by name. */
  readonly agents: readonly SimulatedAgent[];
  readonly settings: TrustSettings;
}

export interface SimulateNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly settingsOf: (tenant: string) => Promise<TrustSettings>;
}

export interface SimulateQuestion {
  readonly settings: TrustSettings;
  readonly fromMs: number;
  /** Until now unless given. */
  readonly toMs: number | null;
}

/** Streaks and allowances of before the period are found out from this long before it. */
const WARM_UP_MS = 7 * 86_400_000;
const PAGE = 5_000;
/** Less than a point is the drift of the time between two looks, and nothing that somebody changed. */
const POINT = 1;

export function createSimulate({ store, clock, settingsOf }: SimulateNeeds) {
  return async (tenant: string, { settings, fromMs, toMs }: SimulateQuestion): Promise<TrustSimulation> => {
    const current = await settingsOf(tenant);
    // What has just ended is part of what is asked for.
    const untilMs = toMs ?? clock.nowMs() + 1;
    const agents = await store.withTenant(tenant, (tx) => readAgents(tx, tenant, { fromMs, untilMs }));
    const byId = new Map(agents.map((agent) => [agent.id, agent]));
    const warm = new Map<string, TrustReplay>();
    const replays = new Map<string, TrustReplay>();
    const freezes = createFreezeCount(fromMs);
    let outcomes = 0;
    for await (const { agent: id, outcome } of outcomesOf(store, tenant, fromMs - WARM_UP_MS, untilMs)) {
      const agent = byId.get(id);
      if (agent === undefined) continue;
      freezes.note(id, outcome);
      if (outcome.kind === 'frozen') continue;
      if (outcome.atMs < fromMs) {
        const before = warm.get(id) ?? beginReplay(newTrust(current, agent.registered_at));
        warm.set(id, replayOutcome(before, outcome, current));
        continue;
      }
      const replay = replays.get(id) ?? begin(agent, warm.get(id), { settings, fromMs });
      replays.set(id, replayOutcome(replay, outcome, settings));
      if (outcome.kind !== 'unfrozen') outcomes += 1;
    }
    const simulated = agents.map((agent) => {
      const replay = replays.get(agent.id) ?? begin(agent, warm.get(agent.id), { settings, fromMs });
      return standing(agent, endReplay(replay, untilMs, settings), {
        settings,
        current,
        untilMs,
        freezes: freezes.of(agent.id),
        isNow: toMs === null,
      });
    });
    return {
      from: iso(fromMs),
      to: iso(untilMs),
      outcomes,
      agents: simulated.toSorted(byDifference),
      settings,
    };
  };
}

export type Simulate = ReturnType<typeof createSimulate>;

interface AgentRow extends IdleAgent {
  readonly id: string;
  readonly registered_at: number;
  readonly is_frozen: boolean;
  /** On record when the period began and ended; null where nothing moved before. */
  readonly score_from: number | null;
  readonly moved_from: number | null;
  readonly score_until: number | null;
  /** Before the first move within the period. */
  readonly score_first: number | null;
}

interface Period {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Whoever registered within the period begins at the new start; the others keep the score they had, with the streak of their last days. */
function begin(
  agent: AgentRow,
  warm: TrustReplay | undefined,
  { settings, fromMs }: { readonly settings: TrustSettings; readonly fromMs: number },
): TrustReplay {
  if (agent.registered_at >= fromMs) return beginReplay(newTrust(settings, agent.registered_at));
  const state = warm?.state ?? newTrust(settings, agent.registered_at);
  const score = agent.score_from ?? agent.score_first ?? agent.score;
  return beginReplay({ ...state, score, movedMs: agent.moved_from ?? state.movedMs });
}

interface Judged {
  readonly settings: TrustSettings;
  readonly current: TrustSettings;
  readonly untilMs: number;
  readonly freezes: number;
  readonly isNow: boolean;
}

function standing(agent: AgentRow, replay: TrustReplay, judged: Judged): SimulatedAgent {
  const { settings, current, untilMs, freezes, isNow } = judged;
  const score = isNow
    ? driftTrust(stateOf(agent), untilMs, current).state.score
    : (agent.score_until ?? agent.score_from ?? current.start);
  const recorded = { score, level: trustLevel(score, current), frozen: agent.is_frozen, freezes };
  const simulated = {
    score: replay.state.score,
    level: trustLevel(replay.state.score, settings),
    frozen: replay.frozenSinceMs !== null,
    freezes: replay.freezes.length,
    freezeCauses: replay.freezes.map(({ atMs, cause }) => ({ at: iso(atMs), cause })),
    outcomesWhileFrozen: replay.outcomesWhileFrozen,
  };
  return {
    agent: agent.id,
    outcomes: replay.outcomes,
    recorded,
    simulated,
    differs: [
      ...(recorded.level === simulated.level ? [] : (['level'] as const)),
      ...(recorded.freezes === simulated.freezes ? [] : (['freezes'] as const)),
      ...(Math.abs(recorded.score - simulated.score) < POINT ? [] : (['score'] as const)),
    ],
  };
}

function byDifference(a: SimulatedAgent, b: SimulatedAgent): number {
  if (a.differs.length !== b.differs.length) return b.differs.length - a.differs.length;
  return a.agent < b.agent ? -1 : 1;
}

function readAgents(tx: Tx, tenant: string, { fromMs, untilMs }: Period): Promise<readonly AgentRow[]> {
  const from = new Date(fromMs);
  const until = new Date(untilMs);
  return tx<AgentRow[]>`
    select a.id, a.registered_at, a.score, a.streak, a.failures_in_row, a.gained_today, a.gained_day, a.moved_at,
      exists (select 1 from mandate.restriction r where r.tenant = a.tenant and r.kind = 'freeze' and r.scope = 'agent:' || a.id
        and r.created_at < ${until} and (r.lifted_at is null or r.lifted_at >= ${until})) as is_frozen,
      (b.data::jsonb->>'after')::double precision as score_from, b.at as moved_from,
      (e.data::jsonb->>'after')::double precision as score_until, (f.data::jsonb->>'before')::double precision as score_first
    from mandate.agent a
    left join lateral (select data, at from mandate.journal j where j.tenant = a.tenant and j.agent = a.id and j.kind = 'trust.moved'
      and j.at < ${from} order by id desc limit 1) b on true
    left join lateral (select data from mandate.journal j where j.tenant = a.tenant and j.agent = a.id and j.kind = 'trust.moved'
      and j.at < ${until} order by id desc limit 1) e on true
    left join lateral (select data from mandate.journal j where j.tenant = a.tenant and j.agent = a.id and j.kind = 'trust.moved'
      and j.at >= ${from} order by id limit 1) f on true
    where a.tenant = ${tenant} and a.registered_at < ${until} order by a.id`;
}

interface Recorded {
  readonly agent: string;
  readonly outcome: TrustOutcome | { readonly kind: 'frozen'; readonly atMs: number };
}

/** Counts how often agents were frozen for outcomes: what fails while an agent is frozen freezes it no second time. */
function createFreezeCount(fromMs: number) {
  const frozen = new Set<string>();
  const counts = new Map<string, number>();
  return {
    note(agent: string, { kind, atMs }: Recorded['outcome']): void {
      if (kind === 'unfrozen') frozen.delete(agent);
      if (kind !== 'frozen' || frozen.has(agent)) return;
      frozen.add(agent);
      if (atMs >= fromMs) counts.set(agent, (counts.get(agent) ?? 0) + 1);
    },
    of: (agent: string): number => counts.get(agent) ?? 0,
  };
}

/** What is on record between two moments, in the order in which it was recorded, a page at a time. */
async function* outcomesOf(
  store: Store,
  tenant: string,
  fromMs: number,
  untilMs: number,
): AsyncGenerator<Recorded, void, void> {
  let after = 0;
  for (;;) {
    const rows = await store.withTenant(
      tenant,
      (tx) => tx<OutcomeRow[]>`
        select j.id, j.kind, j.agent, j.at, j.act_id, a.executor, a.decision->>'severity' as severity, a.decision->>'earnedSeverity' as earned
        from mandate.journal j left join mandate.act a on a.tenant = j.tenant and a.id = j.act_id
        where j.tenant = ${tenant} and j.id > ${after} and j.at >= ${new Date(fromMs)} and j.at < ${new Date(untilMs)}
          and j.kind in ('action.succeeded', 'action.confirmed', 'action.failed', 'agent.unfrozen', 'agent.frozen')
          -- A further attempt at a step that had failed already moved nothing.
          and (j.kind <> 'action.failed' or j.data::jsonb->>'retry' is null)
        order by j.id limit ${PAGE}`,
    );
    for (const row of rows) {
      const outcome = outcomeOf(row);
      if (outcome !== null) yield { agent: row.agent, outcome };
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.id;
  }
}

interface OutcomeRow {
  readonly id: number;
  readonly kind: string;
  readonly agent: string;
  readonly at: number;
  readonly act_id: string | null;
  readonly executor: string | null;
  readonly severity: Severity | null;
  readonly earned: Severity | null;
}

/** null for what is no matter of settings: a success that only its agent has seen, and a freeze by a person. */
function outcomeOf({
  kind,
  at: atMs,
  act_id,
  executor,
  severity,
  earned,
}: OutcomeRow): Recorded['outcome'] | null {
  if (kind === 'agent.frozen') return act_id === null ? null : { kind: 'frozen', atMs };
  if (kind === 'agent.unfrozen') return { kind: 'unfrozen', atMs };
  if (kind === 'action.failed') return { kind: 'failure', severity: severity ?? 'medium', atMs };
  if (kind === 'action.confirmed' || (kind === 'action.succeeded' && executor !== null))
    return { kind: 'success', severity: earned ?? 'medium', atMs };
  return null;
}
