// The HTTP resources of actions: ask, look, report, confirm, cancel, roll back.
import { canonicalProblem } from '@mandate/kernel';
import type { ConsideredRule, Decision, JsonObject } from '@mandate/kernel';
import { z } from 'zod';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Call, Reply, Route } from '../../platform/http/route.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { askerOf, boundTo } from '../../platform/identity/asker.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { isWithin, resourceOf } from './act.ts';
import type { Act, Idempotency } from './act.ts';
import type { Answer } from './answers.ts';
import { actionBody, PAGE, CURSOR, listQuery, outcomeBody, reasonBody, resolveBody } from './bodies.ts';
import type { ActionBody } from './bodies.ts';
import type { Outcomes, OutcomeAnswer } from './outcomes.ts';
import type { ActQuery } from './queries.ts';
import type { Resolve } from './resolve.ts';
import type { ActView } from './view.ts';

/** What the body says; a door adds who asks. */
export interface WantedAction {
  readonly agent: string;
  readonly action: string;
  readonly parameters: JsonObject;
  readonly context: JsonObject;
  readonly resource: { readonly type: string; readonly id: string } | null;
  readonly user: { readonly id: string } | null;
  readonly onBehalfOf: string | null;
  readonly estimatedCostMicroUsd: number | null;
  readonly idempotency: Omit<Idempotency, 'principal'> | null;
  readonly attach: boolean;
  readonly compensates: string | null;
  readonly run?: string | null;
}

export interface ActionRoutesNeeds {
  readonly request: (asker: Asker, wanted: WantedAction) => Promise<Answer>;
  readonly proceed: (act: Act) => Promise<Answer>;
  readonly preview: (
    asker: Asker,
    wanted: WantedAction,
  ) => Promise<
    | {
        kind: 'decision';
        decision: Decision;
        explain: () => readonly ConsideredRule[];
        meant: () => string | null;
      }
    | { kind: 'refused'; refusal: Refusal }
  >;
  /** Adds the authority of a delegation token to the principal. */
  readonly delegate: (
    principal: Principal,
    token: string,
  ) => Promise<{ kind: 'principal'; principal: Principal } | { kind: 'refused'; detail: string }>;
  readonly find: (tenant: string, id: string) => Promise<Act | null>;
  readonly list: (tenant: string, query: ActQuery) => Promise<readonly Act[]>;
  readonly show: (act: Act) => Promise<ActView>;
  /** Resolves when the act has ended or the time is over. */
  readonly waitFor: (tenant: string, actId: string, waitMs: number) => Promise<void>;
  readonly outcomes: Outcomes;
  readonly resolve: Resolve;
}

