// In whose eyes an act comes before another one. Everybody whose authority an act is remembers it; a run joins acts of
// several agents. An agent names its own runs, so its naming one only ever adds to what is remembered of it; whoever
// may ask for others is believed when it says where a run begins and ends.
import type { Action } from '@mandate/kernel';

export interface Scopes {
  /** Agents, each with the person it works for. */
  readonly parties: readonly string[];
  /** Named runs; none without one. */
  readonly runs: readonly string[];
}

/** Where an act is remembered. */
export function scopesOf({ agent, chain, user, run }: Action): Scopes {
  const whose = user?.id ?? '';
  // In a chain stand people and keys too, in whose name nobody acts directly.
  const agents = [...new Set([agent, ...chain.filter((name) => !/^(user|key|jwt):/.test(name))])];
  return {
    parties: agents.map((name) => JSON.stringify(['agent', name, whose])),
    runs: typeof run === 'string' ? [JSON.stringify(['run', run])] : [],
  };
}

/** Where is looked for what came before. */
export function soughtScopes(action: Action, roles: readonly string[]): Scopes {
  const scopes = scopesOf(action);
  const isTrusted = scopes.runs.length > 0 && !roles.includes('agent');
  return isTrusted ? { ...scopes, parties: [] } : scopes;
}
