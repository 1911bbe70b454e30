-- The charter that a tenant is judged by, so that every process judges by the same one. Versions are content
-- hashes and never change; which one counts is a pointer, moved together with the tenant's revision.

create table mandate.charter (
  tenant text not null,
  -- SHA-256 (hex) of the canonical merged content.
  version text not null check (version ~ '^[0-9a-f]{64}$'),
  -- Every file as it was read, base files first: [{kind, name, text}] as JSON. Text, so that it reads back byte for byte.
  content text not null,
  author text not null,
  note text,
  created_at timestamptz not null,
  primary key (tenant, version)
);
create index charter_recent on mandate.charter (tenant, created_at desc);
alter table mandate.charter enable row level security;
alter table mandate.charter force row level security;
create policy charter_own on mandate.charter using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

create table mandate.charter_active (
  tenant text primary key,
  version text not null,
  -- The version last taken from the file on disk. While the file still says that, it overrules nobody: an
  -- administrator may have activated another one since.
  from_file text,
  activated_by text not null,
  activated_at timestamptz not null,
  foreign key (tenant, version) references mandate.charter (tenant, version),
  foreign key (tenant, from_file) references mandate.charter (tenant, version)
);
alter table mandate.charter_active enable row level security;
alter table mandate.charter_active force row level security;
create policy charter_active_own on mandate.charter_active using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- No update or delete of a version: what a decision was made by must stay readable.
grant select, insert on mandate.charter to mandate_app;
grant select, insert, update on mandate.charter_active to mandate_app;