export function actionRoutes(needs: ActionRoutesNeeds): readonly Route[] {
  const { request, proceed, preview, delegate, find, list, show, waitFor, outcomes, resolve } = needs;

  async function asking(
    call: Call<ActionBody>,
  ): Promise<{ kind: 'asking'; asker: Asker; wanted: WantedAction } | { kind: 'refused'; reply: Reply }> {
    const { body } = call;
    const bad = canonicalProblem({ parameters: body.parameters, context: body.context });
    if (bad !== null)
      return {
        kind: 'refused',
        reply: problem({ code: 'invalid', detail: `${bad.pointer}: ${bad.message}` }),
      };
    let { principal } = call;
    if (body.delegation !== null) {
      const delegated = await delegate(principal, body.delegation);
      if (delegated.kind === 'refused')
        return { kind: 'refused', reply: problem({ code: 'not_yours', detail: delegated.detail }) };
      principal = delegated.principal;
    }
    if (
      body.idempotencyKey !== null &&
      call.idempotency !== null &&
      body.idempotencyKey !== call.idempotency.key
    ) {
      const detail =
        '/idempotencyKey and the header Idempotency-Key differ; send one of them, or the same in both.';
      return {
        kind: 'refused',
        reply: problem(
          { code: 'invalid', detail },
          { errors: [{ pointer: '/idempotencyKey', detail: 'differs from the header Idempotency-Key' }] },
        ),
      };
    }
    const key = body.idempotencyKey ?? call.idempotency?.key ?? null;
    const idempotency = key === null ? null : { key, digest: call.bodyDigest(), attempt: call.attempt };
    return { kind: 'asking', asker: askerOf(principal, call.traceId), wanted: wantedOf(body, idempotency) };
  }

  return [
    route({
      method: 'POST',
      path: '/api/v1/actions',
      summary: 'Ask for an action: it is decided, and when it may, done or permitted',
      permission: 'actions.request',
      answer: 'The act with its decision; 202 while it waits for approval',
      body: actionBody,
      async handle(call) {
        const asked = await asking(call);
        if (asked.kind === 'refused') return asked.reply;
        const answer = await request(asked.asker, asked.wanted);
        if (answer.kind === 'act' && call.waitMs > 0 && answer.view.status === 'waiting_for_approval') {
          await waitFor(asked.asker.tenant, answer.view.id, call.waitMs);
          const act = await find(asked.asker.tenant, answer.view.id);
          return act === null ? replyOf(answer) : replyOf({ kind: 'act', view: await show(act) });
        }
        return replyOf(answer);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/decisions',
      summary: 'What would be decided, and why; nothing is recorded or executed',
      permission: 'actions.request',
      answer:
        'The decision; with explain=all also `considered`, every rule that names the action, and `meant` where none does',
      body: actionBody,
      query: z.strictObject({ explain: z.enum(['all']).optional() }),
      async handle(call) {
        const asked = await asking(call);
        if (asked.kind === 'refused') return asked.reply;
        const answer = await preview(asked.asker, asked.wanted);
        if (answer.kind === 'refused') return problem(answer.refusal);
        const { decision, explain, meant } = answer;
        return json(
          call.query.explain === 'all' ? { decision, considered: explain(), meant: meant() } : { decision },
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/actions',
      summary: 'Acts, newest first',
      permission: 'actions.read',
      answer: '{ items, nextCursor }',
      query: listQuery,
      async handle({ principal, query }) {
        const limit = query.limit ?? PAGE;
        const acts = await list(principal.tenant, {
          agent: query.agent ?? null,
          status: query.status ?? null,
          tier: query.tier ?? null,
          fromMs: query.from ?? null,
          toMs: query.to ?? null,
          limit,
          cursor: readCursor(query.cursor),
        });
        const mine = acts.filter((act) => mayRead(principal, act));
        const last = acts.at(-1);
        return json({
          items: await Promise.all(mine.map(show)),
          nextCursor: last === undefined || acts.length < limit ? null : `${last.createdMs}_${last.id}`,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/actions/:id',
      summary: 'One act. Its agent receives the permit here once it is approved',
      permission: 'actions.read',
      answer: 'The act',
      async handle({ principal, params, waitMs }) {
        const id = params['id'] ?? '';
        if (waitMs > 0) await waitFor(principal.tenant, id, waitMs);
        const act = await find(principal.tenant, id);
        if (act === null || !mayRead(principal, act)) return notFound(id);
        // Fetching the permit is the start of the act, so only the agent itself may do it, and only while it waits.
        if (act.status === 'waiting_for_approval' && act.runsOn === 'permit' && speaksFor(principal, act))
          return replyOf(await proceed(act), 200);
        return json(await show(act));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/actions/:id/begin',
      summary: 'Begin an act that waited, once it is approved; of all who try, one receives the permit',
      permission: 'actions.request',
      answer: 'The act',
      async handle({ principal, params }) {
        const id = params['id'] ?? '';
        const act = await find(principal.tenant, id);
        if (act === null || !speaksFor(principal, act)) return notFound(id);
        return act.runsOn === 'approval' ? json(await show(act)) : replyOf(await proceed(act), 200);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/actions/:id/outcome',
      summary: 'Report what came of an act that the agent executed itself',
      permission: 'actions.report',
      answer: 'The act',
      body: outcomeBody,
      async handle({ principal, params, body, traceId }) {
        const report = {
          permit: body.permit,
          status: body.status,
          result: body.result ?? null,
          error: body.error ?? null,
          costMicroUsd: body.costUsd === undefined ? null : Math.round(body.costUsd * 1e6),
        };
        return outcomeReply(await outcomes.report(askerOf(principal, traceId), params['id'] ?? '', report));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/actions/:id/confirm',
      summary: 'Vouch for a success that an agent reported, so that it counts for trust',
      permission: 'actions.confirm',
      answer: 'The act',
      handle: async ({ principal, params, traceId }) =>
        outcomeReply(await outcomes.confirm(askerOf(principal, traceId), params['id'] ?? '')),
    }),
    route({
      method: 'POST',
      path: '/api/v1/actions/:id/resolve',
      summary: 'Say how an act ended whose end is unknown, after looking',
      permission: 'actions.resolve',
      answer: 'The act',
      body: resolveBody,
      handle: async ({ principal, params, body, traceId }) =>
        outcomeReply(
          await resolve(askerOf(principal, traceId), params['id'] ?? '', {
            status: body.status,
            result: body.result ?? null,
            reason: body.reason,
          }),
        ),
    }),
    route({
      method: 'POST',
      path: '/api/v1/actions/:id/cancel',
      summary: 'Cancel an act that waits or runs',
      permission: 'actions.cancel',
      answer: 'The act',
      body: reasonBody,
      handle: async ({ principal, params, body, traceId }) =>
        outcomeReply(await outcomes.cancel(askerOf(principal, traceId), params['id'] ?? '', body.reason)),
    }),
    route({
      method: 'POST',
      path: '/api/v1/actions/:id/rollback',
      summary: 'Run the compensation that the charter names, as an action of its own',
      permission: 'actions.rollback',
      answer: 'The compensating act',
      body: reasonBody,
      async handle({ principal, params, body, traceId }) {
        const asker = askerOf(principal, traceId);
        const found = await outcomes.compensation(asker, params['id'] ?? '');
        if (found.kind === 'refused') return problem(found.refusal);
        const { act, action, undoes } = found;
        return replyOf(
          await request(asker, {
            agent: act.agent,
            action,
            parameters: { ...undoes, reason: body.reason },
            context: {},
            resource: resourceOf(act),
            user: null,
            onBehalfOf: null,
            estimatedCostMicroUsd: null,
            // No key: that it happens once is held by the act that it undoes, whoever asks.
            idempotency: null,
            attach: false,
            compensates: act.id,
          }),
        );
      },
    }),
  ];

  function outcomeReply(answer: OutcomeAnswer): Reply | Promise<Reply> {
    return answer.kind === 'refused' ? problem(answer.refusal) : show(answer.act).then((view) => json(view));
  }
}

function wantedOf(body: ActionBody, idempotency: WantedAction['idempotency']): WantedAction {
  return {
    agent: body.agent,
    action: body.action,
    parameters: body.parameters,
    context: body.context,
    resource: body.resource,
    user: body.user,
    onBehalfOf: body.onBehalfOf,
    estimatedCostMicroUsd: body.estimatedCostUsd === null ? null : Math.round(body.estimatedCostUsd * 1e6),
    idempotency,
    attach: body.attach,
    compensates: null,
    run: body.run,
  };
}

const HELD_RETRY_S = '5';

function replyOf(answer: Answer, heldStatus = 202): Reply {
  if (answer.kind === 'refused') {
    const extra = {
      ...(answer.decision === null ? {} : { decision: answer.decision }),
      ...(answer.actId === null ? {} : { actionId: answer.actId }),
    };
    return problem(answer.refusal, extra);
  }
  const { view } = answer;
  if (view.status !== 'waiting_for_approval') return json(view);
  return json(view, heldStatus, { location: `/api/v1/actions/${view.id}`, 'retry-after': HELD_RETRY_S });
}

function speaksFor(principal: Principal, act: Act): boolean {
  return (
    principal.roles.includes('agent') &&
    principal.agents !== 'any' &&
    principal.agents.includes(act.agent) &&
    isWithin(act, boundTo(principal))
  );
}

/** An agent sees its own acts only. */
/** Whoever is only an agent reads its own acts. */
export function mayRead(principal: Principal, act: Act): boolean {
  return principal.agents === 'any' || !principal.roles.includes('agent') || speaksFor(principal, act);
}

function notFound(id: string): Reply {
  return problem({ code: 'not_found', detail: `There is no act ${id}.` });
}

function readCursor(cursor: string | undefined): ActQuery['cursor'] {
  const match = CURSOR.exec(cursor ?? '');
  return match === null ? null : { createdMs: Number(match[1]), id: match[2] ?? '' };
}
