// The parts of a decision, each of which looks at one thing and adds what it finds to the draft. A part says
// something in the trace also when it changed nothing, so that silence never has to be read.
import type { Action } from './action.ts';
import { agentClassOf, userSettingOf } from './charter.ts';
import type { Decision, TraceEntry } from './decide.ts';
import { addCause, addRefusal, addTrace, raise } from './draft.ts';
import type { Draft } from './draft.ts';
import { besideFindings, taintFindings } from './finding/besides.ts';
import { overrunOf } from './finding/overrun.ts';
import { detectFindings } from './finding.ts';
import type { Finding, FindingSeverity } from './finding.ts';
import { missingConsent, missingGrant, missingScope } from './grant.ts';
import type { MissingAuthority } from './grant.ts';
import { describeExceeded, findExceeded, reservationsFor } from './limit.ts';
import { inForce, isExcepted, isReachedUnnamed, scopeCovers } from './restriction.ts';
import type { Restriction, RestrictionSubject } from './restriction.ts';
import { matchRule } from './rule.ts';
import { enforcementOf } from './snapshot.ts';
import type { TaintMark } from './taint.ts';
import { strictest } from './tier.ts';
import type { Tier } from './tier.ts';

/** Who asks, whether the agent may exist, and whether scopes, delegations, tasks and consents reach so far. */
export function weighAuthority(draft: Draft): void {
  const { action, snapshot, match } = draft;
  const { charter } = snapshot.law;
  const before = draft.refusals.length;
  if (snapshot.principal === null) {
    addRefusal(
      draft,
      'anonymous',
      'Nobody is known to be asking; send an API key, a token or a signed request.',
    );
  }
  if (charter.registration === 'closed' && !Object.hasOwn(charter.agents, action.agent)) {
    const text = `Registration is closed and the charter names no agent ${action.agent}; add it under agents, or open registration.`;
    addRefusal(draft, 'agent_unknown', text);
  }
  const given = userSettingOf(charter, action.user)?.scopes ?? null;
  addMissing(draft, missingScope(match.terms.requires, snapshot.userScopes, given));
  addMissing(draft, missingGrant(action, snapshot.grants, snapshot.nowMs));
  addMissing(draft, missingConsent(action, snapshot.grants, snapshot.nowMs));
  if (draft.refusals.length === before) {
    return addTrace(draft, 'authority', 'green', 'The authority behind this action reaches far enough.');
  }
  raise(draft, 'red');
  const missing = draft.refusals.slice(before).map(({ text }) => text);
  addTrace(draft, 'authority', 'red', missing.join(' '));
}

function addMissing(draft: Draft, missing: MissingAuthority | null): void {
  if (missing !== null) addRefusal(draft, missing.code, missing.text);
}

/** The charter's rule with its exceptions, and what trust makes of its tier. */
export function weighRule(draft: Draft): void {
  const { action, snapshot } = draft;
  draft.findings = collectFindings(draft);
  const { tenant, nowMs, principal, userRoles, used, taint = NO_TAINT } = snapshot;
  const facts = { tenant, nowMs, principal, userRoles, used, findings: draft.findings, taint };
  const match = matchRule(snapshot.law, action, facts, draft.reading);
  draft.match = match;
  addTrace(draft, 'rule', match.rule === null ? match.tier : match.rule.rule.tier, match.ruleText);
  addTrace(draft, 'exception', match.tier, match.exceptionText);
  const lifted = lift(draft, match.tier);
  addTrace(draft, 'lift', lifted.tier, lifted.text);
  raise(draft, lifted.tier);
  if (lifted.tier === 'black') {
    addRefusal(
      draft,
      'denied',
      `${match.ruleText} ${action.action} is never allowed, and no approval changes that.`,
    );
  } else if (lifted.tier === 'red') addRuleCauses(draft);
}

/** What is red by the rules, as the agent puts it and had it said nothing. */
function addRuleCauses(draft: Draft): void {
  const { match, snapshot } = draft;
  const isAudited = (match.terms.enforcement ?? enforcementOf(snapshot)) === 'audit';
  for (const { tier, cause } of [match, ...match.inSilence]) {
    const lifted = lift(draft, tier);
    if (lifted.tier !== 'red') continue;
    if (tier === 'yellow') addCause(draft, 'trust:probation', lifted.text, isAudited);
    else if (cause === match.cause) addCause(draft, cause, redText(draft), isAudited);
    else addCause(draft, cause, `It would be red (${cause}) had the agent said nothing.`, isAudited);
  }
}

const NO_TAINT: readonly TaintMark[] = [];

function redText({ match }: Draft): string {
  return match.cause.startsWith('rule:') ? match.ruleText : `${match.ruleText} ${match.exceptionText}`;
}

interface Lift {
  readonly tier: Tier;
  readonly text: string;
}

