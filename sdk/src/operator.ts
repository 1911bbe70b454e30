// What people and their programs do with Mandate besides asking for actions: stop and resume, decide approvals, look at
// agents and numbers. Each needs a key whose role allows it; an agent's own key is refused.
import type { Json, JsonObject } from '@mandate/kernel';
import {
  itemsOf,
  readAgent,
  readApproval,
  readApprovalStats,
  readDecided,
  readResumeReport,
  readStats,
  readStopReport,
  readStopStatus,
} from './operator-view.ts';
import type { Transport } from './transport.ts';
import { createTrust } from './trust.ts';
import type { Trust } from './trust.ts';

export type StopLevel = 'pause' | 'stop' | 'seal';

export interface StopOrder {
  /** Stands in the journal. */
  readonly reason: string;
  /** `tenant` (all of it, the default), `agent:ID`, `class:NAME`, `action:PATTERN`, `user:ID` or `resource:TYPE/ID`. */
  readonly scope?: string;
  /** `pause`: finish what runs; `stop` (default): abort it; `seal`: also lock the keys. */
  readonly level?: StopLevel;
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

/** What was shown: the vote is bound to this very digest. An Approval and a Held's `approval` both are one. */
export interface Shown {
  readonly id: string;
  readonly digest: string;
}

export interface Approvals {
  list(
    status?: 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled' | 'used',
  ): Promise<readonly Approval[]>;
  find(id: string): Promise<Approval>;
  /** `remember` lets exactly this run again for so long without asking: `1h`. */
  approve(shown: Shown, reason?: string, options?: { readonly remember?: string }): Promise<Approval>;
  deny(shown: Shown, reason?: string): Promise<Approval>;
  /** Approves the action with other parameters: it is decided anew, as another act. Answers with its approval. */
  edit(shown: Shown, parameters: JsonObject, reason: string): Promise<Approval>;
  /** Decides everything that waits with one digest, or those of `ids`. Answers with what was decided. */
  bulk(order: BulkOrder): Promise<readonly Approval[]>;
  /** How much and how fast people approve, over the last hours (24). */
  stats(hours?: number): Promise<ApprovalStats>;
}

export interface BulkOrder {
  readonly decision: 'approve' | 'deny';
  /** Of what was shown: all of it is identical. */
  readonly digest: string;
  readonly ids?: readonly string[];
  readonly reason?: string;
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

export interface Agents {
  list(): Promise<readonly AgentView[]>;
  find(id: string): Promise<AgentView>;
  freeze(id: string, reason: string): Promise<AgentView>;
  unfreeze(id: string, reason: string): Promise<AgentView>;
}

export interface Stats {
  readonly pendingApprovals: number;
  readonly pendingDigestEntries: number;
  readonly liveActs: number;
  readonly agents: number;
  readonly frozenAgents: number;
  /** Of the current UTC day. */
  readonly today: {
    readonly byStatus: Readonly<Record<string, number>>;
    readonly byTier: Readonly<Record<string, number>>;
    readonly costUsd: number;
  };
}

export interface Operator {
  stop(order: StopOrder): Promise<StopReport>;
  status(): Promise<StopStatus>;
  resume(order: { readonly reason: string; readonly scope?: string }): Promise<ResumeReport>;
  stats(): Promise<Stats>;
  readonly approvals: Approvals;
  readonly agents: Agents;
  readonly trust: Trust;
}

export function createOperator(transport: Transport): Operator {
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path, agent: null, isRepeatable: true });
  const post = (path: string, body: JsonObject, isRepeatable = false): Promise<unknown> =>
    transport.read({ method: 'POST', path, body, agent: null, isRepeatable });
  const vote = async (
    decision: 'approve' | 'deny',
    { id, digest }: Shown,
    reason: string | undefined,
    { remember }: { readonly remember?: string } = {},
  ): Promise<Approval> =>
    readApproval(
      await post(`/api/v1/approvals/${encodeURIComponent(id)}/decision`, {
        decision,
        digest,
        ...(reason === undefined ? {} : { reason }),
        ...(remember === undefined ? {} : { remember }),
      }),
      'the approval',
    );
  const agentPath = (id: string): string => `/api/v1/agents/${encodeURIComponent(id)}`;

  return {
    // Twice stopped is stopped: this is the one order that is repeated without asking whether it arrived.
    stop: async ({ reason, scope, level }) =>
      readStopReport(
        await post(
          '/api/v1/stop',
          { reason, ...(scope === undefined ? {} : { scope }), ...(level === undefined ? {} : { level }) },
          true,
        ),
      ),
    status: async () => readStopStatus(await get('/api/v1/stop')),
    resume: async ({ reason, scope }) =>
      readResumeReport(await post('/api/v1/resume', { reason, ...(scope === undefined ? {} : { scope }) })),
    stats: async () => readStats(await get('/api/v1/stats')),
    approvals: {
      list: async (status) =>
        itemsOf(
          await get(`/api/v1/approvals${status === undefined ? '' : `?status=${status}`}`),
          readApproval,
        ),
      find: async (id) =>
        readApproval(await get(`/api/v1/approvals/${encodeURIComponent(id)}`), 'the approval'),
      approve: (shown, reason, options) => vote('approve', shown, reason, options),
      deny: (shown, reason) => vote('deny', shown, reason),
      edit: async ({ id, digest }, parameters, reason) =>
        readApproval(
          await post(`/api/v1/approvals/${encodeURIComponent(id)}/edit`, { digest, parameters, reason }),
          'the approval',
        ),
      bulk: async ({ decision, digest, ids, reason }) =>
        readDecided(
          await post('/api/v1/approvals/bulk', {
            decision,
            digest,
            ...(ids === undefined ? {} : { ids }),
            ...(reason === undefined ? {} : { reason }),
          }),
        ),
      stats: async (hours = 24) => readApprovalStats(await get(`/api/v1/approvals/stats?hours=${hours}`)),
    },
    agents: {
      list: async () => itemsOf(await get('/api/v1/agents'), readAgent),
      find: async (id) => readAgent(await get(agentPath(id)), 'the agent'),
      freeze: async (id, reason) =>
        readAgent(await post(`${agentPath(id)}/freeze`, { reason }, true), 'the agent'),
      unfreeze: async (id, reason) =>
        readAgent(await post(`${agentPath(id)}/unfreeze`, { reason }), 'the agent'),
    },
    trust: createTrust(transport),
  };
}
