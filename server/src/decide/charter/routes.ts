// The HTTP resources of the charter: read it, check a text, make it the one in force.
import { z } from 'zod';
import { charterTextField, reasonField } from '../../platform/http/fields.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Charters, CharterSource, Stale } from './charter.ts';
import { renderError } from './error.ts';
import type { CharterError } from './error.ts';

const textBody = z.strictObject({ text: charterTextField });
const putBody = z.strictObject({
  text: charterTextField,
  note: reasonField.optional(),
});

/**
 * Where a change of the charter takes people: the approval that has to be given. `free`: it is made at once, over `base`,
 * because it is what that charter asks of a change which was looked at.
 */
export type AskChange = (change: {
  readonly principal: Principal;
  readonly source: CharterSource;
  /** What it would be. */
  readonly version: string;
  readonly note: string | null;
  readonly traceId: string;
}) => Promise<
  | {
      readonly kind: 'asked';
      readonly approval: { readonly id: string; readonly digest: string; readonly expiresAt: string };
    }
  | { readonly kind: 'free'; readonly base: string | null }
>;

export function charterRoutes(charters: Charters, askChange: AskChange): readonly Route[] {
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
      method: 'POST',
      path: '/api/v1/charter/check',
      summary: 'Check a charter; nothing is stored',
      permission: 'charter.write',
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
      summary: 'Make a charter the one in force, for every process at once, or ask those whom it names',
      permission: 'charter.write',
      answer: '{ version, previous }; with 202 the approval that has to be given',
      body: putBody,
      async handle({ principal, body, traceId }) {
        const checked = await charters.check(body.text);
        if (checked.kind === 'refused') return refusedCharter(checked.problems);
        const asked = await askChange({
          principal,
          source: { kind: 'text', text: body.text },
          version: checked.version,
          note: body.note ?? null,
          traceId,
        });
        if (asked.kind === 'asked') {
          const { approval } = asked;
          const active = await charters.active(principal.tenant);
          const version = active?.version ?? null;
          return json(
            { version, previous: version, changed: false, proposed: checked.version, approval },
            202,
          );
        }
        const done = await charters.activateOn({
          tenant: principal.tenant,
          text: body.text,
          author: principal.id,
          note: body.note ?? null,
          base: asked.base,
        });
        if (done.kind === 'refused') return refusedCharter(done.problems);
        if (done.kind === 'stale') return problem(changedMeanwhile(done));
        return json({
          version: done.version,
          previous: done.kind === 'activated' ? done.previous : done.version,
          changed: done.kind === 'activated',
        });
      },
    }),
  ];
}

/** Nobody knows whether the charter of now would have asked people. */
export function changedMeanwhile({ active }: Stale): Refusal {
  return {
    code: 'conflict',
    detail: `Another charter came into force meanwhile (${active?.slice(0, 12) ?? 'none'}), so nothing was changed. Read it, and send your change again.`,
  };
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