/** The only step that lowers anything, and only yellow to green. */
function lift({ match, trust, severity }: Draft, tier: Tier): Lift {
  if (tier !== 'yellow')
    return { tier, text: `Trust (${trust.level}) changes nothing: only yellow can be lifted.` };
  if (trust.level === 'probation') {
    return {
      tier: 'red',
      text: `The agent is on probation (score ${trust.score}), so what is yellow for others waits for approval.`,
    };
  }
  if (!match.terms.lift) return { tier: 'yellow', text: 'The rule says that trust lifts nothing here.' };
  const isMild = severity === 'low' || severity === 'medium';
  if (trust.level === 'autonomous' || (trust.level === 'trusted' && isMild)) {
    return {
      tier: 'green',
      text: `The agent is ${trust.level} (score ${trust.score}), which lifts yellow of ${severity} severity to green.`,
    };
  }
  return {
    tier: 'yellow',
    text: `The agent is ${trust.level} (score ${trust.score}), which does not lift yellow of ${severity} severity.`,
  };
}

const FINDING_RANK: Readonly<Record<FindingSeverity, number>> = {
  critical: 0,
  error: 1,
  warning: 2,
  info: 3,
};

function collectFindings({ action, setting, snapshot, costMicroUsd, reading }: Draft): readonly Finding[] {
  const { guardrails } = snapshot.law;
  const { deployment, nowMs } = snapshot;
  const detected = detectFindings({
    action,
    setting,
    guardrails,
    deployment,
    costMicroUsd,
    overrunMicroUsd: overrunOf(action, snapshot.used),
    nowMs,
    reading,
  });
  const tainted = taintFindings(action, snapshot);
  const isPlain = snapshot.findings.length === 0 && tainted.length === 0;
  const found =
    isPlain && detected.length < 2
      ? detected
      : [...detected, ...snapshot.findings, ...tainted].toSorted(byWeight);
  const own = besideFindings(action, snapshot, { found, costMicroUsd });
  return own.length === 0 ? found : [...found, ...own].toSorted(byWeight);
}

// A severity that nobody knows ranks with critical.
function rankOf(finding: Finding): number {
  return FINDING_RANK[finding.severity] ?? 0;
}

function byWeight(a: Finding, b: Finding): number {
  const bySeverity = rankOf(a) - rankOf(b);
  return bySeverity !== 0 ? bySeverity : compareTexts(textOf(a), textOf(b));
}

