// Authority handed on: rows that say from whom, to whom, for what and until when. The token that carries a grant is
// signed elsewhere; whether it still stands is asked here at every use, so that a revocation counts on the next decision.
import type { GrantKind, GrantView } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Delegation, Principal } from '../../platform/identity/principal.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';

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
  /** Whether all of these stand: none revoked, none expired, none missing, and every key that gave one stands too. */
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
  readonly writeEntry: WriteEntry;
}

const LISTED = 200;
/** A grant that nobody remembers ends by itself. */
const LASTS_MS = 30 * 86_400_000;

export function createGrants({ store, clock, chance, issueToken, writeEntry }: GrantsNeeds): Grants {
  return {
    async give({ principal, kind, to, actions, purpose, expiresMs, traceId }) {
      const { tenant } = principal;
      const nowMs = clock.nowMs();
      if (expiresMs <= nowMs)
        return refused('invalid', `expiresAt ${new Date(expiresMs).toISOString()} is in the past.`);
      if (expiresMs > nowMs + LASTS_MS)
        return refused(
          'invalid',
          `expiresAt is ${new Date(expiresMs).toISOString()}, but a grant lasts 30 days at most: ${new Date(nowMs + LASTS_MS).toISOString()}. Give a new one then.`,
        );
      if (kind !== 'consent' && isSeveral(principal))
        return refused(
          'forbidden',
          'This key speaks for several agents, so nobody could tell whose authority is handed on. Use a key of one agent.',
        );
      const id = chance.uuid();
      const giver =
        kind === 'consent' ? consenting(principal) : ({ kind: 'giver', from: giverOf(principal) } as const);
      if (giver.kind === 'refused') return giver;
      const { from } = giver;
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
          insert into mandate.grants (tenant, id, kind, from_principal, to_agent, parent_id, issued_key_id, actions, purpose, created_at, expires_at)
          values (${tenant}, ${id}, ${kind}, ${from}, ${to}, ${parent}, ${principal.keyId}, ${[...actions]}, ${purpose}, ${new Date(nowMs)}, ${new Date(expiresMs)}) returning *`;
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
          userOf(principal)?.id,
          principal.delegation?.holder,
          agentOf(principal),
        ].filter((name) => typeof name === 'string');
        // Whoever is nothing but the holder of a token takes back only what was handed on with that token.
        const bound = principal.kind === 'grant' ? (principal.delegation?.grantIds.at(-1) ?? null) : null;
        const [row] = await tx<GrantRow[]>`
          update mandate.grants set revoked_at = ${new Date(nowMs)}, revoked_by = ${principal.id}
          where tenant = ${tenant} and id = ${id} and revoked_at is null and (${mayRevokeOthers} or (from_principal = any (${own}) and (${bound}::uuid is null or parent_id = ${bound}))) returning *`;
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
        const now = new Date(clock.nowMs());
        const [row] = await tx<{ alive: number }[]>`
          select count(distinct g.id)::integer as alive from mandate.grants g
          left join mandate.api_key k on k.tenant = g.tenant and k.id = g.issued_key_id
          where g.tenant = ${tenant} and g.id = any (${[...ids]}::uuid[]) and g.revoked_at is null and g.expires_at > ${now}
            and (g.issued_key_id is null or (k.id is not null and k.revoked_at is null and (k.expires_at is null or k.expires_at > ${now})))`;
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
  readonly signature: string | null;
  readonly causes: readonly string[];
  readonly approval_id: string | null;
}

/**
 * The agent that a key of one agent stands for. The chain must name it as a stop or a freeze does: whoever works on the
 * authority of a stopped agent is reached through it.
 */
function agentOf({ roles, agents }: Principal): string | null {
  const [only] = agents === 'any' || agents.length !== 1 || !roles.includes('agent') ? [] : agents;
  return only ?? null;
}

/** A key of several agents: the chain could name none of them, and no stop or freeze of one would reach the worker. */
function isSeveral({ roles, agents, delegation }: Principal): boolean {
  return roles.includes('agent') && delegation === null && agents.length !== 1;
}

/** The person of the credential itself: the one at the root of a delegation has handed on authority, not their name. */
function userOf({ delegation, user }: Principal): Principal['user'] {
  return delegation === null ? user : null;
}

function giverOf(principal: Principal): string {
  return principal.delegation?.holder ?? agentOf(principal) ?? principal.user?.id ?? principal.id;
}

/** A consent speaks for a person, so only what proves that person gives one. */
function consenting(
  principal: Principal,
): { readonly kind: 'giver'; readonly from: string } | (GrantAnswer & { readonly kind: 'refused' }) {
  const user = userOf(principal);
  if (user !== null) return { kind: 'giver', from: user.id };
  return refused(
    'forbidden',
    principal.delegation === null
      ? 'A consent is given in the name of a person, and no user stands behind this key. Use a key with a user.'
      : 'A consent is given with a key of one’s own, not on authority that was handed on. Leave the delegation out.',
  );
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
    ...(row.signature === null
      ? {}
      : { signature: row.signature, causes: row.causes, approval: row.approval_id ?? '' }),
  };
}

function refused(code: 'invalid' | 'forbidden', detail: string): GrantAnswer & { readonly kind: 'refused' } {
  return { kind: 'refused', refusal: { code, detail } };
}
