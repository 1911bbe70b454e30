-- Breakers and what they have noticed. The rules are the truth that every check reads anew, so a row written by plain SQL
-- counts like one that the charter seeded; what is wrong with it is found by the check, loudly, and never skipped.
create table mandate.circuit_breaker_rule (
  tenant text not null,
  -- The governed set; '*' is every one of the tenant. A rule of the set's own goes before one of the same name for all.
  set_name text not null default '*' check (set_name <> ''),
  name text not null check (length(name) between 1 and 100),
  enabled boolean not null default true,
  -- CEL over the figures of the window.
  condition text not null,
  -- 5m, 1h, 7d.
  time_window text not null,
  action text not null check (action in ('revert_to_l3', 'pause_command_type', 'alert_only')),
  alert_severity text not null default 'warning' check (alert_severity in ('info', 'warning', 'alert', 'critical')),
  -- Rates of fewer acts say nothing yet.
  min_samples integer not null default 20 check (min_samples > 0),
  updated_at timestamptz not null default now(),
  updated_by text not null default ('sql:' || session_user),
  primary key (tenant, set_name, name)
);
alter table mandate.circuit_breaker_rule enable row level security;
alter table mandate.circuit_breaker_rule force row level security;
create policy circuit_breaker_rule_own on mandate.circuit_breaker_rule using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- What was seeded, so that it is seeded once: a rule that somebody has changed since, or removed, stays as they left it.
create table mandate.circuit_breaker_seed (
  tenant text not null,
  set_name text not null,
  name text not null,
  definition jsonb not null,
  seeded_at timestamptz not null,
  primary key (tenant, set_name, name)
);
alter table mandate.circuit_breaker_seed enable row level security;
alter table mandate.circuit_breaker_seed force row level security;
create policy circuit_breaker_seed_own on mandate.circuit_breaker_seed using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- One row for each episode, with the figures of the moment in which it began.
create table mandate.circuit_breaker_event (
  tenant text not null,
  id uuid not null,
  -- The order in which they began, whatever the clocks said.
  number bigint generated always as identity,
  -- '' for an objective that belongs to no governed set.
  set_name text not null,
  -- `problem`: the rule could not be evaluated.
  source text not null check (source in ('breaker', 'slo', 'problem')),
  rule text not null,
  -- The full action name, where the rule is about one; '' otherwise.
  command_type text not null default '',
  condition text not null,
  time_window text not null,
  action text not null check (action in ('revert_to_l3', 'pause_command_type', 'throttle', 'alert_only')),
  alert_severity text not null check (alert_severity in ('info', 'warning', 'alert', 'critical')),
  detail text not null,
  metrics jsonb not null,
  opened_at timestamptz not null,
  -- The newest time at which a check held.
  seen_at timestamptz not null,
  -- When a check no longer held; null while the episode goes on.
  ended_at timestamptz,
  resolved_at timestamptz,
  resolved_by text,
  resolve_reason text,
  -- What the journal held when it was resolved or ended: everything up to this position, and these entries that had none yet.
  -- What else went wrong is new trouble, whatever the clocks say and however late it was committed.
  mark bigint not null default 0,
  mark_known bigint[] not null default '{}',
  act_id uuid,
  agent text,
  trace_id text,
  incident_id uuid,
  -- What its response made; lifted when it is resolved.
  restrictions uuid[] not null default '{}',
  -- When its response took effect; null while that has still to be done.
  responded_at timestamptz,
  primary key (tenant, id),
  constraint circuit_breaker_event_resolved check ((resolved_at is null) = (resolved_by is null) and (resolved_at is null) = (resolve_reason is null))
);
-- Of all servers that notice the same thing, one opens the episode.
create unique index circuit_breaker_event_one on mandate.circuit_breaker_event (tenant, set_name, source, rule, command_type) where ended_at is null;
create index circuit_breaker_event_newest on mandate.circuit_breaker_event (tenant, set_name, source, rule, command_type, number desc);
create index circuit_breaker_event_recent on mandate.circuit_breaker_event (tenant, set_name, number desc);
create index circuit_breaker_event_unresolved on mandate.circuit_breaker_event (tenant, set_name) where resolved_at is null;
alter table mandate.circuit_breaker_event enable row level security;
alter table mandate.circuit_breaker_event force row level security;
create policy circuit_breaker_event_own on mandate.circuit_breaker_event using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- What it noticed, and the figures of that moment, are written once.
grant select, insert, update on mandate.circuit_breaker_rule, mandate.circuit_breaker_seed to mandate_app;
grant select, insert, update (seen_at, ended_at, resolved_at, resolved_by, resolve_reason, mark, mark_known, restrictions, responded_at)
  on mandate.circuit_breaker_event to mandate_app;
