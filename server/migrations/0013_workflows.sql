-- Workflows: templates, runs, and which act did which step of which run. How a step stands is not stored a second time:
-- it is what its act says, and the row that ties them is written in the transaction that starts the act.

create table mandate.workflow_template (
  tenant text not null,
  -- SHA-256 over what the template says; comments and order of keys do not change it.
  version text not null,
  name text not null,
  text text not null,
  created_by text not null,
  created_at timestamptz not null,
  -- The version by which a run that names none is started: the one written last.
  current_at timestamptz not null,
  primary key (tenant, version)
);
create index workflow_template_by_name on mandate.workflow_template (tenant, name, current_at desc);
alter table mandate.workflow_template enable row level security;
alter table mandate.workflow_template force row level security;
create policy workflow_template_own on mandate.workflow_template using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

create table mandate.workflow_run (
  tenant text not null,
  id uuid not null,
  template text not null,
  version text not null,
  status text not null check (status in ('running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled')),
  -- What it waits for, for people; empty while something is at work.
  waits_for text[] not null default '{}',
  started_by text not null,
  -- Inputs, who asked and who has which role, sealed under the tenant's data key; and what came out.
  sealed bytea not null,
  sealed_output bytea,
  error text,
  -- The tick of the schedule that began it.
  schedule text,
  tick timestamptz,
  -- The Idempotency-Key under which it was started, and the digest of that request.
  start_key text,
  start_digest text,
  -- How often it has been handed to a worker; the last part of the id of the DBOS workflow that carries it.
  segment integer not null default 0,
  -- A worker has it, or a queue does.
  busy boolean not null default false,
  -- From when on it is to be looked at again; null: nothing has happened and no time is awaited.
  wake_at timestamptz,
  trace_id text,
  created_at timestamptz not null,
  ended_at timestamptz,
  primary key (tenant, id)
) with (fillfactor = 70);
create index workflow_run_recent on mandate.workflow_run (tenant, created_at desc, id desc);
create index workflow_run_due on mandate.workflow_run (wake_at) where wake_at is not null and not busy;
create index workflow_run_busy on mandate.workflow_run (id) where busy;
create index workflow_run_open on mandate.workflow_run (created_at) where ended_at is null;
-- One tick is one run, however many processes see it.
create unique index workflow_run_tick on mandate.workflow_run (tenant, schedule, tick) where schedule is not null;
create unique index workflow_run_start_key on mandate.workflow_run (tenant, started_by, start_key) where start_key is not null;
alter table mandate.workflow_run enable row level security;
alter table mandate.workflow_run force row level security;
create policy workflow_run_own on mandate.workflow_run using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy workflow_run_controlled on mandate.workflow_run to mandate_control using (true) with check (true);

create table mandate.workflow_step (
  tenant text not null,
  run uuid not null,
  -- `build`, `build[3]` for an element of a list, `~build` for what undoes it.
  instance text not null,
  attempt integer not null,
  -- Its state is the act's. Null for what has none: timers, skipped steps, what could not be asked for.
  act_id uuid,
  -- Set once its end has been seen and put on record; null: ask the act.
  status text check (status in ('offered', 'put_off', 'succeeded', 'failed', 'skipped')),
  why text,
  error text,
  is_final boolean not null default false,
  until_at timestamptz,
  -- What a step without an act gave.
  result jsonb,
  -- Done again from here: kept for the record, no longer part of how the run stands.
  superseded boolean not null default false,
  begun_at timestamptz not null,
  ended_at timestamptz,
  primary key (tenant, run, instance, attempt)
) with (fillfactor = 70);
-- The act first: an index that begins with the tenant alone tempts the planner while the table is small.
create index workflow_step_by_act on mandate.workflow_step (act_id, tenant) where act_id is not null;
create index workflow_step_put_off on mandate.workflow_step (until_at) where status = 'put_off' and not superseded;
create index workflow_step_offered on mandate.workflow_step (tenant, run) where status = 'offered' and not superseded;
alter table mandate.workflow_step enable row level security;
alter table mandate.workflow_step force row level security;
create policy workflow_step_own on mandate.workflow_step using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy workflow_step_controlled on mandate.workflow_step to mandate_control using (true) with check (true);

