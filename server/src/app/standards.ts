// The doors that speak other people's standards, handed what they need: AuthZEN for questions, OFREP for flags.
import { findAct } from '../act/actions/queries.ts';
import { isWithin } from '../act/actions/act.ts';
import type { HttpDoor, HttpNeeds } from '../api/http/server.ts';
import { mountAuthzen } from '../api/authzen/authzen.ts';
import { knownNames } from '../api/authzen/known.ts';
import { mountOfrep } from '../api/ofrep/ofrep.ts';
import { iso } from '../platform/clock/iso.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import { createAccessBindings } from '../platform/identity/access-binding.ts';
import { askerOf } from '../platform/identity/asker.ts';
import type { DoorsNeeds } from './doors-needs.ts';

export function mountStandards(
  { infrastructure, judgement, execution, sentinel, metrics, publicUrl }: DoorsNeeds,
  { fastify, prove }: HttpDoor,
  { traced, failed }: Pick<HttpNeeds, 'traced' | 'failed'>,
): void {
  const { clock, masterKeys, store } = infrastructure;
  const { flags, stops, activeLaw, approvals } = judgement;
  const { pipeline } = execution;
  const door = { fastify, prove, traced, failed };
  const bindings = createAccessBindings(masterKeys);

  mountOfrep({
    ...door,
    sha256: sha256Hex,
    flags: flags.list,
    async stops(tenant) {
      const standing = (await stops.standing(tenant)).map(({ scope }) => scope);
      return sentinel.isStopped() ? ['global', ...standing] : standing;
    },
  });
  mountAuthzen({
    ...door,
    askerOf,
    sha256: sha256Hex,
    nowMs: () => clock.nowMs(),
    iso,
    publicUrl,
    preview: pipeline.preview,
    request: (asker, wanted) => metrics.measured(() => pipeline.request(asker, wanted)),
    signBinding: bindings.sign,
    readBinding: bindings.verify,
    known: knownNames({ store, charterOf: async (tenant) => (await activeLaw(tenant))?.charter ?? null }),
    async scopesOf(tenant, user) {
      const users = (await activeLaw(tenant))?.charter.users ?? {};
      return Object.hasOwn(users, user) ? (users[user]?.scopes ?? null) : null;
    },
    async look(asker, id) {
      const act = UUID.test(id) ? await findAct(store, asker.tenant, id) : null;
      if (act === null || !isWithin(act, asker.boundTo)) return null;
      if (act.principal !== asker.id && !asker.mayAskForOthers) return null;
      const approval = act.approvalId === null ? null : await approvals.find(act.tenant, act.approvalId);
      return {
        id: act.id,
        status: act.status,
        approval:
          approval === null
            ? null
            : {
                id: approval.id,
                status: approval.status,
                expiresAt: approval.expiresAt,
                decidedAt: approval.votes.at(-1)?.at ?? null,
                url: `${publicUrl()}/approvals/${approval.id}`,
              },
      };
    },
  });
}

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;
