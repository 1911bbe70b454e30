// The HTTP resources of notifications: what was sent to whom, what was put aside and may be sent again, and the two
// things that a person may want at once, the digest and a test.
import { z } from 'zod';
import { limitField, nameField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import type { Notifications } from './notifications.ts';

const LIMIT = 100;
const LIMIT_MAX = 500;
/** Also where a flag allows more: a longer list is no choice that a person has made. */
const IDS_MAX = 1_000;

export function notificationRoutes(notifications: Notifications): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/notifications',
      summary: 'What people were told or will be: newest first',
      permission: 'notifications.read',
      answer: '{ items }',
      query: z.strictObject({
        status: z.enum(['pending', 'sending', 'sent', 'dead', 'cancelled']).optional(),
        channel: nameField.optional(),
        limit: limitField(LIMIT_MAX).optional(),
      }),
      handle: async ({ principal, query }) =>
        json({
          items: await notifications.list(principal.tenant, {
            status: query.status ?? null,
            channel: query.channel ?? null,
            limit: query.limit ?? LIMIT,
          }),
        }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/notifications/channels',
      summary: 'The channels, when their next digest is due, and how they do',
      permission: 'notifications.read',
      answer: '{ items }',
      handle: async ({ principal }) => json({ items: await notifications.channels(principal.tenant) }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/notifications/dead',
      summary: 'What could not be delivered and was put aside',
      permission: 'notifications.read',
      answer: '{ items }',
      handle: async ({ principal }) =>
        json({
          items: await notifications.list(principal.tenant, {
            status: 'dead',
            channel: null,
            limit: LIMIT_MAX,
          }),
        }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/notifications/replay',
      summary: 'Send dead letters again: these, or the oldest that fit',
      permission: 'notifications.write',
      answer: '{ ids, left }',
      body: z.strictObject({ ids: z.array(z.uuid()).min(1).max(IDS_MAX).optional() }),
      async handle({ principal, body, traceId }) {
        const answer = await notifications.replay({
          tenant: principal.tenant,
          ids: body.ids ?? null,
          by: principal.id,
          traceId,
        });
        if (answer.kind === 'refused') return problem(answer.refusal);
        notifications.schedule.wake();
        return json({ ids: answer.ids, left: answer.left });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/notifications/digest',
      summary: 'Send the digest now, whatever the hour',
      permission: 'notifications.write',
      answer: '{ items }',
      body: z.strictObject({ channel: nameField.optional() }),
      async handle({ principal, body }) {
        const items = await notifications.flush(principal.tenant, body.channel ?? null);
        return items === null
          ? problem({
              code: 'not_found',
              detail: `There is no channel ${body.channel ?? ''}; mandate notify channels lists them.`,
            })
          : json({ items });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/notifications/test',
      summary: 'Send a test message over a channel, and say what became of it',
      permission: 'notifications.write',
      answer: '{ items }',
      body: z.strictObject({ channel: nameField }),
      async handle({ principal, body }) {
        const answer = await notifications.test(principal.tenant, body.channel, principal.id);
        return answer.kind === 'refused' ? problem(answer.refusal) : json({ items: answer.deliveries });
      },
    }),
  ];
}
