// Row-level security protects only what it was switched on for, and Postgres says nothing where it was forgotten.
// This lint reads the catalogue instead of the migrations, so that it also finds what was done by hand. It runs as a
// test and at every boot, and a process that finds anything does not start. Invariant I8.
import type { Queryable, Sql } from './sql.ts';

interface Finding {
  readonly problem: string;
}

/** Every way in which the database may show one tenant what another has, as sentences; empty when there is none. */
export async function lintCatalogue(sql: Sql): Promise<readonly string[]> {
  const { problems } = await sql.begin('isolation level repeatable read read only', async (tx) => ({
    problems: await lintWithin(tx),
  }));
  return problems;
}

/** The same inside a transaction of the caller's, whose search_path is empty afterwards. */
export async function lintWithin(tx: Queryable): Promise<readonly string[]> {
  // With an empty path the catalogue prints every name in full, so that expressions compare as text.
  await tx`select set_config('search_path', '', true)`;
  const problems: string[] = [];
  for (const check of checks) problems.push(...(await check(tx)).map(({ problem }) => problem));
  return problems;
}

type Check = (tx: Queryable) => Promise<readonly Finding[]>;

// The group and its direct members: the logins with which requests are served. (Control is a member of a member, to
// be allowed to end its sessions.) A role that merely may administer the group has no 'usage' of it.
const appRoles = (tx: Queryable) => tx`
  select r.oid, r.rolname from pg_roles r where r.rolname = 'mandate_app'
  union
  select r.oid, r.rolname from pg_auth_members m join pg_roles r on r.oid = m.member
  where m.roleid = 'mandate_app'::regrole and not r.rolsuper and pg_has_role(r.oid, m.roleid, 'usage')`;

const tenantTables = (tx: Queryable) => tx`
  select c.oid, c.oid::regclass::text as name, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
    a.attnum, a.attnotnull
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant' and not a.attisdropped
  where c.relnamespace = 'mandate'::regnamespace and c.relkind in ('r', 'p')`;

/** An object whose comment carries this is global on purpose; the reason follows the word. */
const globalMark = 'lint: global because _%';

const unguardedTables: Check = (tx) => tx<Finding[]>`
  with tenant_table as (${tenantTables(tx)})
  select name || ' has a tenant column but '
    || case
      when not attnotnull then 'it may be null: alter table ' || name || ' alter tenant set not null'
      when not relrowsecurity then 'no row-level security: alter table ' || name || ' enable row level security'
      when not relforcerowsecurity then 'its owner passes row-level security: alter table ' || name || ' force row level security'
      else 'no policy: create policy … using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant())'
    end as problem
  from tenant_table
  -- Rows of partitions are reached through the parent, whose policies hold; ungranted is checked elsewhere.
  where not relispartition and (not attnotnull or not relrowsecurity or not relforcerowsecurity
    or not exists (select 1 from pg_policy p where p.polrelid = tenant_table.oid))
  order by name`;

// Permissive policies are alternatives: one that does not bind the tenant opens the table whatever the others say.
const widePolicies: Check = (tx) => tx<Finding[]>`
  with tenant_table as (${tenantTables(tx)}), app_role as (${appRoles(tx)}),
  policy as (
    select p.polname, p.polcmd, t.name,
      pg_get_expr(p.polqual, p.polrelid) as reads, pg_get_expr(p.polwithcheck, p.polrelid) as writes
    from pg_policy p join tenant_table t on t.oid = p.polrelid
    where p.polpermissive and exists (
      select 1 from unnest(p.polroles) as role (oid)
      where role.oid = 0 or exists (select 1 from app_role a where pg_has_role(a.oid, role.oid, 'usage'))
    )
  ),
  bound as (
    select '(tenant = mandate.app_tenant())' as own, '((tenant = mandate.app_tenant()) AND %' as narrower,
      $$((tenant = mandate.app_tenant()) OR (tenant = '*'::text))$$ as own_or_all
  )
  select 'policy ' || polname || ' on ' || name || ' lets the app beyond its tenant: using ('
    || coalesce(reads, '–') || ') with check (' || coalesce(writes, '–')
    || '). It must be tenant = mandate.app_tenant() (for select also: or tenant = ''*''), or name the role it is for' as problem
  from policy, bound
  where not coalesce(reads = own or reads like narrower or (polcmd = 'r' and reads = own_or_all), polcmd = 'a')
    or not coalesce(writes = own or writes like narrower, polcmd <> 'a')
  order by 1`;

