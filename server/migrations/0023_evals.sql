-- What has been tried out, and what came of it: eval sets with their runs, drills, and who looks at the metrics.

-- Every version of an eval set that was ever registered; the version is the hash of its content.
create table mandate.eval_version (
  tenant text not null,
  name text not null,
  version text not null,
  content jsonb not null,
  created_at timestamptz not null,
  created_by text not null,
  primary key (tenant, name, version)
);
alter table mandate.eval_version enable row level security;
alter table mandate.eval_version force row level security;
create policy eval_version_own on mandate.eval_version using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert on mandate.eval_version to mandate_app;

-- Which version counts now.
create table mandate.eval_set (
  tenant text not null,
  name text not null,
  version text not null,
  updated_at timestamptz not null,
  updated_by text not null,
  primary key (tenant, name)
);
alter table mandate.eval_set enable row level security;
alter table mandate.eval_set force row level security;
create policy eval_set_own on mandate.eval_set using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert, update on mandate.eval_set to mandate_app;

-- A run of all cases of one version. Append-only: coverage is read from here and declared nowhere.
create table mandate.eval_run (
  tenant text not null,
  id uuid not null,
  name text not null,
  version text not null,
  charter_version text not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  by text not null,
  passed integer not null,
  failed integer not null,
  -- One entry for each case: what was expected, what came, and the charter it was decided by.
  results jsonb not null,
  -- The same by action and charter, in numbers: coverage is asked for all the time and reads no result.
  tally jsonb not null,
  trace_id text,
  primary key (tenant, id)
);
create index eval_run_latest on mandate.eval_run (tenant, name, version, started_at desc, id desc);
alter table mandate.eval_run enable row level security;
alter table mandate.eval_run force row level security;
create policy eval_run_own on mandate.eval_run using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert on mandate.eval_run to mandate_app;

-- What was rehearsed: a stop, a search for damage in the journal, an outage. Append-only.
create table mandate.drill (
  tenant text not null,
  id uuid not null,
  kind text not null check (kind in ('kill_switch', 'chaos', 'audit_verification')),
  -- When it took place; a drill that people report may be on record later.
  at timestamptz not null,
  passed boolean not null,
  by text not null,
  evidence jsonb not null,
  recorded_at timestamptz not null,
  trace_id text,
  primary key (tenant, id)
);
create index drill_latest on mandate.drill (tenant, kind, at desc, recorded_at desc);
alter table mandate.drill enable row level security;
alter table mandate.drill force row level security;
create policy drill_own on mandate.drill using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert on mandate.drill to mandate_app;

-- When somebody last read /metrics, and who.
create table mandate.scrape (
  tenant text not null primary key,
  at timestamptz not null,
  by text not null
);
alter table mandate.scrape enable row level security;
alter table mandate.scrape force row level security;
create policy scrape_own on mandate.scrape using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert, update on mandate.scrape to mandate_app;
