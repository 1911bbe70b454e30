// The shipped guardrails: pure facts detected on one action, each with a severity. None of them knows of another.
import type { ActionSetting } from '../action-setting.ts';
import type { Action } from '../action.ts';
import { branchThreats } from './branches.ts';
import { deploymentIssues } from './deployment.ts';
import type { DeploymentFacts } from './deployment.ts';
import { diffSize } from './diff.ts';
import type { Guardrails } from './guardrails.ts';
import { findLeaks } from './leaks.ts';
import { touchedPaths } from './paths.ts';
import { readAction } from './reading.ts';
import type { Reading } from './reading.ts';
import { redactText, SCAN_LIMIT } from './redact.ts';
import { titleOf } from './secrets.ts';
import type { FindingSeverity, Finding } from '../finding.ts';

export interface FindingNeeds {
  readonly action: Action;
  /** What the charter says of the action; null when it says nothing. */
  readonly setting: ActionSetting | null;
  /** From `compileGuardrails`; a law carries them. */
  readonly guardrails: Guardrails;
  /** Only looked at for `deploy.*`; null counts as not known. */
  readonly deployment: DeploymentFacts | null;
  /** What the act is charged at least: the estimate or the charter's floor, whichever is more. */
  readonly costMicroUsd: number;
  /** What agent or user have spent today above what was charged at the start; 0 where it is left out. */
  readonly overrunMicroUsd?: number;
  readonly nowMs: number;
  /** The action as `readAction` reads it, from a caller that needs it again; read here where it is missing. */
  readonly reading?: Reading;
}

/** How many findings of one check are reported; more would say nothing new. */
const MAX_FINDINGS = 10;

/**
 * The shipped guardrails that one action and its facts can answer, always in the same order. The rate guardrail is a
 * limit that act_start() reserves exactly; no count made here could be.
 */
export function detectFindings(needs: FindingNeeds): readonly Finding[] {
  const { action, setting, guardrails } = needs;
  const reading = needs.reading ?? readAction(action, setting, guardrails.traitsOf);
  const findings: Finding[] = [];
  for (const detect of DETECTORS) for (const finding of detect(needs, reading)) findings.push(finding);
  return findings;
}

type Detector = (needs: FindingNeeds, reading: Reading) => readonly Finding[];

const DETECTORS: readonly Detector[] = [
  costFindings,
  secretFindings,
  pathFindings,
  branchFindings,
  deploymentFindings,
  diffFindings,
];

const NOTHING: readonly Finding[] = [];

/** The finding on what an action costs, or none. Amounts as in the needs. */
export function costFindings({
  costMicroUsd: charged,
  overrunMicroUsd = 0,
  guardrails,
}: Pick<FindingNeeds, 'costMicroUsd' | 'overrunMicroUsd' | 'guardrails'>): readonly Finding[] {
  const { cost } = guardrails.settings;
  // Estimates that were too low today are made up for here, so that low estimates buy nothing.
  const costMicroUsd = charged + overrunMicroUsd;
  if (costMicroUsd >= 0 && costMicroUsd < cost.warningMicroUsd) return NOTHING;
  const found = (severity: FindingSeverity, message: string): readonly Finding[] => [
    { check: 'cost', severity, message, pointer: null },
  ];
  // A cost that is no amount cannot be compared with anything.
  if (!Number.isFinite(costMicroUsd) || costMicroUsd < 0)
    return found('critical', 'The cost is no amount; send it in USD.');
  const usd =
    overrunMicroUsd === 0
      ? usdOf(costMicroUsd)
      : `${usdOf(costMicroUsd)}, ${usdOf(overrunMicroUsd)} of it for what today's acts cost above their estimates`;
  const advice = 'Split the work or have it approved.';
  if (costMicroUsd >= cost.criticalMicroUsd) return found('critical', `Costs at least ${usd}. ${advice}`);
  if (costMicroUsd >= cost.errorMicroUsd) return found('error', `Costs at least ${usd}. ${advice}`);
  return costMicroUsd >= cost.warningMicroUsd ? found('warning', `Costs at least ${usd}.`) : [];
}