const foreignOwners: Check = (tx) => tx<Finding[]>`
  with object as (
    select case relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind,
      oid::regclass::text as name, relowner as owner
    from pg_class where relnamespace = 'mandate'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    union all
    select case prokind when 'p' then 'procedure' else 'function' end, oid::regprocedure::text, proowner
    from pg_proc where pronamespace = 'mandate'::regnamespace
    union all
    select 'schema', nspname::text, nspowner from pg_namespace where nspname = 'mandate'
  )
  select kind || ' ' || name || ' belongs to ' || pg_get_userbyid(owner) || ': alter ' || kind || ' ' || name || ' owner to mandate_owner' as problem
  from object where owner <> 'mandate_owner'::regrole order by 1`;

const powerfulRoles: Check = (tx) => tx<Finding[]>`
  with login as (
    select distinct r.oid, r.rolname, g.rolname as duty
    from pg_roles g join pg_auth_members m on m.roleid = g.oid join pg_roles r on r.oid = m.member
    where g.rolname in ('mandate_app', 'mandate_sequencer', 'mandate_control') and r.rolcanlogin
      and pg_has_role(r.oid, g.oid, 'usage')
      -- A migrator that acts as the owner may be a member of everything it has made.
      and not (g.rolname <> 'mandate_app' and pg_has_role(r.oid, 'mandate_owner', 'usage'))
  )
  select 'role ' || rolname || ' is a group and may not be superuser, bypass row-level security or log in: alter role ' || rolname || ' nosuperuser nobypassrls nologin' as problem
  from pg_roles where rolname in ('mandate_owner', 'mandate_app', 'mandate_sequencer', 'mandate_control') and (rolsuper or rolbypassrls or rolcanlogin)
  union all
  select 'login ' || l.rolname || ' (' || l.duty || ') may become ' || power.rolname || ', whom row-level security does not bind: '
    || case when power.oid = l.oid then 'alter role ' || quote_ident(l.rolname) || ' nosuperuser nobypassrls' else 'revoke ' || quote_ident(power.rolname) || ' from ' || quote_ident(l.rolname) end
  from login l join pg_roles power on (power.rolsuper or power.rolbypassrls) and pg_has_role(l.oid, power.oid, 'member')
  union all
  select 'login ' || l.rolname || ' (mandate_app) is also a member of ' || other.rolname || ': revoke ' || other.rolname || ' from ' || quote_ident(l.rolname)
  from login l join pg_roles other on other.rolname in ('mandate_owner', 'mandate_sequencer', 'mandate_control')
    and l.duty = 'mandate_app' and pg_has_role(l.oid, other.oid, 'member') and not pg_has_role(l.oid, (select oid from pg_roles where rolsuper order by oid limit 1), 'member')
  order by 1`;

const leakyFunctions: Check = (tx) => tx<Finding[]>`
  select 'function ' || p.oid::regprocedure::text || ' is security definer '
    || case when r.rolsuper or r.rolbypassrls then 'and owned by ' || r.rolname || ', so it shows every tenant''s rows'
      else 'without a search_path of its own, so its caller chooses what its names mean: alter function … set search_path = pg_catalog, mandate, pg_temp' end as problem
  from pg_proc p join pg_roles r on r.oid = p.proowner
  where p.pronamespace = 'mandate'::regnamespace and p.prosecdef
    and (r.rolsuper or r.rolbypassrls or not exists (select 1 from unnest(p.proconfig) as setting where setting like 'search_path=%'))
  order by 1`;

const leakyViews: Check = (tx) => tx<Finding[]>`
  with app_role as (${appRoles(tx)})
  select 'view ' || c.oid::regclass::text || ' reads as its owner: alter view ' || c.oid::regclass::text || ' set (security_invoker = true)' as problem
  from pg_class c
  where c.relnamespace = 'mandate'::regnamespace and c.relkind = 'v'
    and not exists (select 1 from pg_options_to_table(c.reloptions) where option_name = 'security_invoker' and option_value in ('true', 'on', 'yes', '1'))
  union all
  select 'materialized view ' || c.oid::regclass::text || ' knows no row-level security and may be read by ' || a.rolname || ': revoke all on ' || c.oid::regclass::text || ' from ' || a.rolname
  from pg_class c cross join app_role a
  where c.relnamespace = 'mandate'::regnamespace and c.relkind = 'm' and has_any_column_privilege(a.oid, c.oid, 'select')
  order by 1`;

