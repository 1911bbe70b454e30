// While a restriction stands, nothing in its scope is judged milder than its floor. Stops, freezes, paused
// action types, authority flags, the mode, phases and throttles are all this one thing.
import type { Action } from './action.ts';
import { anyPatternCovers, patternCovers, patternProblem } from './pattern.ts';
import type { Tier } from './tier.ts';

export type RestrictionKind = 'stop' | 'freeze' | 'pause' | 'flag' | 'mode' | 'phase' | 'throttle';

export interface Restriction {
  readonly id: string;
  readonly kind: RestrictionKind;
  /** `global`, `tenant`, `agent:ID`, `class:NAME`, `action:PATTERN`, `user:ID` or `resource:TYPE/ID`. */
  readonly scope: string;
  readonly floor: Tier;
  /** Action patterns that the restriction leaves alone (the whitelist of a phase). */
  readonly except: readonly string[];
  /** Why it stands, for people. */
  readonly cause: string;
  readonly by: string;
  readonly sinceMs: number;
  /** null: until somebody lifts it. */
  readonly untilMs: number | null;
}

export type Scope =
  | { readonly kind: 'global' }
  | { readonly kind: 'tenant' }
  | { readonly kind: 'agent'; readonly agent: string }
  | { readonly kind: 'class'; readonly agentClass: string }
  | { readonly kind: 'action'; readonly pattern: string }
  | { readonly kind: 'user'; readonly user: string }
  | { readonly kind: 'resource'; readonly type: string; readonly id: string };

export type ScopeResult =
  | { readonly kind: 'scope'; readonly scope: Scope }
  | { readonly kind: 'problem'; readonly message: string };

/** What a restriction is held against. The tenant is not in it: a snapshot carries only its own and global restrictions. */
export interface RestrictionSubject {
  readonly action: Action;
  readonly agentClass: string | null;
}

/** Reads a scope at a door (API, CLI, charter); a malformed one is a problem that says what to write. */
export function parseScope(text: string): ScopeResult {
  if (text === 'global' || text === 'tenant') return found({ kind: text });
  const colon = text.indexOf(':');
  const kind = colon === -1 ? text : text.slice(0, colon);
  const value = colon === -1 ? '' : text.slice(colon + 1);
  switch (kind) {
    case 'agent':
      return value === '' ? problem(text, 'names no agent') : found({ kind, agent: value });
    case 'class':
      return value === '' ? problem(text, 'names no agent class') : found({ kind, agentClass: value });
    case 'user':
      return value === '' ? problem(text, 'names no user') : found({ kind, user: value });
    case 'action':
      return parseActionScope(text, value);
    case 'resource':
      return parseResourceScope(text, value);
    default:
      return problem(text, 'is no scope');
  }
}

function parseActionScope(text: string, pattern: string): ScopeResult {
  const wrong = patternProblem(pattern);
  return wrong === null
    ? found({ kind: 'action', pattern })
    : problem(text, `has no sound pattern (${wrong})`);
}

function parseResourceScope(text: string, value: string): ScopeResult {
  const slash = value.indexOf('/');
  if (slash < 1 || slash === value.length - 1) return problem(text, 'names no resource type and id');
  return found({ kind: 'resource', type: value.slice(0, slash), id: value.slice(slash + 1) });
}

function found(scope: Scope): ScopeResult {
  return { kind: 'scope', scope };
}

function problem(text: string, what: string): ScopeResult {
  const forms = 'global, tenant, agent:ID, class:NAME, action:PATTERN, user:ID or resource:TYPE/ID';
  return { kind: 'problem', message: `the scope \`${text}\` ${what}; write ${forms}` };
}

/**
 * Whether a restriction stands at that time. `sinceMs` is not asked: a stop written by a machine whose clock is
 * ahead must bind at once.
 */
export function inForce(restriction: Restriction, nowMs: number): boolean {
  return restriction.untilMs === null || !(nowMs >= restriction.untilMs);
}

/** Whether a restriction reaches the action: inside its scope and not left alone by `except`. */
export function covers(restriction: Restriction, subject: RestrictionSubject): boolean {
  return scopeCovers(restriction.scope, subject) && !isExcepted(restriction, subject.action.action);
}

/** Whether the restriction leaves this action alone. */
export function isExcepted(restriction: Restriction, action: string): boolean {
  return restriction.except.length > 0 && anyPatternCovers(restriction.except, action);
}

/**
 * Whether a scope reaches the action, without building anything: this runs for every restriction of every decision.
 * A scope that cannot be read reaches everything. An agent or user is also reached through those to whom it handed
 * its authority on: work under a frozen agent's authority is that agent's work. An action that names no resource may
 * touch any: leaving the claim out must not make the decision milder.
 */
export function scopeCovers(scope: string, { action, agentClass }: RestrictionSubject): boolean {
  const colon = scope.indexOf(':');
  const from = colon + 1;
  if (colon === -1 || from === scope.length) return true;
  switch (scope.slice(0, colon)) {
    case 'agent':
      return isRest(scope, from, action.agent) || isRestOfAny(scope, from, action.chain);
    case 'class':
      return agentClass !== null && isRest(scope, from, agentClass);
    case 'user':
      return (
        (action.user !== null && isRest(scope, from, action.user.id)) ||
        (action.onBehalfOf !== null && isRest(scope, from, action.onBehalfOf)) ||
        isRestOfAny(scope, from, action.chain)
      );
    case 'action': {
      const pattern = scope.slice(from);
      return patternCovers(pattern, action.action) || patternProblem(pattern) !== null;
    }
    case 'resource':
      return isResource(scope, from, action);
    default:
      return true;
  }
}

function isRest(text: string, from: number, rest: string): boolean {
  return text.length - from === rest.length && text.startsWith(rest, from);
}

function isRestOfAny(text: string, from: number, all: readonly string[]): boolean {
  for (const each of all) if (isRest(text, from, each)) return true;
  return false;
}

function isResource(scope: string, from: number, action: Action): boolean {
  const slash = scope.indexOf('/', from);
  if (slash <= from || slash === scope.length - 1) return true;
  const resource = action.resource;
  return (
    resource === null ||
    (isRest(scope.slice(0, slash), from, resource.type) && isRest(scope, slash + 1, resource.id))
  );
}

/** Whether a scope of one resource reaches the action only because the action does not say what it touches. */
export function isReachedUnnamed(scope: string, { resource }: Action): boolean {
  return resource === null && scope.startsWith('resource:');
}