function usdOf(microUsd: number): string {
  return `${(microUsd / 1_000_000).toFixed(2)} USD`;
}

function secretFindings({ guardrails }: FindingNeeds, reading: Reading): readonly Finding[] {
  if (!guardrails.settings.secretLeak) return NOTHING;
  const { certain, likely, isOver } = findLeaks(reading.searched, reading.traitsOf);
  if (certain.length === 0 && likely.length === 0 && !isOver) return NOTHING;
  const over: readonly Finding[] = isOver
    ? [
        {
          check: 'secret_leak',
          severity: 'critical',
          message: `The action holds more than ${SCAN_LIMIT / 1024} KB of text, which is not searched for secrets. Send large content by reference.`,
          pointer: '/parameters',
        },
      ]
    : [];
  const leaks = certain.slice(0, MAX_FINDINGS).map(({ kind, pointer }): Finding => ({
    check: 'secret_leak',
    severity: 'critical',
    message: `Contains a secret (${titleOf(kind)}). Take it out, revoke it, and name it by its place in the vault.`,
    pointer,
  }));
  const [first] = likely;
  // One warning however many there are: three guesses together would otherwise hold the action like a certainty.
  const guess: readonly Finding[] =
    first === undefined
      ? []
      : [
          {
            check: 'secret_leak',
            severity: 'warning',
            message: `Looks like a secret (${titleOf(first.kind)}, ${likely.length} in all). If it is one, name it by its place in the vault.`,
            pointer: first.pointer,
          },
        ];
  return [...over, ...leaks, ...guess];
}

function pathFindings({ guardrails }: FindingNeeds, reading: Reading): readonly Finding[] {
  const touched = touchedPaths(reading.paths, guardrails.paths);
  return touched.length === 0
    ? NOTHING
    : touched.slice(0, MAX_FINDINGS).map(({ pointer, value, glob }) => ({
        check: 'protected_path',
        severity: 'critical',
        message: `Touches ${shown(value)}, which ${glob} guards. Use another path, or have it approved.`,
        pointer: redactText(pointer),
      }));
}

function branchFindings(needs: FindingNeeds, { hasCommand }: Reading): readonly Finding[] {
  const { action, setting, guardrails } = needs;
  const meaning = guardrails.meaningOf(action.action);
  const threats = branchThreats({ action, setting, guarded: guardrails.branches, meaning, hasCommand });
  return threats.slice(0, MAX_FINDINGS).map(({ operation, branch }) => ({
    check: 'branch_protection',
    severity: 'critical',
    message:
      branch === null
        ? `Means ${operation} and does not say on which branch, so it may be a guarded one. Name the branch.`
        : `Means ${operation} on ${shown(branch)}, which is guarded. Work on another branch and open a pull request.`,
    pointer: null,
  }));
}

function deploymentFindings({ action, deployment, guardrails, nowMs }: FindingNeeds): readonly Finding[] {
  if (!/^deploy(?:\.|$)/i.test(action.action)) return NOTHING;
  const issues = deploymentIssues(deployment, guardrails.window, nowMs);
  if (issues.length === 0) return NOTHING;
  const severity = issues.length === 1 ? 'warning' : 'error';
  return [
    {
      check: 'deployment_safety',
      severity,
      message: `Not safe to deploy: ${issues.join('; ')}.`,
      pointer: null,
    },
  ];
}

function diffFindings({ action, setting, guardrails }: FindingNeeds, reading: Reading): readonly Finding[] {
  if (!reading.hasDiff) return NOTHING;
  const { diff } = guardrails.settings;
  const { lines, pointer } = diffSize(action, setting);
  if (lines <= diff.warningLines) return NOTHING;
  const severity = lines > diff.errorLines ? 'error' : 'warning';
  const message = `Changes ${lines} lines, more than ${severity === 'error' ? diff.errorLines : diff.warningLines}. Split the change.`;
  return [{ check: 'diff_size', severity, message, pointer }];
}

// What the agent wrote, fit to be shown: without secrets and control characters, and not endless.
function shown(text: string): string {
  const short = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return JSON.stringify(redactText(short));
}
