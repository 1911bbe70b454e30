// Findings that need more than the action itself: what its parameters hold of untrusted sources, what the agent has
// spent beyond its estimates, and what the charter's own guardrails say. A charter that uses none of it pays for nothing.
import type { Action } from '../action.ts';
import { ownBindings, silencesOf } from '../claims.ts';
import type { Finding } from '../finding.ts';
import { bindingsOf } from '../rule-outcome.ts';
import type { Snapshot } from '../snapshot.ts';
import { taintOf } from '../taint.ts';
import type { TaintMark } from '../taint.ts';
import { DEFAULT_TAINT } from './guardrail-settings.ts';
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
  const unclaimed = silencesOf(action, snapshot).map(
    (silence) => () => ownBindings(law, action, facts, silence),
  );
  return ownFindings(law.own, action, { claimed, unclaimed });
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
