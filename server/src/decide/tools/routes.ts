// The HTTP resources of pinned tools: what each MCP server has said of them, saying it for a server that Mandate does not
// run itself, and forgetting it.
import { z } from 'zod';
import { nameField, reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import type { Report } from './reported.ts';
import type { Tools } from './tools.ts';

/** Nobody reads more tools than that; a longer list comes in parts. */
const REPORTED_MAX = 2_000;
const upstreamField = nameField.regex(
  /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/,
  'must be the first part of action names: letters, digits, _, - and dots between them',
);

export interface ToolRoutesNeeds {
  readonly tools: Pick<Tools, 'list' | 'forget'>;
  readonly report: Report;
}

export function toolRoutes({ tools, report }: ToolRoutesNeeds): readonly Route[] {
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
      path: '/api/v1/tools/seen',
      summary: 'Say what an MCP server that runs elsewhere says of its tools: what has changed is held',
      permission: 'actions.request',
      answer: '{ upstream, held }',
      body: z.strictObject({
        upstream: upstreamField,
        tools: z.array(z.record(z.string(), z.json())).max(REPORTED_MAX),
      }),
      async handle({ principal, body, traceId }) {
        const { upstream } = body;
        const list = { tenant: principal.tenant, upstream, tools: body.tools, by: principal.id, traceId };
        const done = await report(list);
        return done.kind === 'refused' ? problem(done.refusal) : json({ upstream, held: done.held });
      },
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
