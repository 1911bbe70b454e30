// The HTTP resources of readiness: how a set stands now and stood before, and what people vouch for.
import type { GovernedSet } from '@mandate/kernel';
import { redactText } from '@mandate/kernel';
import { z } from 'zod';
import { iso } from '../../platform/clock/iso.ts';
import { limitField, lineField, momentField, nameField, reasonField } from '../../platform/http/fields.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import { alsoUnversioned } from '../../platform/http/unversioned.ts';
import { NOTHING_GOVERNED, setField, whichSet } from '../../platform/http/which-set.ts';
import type { Evidence } from './attestations.ts';
import type { ReadinessCharter } from './needs.ts';
import type { Readiness } from './readiness.ts';
import type { KeptAssessment } from './store.ts';
import { scoreOf } from './view.ts';

const LIMIT = 20;
const LIMIT_MAX = 500;

const setQuery = z.strictObject({ set: setField });

/** A day counts from its beginning in UTC. */
const dateField = z.union([z.iso.date().transform((text) => Date.parse(`${text}T00:00:00Z`)), momentField], {
  error: 'must be a day or a moment between the years 1970 and 9999: 2026-11-20 or 2026-11-20T09:00:00Z',
});

const sha256Field = z
  .string()
  .regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of what it holds: 64 hex digits')
  .transform((text) => text.toLowerCase());

