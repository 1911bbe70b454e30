// What people and their programs do with Mandate besides asking for actions: stop and resume, decide approvals, look at
// agents and numbers. Each needs a key whose role allows it; an agent's own key is refused.
import type { ApprovalStatus, JsonObject, Stats } from '@mandate/kernel';
import type {
  AgentView,
  Approval,
  ApprovalStats,
  ResumeReport,
  StopReport,
  StopStatus,
  Shown,
} from './operator-view.ts';
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

export interface Approvals {
  list(status?: ApprovalStatus): Promise<readonly Approval[]>;
  find(id: string): Promise<Approval>;
  /** `remember` lets exactly this run again for so long without asking: `1h`. */
  approve(shown: Shown, reason?: string, options?: { readonly remember?: string }): Promise<Approval>;
  deny(shown: Shown, reason?: string): Promise<Approval>;
  /**
   * Approves the action with other parameters: it is decided anew, as another act. Answers with its approval. The mark of
   * a hidden value (`[redacted:…]`) that is left where it was shown keeps that value; anywhere else it is refused.
   */
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

export interface Agents {
  list(): Promise<readonly AgentView[]>;
  find(id: string): Promise<AgentView>;
  freeze(id: string, reason: string): Promise<AgentView>;
  unfreeze(id: string, reason: string): Promise<AgentView>;
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
