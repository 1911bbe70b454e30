// The HTTP resources of the journal: entries to read, newest first for people or onwards from a position for machines.
import { z } from 'zod';
import { inOrder, limitField, momentField, nameField, positionField } from '../../platform/http/fields.ts';
import { json, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import { cloudEventOf } from './journal.ts';
import type { Journal } from './journal.ts';

const LIMIT = 100;
const LIMIT_MAX = 1_000;

const entriesQuery = inOrder(
  z.strictObject({
    after: positionField.optional(),
    before: positionField.optional(),
    limit: limitField(LIMIT_MAX).optional(),
    kind: nameField.optional(),
    agent: nameField.optional(),
    actionId: z.uuid().optional(),
    from: momentField.optional(),
    to: momentField.optional(),
    format: z.enum(['cloudevents']).optional(),
  }),
);

export function journalRoutes(journal: Journal): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/audit/entries',
      summary: 'Journal entries: newest first, or onwards from ?after=POSITION',
      permission: 'journal.read',
      answer: '{ items, head }',
      query: entriesQuery,
      async handle({ principal, query }) {
        const onwards = query.after !== undefined;
        const entries = await journal.read(principal.tenant, {
          after: query.after ?? query.before ?? 0,
          limit: query.limit ?? LIMIT,
          kind: query.kind ?? null,
          agent: query.agent ?? null,
          actId: query.actionId ?? null,
          fromMs: query.from ?? null,
          toMs: query.to ?? null,
          newestFirst: !onwards,
        });
        const items =
          query.format === 'cloudevents'
            ? entries.map((entry) => cloudEventOf(principal.tenant, entry))
            : entries;
        return json({ items, head: await journal.head(principal.tenant) });
      },
    }),
  ];
}
