// The HTTP resources of policies: replay a proposed charter, hold two against each other, draft one, put one on trial,
// and switch from audit to enforce.
import { z } from 'zod';
import { reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import { charterField } from './charters.ts';
import type { CharterAsked, Found } from './charters.ts';
import { replayRefusal } from './permitted.ts';
import type { Policy } from './policy.ts';
import { oneRange, rangeFields } from './range.ts';
import type { Simulation } from './simulate.ts';

/** More differences than these are in the groups and in the counts. */
const MOST_LISTED = 10_000;

const limitField = z.int().min(0).max(MOST_LISTED).default(MOST_LISTED);
const simulateBody = oneRange(
  z.strictObject({ charter: charterField.optional(), ...rangeFields, limit: limitField }),
);
const diffBody = oneRange(
  z.strictObject({
    old: charterField.optional(),
    new: charterField.optional(),
    ...rangeFields,
    limit: limitField,
  }),
);
const suggestBody = oneRange(z.strictObject({ ...rangeFields, relax: z.boolean().default(false) }));
const shadowBody = z.strictObject({ charter: charterField, note: reasonField.optional() });
const enforcementQuery = oneRange(
  z.strictObject({
    ...rangeFields,
    switch: z.enum(['enforce', 'audit', 'charter']).default('enforce'),
  }),
);
const enforcementBody = z.strictObject({
  to: z.enum(['enforce', 'audit', 'charter']),
  reason: reasonField,
});

const REPORT = '{ summary, counts, differences, groups, drifted, notReplayed }';

export function policyRoutes(policy: Policy): readonly Route[] {
  return [...replayRoutes(policy), ...shadowRoutes(policy), ...enforcementRoutes(policy)];
}

function replayRoutes({ charters, simulate, suggest }: Policy): readonly Route[] {
  const find = (tenant: string, asked: CharterAsked | undefined, pointer: string): Promise<Found> =>
    asked === undefined ? charters.active(tenant) : charters.find(tenant, asked, pointer);
  return [
    route({
      method: 'POST',
      path: '/api/v1/charter/simulate',
      summary:
        'What a charter would have made of recorded actions; nothing is stored. Takes actions.read as well, and charter.write for a charter of one’s own',
      permission: 'charter.read',
      answer: `{ version, ...${REPORT} }`,
      body: simulateBody,
      async handle({ principal, may, body: { charter, limit, ...range } }) {
        const { tenant } = principal;
        const refusal = replayRefusal({ principal, may }, [charter]);
        if (refusal !== null) return problem(refusal);
        const found = await find(tenant, charter, '/charter');
        if (found.kind === 'refused') return refusedCharter(found);
        const { law, version } = found;
        const done = await simulate({ tenant, range, before: 'own', after: { law }, limit });
        return reported(done, { version });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/charter/diff',
      summary:
        'What two charters make of recorded actions differently; nothing is stored. Takes actions.read as well, and charter.write for a charter of one’s own',
      permission: 'charter.read',
      answer: `{ old, new, ...${REPORT} }`,
      body: diffBody,
      async handle({ principal, may, body: { old, new: next, limit, ...range } }) {
        const { tenant } = principal;
        const refusal = replayRefusal({ principal, may }, [old, next]);
        if (refusal !== null) return problem(refusal);
        const [before, after] = await Promise.all([find(tenant, old, '/old'), find(tenant, next, '/new')]);
        if (before.kind === 'refused') return refusedCharter(before);
        if (after.kind === 'refused') return refusedCharter(after);
        const sides = { before: { law: before.law }, after: { law: after.law } };
        const done = await simulate({ tenant, range, ...sides, limit });
        return reported(done, { old: before.version, new: after.version });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/charter/suggest',
      summary:
        'A draft of a charter, from what was recorded; nothing is put in force. Takes actions.read as well',
      permission: 'charter.read',
      answer: '{ text, version, acts, rules, stillHeld }',
      body: suggestBody,
      async handle({ principal, may, body: { relax, ...range } }) {
        const { tenant } = principal;
        const refusal = replayRefusal({ principal, may });
        if (refusal !== null) return problem(refusal);
        const done = await suggest({ tenant, range, relax });
        return done.kind === 'refused' ? problem(done.refusal) : json(done.suggestion);
      },
    }),
  ];
}

function shadowRoutes({ shadows }: Policy): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/charter/shadow',
      summary: 'The charter on trial, and where it differs from the live one. Takes actions.read as well',
      permission: 'charter.read',
      answer: '{ shadow } or { shadow: null }',
      async handle({ principal, may }) {
        const refusal = replayRefusal({ principal, may });
        return refusal === null ? json({ shadow: await shadows.show(principal.tenant) }) : problem(refusal);
      },
    }),
    route({
      method: 'PUT',
      path: '/api/v1/charter/shadow',
      summary: 'Put a charter on trial beside the live one; it binds nobody. Takes actions.read as well',
      permission: 'charter.write',
      answer: '{ version, changed }',
      body: shadowBody,
      async handle({ principal, may, body: { charter, note = null }, traceId }) {
        const refusal = replayRefusal({ principal, may }, [charter]);
        if (refusal !== null) return problem(refusal);
        const { tenant, id: by } = principal;
        const done = await shadows.set({ tenant, charter, by, note, traceId });
        return done.kind === 'refused'
          ? refusedCharter(done)
          : json({ version: done.version, changed: done.changed });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/charter/shadow',
      summary: 'End the trial; answers with what it came to. Takes actions.read as well',
      permission: 'charter.write',
      answer: '{ shadow } or { shadow: null }',
      async handle({ principal, may, traceId }) {
        const refusal = replayRefusal({ principal, may });
        if (refusal !== null) return problem(refusal);
        const { tenant, id: by } = principal;
        return json({ shadow: await shadows.stop({ tenant, by, traceId }) });
      },
    }),
  ];
}

