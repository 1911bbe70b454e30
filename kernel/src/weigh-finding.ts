// What the guardrails have found on an action, and what becomes of it. A graver finding has every cause that it would have
// were it milder: otherwise an approval for the milder ones would let it run.
import { addCause, addTrace, raise } from './draft.ts';
import type { Draft } from './draft.ts';
import { besideFindings, taintFindings } from './finding/besides.ts';
import { overrunOf } from './finding/overrun.ts';
import type { Finding, FindingSeverity } from './finding.ts';
import { detectFindings } from './finding/detect.ts';
import { enforcementOf } from './snapshot.ts';

const FINDING_RANK: Readonly<Record<FindingSeverity, number>> = {
  critical: 0,
  error: 1,
  warning: 2,
  info: 3,
};

/** Everything found, the gravest first: by the shipped guardrails, by plug-ins, by what was read before, and by the charter's own. */
export function collectFindings({
  action,
  setting,
  snapshot,
  costMicroUsd,
  reading,
}: Draft): readonly Finding[] {
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

/** Critical, error, or three together that are warnings or graver: red. */
export function weighFindings(draft: Draft): void {
  const { findings } = draft;
  if (findings.length === 0) return addTrace(draft, 'finding', 'green', 'The guardrails found nothing.');
  const isAudited = enforcementOf(draft.snapshot) === 'audit';
  const counted = findings.filter((finding) => rankOf(finding) <= FINDING_RANK.warning);
  const areTooMany = counted.length >= 3;
  let isRed = areTooMany;
  for (const finding of counted) {
    const { check, message } = finding;
    const rank = rankOf(finding);
    if (rank < FINDING_RANK.warning) {
      isRed = true;
      addCause(draft, `finding:${check}`, message, isAudited);
    }
    if (rank === FINDING_RANK.critical) addCause(draft, `critical:${check}`, message, isAudited);
    if (areTooMany) addCause(draft, `warning:${check}`, message, isAudited);
  }
  if (isRed) raise(draft, 'red');
  const names = findings.map((finding) => `${finding.check} (${finding.severity})`).join(', ');
  addTrace(draft, 'finding', isRed ? 'red' : 'green', `The guardrails found: ${names}.`);
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
