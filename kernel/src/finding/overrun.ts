// What earlier acts of the day cost above their estimates: on record, so no estimate of a further one makes it less.
import type { Action } from '../action.ts';
import type { Facts } from '../facts.ts';

/**
 * What agent and user have spent today beyond what their acts were charged at the start, in micro-USD: whoever's
 * estimates are too low is judged by what things really cost.
 */
export function overrunOf(action: Action, used: Facts['used']): number {
  let most = 0;
  // Most agents have none: looking for the word is cheaper than spelling names that are not there.
  for (const key in used) {
    if (key.startsWith('overrun/') && isCharged(key, action)) most = Math.max(most, used[key] ?? 0);
  }
  return most;
}

function isCharged(key: string, { agent, user, chain }: Action): boolean {
  if (user !== null && key === `overrun/user:${user.id}`) return true;
  return [agent, ...chain].some((name) => key === `overrun/agent:${name}`);
}