function textOf(finding: Finding): string {
  return `${finding.check}\n${finding.pointer ?? ''}\n${finding.message}\n${finding.severity}`;
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Critical, error, or three warnings together: red. */
export function weighFindings(draft: Draft): void {
  const { findings } = draft;
  if (findings.length === 0) return addTrace(draft, 'finding', 'green', 'The guardrails found nothing.');
  const isAudited = enforcementOf(draft.snapshot) === 'audit';
  const warnings = findings.filter((finding) => rankOf(finding) === FINDING_RANK.warning);
  const grave = findings.filter((finding) => rankOf(finding) < FINDING_RANK.warning);
  const areTooMany = warnings.length >= 3;
  const isRed = grave.length > 0 || areTooMany;
  if (isRed) raise(draft, 'red');
  for (const finding of grave) addCause(draft, `finding:${finding.check}`, finding.message, isAudited);
  if (areTooMany)
    for (const finding of warnings) addCause(draft, `warning:${finding.check}`, finding.message, isAudited);
  const names = findings.map((finding) => `${finding.check} (${finding.severity})`).join(', ');
  addTrace(draft, 'finding', isRed ? 'red' : 'green', `The guardrails found: ${names}.`);
}

/** Stops, freezes, pauses, flags, phases and throttles that stand and reach this action. */
export function weighRestrictions(draft: Draft): void {
  const { action, snapshot } = draft;
  if (snapshot.restrictions.length === 0)
    return addTrace(draft, 'restriction', 'green', 'No restriction stands.');
  const subject = { action, agentClass: agentClassOf(snapshot.law.charter, action.agent) };
  const standing = standingRestrictions(draft, subject);
  if (standing.length === 0)
    return addTrace(draft, 'restriction', 'green', 'No restriction in force reaches this action.');
  const listed: Decision['restrictions'][number][] = [];
  const binding: Tier[] = [];
  const texts: string[] = [];
  for (const restriction of standing) {
    const { id, kind, cause } = restriction;
    const floor = floorOf(restriction);
    listed.push({ id, kind, floor, cause });
    // A phase says what agents do without asking people; an operator who acts is one of them.
    if ((kind === 'stop' || kind === 'phase') && isSafeState(draft)) {
      texts.push(`Passed as a safe-state action by an operator in spite of ${nameOf(restriction, action)}.`);
      continue;
    }
    binding.push(floor);
    texts.push(weighRestriction(draft, restriction, floor));
  }
  draft.restrictions = listed;
  addTrace(draft, 'restriction', strictest(binding), texts.join(' '));
}

function standingRestrictions(draft: Draft, subject: RestrictionSubject): readonly Restriction[] {
  const standing: Restriction[] = [];
  const phases: string[] = [];
  for (const restriction of draft.snapshot.restrictions) {
    if (!inForce(restriction, draft.snapshot.nowMs) || !scopeCovers(restriction.scope, subject)) continue;
    // A phase governs what it lets pass, too.
    if (restriction.kind === 'phase') phases.push(restriction.cause);
    if (!isExcepted(restriction, draft.action.action)) standing.push(restriction);
  }
  // Several restrictions of one phase, or sets that stand alike, are one name.
  if (phases.length > 0) draft.phase = [...new Set(phases)].toSorted().join(', ');
  return standing.length < 2 ? standing : standing.toSorted((a, b) => compareTexts(sortText(a), sortText(b)));
}

function sortText(restriction: Restriction): string {
  return `${restriction.id}\n${restriction.kind}\n${restriction.floor}\n${restriction.scope}\n${restriction.cause}`;
}

/** A stop is black and a freeze at least red, whatever their row says. */
function floorOf({ kind, floor }: Restriction): Tier {
  if (kind === 'stop') return 'black';
  return kind === 'freeze' ? strictest([floor, 'red']) : floor;
}

function weighRestriction(draft: Draft, restriction: Restriction, floor: Tier): string {
  const { id, kind } = restriction;
  const what = nameOf(restriction, draft.action);
  raise(draft, floor);
  if (kind === 'stop') {
    const text = `Stopped by ${what}. Nothing in its scope starts until somebody with the role resumes it.`;
    addRefusal(draft, 'stopped', text);
    return text;
  }
  if (kind === 'freeze') {
    const text = `Frozen by ${what}. A person with the role must lift the freeze with a reason.`;
    addRefusal(draft, 'frozen', text);
    return text;
  }
  if (floor === 'green' || floor === 'yellow') return `Under ${what}.`;
  const text = `Restricted by ${what}.`;
  if (floor === 'red') addCause(draft, `restriction:${id}`, text, isPhaseAudited(draft, restriction));
  else addRefusal(draft, 'denied', `${text} Nothing passes until it is lifted.`);
  return text;
}

function isPhaseAudited(draft: Draft, { kind }: Restriction): boolean {
  return kind === 'phase' && enforcementOf(draft.snapshot) === 'audit';
}

function nameOf({ kind, id, scope, cause }: Restriction, action: Action): string {
  const unnamed = isReachedUnnamed(scope, action)
    ? ' (the action names no resource, so it counts as this one; say what it touches in `resource`)'
    : '';
  return `${kind} ${id} (${scope}): ${cause}${unnamed}`;
}

/** Stopping agents must not leave a drum hot: an operator may bring the thing into its safe state through a stop. */
function isSafeState({ setting, snapshot }: Draft): boolean {
  if (setting === null || !setting.safeState || snapshot.principal === null) return false;
  return snapshot.principal.roles.includes('operator') || snapshot.principal.roles.includes('admin');
}

/** What starting would take, and whether it still fits under every ceiling. */
export function weighLimits(draft: Draft): void {
  const { action, snapshot, costMicroUsd } = draft;
  draft.reservations = reservationsFor(snapshot.law.charter, { action, costMicroUsd, nowMs: snapshot.nowMs });
  if (draft.reservations.length === 0)
    return addTrace(draft, 'limit', null, 'The charter sets no ceiling for this action.');
  const exceeded = findExceeded(draft.reservations, snapshot.used);
  if (exceeded === null) return addTrace(draft, 'limit', null, 'Every ceiling leaves room.');
  const text = describeExceeded(exceeded);
  addRefusal(draft, exceeded.kind === 'cost' ? 'limit_exceeded' : 'throttled', text);
  addTrace(draft, 'limit', null, text);
}

/** SUPERVISED is a floor of red everywhere, and so is a mode that nobody knows. */
export function weighMode(draft: Draft): TraceEntry {
  const { mode } = draft.snapshot;
  if (mode === 'FULL') return { part: 'mode', tier: null, text: 'The mode is FULL and changes nothing.' };
  if (mode === 'DRY_RUN')
    return {
      part: 'mode',
      tier: null,
      text: 'The mode is DRY_RUN: this is decided and recorded, and nothing runs.',
    };
  const text = `The mode is ${mode}, so everything waits for approval.`;
  raise(draft, 'red');
  addCause(draft, 'mode:SUPERVISED', text, false);
  return { part: 'mode', tier: 'red', text };
}
