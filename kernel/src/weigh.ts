// The parts of a decision, each of which looks at one thing and adds what it finds to the draft. A part says
// something in the trace also when it changed nothing, so that silence never has to be read.
import type { RuleCause } from './cause.ts';
import { agentClassOf, userSettingOf } from './charter.ts';
import { NO_MATCH } from './compiled-rule.ts';
import type { RuleMatch } from './compiled-rule.ts';
import type { Decision, TraceEntry } from './decision.ts';
import { addCause, addRefusal, addTrace, raise } from './draft.ts';
import type { Draft } from './draft.ts';
import { missingConsent, missingGrant, missingScope } from './grant.ts';
import type { MissingAuthority } from './grant.ts';
import { describeExceeded, findExceeded, reservationsFor } from './limit.ts';
import { describeResource } from './resource.ts';
import { inForce, isExcepted, isReachedUnnamed, scopeCovers } from './restriction.ts';
import type { Restriction, RestrictionSubject } from './restriction.ts';
import { matchRule } from './rule.ts';
import { enforcementOf } from './snapshot.ts';
import type { TaintMark } from './taint.ts';
import { strictest } from './tier.ts';
import type { Tier } from './tier.ts';
import { collectFindings } from './weigh-finding.ts';

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
  if (draft.contradiction !== null) addRefusal(draft, 'denied', draft.contradiction);
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
    // Where something else about it would have been allowed, "never" would send people away who need not go.
    const isAlways = isPlain(match) && (match.rule?.when ?? null) === null;
    const text = isAlways
      ? `${match.ruleText} ${action.action} is never allowed`
      : `${match.ruleText} ${match.exceptionText} ${action.action} is not allowed with these parameters and claims`;
    addRefusal(draft, 'denied', `${text}, and no approval changes that.`);
  } else if (lifted.tier === 'red') addRuleCauses(draft);
}

/** What is red by the rules, as the agent puts it and had it said nothing. */
function addRuleCauses(draft: Draft): void {
  const { match, snapshot } = draft;
  const isAudited = (match.terms.enforcement ?? enforcementOf(snapshot)) === 'audit';
  const redText = isPlain(match) ? match.ruleText : `${match.ruleText} ${match.exceptionText}`;
  for (const cause of match.causes) addRuleCause(draft, cause, redText, isAudited);
  for (const cause of match.eitherWay) {
    if (match.causes.some((known) => known.tier === cause.tier && known.cause === cause.cause)) continue;
    const text = `It is red because of ${cause.cause} as well: what the agent says of itself takes no reason away.`;
    addRuleCause(draft, cause, text, isAudited);
  }
}

function addRuleCause(draft: Draft, { tier, cause }: RuleCause, text: string, isAudited: boolean): void {
  const lifted = lift(draft, tier);
  if (lifted.tier !== 'red') return;
  if (tier === 'yellow') addCause(draft, 'trust:probation', lifted.text, isAudited);
  else addCause(draft, cause, text, isAudited);
}

/** Whether nothing but the rule itself, or that there is none, has been said. */
function isPlain({ rule, causes }: RuleMatch): boolean {
  return causes === (rule?.plain ?? NO_MATCH).causes;
}

const NO_TAINT: readonly TaintMark[] = [];

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

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Stops, freezes, pauses, flags, phases and throttles that stand and reach this action. */
export function weighRestrictions(draft: Draft): void {
  const { action, snapshot } = draft;
  if (snapshot.restrictions.length === 0)
    return addTrace(draft, 'restriction', 'green', sayTouched(draft, 'No restriction stands.'));
  const subject = { action, agentClass: agentClassOf(snapshot.law.charter, action.agent) };
  const standing = standingRestrictions(draft, subject);
  if (standing.length === 0)
    return addTrace(
      draft,
      'restriction',
      'green',
      sayTouched(draft, 'No restriction in force reaches this action.'),
    );
  const listed: Decision['restrictions'][number][] = [];
  const binding: Tier[] = [];
  const texts: string[] = [];
  for (const restriction of standing) {
    const { id, kind, cause } = restriction;
    const floor = floorOf(restriction);
    listed.push({ id, kind, floor, cause });
    // A phase says what agents do without asking people; an operator who acts is one of them.
    if ((kind === 'stop' || kind === 'phase') && isSafeState(draft)) {
      texts.push(`Passed as a safe-state action by an operator in spite of ${nameOf(restriction, draft)}.`);
      continue;
    }
    binding.push(floor);
    texts.push(weighRestriction(draft, restriction, floor));
  }
  draft.restrictions = listed;
  addTrace(draft, 'restriction', strictest(binding), sayTouched(draft, texts.join(' ')));
}

/** Where the charter reads what is touched, the trace says what was read. */
function sayTouched({ setting, action }: Draft, text: string): string {
  const read = setting?.resource;
  return read === undefined ? text : `${describeResource(read, action.resource)} ${text}`;
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
  const what = nameOf(restriction, draft);
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

function nameOf({ kind, id, scope, cause }: Restriction, { action, setting }: Draft): string {
  const where = setting?.resource === undefined ? '`resource`' : `the parameter \`${setting.resource.from}\``;
  const unnamed = isReachedUnnamed(scope, action)
    ? ` (the action names no resource, so it counts as this one; say what it touches in ${where})`
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
