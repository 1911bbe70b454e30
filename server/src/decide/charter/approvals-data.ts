// From what is written under `approvals:` to what the kernel counts votes by, with every name checked: a stand-in for a
// role that nobody asks for, or a step that hands on to nobody, would be found out only when everybody waits.
import { DEFAULT_APPROVAL_MS, DEFAULT_APPROVALS, PROPOSAL_MS } from '@mandate/kernel';
import type { ApprovalNeeds, ApprovalSettings, EscalationStep, StandIn } from '@mandate/kernel';
import { momentMs } from './approvals-schema.ts';
import type { WrittenApprovals, WrittenNeeds, WrittenStep } from './approvals-schema.ts';
import { durationMs } from './units.ts';

/** Something wrong, and where in the section. */
export interface ApprovalsProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface ApprovalsRead {
  readonly settings: ApprovalSettings;
  readonly problems: readonly ApprovalsProblem[];
}

const SUBJECTS = ['unfreeze', 'charter', 'tool', 'proposal'] as const;

/** Reads the section; `unknownRole` says what is wrong with a name of an approver role, or null. */
export function readApprovals(
  written: WrittenApprovals | undefined,
  unknownRole: (role: string) => string | null,
): ApprovalsRead {
  if (written === undefined) return { settings: DEFAULT_APPROVALS, problems: [] };
  const problems: ApprovalsProblem[] = [];
  const checked = (path: readonly (string | number)[], role: string): void => {
    const message = unknownRole(role);
    if (message !== null) problems.push({ path, message });
  };
  const subjects: Record<string, ApprovalNeeds> = {};
  for (const subject of SUBJECTS) {
    const needs: WrittenNeeds | undefined = written[subject];
    if (needs === undefined) continue;
    for (const [index, role] of (needs.approvers ?? []).entries())
      checked([subject, 'approvers', index], role);
    problems.push(...stepProblems([subject, 'escalate'], needs.escalate, unknownRole));
    subjects[subject] = readNeeds(needs, subject === 'proposal' ? PROPOSAL_MS : DEFAULT_APPROVAL_MS);
  }
  problems.push(...stepProblems(['escalate'], written.escalate, unknownRole));
  for (const [index, { for: role, from, until }] of (written.standIns ?? []).entries()) {
    checked(['standIns', index, 'for'], role);
    if (from !== undefined && until !== undefined && momentMs(from) >= momentMs(until))
      problems.push({
        path: ['standIns', index, 'until'],
        message: `It ends (${until}) before it begins (${from}). Correct one of them.`,
      });
  }
  return {
    settings: {
      subjects,
      standIns: (written.standIns ?? []).map(readStandIn),
      escalate: readSteps(written.escalate ?? []),
      rememberMaxMs: rememberMs(written.rememberMax),
      fatigue: {
        perHour: written.fatigue?.perHour ?? null,
        minReadingMs: durationOrNull(written.fatigue?.minReadingTime),
      },
    },
    problems,
  };
}

/** Steps in the order of their time. */
export function readSteps(written: readonly WrittenStep[]): readonly EscalationStep[] {
  return written
    .map(({ after, to }) => ({ afterMs: durationMs(after), to }))
    .toSorted((a, b) => a.afterMs - b.afterMs);
}

/** What is wrong with the steps of a rule, a tier or the section. */
export function stepProblems(
  path: readonly (string | number)[],
  steps: readonly { readonly to: string }[] | undefined,
  unknownRole: (role: string) => string | null,
): readonly ApprovalsProblem[] {
  return (steps ?? []).flatMap(({ to }, index) => {
    const message = to.startsWith('user:') ? null : unknownRole(to);
    return message === null ? [] : [{ path: [...path, index, 'to'], message }];
  });
}

function readNeeds(written: WrittenNeeds, byDefaultMs: number): ApprovalNeeds {
  return {
    requiredRoles: written.approvers ?? [],
    quorum: written.quorum ?? 1,
    expiresMs: durationOrNull(written.expires) ?? byDefaultMs,
    // What people propose to each other is worth nothing when one person can do both.
    fourEyes: written.fourEyes ?? true,
    ...(written.escalate === undefined ? {} : { escalate: readSteps(written.escalate) }),
  };
}

function readStandIn({
  user,
  for: role,
  of,
  from,
  until,
}: NonNullable<WrittenApprovals['standIns']>[number]): StandIn {
  return {
    user,
    for: role,
    of: of ?? null,
    fromMs: from === undefined ? null : momentMs(from),
    untilMs: until === undefined ? null : momentMs(until),
  };
}

function rememberMs(written: string | undefined): number {
  if (written === 'never') return 0;
  return durationOrNull(written) ?? DEFAULT_APPROVALS.rememberMaxMs;
}

function durationOrNull(written: string | undefined): number | null {
  return written === undefined ? null : durationMs(written);
}
