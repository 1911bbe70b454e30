// Findings that need more than the action itself: what its parameters hold of untrusted sources, what the agent has
// spent beyond its estimates, and what the charter's own guardrails say. A charter that uses none of it pays for nothing.
import type { Action } from '../action.ts';
import { hasClaims, ownBindings } from '../claims.ts';
import { DEFAULT_TAINT } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { bindingsOf } from '../rule-outcome.ts';
import type { Snapshot } from '../snapshot.ts';
import { taintOf } from '../taint.ts';
import type { TaintMark } from '../taint.ts';
import { ownFindings } from './own.ts';
import { redactText } from './redact.ts';

/** The finding `tainted`, or none. One finding however many places: three of them must not add up to a hold by themselves. */
export function taintFindings(action: Action, snapshot: Snapshot): readonly Finding[] {
  const marks = taintOf(action, snapshot.taint);
  const [first] = marks;
  if (first === undefined) return NOTHING;
  const { severity } = snapshot.law.charter.guardrails.taint ?? DEFAULT_TAINT;
  const places = [...new Set(marks.map(describe))].slice(0, MAX_SHOWN);
  const message = `Holds what nobody vouches for: ${places.join('; ')}. Check it, or have it approved.`;
  return [{ check: 'tainted', severity, message, pointer: redactText(first.pointer) }];
}

/** What the charter's own guardrails find, given what everybody else has found. */
export function besideFindings(
  action: Action,
  snapshot: Snapshot,
  { found, costMicroUsd }: { readonly found: readonly Finding[]; readonly costMicroUsd: number },
): readonly Finding[] {
  const { law } = snapshot;
  if (law.own === null) return NOTHING;
  const facts = { ...snapshot, findings: found };
  const scene = bindingsOf({ action, facts, charter: law.charter, areClaimsHeard: true });
  const claimed = { ...scene, action: action.action, costUsd: costMicroUsd / 1_000_000 };
  const unclaimed = hasClaims(action, snapshot) ? () => ownBindings(law, action, facts) : null;
  return ownFindings(law.own, action, { claimed, unclaimed });
}

/**
 * What agent and user have spent today beyond what their acts were charged at the start, in micro-USD: whoever's
 * estimates are too low is judged by what things really cost.
 */
export function overrunOf(action: Action, used: Snapshot['used']): number {
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

const NOTHING: readonly Finding[] = [];
const MAX_SHOWN = 5;

function describe({ pointer, how, actId, action }: TaintMark): string {
  const where = redactText(pointer);
  const source = `${action ?? 'an action'} (act ${actId ?? 'not known'})`;
  switch (how) {
    case 'value':
      return `${where} is a value that came from ${source}`;
    case 'passage':
      return `${where} has a passage that came from ${source}`;
    case 'claim':
      return `${where} is marked as untrusted by the agent`;
    case 'unseen':
      return `${where} may hold what came from ${source}, whose content is not on record`;
  }
}
