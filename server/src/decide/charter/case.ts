// One action judged by a charter alone, as if nothing else were known: no stop, no spending, no earlier act. So what a
// charter says can be asked before it is in force, by its author and by a machine that has no server.
import { decide, explainRules, meantName, nearest, newTrust } from '@mandate/kernel';
import type { Action, ConsideredRule, Decision, JsonObject, Law, Snapshot } from '@mandate/kernel';
import type { WrittenCase } from './case-schema.ts';

/** Who asks for what, and when. */
export interface Circumstances {
  readonly agent: string;
  readonly action: string;
  readonly parameters: JsonObject;
  readonly context: JsonObject;
  readonly resource: { readonly type: string; readonly id: string } | null;
  readonly user: string | null;
  /** Of the user, beside those that the charter gives. */
  readonly roles: readonly string[];
  /** Of the user; null narrows nothing. */
  readonly scopes: readonly string[] | null;
  /** 0 to 100; null: never seen before. */
  readonly trust: number | null;
  readonly costMicroUsd: number | null;
  readonly tested: boolean;
  readonly tenant: string;
  readonly nowMs: number;
}

export interface Judged {
  readonly decision: Decision;
  readonly considered: readonly ConsideredRule[];
  /** Where no rule names the action: the name that a rule has and that was perhaps meant. */
  readonly meant: string | null;
}

/** What the law says to an action under these circumstances, and every rule that was considered. */
export function judgeBy(law: Law, asked: Circumstances): Judged {
  const { action, snapshot, decision } = decideBy(law, asked);
  // Conditions may look at findings: at those that the decision was made with.
  const considered = explainRules(law, action, { ...snapshot, findings: decision.findings });
  return { decision, considered, meant: meantName(law, asked.action) };
}

interface Decided {
  readonly action: Action;
  readonly snapshot: Snapshot;
  readonly decision: Decision;
}

function decideBy(law: Law, asked: Circumstances): Decided {
  const action: Action = {
    agent: asked.agent,
    action: asked.action,
    parameters: asked.parameters,
    context: asked.context,
    resource: asked.resource,
    user: asked.user === null ? null : { id: asked.user, email: null },
    chain: [],
    onBehalfOf: null,
    costMicroUsd: asked.costMicroUsd,
  };
  const snapshot = snapshotOf(law, asked);
  return { action, snapshot, decision: decide(action, snapshot) };
}

function snapshotOf(law: Law, asked: Circumstances): Snapshot {
  const { trust } = law.charter;
  return {
    law,
    tenant: asked.tenant,
    nowMs: asked.nowMs,
    revision: 0,
    mode: 'FULL',
    principal: { id: `case:${asked.agent}`, roles: ['agent'] },
    trust: asked.trust === null ? null : { ...newTrust(trust, asked.nowMs), score: asked.trust },
    userScopes: asked.scopes,
    userRoles: asked.roles,
    grants: [],
    restrictions: [],
    used: {},
    approval: null,
    deployment: { testsPassed: asked.tested, openCriticalFindings: 0 },
    findings: [],
    past: [],
  };
}

export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  /** What is not as expected, a sentence each. Empty where everything is. */
  readonly problems: readonly string[];
  readonly decision: Pick<Decision, 'tier' | 'effect' | 'code' | 'rule' | 'reasons'>;
}

type Comparable = string | number | null;

/** Wednesday 7 January 2026, noon UTC: without a moment of its own a case gives the same today and in a year. */
const NOON_MS = 1_767_787_200_000;

/** Judges a case and compares. */
export function runCase(law: Law, written: WrittenCase): CaseResult {
  return compareCase(law, written, decideBy(law, circumstancesOf(written)).decision);
}

/** What a decision has that the case does not expect, by whatever it was made. */
export function compareCase(
  law: Law,
  written: Pick<WrittenCase, 'name' | 'action' | 'expect'>,
  decision: Decision,
): CaseResult {
  const { tier, effect, code, rule, reasons } = decision;
  const { expect } = written;
  const problems: string[] = [];
  const compare = (what: string, expected: Comparable | undefined, found: Comparable): void => {
    if (expected !== undefined && expected !== found)
      problems.push(`${what}: expected ${shown(expected)}, is ${shown(found)}.`);
  };
  compare('tier', expect.tier, tier);
  compare('effect', expect.effect, effect);
  compare('code', expect.code, code);
  compare('rule', expect.rule, rule);
  const lists = [
    ['findings', expect.findings, decision.findings.map(({ check }) => check)],
    ['obligations', expect.obligations, decision.obligations],
    ['approvers', expect.approvers, decision.approval?.requiredRoles ?? []],
  ] as const;
  for (const [what, expected, found] of lists)
    if (expected !== undefined) compare(what, listed(expected), listed(found));
  compare('quorum', expect.quorum, decision.approval?.quorum ?? null);
  if (problems.length > 0) problems.push(...slips(law, written));
  return {
    name: written.name,
    ok: problems.length === 0,
    problems,
    decision: { tier, effect, code, rule, reasons },
  };
}

function slips(law: Law, { action, expect }: Pick<WrittenCase, 'action' | 'expect'>): readonly string[] {
  const told: string[] = [];
  const meant = meantName(law, action);
  if (meant !== null) told.push(`No rule names ${action}. Did you mean ${meant}?`);
  const patterns = law.charter.rules.map(({ match }) => match);
  if (typeof expect.rule === 'string' && !patterns.includes(expect.rule)) {
    const guess = nearest(expect.rule, patterns);
    told.push(
      `No rule of the charter has the pattern ${expect.rule}.${guess === null ? '' : ` Did you mean ${guess}?`}`,
    );
  }
  return told;
}

function circumstancesOf(written: WrittenCase): Circumstances {
  const { resource, costUsd, at } = written;
  const slash = resource?.indexOf('/') ?? -1;
  return {
    agent: written.agent ?? 'new-agent',
    action: written.action,
    parameters: written.parameters ?? {},
    context: written.context ?? {},
    resource:
      resource === undefined ? null : { type: resource.slice(0, slash), id: resource.slice(slash + 1) },
    user: written.user ?? null,
    roles: written.roles ?? [],
    scopes: written.scopes ?? null,
    trust: written.trust ?? null,
    costMicroUsd: costUsd === undefined ? null : Math.round(costUsd * 1e6),
    tested: written.tested ?? false,
    tenant: written.tenant ?? 'default',
    nowMs: at === undefined ? NOON_MS : Date.parse(at),
  };
}

/** As a set, so that two lists compare as one text. */
function listed(values: readonly string[]): string {
  return `[${[...new Set(values)].toSorted().join(', ')}]`;
}

function shown(value: Comparable): string {
  return value === null ? 'none' : String(value);
}
