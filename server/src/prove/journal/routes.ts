// The HTTP resources of the journal: entries to read, newest first for people or onwards from a position for machines.
import { z } from 'zod';
import { json, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import { cloudEventOf } from './journal.ts';
import type { Journal } from './journal.ts';

const name = z.string().min(1).max(256);
const entriesQuery = z.strictObject({
  after: z.string().regex(/^\d{1,15}$/).optional(),
  before: z.string().regex(/^\d{1,15}$/).optional(),
  limit: z.string().regex(/^\d{1,4}$/).optional(),
  kind: name.optional(),
  agent: name.optional(),
  actionId: z.uuid().optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  format: z.enum(['cloudevents']).optional(),
});

const LIMIT_MAX = 1_000;

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
          after: Number(onwards ? query.after : (query.before ?? 0)),
          limit: Math.min(Math.max(Number(query.limit ?? 100), 1), LIMIT_MAX),
          kind: query.kind ?? null,
          agent: query.agent ?? null,
          actId: query.actionId ?? null,
          fromMs: query.from === undefined ? null : Date.parse(query.from),
          toMs: query.to === undefined ? null : Date.parse(query.to),
          newestFirst: !onwards,
        });
        const items = query.format === 'cloudevents' ? entries.map((entry) => cloudEventOf(principal.tenant, entry)) : entries;
        return json({ items, head: await journal.head(principal.tenant) });
      },
    }),
  ];
}
