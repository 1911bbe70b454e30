// The HTTP resources of approvals. A GET never decides: link scanners and previews follow links.
import { z } from 'zod';
import { reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import { approverRolesOf } from '../../platform/identity/roles.ts';
import type { Approvals } from './approvals.ts';

const STATUSES = ['pending', 'approved', 'denied', 'expired', 'cancelled', 'used'] as const;

const ballot = z.strictObject({
  decision: z.enum(['approve', 'deny']),
  digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be the digest that the approval shows'),
  reason: reasonField.optional(),
});

export function approvalRoutes(approvals: Approvals): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/approvals',
      summary: 'What waits for people, newest first',
      permission: 'approvals.read',
      answer: '{ items }',
      query: z.strictObject({ status: z.enum(STATUSES).optional() }),
      handle: async ({ principal, query }) =>
        json({ items: await approvals.list(principal.tenant, query.status ?? null, 200) }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/approvals/:id',
      summary: 'One approval with what is to be approved and its digest',
      permission: 'approvals.read',
      answer: 'The approval',
      async handle({ principal, params }) {
        const found = await approvals.find(principal.tenant, params['id'] ?? '');
        return found === null
          ? problem({ code: 'not_found', detail: `There is no approval ${params['id'] ?? ''}.` })
          : json(found);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/approvals/:id/decision',
      summary: 'Approve or deny exactly what was shown',
      permission: 'approvals.decide',
      answer: 'The approval, and what is still missing',
      body: ballot,
      async handle({ principal, params, body, traceId }) {
        // The roles that count are the caller's own; the tally knows which of them approve what.
        const roles = [...new Set<string>([...principal.roles, ...approverRolesOf(principal.roles)])];
        const answer = await approvals.vote({
          tenant: principal.tenant,
          approvalId: params['id'] ?? '',
          decision: body.decision,
          digest: body.digest,
          reason: body.reason ?? null,
          voter: { id: principal.id, roles },
          traceId,
        });
        return answer.kind === 'refused'
          ? problem(answer.refusal)
          : json({ ...answer.approval, missing: answer.missing });
      },
    }),
  ];
}
