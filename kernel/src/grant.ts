// Authority handed on: from whom, to whom, for what, until when. It only ever narrows: every function here can
// find that authority is missing, none can create it.
import type { Action } from './action.ts';
import { redactText } from './finding/redact.ts';
import { anyPatternCovers, patternCovers } from './pattern.ts';

export type GrantKind = 'consent' | 'delegation' | 'task' | 'signature';

export interface Grant {
  readonly id: string;
  readonly kind: GrantKind;
  readonly from: string;
  readonly to: string;
  /** Action patterns that are handed on. */
  readonly actions: readonly string[];
  readonly purpose: string;
  readonly expiresMs: number;
  readonly revoked: boolean;
}

/** Why authority is missing: the code of the refusal and a sentence that says what to do next. */
export interface MissingAuthority {
  readonly code: 'scope_missing' | 'consent_required';
  readonly text: string;
}

/** Whether a grant still stands at that time. A time that is no number has passed. */
export function isLive(grant: Grant, nowMs: number): boolean {
  return !grant.revoked && nowMs < grant.expiresMs;
}

/**
 * What is missing for the action under the grants presented with it, or null.
 * Every delegation and task grant must stand and cover the action: a revoked or expired one is a refusal, not an
 * absence, because ignoring it would hand back what it had narrowed. So present only grants that bind this call.
 */
export function missingGrant(
  action: Action,
  grants: readonly Grant[],
  nowMs: number,
): MissingAuthority | null {
  let isDelegated = false;
  let missing: MissingAuthority | null = null;
  for (const grant of grants) {
    if (grant.kind !== 'delegation' && grant.kind !== 'task') continue;
    if (grant.kind === 'delegation' && grant.to === action.agent) isDelegated = true;
    const refusal = narrowing(grant, action, nowMs);
    // Of several refusals the same one is told whatever the order of the grants.
    if (refusal !== null && (missing === null || refusal.text < missing.text)) missing = refusal;
  }
  if (missing !== null || action.chain.length === 0 || isDelegated) return missing;
  const from = action.chain.join(' → ');
  return scopeMissing(
    `No delegation grant hands authority from ${from} to ${action.agent}; create one and send its token.`,
  );
}

function narrowing(grant: Grant, action: Action, nowMs: number): MissingAuthority | null {
  if (isLive(grant, nowMs) && anyPatternCovers(grant.actions, action.action)) return null;
  const what = `The ${grant.kind} grant ${grant.id} from ${grant.from}`;
  if (grant.revoked) return scopeMissing(`${what} was revoked; ask ${grant.from} for a new one.`);
  if (!isLive(grant, nowMs)) return scopeMissing(`${what} has expired; ask ${grant.from} for a new one.`);
  return scopeMissing(`${what} does not cover ${action.action}; ask ${grant.from} for one that does.`);
}

/**
 * Which of the required scopes the user's authority lacks, as a refusal; null when it holds them all. It holds what
 * the key carries and the charter leaves it; `charterScopes` is null where the charter says nothing of the user's.
 */
export function missingScope(
  required: readonly string[],
  userScopes: readonly string[] | null,
  charterScopes: readonly string[] | null,
): MissingAuthority | null {
  for (const scope of required) {
    if (userScopes === null) {
      return scopeMissing(
        `The scope ${scope} is needed, but no user stands behind this call; use a key of a user who holds it.`,
      );
    }
    if (!holdsScope(userScopes, scope)) {
      return scopeMissing(
        `The user's authority lacks the scope ${scope}; an admin may make a key that carries it.`,
      );
    }
    if (charterScopes !== null && !holdsScope(charterScopes, scope)) {
      return scopeMissing(
        `The charter does not give the user the scope ${scope}; an admin may add it to scopes under users.`,
      );
    }
  }
  return null;
}

/** A scope is held by its name or by a prefix with one trailing `*`. */
function holdsScope(held: readonly string[], scope: string): boolean {
  for (const each of held) if (patternCovers(each, scope)) return true;
  return false;
}

/** A refusal when the action is on somebody's behalf and that person's consent to this agent does not cover it. */
export function missingConsent(
  action: Action,
  grants: readonly Grant[],
  nowMs: number,
): MissingAuthority | null {
  const person = action.onBehalfOf;
  if (person === null) return null;
  for (const grant of grants) {
    if (grant.kind !== 'consent' || grant.from !== person || grant.to !== action.agent) continue;
    if (isLive(grant, nowMs) && anyPatternCovers(grant.actions, action.action)) return null;
  }
  // A name that the agent wrote, and this sentence is stored: a secret in its place must not be.
  const shown = redactText(person);
  const text = `${shown} has given ${action.agent} no consent in force for ${action.action}; ask ${shown} for a consent grant.`;
  return { code: 'consent_required', text };
}

function scopeMissing(text: string): MissingAuthority {
  return { code: 'scope_missing', text };
}
