// The MCP gateway, handed what it needs: the road, the executors whose servers it stands before, and how acts end.
import { findAct } from '../act/actions/queries.ts';
import { carry } from '../act/executors/carrier.ts';
import type { HttpDoor, HttpNeeds } from '../api/http/server.ts';
import { mountMcp } from '../api/mcp/gateway.ts';
import type { Tools } from '../decide/tools/tools.ts';
import { askerOf } from '../platform/identity/asker.ts';
import type { DoorsNeeds } from './doors-needs.ts';

export function mountMcpGateway(
  {
    infrastructure,
    authority,
    judgement,
    execution,
    metrics,
    publicUrl,
    tools,
  }: DoorsNeeds & { readonly tools: Pick<Tools, 'seen'> },
  { fastify, prove }: HttpDoor,
  traced: HttpNeeds['traced'],
): void {
  const { clock, chance, log, store } = infrastructure;
  const { charters, executors, approvals } = judgement;
  const { pipeline, waiting, outcomes, show } = execution;
  mountMcp({
    fastify,
    prove,
    traced,
    askerOf,
    publicUrl,
    seen: tools.seen,
    delegate: (principal, token) => authority.identity.delegate(principal, token),
    async upstreams(tenant) {
      const active = await charters.active(tenant);
      if (active === null) return new Map();
      const { executors: settings } = active.law.charter;
      executors.configure(tenant, active.version, settings);
      const servers = Object.entries(settings).filter(([, { kind }]) => kind === 'mcp' || kind === 'mcpHttp');
      return new Map(servers.map(([name, setting]) => [name, JSON.stringify(setting)]));
    },
    connect: (tenant, upstream) => executors.of(tenant).connect(upstream),
    executorOf: (tenant, action) => executors.of(tenant).find(action),
    carry,
    request: (asker, wanted) => metrics.measured(() => pipeline.request(asker, wanted)),
    async proceed(tenant, actId) {
      const act = await findAct(store, tenant, actId);
      return act === null ? null : pipeline.proceed(act);
    },
    async look(tenant, actId) {
      const act = await findAct(store, tenant, actId);
      return act === null ? null : show(act, {});
    },
    isApproved: async (tenant, approvalId) =>
      (await approvals.find(tenant, approvalId))?.status === 'approved',
    waitFor: (tenant, actId, waitMs) => waiting.waitFor(tenant, actId, waitMs),
    cancel: (asker, actId, reason) => outcomes.cancel(asker, actId, reason),
    uuid: () => chance.uuid(),
    after: (waitMs, run) => clock.after(waitMs, run),
    monotonicMs: () => clock.monotonicMs(),
    failed: (error, traceId, path) =>
      log.error({ err: error, traceId, path }, 'the MCP gateway met a mistake of ours'),
  });
}
