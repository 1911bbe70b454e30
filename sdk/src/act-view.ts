// An act and its decision as the server shows them, read from unknown JSON.
import type { Decision, Json, Tier } from '@mandate/kernel';
import type { DecisionView, ApprovalRef } from './decision-view.ts';
import {
  fieldsOf,
  idOf,
  isFields,
  listOf,
  nonsense,
  numberOf,
  optional,
  parsedJson,
  textOf,
  wordOf,
} from './guard.ts';

export const ACT_STATUSES = [
  'recorded',
  'success',
  'failed',
  'denied',
  'waiting_for_approval',
  'permitted',
  'executing',
  'cancelled',
  'expired',
  'unknown',
] as const;
export type ActStatus = (typeof ACT_STATUSES)[number];

export interface ActView {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly status: ActStatus;
  /** Plain JSON; null unless Mandate knows a result. */
  readonly result: Json;
  readonly error: string | null;
  readonly decision: DecisionView;
  /** Scores before and after; null until there is an outcome that moved it. */
  readonly trust: { readonly before: number; readonly after: number } | null;
  readonly permit: string | null;
  /** How long the permit may still be started, as the server saw it when it answered; null unless permitted. */
  readonly startWithinMs: number | null;
  readonly approval: ApprovalRef | null;
  readonly traceId: string | null;
}

const TIERS = ['green', 'yellow', 'red', 'black'] as const satisfies readonly Tier[];
const EFFECTS = [
  'execute',
  'hold',
  'deny',
  'throttle',
  'none',
] as const satisfies readonly Decision['effect'][];

/** Throws MandateUnavailable where the answer is not an act with its decision. */
export function readAct(value: unknown): ActView {
  const act = fieldsOf(value, 'the answer');
  const status = wordOf(act['status'], ACT_STATUSES, 'status');
  const approval = optional(act['approval'], readApprovalRef, 'approval');
  if (status === 'waiting_for_approval' && approval === null)
    return nonsense('approval', 'there, although the action waits for one');
  const startWithinMs = optional(act['startWithinMs'], numberOf, 'startWithinMs');
  const permit = optional(act['permit'], idOf, 'permit');
  if (permit !== null && (startWithinMs === null || status !== 'permitted'))
    return nonsense('permit', 'one that says until when it may be started');
  const decision = readDecision(act['decision'], 'decision');
  if (permit !== null && decision.effect !== 'execute')
    return nonsense('permit', `one that its decision (${decision.effect}) allows`);
  return {
    id: idOf(act['id'], 'id'),
    agent: idOf(act['agent'], 'agent'),
    action: idOf(act['action'], 'action'),
    status,
    result: parsedJson(act['result']),
    error: optional(act['error'], textOf, 'error'),
    decision,
    trust: optional(act['trust'], readTrust, 'trust'),
    permit,
    startWithinMs,
    approval,
    traceId: optional(act['traceId'], textOf, 'traceId'),
  };
}

/** Throws MandateUnavailable where it is none: an answer without a decision permits nothing. */
export function readDecision(value: unknown, where: string): DecisionView {
  const decision = fieldsOf(value, where);
  const trust = fieldsOf(decision['trust'], `${where}.trust`);
  return {
    tier: wordOf(decision['tier'], TIERS, `${where}.tier`),
    effect: wordOf(decision['effect'], EFFECTS, `${where}.effect`),
    code: idOf(decision['code'], `${where}.code`),
    reasons: listOf(decision['reasons'], textOf, `${where}.reasons`),
    rule: optional(decision['rule'], textOf, `${where}.rule`),
    trust: {
      score: numberOf(trust['score'], `${where}.trust.score`),
      level: textOf(trust['level'], `${where}.trust.level`),
    },
    findings: listOf(decision['findings'], parsedJson, `${where}.findings`),
    restrictions: listOf(decision['restrictions'], parsedJson, `${where}.restrictions`),
    phase: optional(decision['phase'], textOf, `${where}.phase`),
    charterVersion: textOf(decision['charterVersion'], `${where}.charterVersion`),
    revision: numberOf(decision['revision'], `${where}.revision`),
    obligations: listOf(decision['obligations'], parsedJson, `${where}.obligations`),
    trace: listOf(decision['trace'], readTraceEntry, `${where}.trace`),
  };
}

/** null where the refusal carries none. */
export function readDecisionIfAny(value: unknown): DecisionView | null {
  return isFields(value) ? readDecision(value, 'decision') : null;
}

function readTraceEntry(value: unknown, where: string): DecisionView['trace'][number] {
  const entry = fieldsOf(value, where);
  return {
    part: textOf(entry['part'], `${where}.part`),
    tier: optional(entry['tier'], (tier) => wordOf(tier, TIERS, `${where}.tier`), where),
    text: textOf(entry['text'], `${where}.text`),
  };
}

function readTrust(value: unknown, where: string): { readonly before: number; readonly after: number } {
  const trust = fieldsOf(value, where);
  return {
    before: numberOf(trust['before'], `${where}.before`),
    after: numberOf(trust['after'], `${where}.after`),
  };
}

function readApprovalRef(value: unknown, where: string): ApprovalRef {
  const approval = fieldsOf(value, where);
  return {
    id: idOf(approval['id'], `${where}.id`),
    digest: idOf(approval['digest'], `${where}.digest`),
    expiresAt: textOf(approval['expiresAt'], `${where}.expiresAt`),
    requiredRoles: listOf(approval['requiredRoles'], textOf, `${where}.requiredRoles`),
    url: textOf(approval['url'], `${where}.url`),
  };
}