const evidenceField = z
  .strictObject({
    file: lineField.overwrite(redactText).optional().describe('The name of the file.'),
    url: z
      .string()
      .max(2_000)
      .regex(/^https?:\/\/[^\s/@?#]+([/?#]\S*)?$/, 'must be a full http(s) URL without user or password')
      .overwrite(redactText)
      .optional(),
    sha256: sha256Field,
  })
  .refine((it) => (it.file === undefined) !== (it.url === undefined), {
    error: 'Evidence is either a file or a url; write one of them, with the sha256 of what it holds.',
  })
  .transform(({ file, url, sha256 }): Evidence =>
    file === undefined ? { kind: 'url', url: url ?? '', sha256 } : { kind: 'file', file, sha256 },
  );

const attestBody = z.strictObject({
  item: nameField.describe('A readiness item that is attested: runbooks complete.'),
  set: setField,
  evidence: evidenceField,
  date: dateField.optional().describe('As of when it holds; today by default.'),
  expiresAt: dateField.optional().describe('Until when it counts; as long as the item allows by default.'),
  note: reasonField.optional(),
});

export interface ReadinessRoutesNeeds {
  readonly readiness: Readiness;
  readonly nowMs: () => number;
  /** Told after what people vouch for has changed, so that a phase on probation is looked at before the answer. */
  readonly changed: (tenant: string) => Promise<unknown>;
}

export function readinessRoutes(needs: ReadinessRoutesNeeds): readonly Route[] {
  const { readiness, nowMs } = needs;

  /** Runs `answer` with the set that is meant. */
  async function withSet(
    tenant: string,
    wanted: string | undefined,
    answer: (set: GovernedSet | null, charter: ReadinessCharter) => Promise<Reply>,
  ): Promise<Reply> {
    const charter = await readiness.charterOf(tenant);
    if (charter === null) return problem(UNREADABLE);
    const which = whichSet(charter.sets, wanted);
    if (which.kind === 'refused') return problem(which.refusal);
    return answer(which.kind === 'none' ? null : which.set, charter);
  }

  return alsoUnversioned([
    route({
      method: 'GET',
      path: '/api/v1/readiness/current',
      summary: 'How ready a set is for its next phase now: every item with why, and what to do next',
      permission: 'governance.read',
      answer:
        '{ timestamp, set, currentPhase, daysSincePhaseStart, overall, technical, process, organizational, recommendations, nextActions, window }',
      query: setQuery,
      handle: ({ principal: { tenant }, query }) =>
        withSet(tenant, query.set, async (set) =>
          json(await readiness.assess(tenant, set?.name ?? null, nowMs())),
        ),
    }),
    route({
      method: 'GET',
      path: '/api/v1/readiness/latest',
      summary: 'The last assessment that was kept; the current one where none was',
      permission: 'governance.read',
      answer: 'As readiness/current',
      query: setQuery,
      handle: ({ principal: { tenant }, query }) =>
        withSet(tenant, query.set, async (set) => json(await readiness.latest(tenant, set?.name ?? null))),
    }),
    route({
      method: 'GET',
      path: '/api/v1/readiness/score',
      summary: 'The score alone: points by all points, and what is required and missing',
      permission: 'governance.read',
      answer: '{ score, ready, blockers, threshold }',
      query: setQuery,
      handle: ({ principal: { tenant }, query }) =>
        withSet(tenant, query.set, async (set) =>
          json(scoreOf(await readiness.assess(tenant, set?.name ?? null, nowMs()))),
        ),
    }),
    route({
      method: 'GET',
      path: '/api/v1/readiness/history',
      summary: 'Assessments that were kept, one for each cycle and each change, newest first',
      permission: 'governance.read',
      answer: '{ items }',
      query: z.strictObject({ set: setField, limit: limitField(LIMIT_MAX).optional() }),
      handle: ({ principal: { tenant }, query }) =>
        withSet(tenant, query.set, async (set) =>
          json({
            items:
              set === null
                ? []
                : (await readiness.history(tenant, set.name, query.limit ?? LIMIT)).map(keptView),
          }),
        ),
    }),
    route({
      method: 'GET',
      path: '/api/v1/readiness/attestations',
      summary: 'What people vouched for, newest first, and whether it still counts',
      permission: 'governance.read',
      answer: '{ items }',
      query: z.strictObject({
        set: setField,
        item: nameField.optional(),
        limit: limitField(LIMIT_MAX).optional(),
      }),
      async handle({ principal: { tenant }, query }) {
        const { item = null, limit = LIMIT_MAX } = query;
        const list = async (set: string | null, charter: ReadinessCharter): Promise<Reply> =>
          json({ items: await readiness.attestations.list(tenant, { charter, set, item, limit }) });
        if (query.set !== undefined)
          return withSet(tenant, query.set, (set, charter) => list(set?.name ?? null, charter));
        const charter = await readiness.charterOf(tenant);
        return charter === null ? problem(UNREADABLE) : list(null, charter);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/readiness/attestations',
      summary: 'Vouch for a readiness item, with evidence; takes one of its roles and the name of a person',
      // Whose word counts is for roles and for stand-ins whom the charter names, as with votes.
      permission: 'approvals.decide',
      answer: 'The attestation',
      body: attestBody,
      handle: ({ principal, body, traceId }) =>
        withSet(principal.tenant, body.set, async (set, charter) => {
          if (set === null) return problem(NOTHING_GOVERNED);
          const answer = await readiness.attestations.attest({
            principal,
            charter,
            set,
            item: body.item,
            evidence: body.evidence,
            dateMs: body.date ?? null,
            expiresMs: body.expiresAt ?? null,
            note: body.note ?? null,
            traceId,
          });
          if (answer.kind === 'refused') return problem(answer.refusal);
          await needs.changed(principal.tenant);
          return json(answer.attestation, 201);
        }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/readiness/attestations/:id/withdraw',
      summary: 'Withdraw an attestation; it counts from now on for nothing',
      permission: 'approvals.decide',
      answer: 'The attestation',
      body: z.strictObject({ reason: reasonField }),
      async handle({ principal, params, body, traceId }) {
        const { tenant } = principal;
        const charter = await readiness.charterOf(tenant);
        if (charter === null) return problem(UNREADABLE);
        const id = z.uuid().safeParse(params['id']);
        if (!id.success)
          return problem({ code: 'not_found', detail: `There is no attestation ${params['id'] ?? ''}.` });
        const answer = await readiness.attestations.withdraw({
          principal,
          charter,
          id: id.data,
          reason: body.reason,
          traceId,
        });
        if (answer.kind === 'refused') return problem(answer.refusal);
        await needs.changed(tenant);
        return json(answer.attestation);
      },
    }),
  ]);
}

const UNREADABLE: Refusal = {
  code: 'unavailable',
  detail: 'The charter in force cannot be read by this process, so nobody knows what readiness takes.',
};

function keptView({ at, number, because, phase, points, total, ready }: KeptAssessment) {
  return {
    number,
    timestamp: iso(at),
    because,
    phase,
    score: total === 0 ? 0 : points / total,
    points,
    maxPoints: total,
    ready,
  };
}
