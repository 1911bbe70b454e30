// Sums up a stretch of the journal for people, agent by agent. Everything yellow is listed, what ran green is counted,
// and whatever failed, waits or was refused stands there with its reason. Pure: entries and acts in, a digest out.
import type { Tier } from '@mandate/kernel';
import type { ActLine, AgentSummary, DigestContent, EventLine, TrustChange } from './message.ts';
import { eventOf, isEnd, lineOf, meaningOf, refusedLine, wordOf } from './told.ts';
import type { ToldAct, ToldEntry } from './told.ts';

export interface Summary {
  /** Entries in the order of their positions, with the acts that they are about. */
  add(entries: readonly ToldEntry[], acts: ReadonlyMap<string, ToldAct>): void;
  /** How many lines there are so far; whoever fills a message stops somewhere. */
  size(): number;
  /** Without lines, events, counts and moves of trust there is nothing to tell. */
  isEmpty(): boolean;
  result(of: Pick<DigestContent, 'fromMs' | 'toMs' | 'positions' | 'continues'>): DigestContent;
}

interface Collected {
  readonly lines: Map<string, ActLine>;
  readonly green: Map<string, number>;
  readonly causes: Map<string, number>;
  trust: { readonly before: number; readonly after: number } | null;
  costMicroUsd: number;
}

/** `wants` says whether acts of a tier are told at all where this goes. */
export function createSummary(wants: (tier: Tier) => boolean): Summary {
  const agents = new Map<string, Collected>();
  const events: EventLine[] = [];
  /** Acts that were counted as green already, by id. */
  const counted = new Set<string>();

  function of(agent: string): Collected {
    const known = agents.get(agent);
    if (known !== undefined) return known;
    const made: Collected = {
      lines: new Map(),
      green: new Map(),
      causes: new Map(),
      trust: null,
      costMicroUsd: 0,
    };
    agents.set(agent, made);
    return made;
  }

  function addAct(entry: ToldEntry, act: ToldAct): void {
    if (act.tier !== 'green' && !wants(act.tier)) return;
    const collected = of(act.agent);
    if (isEnd(entry)) collected.costMicroUsd += act.costMicroUsd;
    const line = lineOf(act, entry.atMs);
    if (act.tier === 'green' && (line.outcome === 'success' || line.outcome === 'running')) {
      if (!counted.has(act.id)) bump(collected.green, act.action);
      counted.add(act.id);
      return;
    }
    if (act.tier === 'green' && !wants('yellow')) return;
    // Refusals that repeat themselves are one line; whatever ran has a line of its own.
    const key =
      line.outcome === 'denied' && !collected.lines.has(act.id) ? `${act.action} ${line.why ?? ''}` : act.id;
    const before = collected.lines.get(key);
    collected.lines.set(
      key,
      before === undefined
        ? line
        : before.actId === act.id
          ? { ...line, atMs: before.atMs, times: before.times }
          : { ...before, times: before.times + 1 },
    );
  }

  function addEntry(entry: ToldEntry, act: ToldAct | null): void {
    if (meaningOf(entry, act) === null) return;
    if (entry.kind === 'trust.moved') return addTrust(entry);
    if (entry.kind === 'action.refused') {
      const line = refusedLine(entry);
      const agent = entry.agent ?? wordOf(entry.data['agent']);
      const { lines } = of(agent === '' ? 'somebody' : agent);
      const key = `refused ${line.action} ${line.why ?? ''}`;
      const before = lines.get(key);
      lines.set(key, before === undefined ? line : { ...before, times: before.times + 1 });
      return;
    }
    const event = eventOf(entry);
    if (event !== null) events.push(event);
    else if (act !== null) addAct(entry, act);
  }

  function addTrust({ agent, data }: ToldEntry): void {
    const { before, after, cause } = data;
    if (agent === null || typeof before !== 'number' || typeof after !== 'number') return;
    const collected = of(agent);
    collected.trust = { before: collected.trust?.before ?? before, after };
    bump(collected.causes, wordOf(cause));
  }

  return {
    add(entries, acts) {
      for (const entry of entries)
        addEntry(entry, entry.actId === null ? null : (acts.get(entry.actId) ?? null));
    },
    size: () => [...agents.values()].reduce((sum, { lines }) => sum + lines.size, events.length),
    isEmpty: () => agents.size === 0 && events.length === 0,
    result: (period) => ({
      kind: 'digest',
      ...period,
      agents: [...agents].map(([agent, collected]) => summaryOf(agent, collected)),
      events,
    }),
  };
}

function summaryOf(agent: string, { lines, green, causes, trust, costMicroUsd }: Collected): AgentSummary {
  const change: TrustChange | null =
    trust === null ? null : { ...trust, causes: [...causes].map(([cause, times]) => ({ cause, times })) };
  return {
    agent,
    lines: [...lines.values()],
    green: [...green].map(([action, times]) => ({ action, times })),
    trust: change,
    costMicroUsd,
  };
}

function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
