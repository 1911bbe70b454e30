// Authority handed on: rows that say from whom, to whom, for what and until when. The token that carries a grant is
// signed elsewhere; whether it still stands is asked here at every use, so that a revocation counts on the next decision.
import type { GrantKind, JsonObject } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Delegation, Principal } from '../../platform/identity/principal.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';

export interface GrantView {
  readonly id: string;
  readonly kind: GrantKind;
  readonly from: string;
  readonly to: string;
  readonly actions: readonly string[];
  readonly purpose: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
}

export interface GrantOrder {
  readonly principal: Principal;
  readonly kind: 'consent' | 'delegation' | 'task';
  readonly to: string;
  readonly actions: readonly string[];
  readonly purpose: string;
  readonly expiresMs: number;
  readonly traceId: string | null;
}

export type GrantAnswer =
  | {
      readonly kind: 'granted';
      readonly grant: GrantView;
      /** null for a consent, which is looked up and not carried. */ readonly token: string | null;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Grants {
  give(order: GrantOrder): Promise<GrantAnswer>;
  list(tenant: string): Promise<readonly GrantView[]>;
  /** False when there is no such grant, or it is not this principal's to revoke. */
  revoke(order: {
    readonly principal: Principal;
    readonly id: string;
    readonly mayRevokeOthers: boolean;
    readonly traceId: string | null;
  }): Promise<boolean>;
  /** Whether all of these stand: none revoked, none expired, none missing. */
  areAlive(tenant: string, ids: readonly string[]): Promise<boolean>;
}

export interface GrantsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly issueToken: (grant: {
    tenant: string;
    grantId: string;
    from: string;
    to: string;
    actions: readonly string[];
    purpose: string;
    expiresMs: number;
    user: Principal['user'];
    parent: Delegation | null;
  }) => Promise<{ kind: 'token'; token: string } | { kind: 'refused'; detail: string }>;
  readonly writeEntry: (
    tx: Tx,
    tenant: string,
    entry: {
      kind: string;
      agent: string;
      actor: string;
      atMs: number;
      traceId: string | null;
      data: JsonObject;
    },
  ) => Promise<void>;
}

const LISTED = 200;

export function createGrants({ store, clock, chance, issueToken, writeEntry }: GrantsNeeds): Grants {
  return {
    async give({ principal, kind, to, actions, purpose, expiresMs, traceId }) {
      const { tenant } = principal;
      const nowMs = clock.nowMs();
      if (expiresMs <= nowMs)
        return refused('invalid', `expiresAt ${new Date(expiresMs).toISOString()} is in the past.`);
      const id = chance.uuid();
      const from =
        kind === 'consent'
          ? (principal.user?.id ?? principal.id)
          : (principal.delegation?.holder ?? agentOf(principal) ?? principal.user?.id ?? principal.id);
      let token: string | null = null;
      if (kind !== 'consent') {
        const issued = await issueToken({
          tenant,
          grantId: id,
          from,
          to,
          actions,
          purpose,
          expiresMs,
          user: principal.user,
          parent: principal.delegation,
        });
        if (issued.kind === 'refused') return refused('invalid', issued.detail);
        token = issued.token;
      }
      const parent = principal.delegation?.grantIds.at(-1) ?? null;
      const row = await store.withTenant(tenant, async (tx) => {
        const [inserted] = await tx<GrantRow[]>`
          insert into mandate.grants (tenant, id, kind, from_principal, to_agent, parent_id, actions, purpose, created_at, expires_at)
          values (${tenant}, ${id}, ${kind}, ${from}, ${to}, ${parent}, ${[...actions]}, ${purpose}, ${new Date(nowMs)}, ${new Date(expiresMs)}) returning *`;
        await writeEntry(tx, tenant, {
          kind: 'grant.given',
          agent: to,
          actor: principal.id,
          atMs: nowMs,
          traceId,
          data: { grant: id, kind, from, actions, purpose, expiresAt: new Date(expiresMs).toISOString() },
        });
        return inserted;
      });
      if (row === undefined) throw new Error('the grant was not written');
      return { kind: 'granted', grant: viewOf(row), token };
    },

    list: (tenant) =>
      store.withTenant(tenant, async (tx) =>
        (
          await tx<
            GrantRow[]
          >`select * from mandate.grants where tenant = ${tenant} order by created_at desc, id desc limit ${LISTED}`
        ).map(viewOf),
      ),

    revoke: ({ principal, id, mayRevokeOthers, traceId }) =>
      store.withTenant(principal.tenant, async (tx) => {
        const { tenant } = principal;
        const nowMs = clock.nowMs();
        const own = [
          principal.id,
          principal.user?.id,
          principal.delegation?.holder,
          agentOf(principal),
        ].filter((name) => typeof name === 'string');
        const [row] = await tx<GrantRow[]>`
          update mandate.grants set revoked_at = ${new Date(nowMs)}, revoked_by = ${principal.id}
          where tenant = ${tenant} and id = ${id} and revoked_at is null and (${mayRevokeOthers} or from_principal = any (${own})) returning *`;
        if (row === undefined) return false;
        await tx`select mandate.raise_revision(${tenant})`;
        await writeEntry(tx, tenant, {
          kind: 'grant.revoked',
          agent: row.to_agent,
          actor: principal.id,
          atMs: nowMs,
          traceId,
          data: { grant: id },
        });
        return true;
      }),

    areAlive: (tenant, ids) =>
      store.withTenant(tenant, async (tx) => {
        const [row] = await tx<{ alive: number }[]>`
          select count(distinct id)::integer as alive from mandate.grants
          where tenant = ${tenant} and id = any (${[...ids]}::uuid[]) and revoked_at is null and expires_at > ${new Date(clock.nowMs())}`;
        return row?.alive === new Set(ids).size;
      }),
  };
}

interface GrantRow {
  readonly id: string;
  readonly kind: GrantKind;
  readonly from_principal: string;
  readonly to_agent: string;
  readonly actions: readonly string[];
  readonly purpose: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly revoked_at: number | null;
}

/**
 * The agent that a key of one agent stands for. The chain must name it as a stop or a freeze does: whoever works on the
 * authority of a stopped agent is reached through it.
 */
function agentOf({ roles, agents }: Principal): string | null {
  const [only] = agents === 'any' || agents.length !== 1 || !roles.includes('agent') ? [] : agents;
  return only ?? null;
}

function viewOf(row: GrantRow): GrantView {
  return {
    id: row.id,
    kind: row.kind,
    from: row.from_principal,
    to: row.to_agent,
    actions: row.actions,
    purpose: row.purpose,
    createdAt: iso(row.created_at),
    expiresAt: iso(row.expires_at),
    revokedAt: isoOrNull(row.revoked_at),
  };
}

function refused(code: 'invalid', detail: string): GrantAnswer {
  return { kind: 'refused', refusal: { code, detail } };
}
