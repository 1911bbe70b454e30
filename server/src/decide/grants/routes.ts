// The HTTP resources of grants: hand authority on, see it, take it back.
import { z } from 'zod';
import { momentField, nameField, reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import type { Grants } from './grants.ts';

const pattern = nameField.regex(/^[A-Za-z0-9_.-]*\*?$/, 'an action name, or a prefix with one trailing *');

const grantBody = z.strictObject({
  kind: z.enum(['delegation', 'task', 'consent']).default('delegation'),
  to: nameField,
  actions: z.array(pattern).min(1).max(100),
  purpose: reasonField.max(1_000),
  expiresAt: momentField,
});

export function grantRoutes(grants: Grants): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/grants',
      summary: 'Hand authority on: narrower or equal, expiring, revocable',
      permission: 'grants.write',
      answer: 'The grant, and the token that carries it',
      body: grantBody,
      async handle({ principal, body, traceId, may }) {
        if (body.kind === 'consent' && !may('consents.write'))
          return problem({
            code: 'forbidden',
            detail: 'A consent is given by a person; agent keys cannot give one.',
          });
        const answer = await grants.give({
          principal,
          kind: body.kind,
          to: body.to,
          actions: body.actions,
          purpose: body.purpose,
          expiresMs: body.expiresAt,
          traceId,
        });
        return answer.kind === 'refused'
          ? problem(answer.refusal)
          : json({ ...answer.grant, ...(answer.token === null ? {} : { token: answer.token }) }, 201);
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/grants',
      summary: 'Grants, newest first',
      permission: 'grants.read',
      answer: '{ items }',
      handle: async ({ principal }) => json({ items: await grants.list(principal.tenant) }),
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/grants/:id',
      summary: 'Revoke a grant; it counts on the next decision',
      permission: 'grants.write',
      answer: '{ revoked }',
      async handle({ principal, params, traceId, may }) {
        const revoked = await grants.revoke({
          principal,
          id: params['id'] ?? '',
          mayRevokeOthers: may('grants.revoke_others'),
          traceId,
        });
        return revoked
          ? json({ revoked: true })
          : problem({
              code: 'not_found',
              detail: `There is no standing grant ${params['id'] ?? ''} that you may revoke.`,
            });
      },
    }),
  ];
}
