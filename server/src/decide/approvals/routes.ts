// The HTTP resources of approvals. A GET never decides: link scanners and previews follow links. It does note that
// somebody was shown something, because reading time is counted from there.
import { z } from 'zod';
import type { Clock } from '../../platform/clock/clock.ts';
import { reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Call, Reply, Route } from '../../platform/http/route.ts';
import { approverRolesOf } from '../../platform/identity/roles.ts';
import type { Approvals, Voting } from './approvals.ts';
import type { Editing } from './editing.ts';
import { rememberField, rememberMsOf } from './remember-field.ts';

const STATUSES = ['pending', 'approved', 'denied', 'expired', 'cancelled', 'used'] as const;
const LISTED = 200;
const HOUR_MS = 3_600_000;
const DAY_H = 24;

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be the digest that the approval shows');
const decision = z.enum(['approve', 'deny']);
const ballot = z
  .strictObject({
    decision,
    digest,
    reason: reasonField.optional(),
    remember: rememberField.optional(),
  })
  .refine(isRememberable, { path: ['remember'], message: 'only what is approved can be remembered' });
const bulk = z
  .strictObject({
    decision,
    digest,
    ids: z.array(z.uuid()).min(1).max(500).optional(),
    reason: reasonField.optional(),
    remember: rememberField.optional(),
  })
  .refine(isRememberable, { path: ['remember'], message: 'only what is approved can be remembered' });
const edit = z.strictObject({
  digest,
  parameters: z.record(z.string(), z.json()),
  reason: reasonField,
});

function isRememberable(it: { readonly decision: string; readonly remember?: string | undefined }): boolean {
  return it.remember === undefined || it.decision === 'approve';
}

export interface ApprovalRoutesNeeds {
  readonly approvals: Approvals;
  readonly clock: Clock;
  readonly edit: Editing['edit'];
}

export function approvalRoutes({ approvals, clock, edit: edited }: ApprovalRoutesNeeds): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/approvals',
      summary: 'What waits for people, newest first',
      permission: 'approvals.read',
      answer: '{ items }',
      query: z.strictObject({ status: z.enum(STATUSES).optional() }),
      async handle({ principal, query }) {
        const items = await approvals.list(principal.tenant, query.status ?? null, LISTED);
        const ids = items.filter(({ status }) => status === 'pending').map(({ id }) => id);
        if (ids.length > 0)
          await approvals.shown(principal.tenant, { ids, person: principal.id, channel: 'api' });
        return json({ items });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/approvals/stats',
      summary: 'How much and how fast each approver approves',
      permission: 'approvals.read',
      answer: '{ from, to, approvers, all }',
      query: z.strictObject({
        hours: z
          .string()
          .regex(/^[1-9]\d{0,2}$/, 'must be a number of hours from 1 to 999')
          .transform(Number)
          .optional(),
      }),
      async handle({ principal, query }) {
        const toMs = clock.nowMs();
        const fromMs = toMs - (query.hours ?? DAY_H) * HOUR_MS;
        return json(await approvals.stats(principal.tenant, { fromMs, toMs }));
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/approvals/:id',
      summary: 'One approval with what is to be approved and its digest',
      permission: 'approvals.read',
      answer: 'The approval',
      async handle({ principal, params }) {
        const id = params['id'] ?? '';
        const found = await approvals.find(principal.tenant, id);
        if (found === null) return problem({ code: 'not_found', detail: `There is no approval ${id}.` });
        await approvals.shown(principal.tenant, { ids: [id], person: principal.id, channel: 'api' });
        return json(found);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/approvals/:id/decision',
      summary: 'Approve or deny exactly what was shown',
      permission: 'approvals.decide',
      answer: 'The approval, and what is still missing',
      body: ballot,
      async handle(call) {
        const { principal, params, body, traceId } = call;
        const answer = await approvals.vote({
          tenant: principal.tenant,
          approvalId: params['id'] ?? '',
          decision: body.decision,
          digest: body.digest,
          reason: body.reason ?? null,
          rememberMs: rememberMsOf(body.remember),
          voter: voterOf(call),
          traceId,
        });
        return answer.kind === 'refused'
          ? problem(answer.refusal)
          : json({ ...answer.approval, missing: answer.missing });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/approvals/bulk',
      summary: 'Decide everything that waits with one digest: all of it is identical',
      permission: 'approvals.decide',
      answer: '{ decided, refused }',
      body: bulk,
      async handle(call): Promise<Reply> {
        const { principal, body, traceId } = call;
        const answer = await approvals.bulk({
          tenant: principal.tenant,
          decision: body.decision,
          digest: body.digest,
          ids: body.ids ?? null,
          reason: body.reason ?? null,
          rememberMs: rememberMsOf(body.remember),
          voter: voterOf(call),
          traceId,
        });
        if (answer.kind === 'refused') return problem(answer.refusal);
        const refused = answer.refused.map(({ id, refusal }) => ({ id, ...refusal }));
        return json({ decided: answer.decided, refused });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/approvals/:id/edit',
      summary: 'Approve the action with other parameters: it is decided anew, as another act',
      permission: 'approvals.decide',
      answer: 'The approval of the edited action, and what is still missing',
      body: edit,
      async handle(call): Promise<Reply> {
        const { principal, params, body, traceId } = call;
        const answer = await edited({
          tenant: principal.tenant,
          approvalId: params['id'] ?? '',
          digest: body.digest,
          parameters: body.parameters,
          reason: body.reason,
          voter: voterOf(call),
          traceId,
        });
        if (answer.kind === 'edited') return json({ ...answer.approval, missing: answer.missing }, 201);
        return answer.decision === null
          ? problem(answer.refusal)
          : problem(answer.refusal, { decision: answer.decision });
      },
    }),
  ];
}

/** The roles that count are the caller's own; the tally knows which of them approve what. */
function voterOf({ principal }: Pick<Call, 'principal'>): Voting {
  const roles = [...new Set<string>([...principal.roles, ...approverRolesOf(principal.roles)])];
  return { id: principal.id, roles };
}
