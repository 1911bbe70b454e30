// The HTTP resources of agents: who they are, how far they are trusted, and freezing them.
import { z } from 'zod';
import { reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Call, Reply, Route } from '../../platform/http/route.ts';
import type { Agents, FreezeOrder } from './agents.ts';

const reasonBody = z.strictObject({ reason: reasonField });

/**
 * Where lifting a freeze takes people: who has to agree now. `free`: nobody but whoever asks, for just these freezes (null:
 * for whichever stand), so that none of them goes that came between the question and the lifting.
 */
export type AskUnfreeze = (order: FreezeOrder & { readonly user: string | null }) => Promise<
  | {
      readonly kind: 'asked';
      readonly approval: { readonly id: string; readonly digest: string; readonly expiresAt: string };
    }
  | { readonly kind: 'free'; readonly freezes: readonly string[] | null }
>;

export function agentRoutes(agents: Agents, askUnfreeze: AskUnfreeze): readonly Route[] {
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
      summary: 'Lift every freeze of an agent, or ask those whom the charter names',
      permission: 'agents.unfreeze',
      answer: 'The agent; with 202 also the approval that has to be given',
      body: reasonBody,
      async handle(call) {
        const asked = await askUnfreeze({ ...order(call), user: call.principal.user?.id ?? null });
        if (asked.kind === 'asked') {
          const agent = await agents.find(call.principal.tenant, call.params['agent'] ?? '');
          return json({ ...agent, approval: asked.approval }, 202);
        }
        const lifted = await agents.unfreeze(order(call), asked.freezes);
        return lifted === 0
          ? problem({
              code: 'conflict',
              detail: `Agent ${call.params['agent'] ?? ''} was not frozen when this was asked. If it is now, look at it and ask again.`,
            })
          : found(call.principal.tenant, call.params['agent'] ?? '');
      },
    }),
  ];
}