-- Runs in transactions of act_start() and act_record(), so that a step is tied to its act in the very commit that begins
-- it. The key `§run/attempt/instance` begins with a letter that no caller's key may hold. A second beginning of one
-- attempt meets the primary key, and a run that has been paused or has ended meets MD020: neither act starts.
create function mandate.workflow_step_begins() returns trigger language plpgsql as $$
declare v_run uuid; v_status text; v_instance text; v_attempt integer;
begin
  v_run := substr(new.key, 2, 36)::uuid;
  v_attempt := split_part(substr(new.key, 39), '/', 1)::integer;
  v_instance := substr(new.key, 40 + length(v_attempt::text));
  select status into v_status from mandate.workflow_run where tenant = new.tenant and id = v_run;
  if v_status is null or not (v_status = 'running' or (v_status = 'cancelling' and starts_with(v_instance, '~'))) then
    raise exception 'the run % is % and begins no step', v_run, coalesce(v_status, 'gone') using errcode = 'MD020';
  end if;
  insert into mandate.workflow_step as s (tenant, run, instance, attempt, act_id, begun_at)
  values (new.tenant, v_run, v_instance, v_attempt, new.act_id, new.created_at)
  on conflict (tenant, run, instance, attempt) do update set act_id = excluded.act_id, status = null, begun_at = excluded.begun_at
  where s.act_id is null and s.status in ('offered', 'put_off');
  if not found then
    raise exception 'attempt % of step % has begun already', v_attempt, v_instance using errcode = 'MD021';
  end if;
  -- Canonical text: keys in order, and no name here holds anything that would have to be escaped.
  insert into mandate.journal (tenant, kind, act_id, actor, at, data)
  values (new.tenant, 'workflow.step_begun', v_run, new.principal, new.created_at,
    format('{"action":"%s","attempt":%s,"step":"%s"}', new.act_id, v_attempt, v_instance));
  return new;
end $$;
create trigger workflow_step_begins after insert on mandate.idempotency for each row
  when (starts_with(new.key, '§')) execute function mandate.workflow_step_begins();

-- What a run waits for has happened: it is looked at again. Only where no worker is waiting for this very act: approvals,
-- reports of agents, acts that were given up and those that a person has cleared up.
create function mandate.workflow_act_moved() returns trigger language plpgsql as $$
begin
  update mandate.workflow_run r set wake_at = least(coalesce(r.wake_at, new.ended_at), new.ended_at)
  from mandate.workflow_step s
  where s.act_id = new.id and s.tenant = new.tenant and r.tenant = s.tenant and r.id = s.run and r.ended_at is null;
  return new;
end $$;
create trigger workflow_act_moved after update of status on mandate.act for each row
  when (new.ended_at is not null and old.status is distinct from new.status
    and (new.approval_id is not null or old.status <> 'executing' or new.status = 'unknown'))
  execute function mandate.workflow_act_moved();

-- An act whose worker has died may be run again under the same key where the charter calls it idempotent: then, and only
-- then, an act that has begun changes hands. Everything else about it stands.
create or replace function mandate.act_stands() returns trigger language plpgsql as $$
begin
  if old.status = 'executing' and new.status = 'executing' and old.worker is distinct from new.worker
    and row(new.tier, new.decision, new.sealed, new.reservations, new.cost_micro_usd, new.approval_id, new.epoch, new.started_at, new.start_by, new.deadline_at)
      is not distinct from row(old.tier, old.decision, old.sealed, old.reservations, old.cost_micro_usd, old.approval_id, old.epoch, old.started_at, old.start_by, old.deadline_at)
    and not exists (select 1 from mandate.worker w where w.id = old.worker and w.lease_until > now()) then
    return new;
  end if;
  raise exception 'act % is % and stands as it was decided', old.id, old.status using errcode = 'MD012';
