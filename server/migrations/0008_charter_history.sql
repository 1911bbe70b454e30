-- The history of charters: a version is written once and may be in force many times, so each time has a row of its
-- own. Who made which version the one in force, from which, when and why.

create table mandate.charter_activation (
  tenant text not null,
  -- From 1, without gaps: activations of one tenant wait for each other.
  number bigint not null,
  version text not null,
  previous text,
  -- 'renewed': the same files, read by another version of Mandate.
  kind text not null check (kind in ('activated', 'rolled_back', 'renewed')),
  author text not null,
  note text,
  -- The tenant's revision from then on; null for what was in force before this table.
  revision bigint,
  activated_at timestamptz not null,
  primary key (tenant, number),
  foreign key (tenant, version) references mandate.charter (tenant, version),
  foreign key (tenant, previous) references mandate.charter (tenant, version)
);
create index charter_activation_version on mandate.charter_activation (tenant, version, number desc);

-- What was in force before is told as far as it is known: each version once, in the order of writing, and last the one
-- that counts today.
alter table mandate.charter no force row level security;
alter table mandate.charter_active no force row level security;
insert into mandate.charter_activation (tenant, number, version, previous, kind, author, note, revision, activated_at)
select tenant, row_number() over known, version, lag(version) over known, 'activated', author, note, null, at
from (
  select charter.tenant, charter.version, charter.author, charter.note,
    coalesce(active.activated_at, charter.created_at) as at, active.version is not null as is_active
  from mandate.charter
  left join mandate.charter_active active on active.tenant = charter.tenant and active.version = charter.version
) versions
window known as (partition by tenant order by is_active, at, version);
alter table mandate.charter force row level security;
alter table mandate.charter_active force row level security;

alter table mandate.charter_activation enable row level security;
alter table mandate.charter_activation force row level security;
create policy charter_activation_own on mandate.charter_activation using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- As with versions: what was in force stays readable.
grant select, insert on mandate.charter_activation to mandate_app;
