-- What every later migration stands on: who may enter the schema, and which tenant a transaction speaks for.
--
-- Conventions (the catalogue lint in server/src/platform/postgres/lint.ts refuses to boot where they are broken):
--   1  The runner has made the group roles and the schema. A migration runs in one transaction as mandate_owner
--      (never as superuser, so it behaves alike on an embedded and on a managed Postgres) and so owns what it makes.
--   2  Nothing is granted by default, not even execute on functions: each migration ends with explicit grants to
--      mandate_app (works for one tenant at a time), mandate_sequencer (numbers the journal of all) and
--      mandate_control (stops all). Grant the least: no truncate, references or trigger.
--   3  A table has `tenant text not null`, row-level security enabled and forced, and the policy
--        using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant())
--      Reading may add `or tenant = '*'` (rows for everybody). Wider policies name their role: `to mandate_control`.
--      FORCE binds mandate_owner too; migrations run with app.tenant = '*' and see and write only those rows.
--      One that must rewrite rows of tenants says `alter table … no force row level security`, does it, and
--      forces it again.
--   4  Keys, unique indexes and foreign keys of such a table contain tenant: a global one would tell one tenant
--      what another has. Where global is meant, say why: comment on index … is 'lint: global because …'. A table
--      that the app reaches and that has no tenant column says so in its own comment.
--   5  Views are security_invoker. A security definer function fixes its search_path.
--   6  Partitions are never granted: rows are reached through the parent, whose policy holds.

alter default privileges for role mandate_owner revoke execute on functions from public;
alter default privileges for role mandate_owner revoke usage on types from public;

grant usage on schema mandate to mandate_app, mandate_sequencer, mandate_control;

-- The tenant that the transaction speaks for; null (which equals nothing) where nobody has said so. A session that
-- has set it once reads '' after the commit, hence nullif.
create function mandate.app_tenant() returns text
  language sql stable parallel safe
  return nullif(current_setting('app.tenant', true), '');

grant execute on function mandate.app_tenant() to mandate_app, mandate_sequencer, mandate_control;
