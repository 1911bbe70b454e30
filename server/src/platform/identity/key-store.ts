// The SQL of API keys. Lists go in and come out as JSON: the driver knows no array types without asking the
// catalogue on every new connection.
import type { Queryable } from '../postgres/store.ts';
import type { ApiKey } from './api-key.ts';

export interface KeyRow {
  readonly tenant: string;
  readonly id: string;
  readonly masterId: string;
  readonly label: string;
  readonly agents: readonly string[] | null;
  readonly userId: string | null;
  readonly userEmail: string | null;
  readonly userScopes: readonly string[] | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[] | null;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly expiresMs: number | null;
  readonly revokedMs: number | null;
}

export async function insertKey(tx: Queryable, key: ApiKey, mac: Uint8Array): Promise<void> {
  await tx`
    insert into mandate.api_key (tenant, id, mac, master_id, label, agents, user_id, user_email, user_scopes, roles,
      scopes, created_at, created_by, expires_at)
    select ${key.tenant}, ${key.id}, ${mac}, ${key.masterId}, ${key.label},
      case when l.agents is null then null else array(select jsonb_array_elements_text(l.agents)) end,
      ${key.user?.id ?? null}, ${key.user?.email ?? null},
      case when l.user_scopes is null then null else array(select jsonb_array_elements_text(l.user_scopes)) end,
      array(select jsonb_array_elements_text(l.roles)),
      case when l.scopes is null then null else array(select jsonb_array_elements_text(l.scopes)) end,
      ${key.createdMs}::timestamptz, ${key.createdBy}, ${key.expiresMs}::timestamptz
    from (select ${toJson(key.agents === 'any' ? null : key.agents)}::text::jsonb as agents,
      ${toJson(key.user?.scopes ?? null)}::text::jsonb as user_scopes, ${toJson(key.roles)}::text::jsonb as roles,
      ${toJson(key.scopes)}::text::jsonb as scopes) l`;
}

function toJson(values: readonly string[] | null): string | null {
  return values === null ? null : JSON.stringify(values);
}

/** Through the narrow door: outside any tenant, because the key is what tells the tenant. Rows by their HMAC in hex. */
export async function findKeyRows(
  app: Queryable,
  macs: readonly string[],
): Promise<ReadonlyMap<string, KeyRow>> {
  const rows = await app<(KeyRow & { readonly mac: string })[]>`
    select mac, tenant, id, master_id as "masterId", label, agents, user_id as "userId", user_email as "userEmail",
      user_scopes as "userScopes", roles, scopes, created_at as "createdMs", created_by as "createdBy",
      expires_at as "expiresMs", revoked_at as "revokedMs"
    from mandate.find_api_keys(array(select decode(m, 'hex') from unnest(string_to_array(${macs.join(',')}, ',')) m))`;
  return new Map(rows.map((row) => [row.mac, row]));
}

/** The same door for one key, by its HMACs or its id. */
export async function findKeyRow(
  app: Queryable,
  by: { readonly macs: readonly Uint8Array[]; readonly id: string | null },
): Promise<KeyRow | null> {
  const macs = by.macs.map((mac) => Buffer.from(mac).toString('hex')).join(',');
  const rows = await app<KeyRow[]>`
    select tenant, id, master_id as "masterId", label, agents, user_id as "userId", user_email as "userEmail",
      user_scopes as "userScopes", roles, scopes, created_at as "createdMs", created_by as "createdBy",
      expires_at as "expiresMs", revoked_at as "revokedMs"
    from mandate.find_api_key(array(select decode(m, 'hex') from unnest(string_to_array(${macs}, ',')) m), ${by.id})`;
  return rows[0] ?? null;
}

export function listKeyRows(tx: Queryable, tenant: string): Promise<readonly KeyRow[]> {
  return tx<KeyRow[]>`
    select tenant, id, master_id as "masterId", label, to_jsonb(agents) as agents, user_id as "userId",
      user_email as "userEmail", to_jsonb(user_scopes) as "userScopes", to_jsonb(roles) as roles,
      to_jsonb(scopes) as scopes, created_at as "createdMs", created_by as "createdBy", expires_at as "expiresMs",
      revoked_at as "revokedMs"
    from mandate.api_key where tenant = ${tenant} order by created_at, id`;
}

/** Whoever makes the first admin key or ends the last one waits for the other. Until the transaction ends. */
export async function lockAdminKeys(tx: Queryable, tenant: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended('mandate.admin_key/' || ${tenant}, 0))`;
}

export async function revokeKeyRow(
  tx: Queryable,
  of: { readonly tenant: string; readonly id: string; readonly by: string; readonly nowMs: number },
): Promise<boolean> {
  const rows = await tx`
    update mandate.api_key set revoked_at = ${of.nowMs}::timestamptz, revoked_by = ${of.by}
    where tenant = ${of.tenant} and id = ${of.id} and revoked_at is null returning id`;
  return rows.length === 1;
}
