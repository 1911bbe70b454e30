// A quantity reserved at the start of an act and settled at its end. The kernel says what to reserve;
// act_start() reserves it, exactly, under any concurrency.
import type { Action } from './action.ts';
import type { Charter } from './charter.ts';

export interface Reservation {
  /**
   * Stable name of the counter:
   * - `usd/tenant`, `usd/agent:ID`, `usd/user:ID`: micro-USD reserved or spent on a UTC day
   * - `rate/agent:ID/ACTION`, `rate/user:ID/ACTION`: acts started in a minute
   * - `concurrentAgents`: distinct agents with live acts, the acting agent itself not counted
   */
  readonly key: string;
  readonly kind: 'cost' | 'rate' | 'concurrency';
  /** Micro-USD for cost, 1 for a rate; 1 agent for concurrency. */
  readonly amount: number;
  readonly ceiling: number;
  /** Start of the window (a UTC day, a minute) in epoch milliseconds; 0 for concurrency. */
  readonly windowStartMs: number;
  readonly windowMs: number;
  /** Which setting raises the ceiling and who may change it. */
  readonly raise: string;
}

/** What limits are worked out from. */
export interface LimitSubject {
  readonly action: Action;
  readonly costMicroUsd: number;
  readonly nowMs: number;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const TENANT_RAISE = 'limits.usdPerDay in the charter, which an admin may change';
const RATE_RAISE = 'limits.actionsPerMinute in the charter, which an admin may change';
const AGENTS_RAISE = 'limits.concurrentAgents in the charter, which an admin may change';

/**
 * What starting the action takes, one entry for each ceiling that is set.
 * Cost is charged to the tenant, to the agent and to every agent in its chain that has a ceiling, and to the user
 * at the root; a rate to the agent, to every agent in its chain and to the user at the root: fanning out over
 * workers buys nothing.
 */
export function reservationsFor(charter: Charter, subject: LimitSubject): readonly Reservation[] {
  const reservations: Reservation[] = [];
  addCosts(reservations, charter, subject);
  addRates(reservations, charter.limits.actionsPerMinute, subject);
  const agents = charter.limits.concurrentAgents;
  if (agents !== null) {
    reservations.push({
      key: 'concurrentAgents',
      kind: 'concurrency',
      amount: 1,
      ceiling: agents,
      windowStartMs: 0,
      windowMs: 0,
      raise: AGENTS_RAISE,
    });
  }
  return reservations;
}

function addCosts(into: Reservation[], charter: Charter, subject: LimitSubject): void {
  const { action } = subject;
  const tenant = charter.limits.usdPerDayMicroUsd;
  if (tenant !== null) into.push(cost('usd/tenant', tenant, TENANT_RAISE, subject));
  addAgentCost(into, charter, action.agent, subject);
  for (const [at, delegator] of action.chain.entries()) {
    if (delegator !== action.agent && action.chain.indexOf(delegator) === at)
      addAgentCost(into, charter, delegator, subject);
  }
  if (action.user === null) return;
  const user = action.user.id;
  const own = Object.hasOwn(charter.users, user) ? charter.users[user]?.usdPerDayMicroUsd : null;
  const ceiling = own ?? tenant;
  if (ceiling === null) return;
  const raise =
    typeof own === 'number'
      ? `users.${user}.usdPerDay in the charter, which an admin may change`
      : TENANT_RAISE;
  into.push(cost(`usd/user:${user}`, ceiling, raise, subject));
}

function addAgentCost(into: Reservation[], charter: Charter, agent: string, subject: LimitSubject): void {
  const setting = Object.hasOwn(charter.agents, agent) ? charter.agents[agent] : undefined;
  const ceiling = setting?.usdPerDayMicroUsd ?? null;
  if (ceiling === null) return;
  into.push(
    cost(
      `usd/agent:${agent}`,
      ceiling,
      `agents.${agent}.usdPerDay in the charter, which an admin may change`,
      subject,
    ),
  );
}

function cost(
  key: string,
  ceiling: number,
  raise: string,
  { costMicroUsd, nowMs }: LimitSubject,
): Reservation {
  const windowStartMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return { key, kind: 'cost', amount: costMicroUsd, ceiling, windowStartMs, windowMs: DAY_MS, raise };
}

function addRates(into: Reservation[], ceiling: number | null, { action, nowMs }: LimitSubject): void {
  if (ceiling === null) return;
  const window = {
    windowStartMs: Math.floor(nowMs / MINUTE_MS) * MINUTE_MS,
    windowMs: MINUTE_MS,
    raise: RATE_RAISE,
  };
  // Everybody in the chain: an agent that hands its work to many others is not the faster for it.
  for (const agent of new Set([action.agent, ...action.chain])) {
    const key = `rate/agent:${agent}/${action.action}`;
    into.push({ key, kind: 'rate', amount: 1, ceiling, ...window });
  }
  if (action.user === null) return;
  into.push({
    key: `rate/user:${action.user.id}/${action.action}`,
    kind: 'rate',
    amount: 1,
    ceiling,
    ...window,
  });
}

/**
 * The reservation that would break its ceiling: a cost before a rate or concurrency, since waiting does not help
 * there. A settlement above its reservation may have passed the ceiling already; then nothing more fits.
 */
export function findExceeded(
  reservations: readonly Reservation[],
  used: Readonly<Record<string, number>>,
): Reservation | null {
  let exceeded: Reservation | null = null;
  for (const reservation of reservations) {
    const before = Object.hasOwn(used, reservation.key) ? (used[reservation.key] ?? 0) : 0;
    // Written so that a figure which is not a number counts as over the ceiling.
    if (before + reservation.amount <= reservation.ceiling) continue;
    if (reservation.kind === 'cost') return reservation;
    exceeded ??= reservation;
  }
  return exceeded;
}

/** What is over, by how much, and what to do next. */
export function describeExceeded(reservation: Reservation): string {
  const { key, ceiling, raise } = reservation;
  switch (reservation.kind) {
    case 'cost':
      return `The ceiling ${key} of ${formatUsd(ceiling)} USD a day leaves no room for ${formatUsd(reservation.amount)} USD; raise ${raise}, or wait for the next UTC day.`;
    case 'rate':
      return `The ceiling ${key} of ${ceiling} a minute is reached; try again in the next minute, or raise ${raise}.`;
    case 'concurrency':
      return `${ceiling} agents are at work, which is the ceiling ${key}; try again when one has finished, or raise ${raise}.`;
  }
}

function formatUsd(microUsd: number): string {
  return String(microUsd / 1_000_000);
}
