// The HTTP resources of pinned tools: what each MCP server has said of them, and forgetting it.
import { z } from 'zod';
import { nameField, reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import type { Tools } from './tools.ts';

export function toolRoutes(tools: Pick<Tools, 'list' | 'forget'>): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/tools',
      summary: 'Tools of MCP servers as they were pinned, and what has changed since',
      permission: 'charter.read',
      answer: '{ items }',
      query: z.strictObject({ upstream: nameField.optional() }),
      handle: async ({ principal, query }) =>
        json({ items: await tools.list(principal.tenant, query.upstream ?? null) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/tools/forget',
      summary: 'Forget what was pinned of an MCP server: its next list is taken as it is',
      permission: 'charter.write',
      answer: '{ forgotten }',
      body: z.strictObject({ upstream: nameField, reason: reasonField }),
      async handle({ principal, body, traceId }) {
        const done = await tools.forget({
          tenant: principal.tenant,
          upstream: body.upstream,
          by: principal.id,
          reason: body.reason,
          traceId,
        });
        if (done.kind === 'refused') return problem(done.refusal);
        return done.count === 0
          ? problem({
              code: 'not_found',
              detail: `Nothing is pinned of ${body.upstream}; GET /api/v1/tools lists what is.`,
            })
          : json({ forgotten: done.count });
      },
    }),
  ];
}
