// The HTTP resources of evidence: have a drill done or report one, and see those there were.
import { redactText } from '@mandate/kernel';
import { z } from 'zod';
import type { Clock } from '../../platform/clock/clock.ts';
import { limitField, momentField, reasonField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import { DRILL_KINDS, drillView } from './drill.ts';
import type { Drills } from './drills.ts';

const PAGE = 20;
const PAGE_MAX = 100;

const link = z
  .string()
  .max(2_000)
  .regex(/^https?:\/\/[^\s/@?#]+([/?#]\S*)?$/, 'must be a full http(s) address without user or password')
  .overwrite(redactText);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a file, as 64 hex digits');
const drillBody = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('kill_switch') }),
  z.strictObject({ kind: z.literal('audit_verification') }),
  z
    .strictObject({
      kind: z.literal('chaos'),
      at: momentField.describe('When it took place.'),
      passed: z.boolean(),
      summary: reasonField.describe('What was broken on purpose, and what happened.'),
      link: link.optional(),
      sha256: sha256.optional(),
    })
    .refine((body) => body.link !== undefined || body.sha256 !== undefined, {
      path: ['link'],
      message: 'say where the evidence is: a link, or the SHA-256 of a file',
    }),
]);

export function drillRoutes(drills: Drills, clock: Clock): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/governance/drills',
      summary: 'Pull the kill switch for a trial, verify the journal, or report a chaos drill',
      permission: 'governance.write',
      answer: 'The drill with what came of it, also where it did not pass',
      body: drillBody,
      async handle({ principal, body, traceId, may }) {
        const order = { tenant: principal.tenant, by: principal.id, traceId };
        // It stops and resumes, if only a scope of its own: nobody does by a drill what they may not do by hand.
        if (body.kind === 'kill_switch' && !(may('stop') && may('resume')))
          return problem({
            code: 'forbidden',
            detail: 'A kill switch drill takes the permissions stop and resume.',
          });
        const answer =
          body.kind === 'kill_switch'
            ? await drills.killSwitch(order)
            : body.kind === 'audit_verification'
              ? await drills.verifyAudit(order)
              : await drills.reportChaos({
                  ...order,
                  atMs: body.at,
                  passed: body.passed,
                  summary: body.summary,
                  link: body.link ?? null,
                  sha256: body.sha256 ?? null,
                });
        return answer.kind === 'refused'
          ? problem(answer.refusal)
          : json(drillView(answer.drill, clock.nowMs()), 201);
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/governance/drills',
      summary: 'Drills, newest first, and whether each still counts',
      permission: 'governance.read',
      answer: '{ items }',
      query: z.strictObject({
        kind: z.enum(DRILL_KINDS).optional(),
        limit: limitField(PAGE_MAX).optional(),
      }),
      async handle({ principal, query }) {
        const items = await drills.list(principal.tenant, {
          kind: query.kind ?? null,
          limit: query.limit ?? PAGE,
        });
        return json({ items: items.map((drill) => drillView(drill, clock.nowMs())) });
      },
    }),
  ];
}
