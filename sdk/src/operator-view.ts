// What the server shows to people and their programs, read from unknown JSON.
import type { Json, Stats } from '@mandate/kernel';
import {
  countsOf,
  fieldsOf,
  idOf,
  listOf,
  numberOf,
  optional,
  parsedJson,
  textOf,
  truthOf,
  wordOf,
} from './guard.ts';

/** What was shown: the vote is bound to this very digest. An Approval and a Held's `approval` both are one. */
export interface Shown {
  readonly id: string;
  readonly digest: string;
}

export interface StopReport {
  readonly id: string;
  readonly requestedAt: string;
  /** From here on nothing begins at Mandate; null while it is only requested. */
  readonly confirmedAt: string | null;
  /** From here on nothing begins at agents either: the last live permit has run out. */
  readonly quietAt: string | null;
  readonly epoch: number;
  readonly inFlight: readonly {
    readonly id: string;
    readonly agent: string;
    readonly action: string;
    readonly status: string;
  }[];
}

export interface StandingStop {
  readonly id: string;
  readonly scope: string;
  readonly level: string | null;
  readonly cause: string;
  readonly by: string;
  readonly since: string;
}

export interface StopStatus {
  readonly stopped: boolean;
  /** The file STOP lies in the server's data directory. */
  readonly sentinel: boolean;
  readonly stops: readonly StandingStop[];
}

export interface ResumeReport {
  /** False while a second person has to agree. */
  readonly resumed: boolean;
  readonly lifted: number;
  readonly requestedBy: string | null;
  /** The approval that the second person may also give; null where none is needed. */
  readonly approval: string | null;
}

export interface Approval {
  readonly id: string;
  readonly digest: string;
  readonly agent: string;
  readonly action: string;
  /** The act that waits for it; null for approvals of something else. */
  readonly actId: string | null;
  /** What is to be approved, with secrets blacked out. */
  readonly display: Json;
  readonly requester: string;
  readonly causes: readonly string[];
  readonly requiredRoles: readonly string[];
  readonly quorum: number;
  readonly status: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  /** `action`, `unfreeze`, `resume`, `charter`, `tool`, … */
  readonly subject: string;
  /** What is to be decided, in one line. */
  readonly title: string;
  /** Roles and people whose turn it has become because nobody decided in time. */
  readonly escalatedTo: readonly string[];
  /** The approval of what an approver made of this one. */
  readonly replacedBy: string | null;
  /** Whose vote is still missing, in words; null when it is decided, and where it was only read. */
  readonly missing: string | null;
}

export interface ApprovalFigures {
  readonly approved: number;
  readonly denied: number;
  readonly perHour: number;
  /** Between being shown something and approving it; null where nothing was shown. */
  readonly medianReadingMs: number | null;
  /** From 0 to 1; null where nothing was approved. */
  readonly shareUnder2s: number | null;
}

export interface ApprovalStats {
  readonly approvers: readonly (ApprovalFigures & { readonly approver: string })[];
  readonly all: ApprovalFigures;
}

export interface AgentView {
  readonly id: string;
  /** 0 to 100. */
  readonly trustScore: number;
  readonly trustLevel: string;
  readonly frozen: boolean;
  readonly liveActs: number;
  /** Acts by status. */
  readonly counts: Readonly<Record<string, number>>;
  /** The approval that an unfreeze waits for, where the charter asks for one; null otherwise. */
  readonly approval: Shown | null;
}

export function itemsOf<T>(value: unknown, read: (item: unknown, where: string) => T): readonly T[] {
  return listOf(fieldsOf(value, 'the answer')['items'], read, 'items');
}

export function readStopReport(value: unknown): StopReport {
  const report = fieldsOf(value, 'the answer');
  return {
    id: idOf(report['id'], 'id'),
    requestedAt: textOf(report['requestedAt'], 'requestedAt'),
    confirmedAt: optional(report['confirmedAt'], textOf, 'confirmedAt'),
    quietAt: optional(report['quietAt'], textOf, 'quietAt'),
    epoch: numberOf(report['epoch'], 'epoch'),
    inFlight: listOf(
      report['inFlight'],
      (item, where) => {
        const act = fieldsOf(item, where);
        return {
          id: idOf(act['id'], `${where}.id`),
          agent: textOf(act['agent'], `${where}.agent`),
          action: textOf(act['action'], `${where}.action`),
          status: textOf(act['status'], `${where}.status`),
        };
      },
      'inFlight',
    ),
  };
}

export function readStopStatus(value: unknown): StopStatus {
  const status = fieldsOf(value, 'the answer');
  return {
    stopped: truthOf(status['stopped'], 'stopped'),
    sentinel: truthOf(status['sentinel'], 'sentinel'),
    stops: listOf(
      status['stops'],
      (item, where) => {
        const stop = fieldsOf(item, where);
        return {
          id: idOf(stop['id'], `${where}.id`),
          scope: textOf(stop['scope'], `${where}.scope`),
          level: optional(stop['level'], textOf, `${where}.level`),
          cause: textOf(stop['cause'], `${where}.cause`),
          by: textOf(stop['by'], `${where}.by`),
          since: textOf(stop['since'], `${where}.since`),
        };
      },
      'stops',
    ),
  };
}

