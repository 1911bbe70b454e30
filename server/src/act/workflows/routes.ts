// The HTTP resources of workflows: templates, runs, and what people do to a run.
import type { JsonObject } from '@mandate/kernel';
import { z } from 'zod';
import { agentNameField, limitField, nameField, reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import { askerOf } from '../../platform/identity/asker.ts';
import { missing } from './answers.ts';
import type { RunAnswer } from './answers.ts';
import type { RunStatus } from './store.ts';
import { detailsView, offerView, runView, templateView } from './view.ts';
import type { Workflows } from './workflows.ts';

/** What is needed of the journal. */
export interface RunJournal {
  readonly read: (
    tenant: string,
    query: {
      readonly after: number;
      readonly limit: number;
      readonly kind: null;
      readonly agent: null;
      readonly actId: string;
      readonly fromMs: null;
      readonly toMs: null;
      readonly newestFirst: false;
    },
  ) => Promise<readonly { readonly position: number }[]>;
}

const STATUSES = [
  'running',
  'paused',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies readonly RunStatus[];
const PAGE = 50;
const PAGE_MAX = 200;
const CURSOR = /^(\d{1,15})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const ENTRIES_MAX = 1_000;

const object = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'a JSON object',
);
const templateBody = z
  .strictObject({
    text: z.string().max(1_048_576).optional(),
    template: object.optional(),
  })
  .refine(
    (body) => (body.text === undefined) !== (body.template === undefined),
    'send text (YAML) or template (an object)',
  );
const startBody = z.strictObject({
  template: nameField,
  input: object.default({}),
  agents: z.record(nameField, agentNameField).default({}),
});
const isTrue = z.enum(['true', 'false']).optional();
const optionalReason = z.strictObject({ reason: reasonField.optional() });

export function workflowRoutes(workflows: Workflows, journal: RunJournal): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/workflow-templates',
      summary: 'Write a workflow template; with check=true only look for mistakes',
      permission: 'workflows.write',
      answer: 'The template with its version',
      body: templateBody,
      query: z.strictObject({ check: isTrue }),
      async handle({ principal, body, query, traceId }) {
        const text = body.text ?? JSON.stringify(body.template, null, 2);
        const checkOnly = query.check === 'true';
        const answer = await workflows.saveTemplate(askerOf(principal, traceId), text, { checkOnly });
        if (answer.kind === 'template')
          return json(
            { ...templateView(answer.template, { withText: false }), steps: answer.steps },
            checkOnly ? 200 : 201,
          );
        const [first] = answer.errors;
        const detail = `The template has ${answer.errors.length === 1 ? 'a mistake' : `${answer.errors.length} mistakes`}: line ${first?.line ?? 1}: ${first?.message ?? ''}`;
        return problem(
          { code: 'invalid', detail },
          {
            errors: answer.errors.map(({ line, column, pointer, message }) => ({
              line,
              column,
              pointer,
              detail: message,
            })),
          },
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/workflow-templates',
      summary: 'The current version of each template',
      permission: 'workflows.read',
      answer: '{ items }',
      handle: async ({ principal }) =>
        json({
          items: (await workflows.templates(principal.tenant)).map((row) =>
            templateView(row, { withText: false }),
          ),
        }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/workflow-templates/:name',
      summary: 'One template as it is written; NAME@VERSION for an earlier one',
      permission: 'workflows.read',
      answer: 'The template with its text',
      async handle({ principal, params }) {
        const name = params['name'] ?? '';
        const row = await workflows.template(principal.tenant, name);
        return row === null
          ? problem({ code: 'not_found', detail: `There is no workflow template ${name}.` })
          : json(templateView(row, { withText: true }));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/workflows',
      summary: 'Start a run; with dryRun=true only say what would be decided for each step',
      permission: 'workflows.write',
      answer: 'The run, or { steps } of a dry run',
      body: startBody,
      query: z.strictObject({ dryRun: isTrue }),
      async handle({ principal, body, query, traceId, idempotency }) {
        const asker = askerOf(principal, traceId);
        if (query.dryRun === 'true') {
          const answer = await workflows.dryRun(asker, body);
          return answer.kind === 'refused' ? problem(answer.refusal) : json({ steps: answer.steps });
        }
        const answer = await workflows.start(asker, body, idempotency);
        return answer.kind === 'refused'
          ? problem(answer.refusal)
          : json(runView(answer.run), 201, { location: `/api/v1/workflows/${answer.run.id}` });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/workflows',
      summary: 'Runs, newest first',
      permission: 'workflows.read',
      answer: '{ items, nextCursor }',
      query: z.strictObject({
        template: nameField.optional(),
        status: z.enum(STATUSES).optional(),
        limit: limitField(PAGE_MAX).optional(),
        cursor: z.string().regex(CURSOR, 'must be the nextCursor of the page before').optional(),
      }),
      async handle({ principal, query }) {
        const limit = query.limit ?? PAGE;
        const match = CURSOR.exec(query.cursor ?? '');
        const runs = await workflows.list(principal.tenant, {
          template: query.template ?? null,
          status: query.status ?? null,
          limit,
          cursor: match === null ? null : { createdMs: Number(match[1]), id: match[2] ?? '' },
        });
        const last = runs.at(-1);
        return json({
          items: runs.map(runView),
          nextCursor: last === undefined || runs.length < limit ? null : `${last.created_at}_${last.id}`,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/workflows/:id',
      summary: 'One run with its steps and their acts',
      permission: 'workflows.read',
      answer: 'The run',
      async handle({ principal, params }) {
        const details = isUuid(params['id']) ? await workflows.find(principal.tenant, params['id']) : null;
        return details === null ? problem(missing(params['id'] ?? '').refusal) : json(detailsView(details));
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/workflows/:id/audit',
      summary: 'Journal entries of a run and of its acts, in order',
      permission: 'journal.read',
      answer: '{ items }',
      async handle({ principal, params }) {
        const id = params['id'];
        const details = isUuid(id) ? await workflows.find(principal.tenant, id) : null;
        if (details === null || !isUuid(id)) return problem(missing(id ?? '').refusal);
        const subjects = [id, ...details.steps.flatMap(({ act_id }) => (act_id === null ? [] : [act_id]))];
        const read = (actId: string) =>
          journal.read(principal.tenant, {
            after: 0,
            limit: ENTRIES_MAX,
            kind: null,
            agent: null,
            actId,
            fromMs: null,
            toMs: null,
            newestFirst: false,
          });
        const items = (await Promise.all(subjects.map(read))).flat();
        return json({ items: items.toSorted((a, b) => a.position - b.position) });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/workflows/:id/pause',
      summary: 'Begin no further step; what runs goes on to its end',
      permission: 'workflows.write',
      answer: 'The run',
      body: optionalReason,
      handle: async ({ principal, params, body, traceId }) =>
        replyOf(
          await onRun(params, (id) => workflows.pause(askerOf(principal, traceId), id, body.reason ?? '')),
        ),
    }),
    route({
      method: 'POST',
      path: '/api/v1/workflows/:id/resume',
      summary: 'Go on with a paused run',
      permission: 'workflows.write',
      answer: 'The run',
      body: optionalReason,
      handle: async ({ principal, params, body, traceId }) =>
        replyOf(
          await onRun(params, (id) => workflows.resume(askerOf(principal, traceId), id, body.reason ?? '')),
        ),
    }),
    route({
      method: 'POST',
      path: '/api/v1/workflows/:id/cancel',
      summary: 'End a run: what waits is cancelled, what was done is undone where the template says how',
      permission: 'workflows.write',
      answer: 'The run',
      body: optionalReason,
      handle: async ({ principal, params, body, traceId }) =>
        replyOf(
          await onRun(params, (id) => workflows.cancel(askerOf(principal, traceId), id, body.reason ?? '')),
        ),
    }),
    route({
      method: 'GET',
      path: '/api/v1/workflow-steps',
      summary: 'Steps that are offered to the agents for whom this key speaks',
      permission: 'actions.read',
      answer: '{ items }',
      handle: async ({ principal, traceId }) =>
        json({ items: (await workflows.offers.list(askerOf(principal, traceId))).map(offerView) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/workflows/:id/take',
      summary: 'Take a step that is offered to this agent, as an action of its own',
      permission: 'actions.request',
      answer: 'The act, with its permit; 202 while it waits for approval',
      body: z.strictObject({ step: nameField }),
      async handle({ principal, params, body, traceId }) {
        const id = params['id'];
        if (!isUuid(id)) return problem(missing(id ?? '').refusal);
        const answer = await workflows.offers.take(askerOf(principal, traceId), id, body.step);
        if (answer.kind === 'refused') return problem(answer.refusal);
        return json(answer.view, answer.view.status === 'waiting_for_approval' ? 202 : 200);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/workflows/:id/retry',
      summary: 'Do a step again, and whatever comes after it; without `from` whatever failed',
      permission: 'workflows.write',
      answer: 'The run',
      body: z.strictObject({ from: nameField.optional() }),
      handle: async ({ principal, params, body, traceId }) =>
        replyOf(
          await onRun(params, (id) => workflows.retry(askerOf(principal, traceId), id, body.from ?? null)),
        ),
    }),
  ];
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function isUuid(id: string | undefined): id is string {
  return id !== undefined && UUID.test(id);
}

function onRun(
  params: Readonly<Record<string, string>>,
  change: (id: string) => Promise<RunAnswer>,
): Promise<RunAnswer> {
  const id = params['id'];
  return isUuid(id) ? change(id) : Promise.resolve(missing(id ?? ''));
}

function replyOf(answer: RunAnswer): Reply {
  return answer.kind === 'refused' ? problem(answer.refusal) : json(runView(answer.run));
}
