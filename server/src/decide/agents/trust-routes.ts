// The HTTP resources of trust: how an agent's came about, and what other settings would make of what happened.
import type { TrustSettings } from '@mandate/kernel';
import { z } from 'zod';
import { limitField, momentField } from '../../platform/http/fields.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Route } from '../../platform/http/route.ts';
import type { Agents } from './agents.ts';
import type { Simulate } from './simulate.ts';

export interface TrustRoutesNeeds {
  readonly agents: Pick<Agents, 'trustHistory'>;
  readonly simulate: Simulate;
  readonly nowMs: () => number;
  /** Reads settings as they are written in a charter, laid over the active ones. */
  readonly readSettings: (
    tenant: string,
    written: unknown,
  ) => Promise<
    | { readonly kind: 'settings'; readonly settings: TrustSettings }
    | {
        readonly kind: 'refused';
        readonly problems: readonly { readonly pointer: string; readonly detail: string }[];
      }
  >;
}

const PAGE = 100;
const PAGE_MAX = 1_000;
const DAY_MS = 86_400_000;
const SPANS: Readonly<Record<string, number>> = { h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

const historyQuery = z.strictObject({
  from: momentField.optional(),
  to: momentField.optional(),
  limit: limitField(PAGE_MAX).optional(),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'must be the nextCursor of the page before')
    .optional(),
});

const simulateBody = z.strictObject({
  trust: z.record(z.string(), z.unknown()).default({}),
  against: z
    .string()
    .regex(/^\d{1,4}[hdw]$/, 'must be how far back to look: 12h, 7d, 2w')
    .optional(),
  from: momentField.optional(),
  to: momentField.optional(),
});

export function trustRoutes({ agents, simulate, nowMs, readSettings }: TrustRoutesNeeds): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/agents/:agent/trust',
      summary: 'How the trust in an agent came about: every move with its cause, freezes and their ends',
      permission: 'agents.read',
      answer: '{ items, nextCursor }, newest first',
      query: historyQuery,
      async handle({ principal, params, query }) {
        const agent = params['agent'] ?? '';
        const page = await agents.trustHistory(principal.tenant, {
          agent,
          fromMs: query.from ?? null,
          toMs: query.to ?? null,
          limit: query.limit ?? PAGE,
          cursor: query.cursor ?? null,
        });
        return page === null
          ? problem({ code: 'not_found', detail: `No agent ${agent} has acted here yet.` })
          : json(page);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/trust/simulate',
      summary: 'What other trust settings would have made of the recorded outcomes; nothing is changed',
      permission: 'agents.read',
      answer: '{ from, to, outcomes, agents, settings }; agents that would differ come first',
      body: simulateBody,
      async handle({ principal, body }) {
        const read = await readSettings(principal.tenant, body.trust);
        if (read.kind === 'refused') {
          const errors = read.problems.map(({ pointer, detail }) => ({
            pointer: `/trust${pointer}`,
            detail,
          }));
          const detail = errors.map((error) => `${error.pointer}: ${error.detail}`).join(' ');
          return problem({ code: 'invalid', detail }, { errors });
        }
        const untilMs = body.to ?? nowMs();
        const fromMs = body.from ?? untilMs - spanMs(body.against ?? '30d');
        if (fromMs >= untilMs)
          return problem({ code: 'invalid', detail: '/from: the period must begin before it ends.' });
        return json(
          await simulate(principal.tenant, { settings: read.settings, fromMs, toMs: body.to ?? null }),
        );
      },
    }),
  ];
}

function spanMs(text: string): number {
  return Number(text.slice(0, -1)) * (SPANS[text.slice(-1)] ?? DAY_MS);
}
