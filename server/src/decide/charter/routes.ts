// The HTTP resources of the charter: read it, check a text, make it the one in force.
import { z } from 'zod';
import { reasonField } from '../../platform/http/fields.ts';
import { json, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import type { Charters } from './charter.ts';
import { renderError } from './error.ts';
import type { CharterError } from './error.ts';

const textBody = z.strictObject({ text: z.string().min(1).max(1_000_000) });
const putBody = z.strictObject({
  text: z.string().min(1).max(1_000_000),
  note: reasonField.optional(),
});

export function charterRoutes(charters: Charters): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/charter',
      summary: 'The charter in force, as it was written',
      permission: 'charter.read',
      answer: '{ version, sources }',
      async handle({ principal }) {
        const active = await charters.active(principal.tenant);
        return active === null
          ? json({ version: null, sources: [] })
          : json({ version: active.version, sources: active.sources });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/charter/versions',
      summary: 'Every version that was in force, newest first',
      permission: 'charter.read',
      answer: '{ items }',
      handle: async ({ principal }) => json({ items: await charters.versions(principal.tenant, 200) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/charter/check',
      summary: 'Check a charter; nothing is stored',
      permission: 'charter.read',
      answer: '{ ok, version, warnings } or { ok: false, problems }',
      body: textBody,
      async handle({ body }) {
        const checked = await charters.check(body.text);
        return checked.kind === 'refused'
          ? json({ ok: false, problems: checked.problems.map(rendered) })
          : json({ ok: true, version: checked.version, warnings: checked.warnings.map(rendered) });
      },
    }),
    route({
      method: 'PUT',
      path: '/api/v1/charter',
      summary: 'Make a charter the one in force, for every process at once',
      permission: 'charter.write',
      answer: '{ version, previous }',
      body: putBody,
      async handle({ principal, body }) {
        const done = await charters.activate({
          tenant: principal.tenant,
          text: body.text,
          author: principal.id,
          note: body.note ?? null,
        });
        if (done.kind === 'refused') return refusedCharter(done.problems);
        return json({
          version: done.version,
          previous: done.kind === 'activated' ? done.previous : done.version,
          changed: done.kind === 'activated',
        });
      },
    }),
  ];
}

function rendered(error: CharterError) {
  return { ...error, text: renderError(error) };
}

function refusedCharter(problems: readonly CharterError[]): Reply {
  const errors = problems.map((error) => ({ pointer: '/text', detail: renderError(error) }));
  return {
    kind: 'problem',
    refusal: {
      code: 'invalid',
      detail: `The charter has ${problems.length} mistake(s); the one in force stays. ${errors[0]?.detail ?? ''}`,
    },
    extra: { errors },
  };
}