// A key without tenant answers "taken" where another tenant has the value; a reference without it, "exists".
const globalKeys: Check = (tx) => tx<Finding[]>`
  with tenant_table as (${tenantTables(tx)})
  select 'unique index ' || i.indexrelid::regclass::text || ' on ' || t.name
    || ' tells one tenant what another has: put tenant into it, or say why not: comment on index ' || i.indexrelid::regclass::text || ' is ''lint: global because …''' as problem
  from pg_index i join tenant_table t on t.oid = i.indrelid
    left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
  where (i.indisunique or i.indisexclusion) and not t.relispartition
    and not t.attnum = any (i.indkey[0 : i.indnkeyatts - 1])
    and coalesce(obj_description(i.indexrelid, 'pg_class'), '') not like ${globalMark}
    and coalesce(obj_description(k.oid, 'pg_constraint'), '') not like ${globalMark}
  union all
  select 'foreign key ' || k.conname || ' of ' || k.conrelid::regclass::text
    || ' does not carry tenant along: reference (tenant, …), or say why not: comment on constraint ' || quote_ident(k.conname) || ' on ' || k.conrelid::regclass::text || ' is ''lint: global because …'''
  from pg_constraint k
    left join tenant_table here on here.oid = k.conrelid
    left join tenant_table there on there.oid = k.confrelid
  where k.contype = 'f' and k.conparentid = 0 and (here.oid is not null or there.oid is not null)
    and not exists (
      select 1 from unnest(k.conkey, k.confkey) as pair (mine, theirs) where pair.mine = here.attnum and pair.theirs = there.attnum
    )
    and coalesce(obj_description(k.oid, 'pg_constraint'), '') not like ${globalMark}
  order by 1`;

const unmarkedGlobalTables: Check = (tx) => tx<Finding[]>`
  with app_role as (${appRoles(tx)})
  select distinct c.oid::regclass::text || ' has no tenant column and the app reaches it: add one, or say why not: comment on table '
    || c.oid::regclass::text || ' is ''lint: global because …''' as problem
  from pg_class c cross join app_role a
  where c.relnamespace = 'mandate'::regnamespace and c.relkind in ('r', 'p', 'f') and not c.relispartition
    and not exists (select 1 from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant' and not t.attisdropped)
    and (has_any_column_privilege(a.oid, c.oid, 'select, insert, update') or has_table_privilege(a.oid, c.oid, 'delete'))
    and coalesce(obj_description(c.oid, 'pg_class'), '') not like ${globalMark}
  order by 1`;

const excessiveGrants: Check = (tx) => tx<Finding[]>`
  with app_role as (${appRoles(tx)}),
  app_table as (
    select c.oid, c.oid::regclass::text as name, c.relispartition, a.oid as role, a.rolname
    from pg_class c cross join app_role a where c.relnamespace = 'mandate'::regnamespace and c.relkind in ('r', 'p', 'f')
  )
  select rolname || ' may read or write the partition ' || name || ' past the policies of its parent: revoke all on ' || name || ' from ' || rolname as problem
  from app_table
  where relispartition and (has_any_column_privilege(role, oid, 'select, insert, update') or has_table_privilege(role, oid, 'delete'))
  union all
  select rolname || ' holds ' || held || ' on ' || name || ', which row-level security does not see: revoke ' || held || ' on ' || name || ' from ' || rolname
  from app_table cross join unnest(array['truncate', 'references', 'trigger']) as held
  where has_table_privilege(role, oid, held)
  union all
  select rolname || ' may create objects in schema mandate: revoke create on schema mandate from ' || rolname
  from app_role where has_schema_privilege(oid, 'mandate'::regnamespace, 'create')
  order by 1`;

const checks: readonly Check[] = [
  unguardedTables,
  widePolicies,
  foreignOwners,
  powerfulRoles,
  leakyFunctions,
  leakyViews,
  globalKeys,
  unmarkedGlobalTables,
  excessiveGrants,
];
