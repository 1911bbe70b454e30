// The HTTP resources of API keys. The text of a key leaves the server once, in the answer that makes it.
import { z } from 'zod';
import { anyPatternCovers } from '@mandate/kernel';
import type { KeyView } from '@mandate/kernel';
import { momentField, nameField } from '../http/fields.ts';
import { json, problem, route } from '../http/route.ts';
import type { WriteEntry } from '../events/entry.ts';
import type { Route } from '../http/route.ts';
import type { Clock } from '../clock/clock.ts';
import type { Store } from '../postgres/store.ts';
import type { ApiKey } from './api-key.ts';
import type { Keys } from './keys.ts';
import type { Principal } from './principal.ts';
import { PERMISSIONS, ROLES } from './roles.ts';

export interface KeyRoutesNeeds {
  readonly keys: Keys;
  readonly store: Store;
  readonly clock: Clock;
  readonly writeEntry: WriteEntry;
}

/** A scope that covers nothing narrows a key to nothing, which nobody means. */
function namesPermission(scope: string): boolean {
  return Object.values(PERMISSIONS).some((held) => [...held].some((one) => anyPatternCovers([scope], one)));
}

const newKey = z.strictObject({
  label: nameField.max(200),
  roles: z.array(z.enum(ROLES)).min(1),
  agents: z.union([z.literal('any'), z.array(nameField).max(100)]).default([]),
  user: z
    .strictObject({
      id: nameField,
      email: z.email().nullable().default(null),
      scopes: z.array(nameField).max(200).default([]),
    })
    .optional(),
  scopes: z
    .array(
      nameField.refine(
        namesPermission,
        'covers no permission; docs/identity.md lists them, and actions.* covers several',
      ),
    )
    .max(200)
    .optional(),
  expiresAt: momentField.optional(),
});

export function keyRoutes({ keys, store, clock, writeEntry }: KeyRoutesNeeds): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/keys',
      summary: 'Make a key. Its text is shown once',
      permission: 'keys.write',
      answer: 'The key, its text and its signing secret',
      body: newKey,
      async handle({ principal, body, traceId }) {
        const { tenant } = principal;
        const wide = excessOf(body, principal);
        if (wide !== null)
          return problem({ code: 'forbidden', detail: `A key cannot make a wider one than itself: ${wide}` });
        try {
          const created = await store.withTenant(tenant, async (tx) => {
            const made = await keys.create(tx, {
              tenant,
              label: body.label,
              roles: body.roles,
              agents: body.agents,
              createdBy: principal.id,
              ...(body.user === undefined ? {} : { user: body.user }),
              ...(body.scopes === undefined ? {} : { scopes: body.scopes }),
              ...(body.expiresAt === undefined ? {} : { expiresMs: body.expiresAt }),
            });
            await writeEntry(tx, tenant, {
              kind: 'key.created',
              actor: principal.id,
              atMs: clock.nowMs(),
              traceId,
              data: { key: made.key.id, label: body.label, roles: body.roles, agents: body.agents },
            });
            return made;
          });
          return json(
            { ...viewOf(created.key), text: created.text, signingSecret: created.signingSecret },
            201,
          );
        } catch (error) {
          // createKey refuses combinations that would break the table of roles, in a sentence for people.
          if (error instanceof TypeError || error instanceof RangeError)
            return problem({ code: 'invalid', detail: error.message });
          throw error;
        }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/keys',
      summary: 'All keys, without their texts',
      permission: 'keys.read',
      answer: '{ items }',
      handle: async ({ principal }) =>
        json({
          items: (await store.withTenant(principal.tenant, (tx) => keys.list(tx, principal.tenant))).map(
            viewOf,
          ),
        }),
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/keys/:key',
      summary: 'Revoke a key; it opens nothing from the next request on',
      permission: 'keys.write',
      answer: '{ revoked }',
      async handle({ principal, params, traceId }) {
        const { tenant } = principal;
        const id = params['key'] ?? '';
        const done = await store.withTenant(tenant, async (tx) => {
          const was = await keys.revoke(tx, { tenant, id, by: principal.id });
          if (was === 'revoked') {
            await tx`select mandate.raise_revision(${tenant})`;
            await writeEntry(tx, tenant, {
              kind: 'key.revoked',
              actor: principal.id,
              atMs: clock.nowMs(),
              traceId,
              data: { key: id },
            });
          }
          return was;
        });
        if (done === 'last_admin') {
          const detail = `${id} is the last admin key that stands, and without one nobody could make another. Make its successor first (POST /api/v1/keys with the role admin and without scopes, or mandate key create --role admin), then revoke this one.`;
          return problem({ code: 'conflict', detail });
        }
        return done === 'revoked'
          ? json({ revoked: true })
          : problem({ code: 'not_found', detail: `There is no standing key ${id}.` });
      },
    }),
  ];
}

/** What the wanted key would have and its maker has not, in a sentence; null when it is nothing. */
function excessOf(
  { roles, agents, scopes }: Pick<z.infer<typeof newKey>, 'roles' | 'agents' | 'scopes'>,
  maker: Principal,
): string | null {
  const role = maker.roles.includes('admin') ? undefined : roles.find((one) => !maker.roles.includes(one));
  if (role !== undefined) return `it has not the role ${role}.`;
  const narrow = maker.scopes;
  if (narrow !== null) {
    const own = narrow.join(', ');
    if (scopes === undefined) return `it is narrowed to ${own}. Give the new key scopes within these.`;
    const scope = scopes.find((one) => !anyPatternCovers(narrow, one));
    if (scope !== undefined) return `its scopes (${own}) do not cover ${scope}.`;
  }
  const spokenFor = maker.agents;
  if (spokenFor === 'any') return null;
  const own = spokenFor.length === 0 ? 'no agent' : spokenFor.join(', ');
  if (agents === 'any') return `it speaks for ${own}, not for any.`;
  const agent = agents.find((one) => !spokenFor.includes(one));
  return agent === undefined ? null : `it speaks for ${own}, not for ${agent}.`;
}

function viewOf(key: ApiKey): KeyView {
  const { createdMs, expiresMs, revokedMs, masterId: _masterId, ...rest } = key;
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return { ...rest, createdAt: iso(createdMs), expiresAt: iso(expiresMs), revokedAt: iso(revokedMs) };
}