function enforcementRoutes({ enforcements }: Policy): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/charter/enforcement',
      summary:
        'Whether the charter enforces; with a time, what switching would have done to recorded actions, which takes actions.read as well',
      permission: 'charter.read',
      answer: '{ enforcement, charter, flag, ownRules, simulation? }',
      query: enforcementQuery,
      async handle({ principal, may, query: { switch: to, ...range } }) {
        const { tenant } = principal;
        const isAsked = Object.values(range).some((value) => value !== undefined);
        const refusal = isAsked ? replayRefusal({ principal, may }) : null;
        if (refusal !== null) return problem(refusal);
        const done = isAsked
          ? await enforcements.preview(tenant, { to, range, limit: MOST_LISTED })
          : await enforcements.show(tenant);
        return done.kind === 'refused' ? problem(done.refusal) : json(done.view);
      },
    }),
    route({
      method: 'PUT',
      path: '/api/v1/charter/enforcement',
      summary:
        'Switch to enforce, or back to what the charter says; an operator may tighten, only an admin may widen',
      permission: 'flags.write',
      answer: '{ enforcement, charter, flag, ownRules }',
      body: enforcementBody,
      async handle({ principal: { tenant, id: by }, body: { to, reason }, traceId, may }) {
        const done = await enforcements.set({
          tenant,
          to,
          reason,
          by,
          mayWiden: may('flags.widen'),
          traceId,
        });
        return done.kind === 'refused' ? problem(done.refusal) : json(done.view);
      },
    }),
  ];
}

function reported(done: Simulation, more: Readonly<Record<string, string>>): Reply {
  return done.kind === 'refused' ? problem(done.refusal) : json({ ...more, ...done.report });
}

function refusedCharter({ refusal, errors }: Extract<Found, { kind: 'refused' }>): Reply {
  return errors.length === 0 ? problem(refusal) : problem(refusal, { errors });
}
