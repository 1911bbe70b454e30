-- An incident is what went wrong, told as an object: how bad, why, which acts were involved, who said what meanwhile,
-- and how it ended. Breakers, readiness and reports count these rows.
create table mandate.incident (
  tenant text not null,
  id uuid not null,
  -- The governed set that it was opened for; null where only its acts say, or nothing does.
  governed_set text,
  severity text not null check (severity in ('low', 'medium', 'high', 'critical')),
  -- The worst that it ever was: playing an incident down must not take it out of what is counted.
  worst_severity text not null check (worst_severity in ('low', 'medium', 'high', 'critical')),
  title text not null,
  cause text not null,
  source text not null check (source in ('breaker', 'slo', 'person', 'api')),
  -- Whether an act that is involved began without a person's approval of it.
  autonomous boolean not null,
  -- When it last became critical; it stays, also when it is called less severe: an incident that becomes so later must be seen by a window of one minute too.
  critical_at timestamptz,
  opened_at timestamptz not null,
  opened_by text not null,
  resolved_at timestamptz,
  resolved_by text,
  resolution text,
  trace_id text,
  primary key (tenant, id),
  constraint incident_critical check ((worst_severity = 'critical') = (critical_at is not null) and (severity <> 'critical' or worst_severity = 'critical')),
  constraint incident_resolved_whole check ((resolved_at is null) = (resolved_by is null) and (resolved_at is null) = (resolution is null))
);
create index incident_recent on mandate.incident (tenant, opened_at desc, id desc);
create index incident_critical_recent on mandate.incident (tenant, critical_at) where critical_at is not null;
create index incident_open on mandate.incident (tenant, opened_by) where resolved_at is null;
alter table mandate.incident enable row level security;
alter table mandate.incident force row level security;
create policy incident_own on mandate.incident using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
-- What it was opened with stands; nothing is deleted.
grant select, insert, update (severity, worst_severity, critical_at, resolved_at, resolved_by, resolution) on mandate.incident to mandate_app;

create function mandate.incident_is_over() returns trigger language plpgsql as $$
begin
  raise exception 'incident % is resolved and stands as it was resolved', old.id using errcode = 'MD020';
end $$;
create trigger incident_guard before update on mandate.incident for each row
  when (old.resolved_at is not null) execute function mandate.incident_is_over();

-- The acts that are involved, as they were when it was opened.
create table mandate.incident_act (
  tenant text not null,
  incident_id uuid not null,
  act_id uuid not null,
  agent text not null,
  action text not null,
  autonomous boolean not null,
  primary key (tenant, incident_id, act_id)
);
create index incident_act_by_act on mandate.incident_act (tenant, act_id);
alter table mandate.incident_act enable row level security;
alter table mandate.incident_act force row level security;
create policy incident_act_own on mandate.incident_act using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert on mandate.incident_act to mandate_app;

-- Who said and did what, in the order in which it came. Append-only.
create table mandate.incident_step (
  tenant text not null,
  incident_id uuid not null,
  id bigint generated always as identity,
  kind text not null check (kind in ('opened', 'note', 'severity', 'resolved')),
  at timestamptz not null,
  by text not null,
  text text not null,
  severity_from text,
  severity_to text,
  primary key (tenant, incident_id, id)
);
alter table mandate.incident_step enable row level security;
alter table mandate.incident_step force row level security;
create policy incident_step_own on mandate.incident_step using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert on mandate.incident_step to mandate_app;