end $$;

-- The second beginning of an act that has begun: the same barrier and the same look at what has been tightened since.
-- Answers taken | stale | stopped | gone.
create function mandate.act_take_over(
  p_tenant text, p_now timestamptz, p_revision bigint, p_act uuid, p_from uuid, p_worker uuid, p_journal jsonb
) returns text language plpgsql volatile as $$
declare v_revision bigint;
begin
  perform mandate.enter_road(p_tenant);
  perform pg_advisory_xact_lock_shared(mandate.barrier_key('*'));
  perform pg_advisory_xact_lock_shared(mandate.barrier_key(p_tenant));
  -- A statement of its own: its snapshot is taken after the barrier, so that a confirmed stop is in it.
  select mandate.revision_of(p_tenant) into v_revision;
  if v_revision is null then return 'stopped'; end if;
  if v_revision <> p_revision then return 'stale'; end if;
  update mandate.act a set worker = p_worker where tenant = p_tenant and id = p_act and status = 'executing' and worker = p_from
    and not exists (select 1 from mandate.worker w where w.id = a.worker and w.lease_until > now());
  if not found then return 'gone'; end if;
  perform mandate.journal_write(p_tenant, p_journal);
  return 'taken';
end $$;

-- Puts on record how steps ended, or why they have not begun: rows [{run, instance, attempt, status, why, error, isFinal,
-- untilMs, result, actId, actor, traceId, data}] of one tenant, of many runs at once. What is on record already stays,
-- and only what is new leaves an entry, so that doing it again after a crash does nothing.
create function mandate.workflow_settle(p_tenant text, p_now timestamptz, p_rows jsonb) returns void language plpgsql volatile as $$
begin
  perform set_config('app.tenant', p_tenant, true);
  with row as (
    select (e->>'run')::uuid as run, e->>'instance' as instance, (e->>'attempt')::integer as attempt, e->>'status' as status, e->>'why' as why,
      e->>'error' as error, coalesce((e->>'isFinal')::boolean, false) as is_final, to_timestamp((e->>'untilMs')::double precision / 1000) as until_at,
      e->'result' as result, (e->>'actId')::uuid as act_id, e->>'actor' as actor, e->>'traceId' as trace_id, e->>'data' as data
    from jsonb_array_elements(p_rows) e
  ), written as (
    insert into mandate.workflow_step as s (tenant, run, instance, attempt, act_id, status, why, error, is_final, until_at, result, begun_at, ended_at)
    select p_tenant, run, instance, attempt, act_id, status, why, error, is_final, until_at, result, p_now,
      case when status in ('succeeded', 'failed', 'skipped') then p_now end from row
    on conflict (tenant, run, instance, attempt) do update set status = excluded.status, why = excluded.why, error = excluded.error,
      is_final = excluded.is_final, until_at = excluded.until_at, result = excluded.result, act_id = coalesce(s.act_id, excluded.act_id),
      ended_at = excluded.ended_at
    where s.status is null or s.status in ('offered', 'put_off')
    returning s.run, s.instance, s.attempt
  )
  insert into mandate.journal (tenant, kind, act_id, actor, at, trace_id, data)
  select p_tenant, 'workflow.step_' || status,
    run, actor, p_now, trace_id, data
  from row join written using (run, instance, attempt) where data is not null;
end $$;

grant select, insert, update on mandate.workflow_template to mandate_app;
grant select, insert, update on mandate.workflow_run, mandate.workflow_step to mandate_app;
grant select, update on mandate.workflow_run to mandate_control;
grant select, update (until_at) on mandate.workflow_step to mandate_control;
grant execute on function mandate.workflow_step_begins(), mandate.workflow_act_moved(), mandate.workflow_settle(text, timestamptz, jsonb),
  mandate.act_take_over(text, timestamptz, bigint, uuid, uuid, uuid, jsonb) to mandate_app;
