// The HTTP resources of evals: register an eval set, run it, and see how much of a governed set is covered.
import type { GovernedSet, JsonObject } from '@mandate/kernel';
import { z } from 'zod';
import { iso } from '../../platform/clock/iso.ts';
import { limitField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import { NOTHING_GOVERNED, setField, whichSet } from '../../platform/http/which-set.ts';
import { askerOf } from '../../platform/identity/asker.ts';
import type { EvalRun, EvalRunSummary } from './eval.ts';
import type { Evals } from './evals.ts';

const TEXT_MAX = 1_048_576;
const PAGE = 10;
const PAGE_MAX = 50;

const object = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'a JSON object',
);
const registerBody = z
  .strictObject({
    text: z.string().min(1).max(TEXT_MAX).optional().describe('YAML or JSON.'),
    set: object.optional().describe('The same as an object.'),
  })
  .refine(
    (body) => (body.text === undefined) !== (body.set === undefined),
    'send text (YAML or JSON) or set (an object)',
  );

export function evalRoutes(
  evals: Evals,
  setsOf: (tenant: string) => Promise<readonly GovernedSet[]>,
): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/evals',
      summary: 'Register an eval set; another one of its name is replaced, and its runs no longer count',
      permission: 'governance.write',
      answer: '{ name, version, cases }',
      body: registerBody,
      async handle({ principal, body, traceId }) {
        const text = body.text ?? JSON.stringify(body.set, null, 2);
        const done = await evals.register({ tenant: principal.tenant, text, by: principal.id, traceId });
        if (done.kind === 'registered') {
          const { name, version, cases, isNew } = done;
          return json({ name, version, cases }, isNew ? 201 : 200);
        }
        const errors = done.problems.map(({ line, column, pointer, message }) => ({
          line,
          column,
          pointer,
          detail: message,
        }));
        const [first] = errors;
        const detail = `The eval set has ${errors.length === 1 ? 'a mistake' : `${errors.length} mistakes`}: line ${first?.line ?? 1} ${first?.pointer ?? ''}: ${first?.detail ?? ''}`;
        return problem({ code: 'invalid', detail }, { errors });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/evals',
      summary: 'All eval sets, each with the last run of what it says now',
      permission: 'governance.read',
      answer: '{ items }',
      handle: async ({ principal }) =>
        json({
          items: (await evals.list(principal.tenant)).map(({ updatedMs, lastRun, ...set }) => ({
            ...set,
            updatedAt: iso(updatedMs),
            lastRun: lastRun === null ? null : summaryOf(lastRun),
          })),
        }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/evals/coverage',
      summary: 'How much of what a governed set may do has passed a case under the charter in force',
      permission: 'governance.read',
      answer: '{ set, covered, total, ratio, lastRun, passed, charterVersion, types }',
      query: z.strictObject({ set: setField }),
      async handle({ principal, query }) {
        const which = whichSet(await setsOf(principal.tenant), query.set);
        if (which.kind === 'refused') return problem(which.refusal);
        const name = which.kind === 'none' ? null : which.set.name;
        const coverage = name === null ? null : await evals.coverageOf(principal.tenant, name);
        if (coverage === null) return problem(NOTHING_GOVERNED);
        const { lastRunMs, ...rest } = coverage;
        return json({ set: name, ...rest, lastRun: lastRunMs === null ? null : iso(lastRunMs) });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/evals/:name',
      summary: 'One eval set as it is written now, with its latest runs',
      permission: 'governance.read',
      answer: '{ name, version, content, runs }',
      query: z.strictObject({ limit: limitField(PAGE_MAX).optional() }),
      async handle({ principal, params, query }) {
        const name = params['name'] ?? '';
        const found = await evals.content(principal.tenant, name);
        if (found === null) return problem({ code: 'not_found', detail: `There is no eval set ${name}.` });
        const runs = await evals.runs(principal.tenant, name, query.limit ?? PAGE);
        return json({ name, ...found, runs: runs.map(viewOf) });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/evals/:name/run',
      summary: 'Run every case of an eval set; decisions are previewed, and only safe executors really run',
      permission: 'governance.write',
      answer: 'The run with a result for each case',
      async handle({ principal, params, traceId }) {
        const answer = await evals.run(askerOf(principal, traceId), params['name'] ?? '');
        return answer.kind === 'refused' ? problem(answer.refusal) : json(viewOf(answer.run));
      },
    }),
  ];
}

function summaryOf({ startedMs, endedMs, ...run }: EvalRunSummary) {
  return { ...run, startedAt: iso(startedMs), endedAt: iso(endedMs) };
}

function viewOf({ results, ...run }: EvalRun) {
  return { ...summaryOf(run), results };
}
