-- Policies people can trust: a charter that is decided by beside the live one and binds nobody. (The flag that switches
-- a tenant from audit to enforce is a row like any other.)

-- The charter on trial. Its counters are added to by every process, in batches; what they count is told, not relied on.
create table mandate.shadow (
  tenant text primary key,
  id uuid not null,
  -- SHA-256 (hex) of what it says, as in mandate.charter.
  version text not null check (version ~ '^[0-9a-f]{64}$'),
  -- Every file as it was read: [{kind, name, text}] as JSON.
  content text not null,
  author text not null,
  note text,
  set_at timestamptz not null,
  decided bigint not null default 0,
  differed bigint not null default 0,
  -- The shadow could not be judged by; the live decision stood all the same.
  failed bigint not null default 0,
  -- More decisions at once than could be compared.
  skipped bigint not null default 0
) with (fillfactor = 50);
alter table mandate.shadow enable row level security;
alter table mandate.shadow force row level security;
create policy shadow_own on mandate.shadow using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- One row for each way in which the two differ and not one for each decision, so that a busy tenant fills no disk.
create table mandate.shadow_difference (
  tenant text not null,
  shadow_id uuid not null,
  -- Digest of what makes the way: action, change, before and after.
  key text not null,
  action text not null,
  change text not null,
  before jsonb not null,
  after jsonb not null,
  count bigint not null,
  first_act uuid not null,
  first_at timestamptz not null,
  last_act uuid not null,
  last_at timestamptz not null,
  primary key (tenant, shadow_id, key)
) with (fillfactor = 50);
alter table mandate.shadow_difference enable row level security;
alter table mandate.shadow_difference force row level security;
create policy shadow_difference_own on mandate.shadow_difference using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

grant select, insert, update, delete on mandate.shadow, mandate.shadow_difference to mandate_app;

-- A simulation says how much was refused before it was an act; without this it would read the whole journal.
create index journal_refused on mandate.journal (tenant, at) where kind = 'action.refused';
