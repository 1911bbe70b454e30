// The law, in one function: (action, snapshot) → decision with its trace.
import type { Action } from './action.ts';
import { DEFAULT_APPROVALS, missingSince } from './approval.ts';
import type { GivenApproval, SignatureGrant } from './approval.ts';
import type { TraceEntry, Decision } from './decision.ts';
import { beginDraft, trustOf } from './draft.ts';
import type { Draft } from './draft.ts';
import type { Snapshot } from './snapshot.ts';
import { needsOf, verdictOf } from './verdict.ts';
import type { Given } from './verdict.ts';
import { weighFindings } from './weigh-finding.ts';
import { weighFlows } from './weigh-flow.ts';
import { weighAuthority, weighLimits, weighMode, weighRestrictions, weighRule } from './weigh.ts';

/**
 * Judges one action against everything gathered about it. Pure, and never throws: input that cannot be judged,
 * and a mistake in the law itself, are refused with a reason (I5). The order of restrictions, findings, grants and
 * rules never shows in the answer (I4).
 */
export function decide(action: Action, snapshot: Snapshot): Decision {
  try {
    const problem = inputProblem(action, snapshot);
    return problem === null ? judge(action, snapshot) : refuse(problem, snapshot);
  } catch (error) {
    return refuse(messageOf(error), snapshot);
  }
}

// What the types promise is checked again where a slip would make a decision milder: comparisons with NaN are false.
function inputProblem(action: Action, snapshot: Snapshot): string | null {
  if (typeof action.agent !== 'string' || action.agent === '') return 'the agent has no name';
  if (typeof action.action !== 'string' || action.action === '') return 'the action has no name';
  if (!isRecord(action.parameters) || !isRecord(action.context))
    return 'parameters and context must be objects';
  if (!Array.isArray(action.chain)) return 'the delegation chain is no list';
  const cost = action.costMicroUsd;
  if (cost !== null && !(Number.isSafeInteger(cost) && cost >= 0)) {
    return 'the estimated cost must be a whole number of micro-USD from 0';
  }
  return Number.isFinite(snapshot.nowMs) ? null : 'the snapshot carries no time';
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function judge(action: Action, snapshot: Snapshot): Decision {
  const draft = beginDraft(action, snapshot);
  weighRule(draft);
  weighAuthority(draft);
  weighFindings(draft);
  weighFlows(draft);
  weighRestrictions(draft);
  weighLimits(draft);
  const mode = weighMode(draft);
  const approval = weighApproval(draft);
  draft.trace.push(approval.entry, mode);
  return conclude(draft, approval.given);
}

interface ApprovalWeight {
  readonly given: Given | null;
  readonly entry: TraceEntry;
}

/**
 * A given approval counts only if every fresh red cause is among those that people saw, and if those who had to give it
 * suffice today. The same holds for what people let run again for a while.
 */
function weighApproval(draft: Draft): ApprovalWeight {
  const { approval } = draft.snapshot;
  const own = approval === null ? null : weighGiven(draft, `Approval ${approval.id}`, approval);
  if (own?.counts === true && approval !== null)
    return { given: { kind: 'approved', id: approval.id }, entry: approvalEntry(own.text) };
  const texts = own === null ? [] : [own.text];
  for (const signature of draft.snapshot.signatures ?? []) {
    const name = `Grant ${signature.id} for exactly this action`;
    if (!(draft.snapshot.nowMs < signature.expiresMs)) {
      texts.push(`${name} has ended.`);
      continue;
    }
    if (!isRemembered(draft.snapshot, signature)) {
      texts.push(`${name} is older than the charter lets anything be remembered today.`);
      continue;
    }
    const weighed = weighGiven(draft, name, signature);
    texts.push(weighed.text);
    if (weighed.counts)
      return { given: { kind: 'remembered', id: signature.id }, entry: approvalEntry(texts.join(' ')) };
  }
  return { given: null, entry: approvalEntry(texts.join(' ') || 'No approval was presented.') };
}

/** Today's cap counts, not that of the day on which it was given. Written so that a moment which is no number is too old. */
function isRemembered({ law, nowMs }: Snapshot, { createdMs }: SignatureGrant): boolean {
  const { rememberMaxMs } = law.charter.approvals ?? DEFAULT_APPROVALS;
  return rememberMaxMs > 0 && nowMs < createdMs + rememberMaxMs;
}

interface Weighed {
  readonly counts: boolean;
  readonly text: string;
}

function weighGiven(draft: Draft, name: string, given: Omit<GivenApproval, 'id'>): Weighed {
  if (draft.refusals.length > 0) return { counts: false, text: `${name} cannot lift a refusal.` };
  if (draft.causes.length === 0) return { counts: false, text: `${name} is not needed.` };
  for (const cause of draft.causes) {
    if (given.causes.includes(cause)) continue;
    const text = `${name} was not given for ${cause}, so it does not count; people must see it again.`;
    return { counts: false, text };
  }
  const missing = missingSince(given, needsOf(draft));
  if (missing !== null) {
    const text = `${name} was given before the rule asked for ${missing}, so it does not count; people must decide again.`;
    return { counts: false, text };
  }
  return { counts: true, text: `${name} was given for every cause that makes this red.` };
}

function approvalEntry(text: string): TraceEntry {
  return { part: 'approval', tier: null, text };
}

function conclude(draft: Draft, given: Given | null): Decision {
  const { snapshot, match } = draft;
  const verdict = verdictOf(draft, given);
  return {
    tier: draft.tier,
    effect: verdict.effect,
    code: verdict.code,
    reasons: verdict.reasons,
    rule: match.rule === null ? null : match.rule.rule.match,
    trust: draft.trust,
    findings: draft.findings,
    restrictions: draft.restrictions,
    phase: draft.phase,
    charterVersion: snapshot.law.version,
    revision: snapshot.revision,
    obligations: match.terms.obligations,
    trace: draft.trace,
    severity: draft.severity,
    earnedSeverity: draft.earnedSeverity,
    costMicroUsd: draft.costMicroUsd,
    causes: tidy(verdict.code === 'audited' ? draft.audited : draft.causes),
    ...(verdict.code === 'remembered' && given !== null ? { signature: given.id } : {}),
    approval: verdict.effect === 'hold' ? needsOf(draft) : null,
    reservations: draft.reservations,
  };
}

const NONE: readonly string[] = [];

function tidy(causes: readonly string[]): readonly string[] {
  return causes.length < 2 ? causes : [...new Set(causes)].toSorted();
}

/** The answer where no judgement was possible: red and denied, with whatever could still be read. */
function refuse(why: string, snapshot: Snapshot): Decision {
  const reason = `Mandate could not judge this action (${why}), so it is refused. Correct the request; if it is sound, report this as a defect.`;
  return {
    tier: 'red',
    effect: 'deny',
    code: 'denied',
    reasons: [reason],
    rule: null,
    trust: attempt(() => trustOf(snapshot), { score: 0, level: 'probation' }),
    findings: [],
    restrictions: [],
    phase: null,
    charterVersion: attempt(() => textOf(snapshot.law.version), ''),
    revision: attempt(() => numberOf(snapshot.revision), 0),
    obligations: NONE,
    trace: [{ part: 'rule', tier: 'red', text: reason }],
    severity: 'medium',
    earnedSeverity: 'low',
    costMicroUsd: 0,
    causes: ['error:decide'],
    approval: null,
    reservations: [],
  };
}

function attempt<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'an unknown error';
}
