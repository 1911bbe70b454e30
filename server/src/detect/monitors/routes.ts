// The HTTP resources of monitors: breakers with their rules and events, and objectives with their error budgets. Those of
// breakers are reached without the version too.
import { ALERT_SEVERITIES, BREAKER_ACTIONS, redactText } from '@mandate/kernel';
import type { BreakerProblem, GovernedSet } from '@mandate/kernel';
import { z } from 'zod';
import { isPlainText, limitField, reasonField } from '../../platform/http/fields.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import { alsoUnversioned } from '../../platform/http/unversioned.ts';
import { NOTHING_GOVERNED, setField, whichSet } from '../../platform/http/which-set.ts';
import type { Monitors } from './monitors.ts';
import { eventView, objectiveView, ruleView } from './view.ts';

export interface MonitorRoutesNeeds {
  readonly monitors: Monitors;
  readonly setsOf: (tenant: string) => Promise<readonly GovernedSet[]>;
  /** A rule has been changed: what it says now is asked at once. */
  readonly changed: (tenant: string) => void;
}

/** A rule is kept and shown as it is written, so nothing may stand in it that is hidden elsewhere (I9). */
const holdsNoSecret = (text: string): boolean => redactText(text) === text;

const setQuery = z.strictObject({ set: setField });
const eventsQuery = z.strictObject({ set: setField, limit: limitField(1_000).optional() });
const resolveBody = z.strictObject({ reason: reasonField });
const ruleBody = z
  .strictObject({
    enabled: z.boolean().optional(),
    condition: z
      .string()
      .min(1)
      .max(4_096)
      .refine(holdsNoSecret, 'holds a secret; a rule is kept as it is written, so write it without')
      .optional(),
    window: z.string().min(1).max(40).optional(),
    action: z.enum(BREAKER_ACTIONS).optional(),
    alertSeverity: z.enum(ALERT_SEVERITIES).optional(),
    minSamples: z.number().int().min(1).max(1_000_000).optional(),
    reason: reasonField.optional(),
  })
  .refine(({ reason: _reason, ...patch }) => Object.values(patch).some((value) => value !== undefined), {
    error: 'nothing is changed: give enabled, condition, window, action, alertSeverity or minSamples',
  });

const EVENTS = 20;
const NAME_MAX = 100;

export function monitorRoutes(needs: MonitorRoutesNeeds): readonly Route[] {
  return [...alsoUnversioned([...eventRoutes(needs), ...ruleRoutes(needs)]), ...objectiveRoutes(needs)];
}

function eventRoutes(needs: MonitorRoutesNeeds): readonly Route[] {
  const { monitors } = needs;
  return [
    route({
      method: 'GET',
      path: '/api/v1/circuit-breaker/events',
      summary: 'What breakers and objectives have noticed, newest first',
      permission: 'governance.read',
      answer: '[{ id, ruleName, action, alertSeverity, metrics, triggeredAt, resolved, … }]',
      query: eventsQuery,
      async handle({ principal: { tenant }, query }) {
        const set = await namedEver(needs, tenant, query.set);
        if (set.kind === 'refused') return problem(set.refusal);
        const { set: wanted, limit = EVENTS } = query;
        return json(
          (
            await monitors.events(tenant, {
              set: set.name,
              loose: wanted === undefined,
              unresolved: false,
              limit,
            })
          ).map(eventView),
        );
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/circuit-breaker/events/unresolved',
      summary: 'What nobody has resolved yet, newest first',
      permission: 'governance.read',
      answer: 'As events',
      query: setQuery,
      async handle({ principal: { tenant }, query }) {
        const set = await namedEver(needs, tenant, query.set);
        if (set.kind === 'refused') return problem(set.refusal);
        return json(
          (await monitors.unresolvedEvents(tenant, set.name, query.set === undefined)).map(eventView),
        );
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/circuit-breaker/events/:id/resolve',
      summary: 'Resolve an event: what it holds up goes on. A phase stays where it fell to',
      permission: 'incidents.resolve',
      answer: 'The event',
      body: resolveBody,
      async handle({ principal, params, body, traceId }) {
        const id = params['id'] ?? '';
        const { tenant, id: by } = principal;
        const answer = await monitors.resolve({ tenant, id, reason: body.reason, by, traceId });
        switch (answer.kind) {
          case 'resolved':
            return json(eventView(answer.event));
          case 'unknown':
            return problem(noEvent(id));
          case 'already': {
            const { resolvedBy, reason } = answer.event;
            return problem({
              code: 'conflict',
              detail: `${resolvedBy ?? 'Somebody'} has resolved it already: ${reason ?? ''}.`,
            });
          }
        }
      },
    }),
  ];
}

function ruleRoutes({ monitors, setsOf, changed }: MonitorRoutesNeeds): readonly Route[] {
  async function list(tenant: string, wanted: string | undefined, onlyEnabled: boolean): Promise<Reply> {
    const set = await named(setsOf, tenant, wanted);
    if (set.kind === 'refused') return problem(set.refusal);
    const rules = set.name === null ? [] : await monitors.rulesOf(tenant, set.name);
    return json(rules.filter(({ enabled }) => enabled || !onlyEnabled).map(ruleView));
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/circuit-breaker/rules',
      summary: 'The rules of a governed set, by name; problem says why one guards nothing',
      permission: 'governance.read',
      answer: '[{ name, enabled, condition, window, action, alertSeverity, … }]',
      query: setQuery,
      handle: ({ principal, query }) => list(principal.tenant, query.set, false),
    }),
    route({
      method: 'GET',
      path: '/api/v1/circuit-breaker/rules/enabled',
      summary: 'The rules that are switched on',
      permission: 'governance.read',
      answer: 'As rules',
      query: setQuery,
      handle: ({ principal, query }) => list(principal.tenant, query.set, true),
    }),
    route({
      method: 'PATCH',
      path: '/api/v1/circuit-breaker/rules/:name',
      summary: 'Change a rule, or create it: then condition, window and action are needed',
      permission: 'breakers.write',
      answer: 'The rule; 201 where it is new',
      body: ruleBody,
      query: setQuery,
      async handle({ principal: { tenant, id: by }, params, query, body, traceId }) {
        const name = params['name'] ?? '';
        if (name === '' || name.length > NAME_MAX || !isPlainText(name) || !holdsNoSecret(name))
          return problem(
            {
              code: 'invalid',
              detail: `A rule's name has 1 to ${NAME_MAX} characters that show as what they are, and no secret.`,
            },
            { errors: [{ pointer: '/name', detail: `must have 1 to ${NAME_MAX} plain characters` }] },
          );
        const set = await named(setsOf, tenant, query.set);
        if (set.kind === 'refused') return problem(set.refusal);
        if (set.name === null) return problem(NOTHING_GOVERNED);
        const { reason = null, ...patch } = body;
        const answer = await monitors.changeRule({ tenant, set: set.name, name, patch, reason, by, traceId });
        switch (answer.kind) {
          case 'changed':
            changed(tenant);
            return json(ruleView(answer.rule), answer.created ? 201 : 200);
          case 'incomplete':
            return problem(
              {
                code: 'invalid',
                detail: `There is no rule ${name} yet, and a new one needs ${answer.missing.join(', ')}.`,
              },
              { errors: answer.missing.map((field) => ({ pointer: `/${field}`, detail: 'is missing' })) },
            );
          case 'refused':
            return problem(
              {
                code: 'invalid',
                detail: `The rule ${name} would guard nothing as it is written; it stays as it was.`,
              },
              { errors: answer.problems.map((each) => errorOf(body.condition ?? '', each)) },
            );
        }
      },
    }),
  ];
}

