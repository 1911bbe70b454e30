// The HTTP resources of incidents: open one, look, say something, change how bad it is, resolve it.
import { z } from 'zod';
import { limitField, lineField, momentField, nameField, reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import { isPerson } from '../../platform/identity/principal.ts';
import { detailsView, INCIDENT_SEVERITIES, incidentView } from './incident.ts';
import type { IncidentAnswer, Incidents } from './incidents.ts';

const MOST_ACTS = 100;
const PAGE = 50;
const PAGE_MAX = 200;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const CURSOR = /^(\d{1,15})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

const severity = z.enum(INCIDENT_SEVERITIES);
const openBody = z.strictObject({
  title: lineField.describe('What went wrong, in a line.'),
  severity,
  cause: reasonField.describe('Why, as far as it is known.'),
  actIds: z.array(z.uuid()).max(MOST_ACTS).default([]).describe('The acts that are involved.'),
  set: nameField.optional().describe('The governed set that it concerns.'),
});
const listQuery = z.strictObject({
  status: z.enum(['open', 'resolved']).optional(),
  severity: severity.optional(),
  set: nameField.optional(),
  actId: z.uuid().optional(),
  from: momentField.optional(),
  to: momentField.optional(),
  limit: limitField(PAGE_MAX).optional(),
  cursor: z.string().regex(CURSOR, 'must be the nextCursor of the page before').optional(),
});

export function incidentRoutes(incidents: Incidents): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/incidents',
      summary: 'Open an incident; a critical one makes the circuit breakers look at once',
      permission: 'incidents.open',
      answer: 'The incident with its timeline',
      body: openBody,
      async handle({ principal, body, traceId }) {
        const isAgent = principal.roles.includes('agent');
        // An agent may speak up about what it did itself: whatever it says can only make things stricter, and only there.
        if (isAgent && (body.actIds.length === 0 || body.set !== undefined))
          return problem({
            code: 'invalid',
            detail:
              'An agent reports on acts of its own: name at least one under actIds, and leave set out; the acts say which set it is.',
          });
        const answer = await incidents.open(
          {
            tenant: principal.tenant,
            set: body.set ?? null,
            severity: body.severity,
            title: body.title,
            cause: body.cause,
            source: isPerson(principal.id) ? 'person' : 'api',
            actIds: body.actIds,
            by: principal.id,
            traceId,
          },
          { ownActs: isAgent ? principal.agents : 'any' },
        );
        if (answer.kind === 'refused') return problem(answer.refusal);
        const location = { location: `/api/v1/incidents/${answer.incident.id}` };
        return json(detailsView(answer.incident), 201, location);
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/incidents',
      summary: 'Incidents, newest first',
      permission: 'governance.read',
      answer: '{ items, nextCursor }',
      query: listQuery,
      async handle({ principal, query }) {
        const { from = null, to = null } = query;
        if (from !== null && to !== null && to <= from)
          return problem({ code: 'invalid', detail: '`to` must be later than `from`.' });
        const limit = query.limit ?? PAGE;
        const items = await incidents.list(principal.tenant, {
          status: query.status ?? null,
          severity: query.severity ?? null,
          set: query.set ?? null,
          actId: query.actId ?? null,
          fromMs: from,
          toMs: to,
          limit,
          cursor: readCursor(query.cursor),
        });
        const last = items.at(-1);
        return json({
          items: items.map(incidentView),
          nextCursor: last === undefined || items.length < limit ? null : `${last.openedMs}_${last.id}`,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/incidents/:id',
      summary: 'One incident with the acts involved and its timeline',
      permission: 'governance.read',
      answer: 'The incident with its timeline',
      async handle({ principal, params }) {
        const id = params['id'] ?? '';
        const incident = UUID.test(id) ? await incidents.find(principal.tenant, id) : null;
        return incident === null ? notFound(id) : json(detailsView(incident));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/incidents/:id/notes',
      summary: 'Add a note to the timeline of an open incident',
      permission: 'governance.write',
      answer: 'The incident with its timeline',
      body: z.strictObject({ text: reasonField }),
      async handle({ principal: { id: by, tenant }, params, body, traceId }) {
        const id = params['id'] ?? '';
        if (!UUID.test(id)) return notFound(id);
        return replyOf(await incidents.note({ tenant, id, by, text: body.text, traceId }));
      },
    }),
    route({
      method: 'PATCH',
      path: '/api/v1/incidents/:id',
      summary: 'Change how severe an open incident is; less severe takes the permission incidents.resolve',
      permission: 'governance.write',
      answer: 'The incident with its timeline',
      body: z.strictObject({ severity, reason: reasonField }),
      async handle({ principal: { id: by, tenant }, params, body, traceId, may }) {
        const id = params['id'] ?? '';
        if (!UUID.test(id)) return notFound(id);
        const mayLower = may('incidents.resolve');
        return replyOf(await incidents.changeSeverity({ tenant, id, by, traceId, ...body, mayLower }));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/incidents/:id/resolve',
      summary: 'Say how an incident ended; it stands like that from then on',
      permission: 'incidents.resolve',
      answer: 'The incident with its timeline',
      body: z.strictObject({ reason: reasonField }),
      async handle({ principal: { id: by, tenant }, params, body, traceId }) {
        const id = params['id'] ?? '';
        if (!UUID.test(id)) return notFound(id);
        return replyOf(await incidents.resolve({ tenant, id, by, traceId, ...body }));
      },
    }),
  ];
}

function replyOf(answer: IncidentAnswer): Reply {
  return answer.kind === 'refused' ? problem(answer.refusal) : json(detailsView(answer.incident));
}

function notFound(id: string): Reply {
  return problem({ code: 'not_found', detail: `There is no incident ${id}.` });
}

function readCursor(cursor: string | undefined) {
  const match = CURSOR.exec(cursor ?? '');
  return match === null ? null : { openedMs: Number(match[1]), id: match[2] ?? '' };
}
