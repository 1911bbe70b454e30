-- What people vouch for. A row is evidence with a name under it: it is never changed, only withdrawn, and by the hash it
-- can be shown later that the evidence is still what was looked at then.
create table mandate.attestation (
  tenant text not null,
  id uuid not null,
  governed_set text not null,
  item text not null,
  -- The person, and the role by which the item lets them vouch.
  attested_by text not null check (starts_with(attested_by, 'user:')),
  role text not null,
  evidence_kind text not null check (evidence_kind in ('file', 'url')),
  evidence text not null,
  -- SHA-256 of what the file or the address held.
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  -- As of when it holds, and until when it counts.
  dated_at timestamptz not null,
  expires_at timestamptz not null,
  note text,
  attested_at timestamptz not null,
  withdrawn_at timestamptz,
  withdrawn_by text,
  withdraw_reason text,
  primary key (tenant, id),
  constraint attestation_lasts check (expires_at > dated_at),
  constraint attestation_withdrawn_whole check ((withdrawn_at is null) = (withdrawn_by is null) and (withdrawn_at is null) = (withdraw_reason is null))
);
-- Saying the same twice is saying it once.
create unique index attestation_once on mandate.attestation (tenant, governed_set, item, attested_by, sha256, dated_at, expires_at)
  where withdrawn_at is null;
create index attestation_recent on mandate.attestation (tenant, governed_set, attested_at desc);
alter table mandate.attestation enable row level security;
alter table mandate.attestation force row level security;
create policy attestation_own on mandate.attestation using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert, update (withdrawn_at, withdrawn_by, withdraw_reason) on mandate.attestation to mandate_app;

create function mandate.attestation_is_withdrawn() returns trigger language plpgsql as $$
begin
  raise exception 'attestation % is withdrawn and stays so', old.id using errcode = 'MD024';
end $$;
create trigger attestation_guard before update on mandate.attestation for each row
  when (old.withdrawn_at is not null) execute function mandate.attestation_is_withdrawn();

-- What readiness was found to be: one row for each weekly cycle, and one whenever an item, the phase or the list of items
-- has changed. The number gives the order, because a clock may go back.
create table mandate.readiness_assessment (
  tenant text not null,
  number bigint generated always as identity,
  governed_set text not null,
  at timestamptz not null,
  because text not null check (because in ('cycle', 'change')),
  phase text not null,
  points integer not null,
  total integer not null,
  ready boolean not null,
  -- SHA-256 over what would have to differ for it to count as a change.
  fingerprint text not null,
  report jsonb not null,
  primary key (tenant, number)
);
create index readiness_assessment_latest on mandate.readiness_assessment (tenant, governed_set, number desc);
alter table mandate.readiness_assessment enable row level security;
alter table mandate.readiness_assessment force row level security;
create policy readiness_assessment_own on mandate.readiness_assessment using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert on mandate.readiness_assessment to mandate_app;