function objectiveRoutes({ monitors, setsOf }: MonitorRoutesNeeds): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/slos',
      summary: 'The objectives of the charter: error budgets, burn rates, what they hold up',
      permission: 'governance.read',
      answer: '[{ name, target, window, budget, burns, status, … }]',
      query: setQuery,
      async handle({ principal: { tenant }, query }) {
        // An objective need not belong to a set, so without one all are meant.
        if (query.set === undefined)
          return json((await monitors.objectives(tenant, null)).map(objectiveView));
        const set = await named(setsOf, tenant, query.set);
        if (set.kind === 'refused') return problem(set.refusal);
        return json((await monitors.objectives(tenant, set.name)).map(objectiveView));
      },
    }),
  ];
}

type Named =
  | { readonly kind: 'set'; readonly name: string | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** null where nothing is governed: then there may still be events of objectives. */
async function named(
  setsOf: MonitorRoutesNeeds['setsOf'],
  tenant: string,
  wanted: string | undefined,
): Promise<Named> {
  const which = whichSet(await setsOf(tenant), wanted);
  switch (which.kind) {
    case 'set':
      return { kind: 'set', name: which.set.name };
    case 'none':
      return { kind: 'set', name: null };
    case 'refused':
      return which;
  }
}

/** Also a set that the charter no longer names: what was noticed of it waits for people all the same. */
async function namedEver(
  { monitors, setsOf }: MonitorRoutesNeeds,
  tenant: string,
  wanted: string | undefined,
): Promise<Named> {
  const set = await named(setsOf, tenant, wanted);
  if (set.kind === 'set') return set;
  if (wanted === undefined) {
    const dropped = await monitors.droppedSets(tenant);
    if (dropped.length === 0) return set;
    const detail = `${set.refusal.detail} Of sets that it no longer names something is unresolved: ${dropped.join(', ')}.`;
    return { kind: 'refused', refusal: { ...set.refusal, detail } };
  }
  return (await monitors.hasEvents(tenant, wanted)) ? { kind: 'set', name: wanted } : set;
}

function noEvent(id: string): Refusal {
  return {
    code: 'not_found',
    detail: `There is no breaker event ${id}; GET /api/v1/circuit-breaker/events lists them.`,
  };
}

/** With the place in the condition: line and column from 1. */
function errorOf(condition: string, { field, message, offset }: BreakerProblem) {
  if (offset === null) return { pointer: `/${field}`, detail: message };
  const before = condition.slice(0, offset).split('\n');
  return {
    pointer: `/${field}`,
    detail: message,
    offset,
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
  };
}
