// The HTTP resources of agents: who they are, how far they are trusted, and freezing them.
import { z } from 'zod';
import { reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Call, Reply, Route } from '../../platform/http/route.ts';
import type { Agents } from './agents.ts';

const reasonBody = z.strictObject({ reason: reasonField });

export function agentRoutes(agents: Agents): readonly Route[] {
  async function found(tenant: string, id: string): Promise<Reply> {
    const agent = await agents.find(tenant, id);
    return agent === null
      ? problem({ code: 'not_found', detail: `No agent ${id} has acted here yet.` })
      : json(agent);
  }
  const order = ({ principal, params, body, traceId }: Call<{ reason: string }>) => ({
    tenant: principal.tenant,
    agent: params['agent'] ?? '',
    reason: body.reason,
    by: principal.id,
    traceId,
  });

  return [
    route({
      method: 'GET',
      path: '/api/v1/agents',
      summary: 'All agents with their trust',
      permission: 'agents.read',
      answer: '{ items }',
      handle: async ({ principal }) => json({ items: await agents.list(principal.tenant) }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/agents/:agent',
      summary: 'One agent: trust, counts and how its trust came about',
      permission: 'agents.read',
      answer: 'The agent with its history',
      handle: ({ principal, params }) => found(principal.tenant, params['agent'] ?? ''),
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents/:agent/freeze',
      summary: 'Freeze an agent: nothing of it begins until somebody lifts it',
      permission: 'agents.freeze',
      answer: 'The agent',
      body: reasonBody,
      async handle(call) {
        const freezing = await agents.freeze(order(call));
        if (freezing === 'requested')
          return problem({
            code: 'unavailable',
            detail:
              'The freeze stands and binds what is decided from now on, but hung sessions kept it from being confirmed. Freeze again to confirm it.',
            retryAfterMs: 1_000,
          });
        return found(call.principal.tenant, call.params['agent'] ?? '');
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/agents/:agent/unfreeze',
      summary: 'Lift every freeze of an agent',
      permission: 'agents.unfreeze',
      answer: 'The agent',
      body: reasonBody,
      async handle(call) {
        const lifted = await agents.unfreeze(order(call));
        return lifted === 0
          ? problem({ code: 'conflict', detail: `Agent ${call.params['agent'] ?? ''} is not frozen.` })
          : found(call.principal.tenant, call.params['agent'] ?? '');
      },
    }),
  ];
}
