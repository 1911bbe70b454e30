// A decision while it is being made. Parts only ever add to it: a tier can rise, a cause or a refusal can come,
// and nothing takes one away, which is why their order cannot matter (I4).
import type { ActionSetting } from './action-setting.ts';
import type { Action, Severity } from './action.ts';
import { NO_MATCH } from './compiled-rule.ts';
import type { RuleMatch } from './compiled-rule.ts';
import type { Decision, DecisionCode, TraceEntry } from './decision.ts';
import type { Finding } from './finding.ts';
import { readAction } from './finding/reading.ts';
import type { Reading } from './finding/reading.ts';
import { settingOf } from './law.ts';
import type { Reservation } from './limit.ts';
import { contradiction, withResource } from './resource.ts';
import type { Snapshot } from './snapshot.ts';
import { compareTiers } from './tier.ts';
import type { Tier } from './tier.ts';
import { trustLevel } from './trust.ts';

/** Why an action is refused. No approval lifts one. */
export interface Refusal {
  readonly code: DecisionCode;
  readonly effect: 'deny' | 'throttle';
  readonly text: string;
}

export interface Draft {
  readonly action: Action;
  readonly snapshot: Snapshot;
  readonly setting: ActionSetting | null;
  /** Why what it claims to touch cannot be; null where nothing contradicts. */
  readonly contradiction: string | null;
  readonly reading: Reading;
  readonly severity: Severity;
  readonly earnedSeverity: Severity;
  readonly costMicroUsd: number;
  readonly trust: Decision['trust'];
  tier: Tier;
  match: RuleMatch;
  findings: readonly Finding[];
  restrictions: Decision['restrictions'];
  phase: string | null;
  reservations: readonly Reservation[];
  readonly refusals: Refusal[];
  /** Red causes that hold the action. */
  readonly causes: string[];
  /** Red causes that `enforcement: audit` lets pass. */
  readonly audited: string[];
  /** Sentences on the causes, for people. */
  readonly reasons: string[];
  readonly trace: TraceEntry[];
}

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

export function beginDraft(asked: Action, snapshot: Snapshot): Draft {
  const setting = settingOf(snapshot.law, asked.action);
  const read = setting?.resource;
  const action = read === undefined ? asked : withResource(snapshot.law, asked, 'recorded');
  const earnedSeverity = setting?.severity ?? 'medium';
  return {
    action,
    snapshot,
    setting,
    contradiction: read === undefined ? null : contradiction(read, asked.resource, action.resource),
    reading: readAction(action, setting, snapshot.law.guardrails.traitsOf),
    severity: withClaim(earnedSeverity, action.context['severity']),
    earnedSeverity,
    costMicroUsd: Math.max(action.costMicroUsd ?? 0, setting?.costMicroUsd ?? 0),
    trust: trustOf(snapshot),
    tier: 'green',
    match: NO_MATCH,
    findings: [],
    restrictions: [],
    phase: null,
    reservations: [],
    refusals: [],
    causes: [],
    audited: [],
    reasons: [],
    trace: [],
  };
}

/** What the agent says of the severity counts where it is higher. A claim that cannot be read counts as high, which no trusted agent's lift passes. */
function withClaim(known: Severity, claim: unknown): Severity {
  if (claim === undefined || claim === null) return known;
  const rank = SEVERITIES.findIndex((severity) => severity === claim);
  const claimed = rank === -1 ? SEVERITIES.indexOf('high') : rank;
  return SEVERITIES[Math.max(claimed, SEVERITIES.indexOf(known))] ?? 'critical';
}

/** The agent's score and level as the snapshot has them; an agent never seen before stands at the start, one whose score cannot be read at 0. */
export function trustOf(snapshot: Snapshot): Decision['trust'] {
  const settings = snapshot.law.charter.trust;
  const known = snapshot.trust === null ? settings.start : snapshot.trust.score;
  const score = Number.isFinite(known) ? known : 0;
  return { score, level: trustLevel(score, settings) };
}

/** Raises the tier; it never falls. A floor that is no tier is black, since nobody knows what it was meant to be. */
export function raise(draft: Draft, floor: Tier): void {
  const isTier = floor === 'green' || floor === 'yellow' || floor === 'red' || floor === 'black';
  if (!isTier) draft.tier = 'black';
  else if (compareTiers(floor, draft.tier) > 0) draft.tier = floor;
}

/** Adds a red cause with its sentence, which several may share: to those that hold, or to those that audit lets pass. */
export function addCause(draft: Draft, cause: string, text: string, isAudited: boolean): void {
  (isAudited ? draft.audited : draft.causes).push(cause);
  if (!draft.reasons.includes(text)) draft.reasons.push(text);
}

export function addRefusal(draft: Draft, code: DecisionCode, text: string): void {
  draft.refusals.push({ code, effect: code === 'throttled' ? 'throttle' : 'deny', text });
}

export function addTrace(draft: Draft, part: TraceEntry['part'], tier: Tier | null, text: string): void {
  draft.trace.push({ part, tier, text });
}
