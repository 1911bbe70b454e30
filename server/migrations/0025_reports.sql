-- What the weekly cycle found and decided: one report for each governed set and week. A report is written once; what it
-- says is told by its digest in the journal, so that nobody can change what people have read.
create table mandate.governance_report (
  tenant text not null,
  id uuid not null,
  governed_set text not null,
  -- ISO 8601 week in the set's time zone.
  week text not null check (week ~ '^[0-9]{4}-W[0-9]{2}$'),
  period_start timestamptz not null,
  period_end timestamptz not null,
  phase text not null,
  decision text not null check (decision in ('propose', 'stay')),
  -- The approval that people were asked for.
  proposal_id uuid,
  -- Canonical JSON text: the digest over it must not depend on a database version.
  content text not null,
  -- SHA-256 (hex) of the content.
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null,
  created_by text not null,
  primary key (tenant, id),
  check (period_start < period_end),
  check ((decision = 'propose') = (proposal_id is not null))
);
-- Whoever comes second in a week, on whatever server, finds that of the first.
create unique index governance_report_week on mandate.governance_report (tenant, governed_set, week);
create index governance_report_recent on mandate.governance_report (tenant, governed_set, period_end desc);
alter table mandate.governance_report enable row level security;
alter table mandate.governance_report force row level security;
create policy governance_report_own on mandate.governance_report using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert on mandate.governance_report to mandate_app;

create function mandate.governance_report_stands() returns trigger language plpgsql as $$
begin
  raise exception 'a report is written once: % refused', lower(tg_op) using errcode = 'MD025';
end $$;
create trigger governance_report_guard before update or delete on mandate.governance_report for each row execute function mandate.governance_report_stands();
create trigger governance_report_keep before truncate on mandate.governance_report for each statement execute function mandate.governance_report_stands();

-- A report is a message of its own.
alter table mandate.delivery drop constraint delivery_kind_check;
alter table mandate.delivery add constraint delivery_kind_check check (kind in ('digest', 'approval', 'act', 'event', 'report', 'test'));