export function readResumeReport(value: unknown): ResumeReport {
  const report = fieldsOf(value, 'the answer');
  return {
    resumed: truthOf(report['resumed'], 'resumed'),
    lifted: optional(report['lifted'], numberOf, 'lifted') ?? 0,
    requestedBy: optional(report['requestedBy'], textOf, 'requestedBy'),
    approval: optional(
      report['approval'],
      (value, where) => idOf(fieldsOf(value, where)['id'], `${where}.id`),
      'approval',
    ),
  };
}

export function readApproval(value: unknown, where: string): Approval {
  const approval = fieldsOf(value, where);
  return {
    id: idOf(approval['id'], `${where}.id`),
    digest: idOf(approval['digest'], `${where}.digest`),
    agent: textOf(approval['agent'], `${where}.agent`),
    action: textOf(approval['action'], `${where}.action`),
    actId: optional(approval['actId'], textOf, `${where}.actId`),
    display: parsedJson(approval['display']),
    requester: textOf(approval['requester'], `${where}.requester`),
    causes: listOf(approval['causes'], textOf, `${where}.causes`),
    requiredRoles: listOf(approval['requiredRoles'], textOf, `${where}.requiredRoles`),
    quorum: numberOf(approval['quorum'], `${where}.quorum`),
    status: wordOf(
      approval['status'],
      ['pending', 'approved', 'denied', 'expired', 'cancelled', 'used'],
      `${where}.status`,
    ),
    createdAt: textOf(approval['createdAt'], `${where}.createdAt`),
    expiresAt: textOf(approval['expiresAt'], `${where}.expiresAt`),
    subject: textOf(approval['subject'], `${where}.subject`),
    title: textOf(approval['title'], `${where}.title`),
    escalatedTo: listOf(approval['escalatedTo'], textOf, `${where}.escalatedTo`),
    replacedBy: optional(approval['replacedBy'], textOf, `${where}.replacedBy`),
    missing: optional(approval['missing'], textOf, `${where}.missing`),
  };
}

export function readDecided(value: unknown): readonly Approval[] {
  return listOf(fieldsOf(value, 'the answer')['decided'], readApproval, 'decided');
}

export function readApprovalStats(value: unknown): ApprovalStats {
  const stats = fieldsOf(value, 'the answer');
  return {
    approvers: listOf(
      stats['approvers'],
      (item, where) => ({
        approver: textOf(fieldsOf(item, where)['approver'], `${where}.approver`),
        ...figuresOf(item, where),
      }),
      'approvers',
    ),
    all: figuresOf(stats['all'], 'all'),
  };
}

function figuresOf(value: unknown, where: string): ApprovalFigures {
  const figures = fieldsOf(value, where);
  return {
    approved: numberOf(figures['approved'], `${where}.approved`),
    denied: numberOf(figures['denied'], `${where}.denied`),
    perHour: numberOf(figures['perHour'], `${where}.perHour`),
    medianReadingMs: optional(figures['medianReadingMs'], numberOf, `${where}.medianReadingMs`),
    shareUnder2s: optional(figures['shareUnder2s'], numberOf, `${where}.shareUnder2s`),
  };
}

export function readAgent(value: unknown, where: string): AgentView {
  const agent = fieldsOf(value, where);
  return {
    id: idOf(agent['id'], `${where}.id`),
    trustScore: numberOf(agent['trustScore'], `${where}.trustScore`),
    trustLevel: textOf(agent['trustLevel'], `${where}.trustLevel`),
    frozen: truthOf(agent['frozen'], `${where}.frozen`),
    liveActs: numberOf(agent['liveActs'], `${where}.liveActs`),
    counts: countsOf(agent['counts'], `${where}.counts`),
    approval: optional(
      agent['approval'],
      (value, place) => {
        const shown = fieldsOf(value, place);
        return { id: idOf(shown['id'], `${place}.id`), digest: idOf(shown['digest'], `${place}.digest`) };
      },
      `${where}.approval`,
    ),
  };
}

export function readStats(value: unknown): Stats {
  const stats = fieldsOf(value, 'the answer');
  const today = fieldsOf(stats['today'], 'today');
  return {
    pendingApprovals: numberOf(stats['pendingApprovals'], 'pendingApprovals'),
    pendingDigestEntries: numberOf(stats['pendingDigestEntries'], 'pendingDigestEntries'),
    liveActs: numberOf(stats['liveActs'], 'liveActs'),
    agents: numberOf(stats['agents'], 'agents'),
    frozenAgents: numberOf(stats['frozenAgents'], 'frozenAgents'),
    today: {
      byStatus: countsOf(today['byStatus'], 'today.byStatus'),
      byTier: countsOf(today['byTier'], 'today.byTier'),
      costUsd: numberOf(today['costUsd'], 'today.costUsd'),
    },
  };
}
