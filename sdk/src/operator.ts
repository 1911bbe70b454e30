// What people and their programs do with Mandate besides asking for actions: stop and resume, decide approvals, look at
// agents and numbers. Each needs a key whose role allows it; an agent's own key is refused.
import type { Json, JsonObject } from '@mandate/kernel';
import {
  itemsOf,
  readAgent,
  readApproval,
  readResumeReport,
  readStats,
  readStopReport,
  readStopStatus,
} from './operator-view.ts';
import type { Transport } from './transport.ts';

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
  approve(shown: Shown, reason?: string): Promise<Approval>;
  deny(shown: Shown, reason?: string): Promise<Approval>;
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
  ): Promise<Approval> =>
    readApproval(
      await post(`/api/v1/approvals/${encodeURIComponent(id)}/decision`, {
        decision,
        digest,
        ...(reason === undefined ? {} : { reason }),
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
      approve: (shown, reason) => vote('approve', shown, reason),
      deny: (shown, reason) => vote('deny', shown, reason),
    },
    agents: {
      list: async () => itemsOf(await get('/api/v1/agents'), readAgent),
      find: async (id) => readAgent(await get(agentPath(id)), 'the agent'),
      freeze: async (id, reason) =>
        readAgent(await post(`${agentPath(id)}/freeze`, { reason }, true), 'the agent'),
      unfreeze: async (id, reason) =>
        readAgent(await post(`${agentPath(id)}/unfreeze`, { reason }), 'the agent'),
    },
  };
}
