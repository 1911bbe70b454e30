// The HTTP resources of charters of before, and of cases that a charter is held against.
import { z } from 'zod';
import type { Clock } from '../../platform/clock/clock.ts';
import { createSlices } from '../../platform/clock/slices.ts';
import { charterTextField, reasonField } from '../../platform/http/fields.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { runCase } from './case.ts';
import type { CaseResult } from './case.ts';
import { caseSchema } from './case-schema.ts';
import type { Charters } from './charter.ts';
import { renderError } from './error.ts';
import type { CharterHistory, Missing } from './history.ts';
import { changedMeanwhile } from './routes.ts';
import type { AskChange } from './routes.ts';

const LISTED = 200;
/** Time for all cases of one request, turns of others included. */
const TEST_MS = 10_000;
const VERSION = /^[0-9a-f]{8,64}$/;

const versionField = z.string().regex(VERSION, 'must be a charter version: 8 to 64 hex digits');
const rollbackBody = z.strictObject({ version: versionField, reason: reasonField });
const testBody = z.strictObject({
  text: charterTextField.optional(),
  cases: z.array(caseSchema).min(1).max(500),
});

export interface HistoryRoutesNeeds {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly charters: Pick<Charters, 'check' | 'active'>;
  readonly history: CharterHistory;
  readonly askChange: AskChange;
}

export function historyRoutes({ clock, charters, history, askChange }: HistoryRoutesNeeds): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/charter/versions',
      summary: 'Every version that was in force, the latest first, and every time one came into force',
      permission: 'charter.read',
      answer: '{ items, history }',
      async handle({ principal }) {
        const items = await history.versions(principal.tenant, LISTED);
        const activations = await history.activations(principal.tenant, LISTED);
        return json({
          items: items.map(({ createdMs, activatedMs, ...rest }) => ({
            ...rest,
            createdAt: moment(createdMs),
            activatedAt: moment(activatedMs),
          })),
          history: activations.map(({ atMs, ...rest }) => ({ ...rest, at: moment(atMs) })),
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/charter/versions/:version',
      summary: 'One version as it was written; its first eight digits are enough',
      permission: 'charter.read',
      answer: '{ version, author, note, createdAt, active, sources }',
      async handle({ principal, params }) {
        const version = params['version'] ?? '';
        if (!VERSION.test(version)) return missing({ kind: 'unknown', version });
        const found = await history.version(principal.tenant, version);
        if (found.kind !== 'version') return missing(found);
        const { kind: _kind, createdMs, ...rest } = found;
        return json({ ...rest, createdAt: moment(createdMs) });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/charter/versions/:version/diff/:other',
      summary: 'What changes from one version to another: rules and settings',
      permission: 'charter.read',
      answer: '{ from, to, rules: { added, removed, changed }, settings, lines }',
      async handle({ principal, params }) {
        const { version: from = '', other: to = '' } = params;
        const wrong = [from, to].find((version) => !VERSION.test(version));
        if (wrong !== undefined) return missing({ kind: 'unknown', version: wrong });
        const found = await history.diff(principal.tenant, from, to);
        if (found.kind !== 'diff') return missing(found);
        const { kind: _kind, ...diff } = found;
        return json(diff);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/charter/rollback',
      summary: 'Make a version of before the one in force, or ask those whom the charter names',
      permission: 'charter.write',
      answer: '{ version, previous, changed, revision }; with 202 the approval that has to be given',
      body: rollbackBody,
      async handle({ principal, body, traceId }) {
        const { tenant, id: author } = principal;
        const target = await history.target(tenant, body.version);
        if (target.kind !== 'target') return missing(target);
        const asked = await askChange({
          principal,
          source: { kind: 'version', version: target.version },
          version: target.readAs,
          note: body.reason,
          traceId,
        });
        if (asked.kind === 'asked') {
          const { approval } = asked;
          const version = (await charters.active(tenant))?.version ?? null;
          return json({ version, previous: version, changed: false, proposed: target.readAs, approval }, 202);
        }
        const done = await history.rollback({ tenant, author, ...body, base: asked.base });
        if (done.kind === 'stale') return problem(changedMeanwhile(done));
        if (done.kind === 'unchanged')
          return json({ version: done.version, previous: done.version, changed: false });
        if (done.kind !== 'rolled_back') return missing(done);
        return json({
          version: done.version,
          previous: done.previous,
          changed: true,
          revision: done.revision,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/charter/test',
      summary:
        'Hold a charter against cases: the one in force, or a text, which takes charter.write; nothing is recorded',
      permission: 'charter.read',
      answer: '{ ok, version, passed, failed, results } or { ok: false, problems }',
      body: testBody,
      async handle({ principal, body, may }) {
        if (body.text !== undefined && !may('charter.write')) return problem(mayNotTest(principal));
        const tested =
          body.text === undefined ? await charters.active(principal.tenant) : await charters.check(body.text);
        if (tested === null)
          return problem({
            code: 'unavailable',
            detail: 'There is no charter in force that this process can read.',
          });
        if ('problems' in tested)
          return json({
            ok: false,
            problems: tested.problems.map((it) => ({ ...it, text: renderError(it) })),
          });
        const slices = createSlices(clock, TEST_MS);
        const results: CaseResult[] = [];
        for (const written of body.cases) {
          if (!(await slices.next())) return problem(tooLong(results.length));
          results.push(runCase(tested.law, written));
        }
        const failed = results.filter(({ ok }) => !ok).length;
        return json({
          ok: failed === 0,
          version: tested.version,
          passed: results.length - failed,
          failed,
          results,
        });
      },
    }),
  ];
}

/** Whoever may not change the charter tries one out where it costs nobody else anything. */
function mayNotTest({ id, roles }: Principal): Refusal {
  const detail = `${id} (${roles.join(', ') || 'no role'}) may not: charter.write. Cases against a charter of one's own take the role admin here; mandate policy test runs them without a server.`;
  return { code: 'forbidden', detail };
}

function tooLong(tested: number): Refusal {
  const detail = `Testing was given up after ${TEST_MS / 1_000} s and ${tested} cases. Send fewer at a time, or let conditions look at less; mandate policy test runs them without a server.`;
  return { code: 'too_large', detail };
}

function moment(ms: number): string {
  return new Date(ms).toISOString();
}

function missing(found: Missing): Reply {
  switch (found.kind) {
    case 'unknown':
      return problem({
        code: 'not_found',
        detail: `No charter of this tenant has the version ${JSON.stringify(found.version.slice(0, 64))}. GET /api/v1/charter/versions lists them; eight digits are enough.`,
      });
    case 'ambiguous':
      return problem({
        code: 'conflict',
        detail: `Several versions begin with ${found.version}. Give more digits.`,
      });
    case 'unreadable':
      return problem(
        {
          code: 'conflict',
          detail: `This version of Mandate finds ${found.problems.length} mistake(s) in the charter ${found.version.slice(0, 12)}: ${found.problems.slice(0, 1).map(renderError).join('')} Activate a corrected one instead.`,
        },
        { errors: found.problems.map((it) => ({ pointer: '/version', detail: renderError(it) })) },
      );
  }
}
