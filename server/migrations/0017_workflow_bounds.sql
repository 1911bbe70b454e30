-- What people do to a run and what begins in it exclude each other: a step that is beginning holds the row of its run as a
-- reference does, and whoever pauses, cancels or has it done again takes the row for himself. Those who only wake a run,
-- which is most, are in nobody's way. As in 0013 otherwise.
create or replace function mandate.workflow_step_begins() returns trigger language plpgsql as $$
declare v_run uuid; v_status text; v_instance text; v_attempt integer;
begin
  v_run := substr(new.key, 2, 36)::uuid;
  v_attempt := split_part(substr(new.key, 39), '/', 1)::integer;
  v_instance := substr(new.key, 40 + length(v_attempt::text));
  select status into v_status from mandate.workflow_run where tenant = new.tenant and id = v_run for key share;
  if v_status is null or not (v_status = 'running' or (v_status = 'cancelling' and starts_with(v_instance, '~'))) then
    raise exception 'the run % is % and begins no step', v_run, coalesce(v_status, 'gone') using errcode = 'MD020';
  end if;
  insert into mandate.workflow_step as s (tenant, run, instance, attempt, act_id, begun_at)
  values (new.tenant, v_run, v_instance, v_attempt, new.act_id, new.created_at)
  on conflict (tenant, run, instance, attempt) do update set act_id = excluded.act_id, status = null, begun_at = excluded.begun_at
  where s.act_id is null and s.status in ('offered', 'put_off') and not s.superseded;
  if not found then
    raise exception 'attempt % of step % has begun already', v_attempt, v_instance using errcode = 'MD021';
  end if;
  -- Canonical text: keys in order, and no name here holds anything that would have to be escaped.
  insert into mandate.journal (tenant, kind, act_id, actor, at, data)
  values (new.tenant, 'workflow.step_begun', v_run, new.principal, new.created_at,
    format('{"action":"%s","attempt":%s,"step":"%s"}', new.act_id, v_attempt, v_instance));
  return new;
end $$;

-- The machine hands runs to workers and forgets old ones; what they are about and how they stand it cannot change.
revoke update on mandate.workflow_run from mandate_control;
grant update (busy, segment, wake_at) on mandate.workflow_run to mandate_control;
create index workflow_run_ended on mandate.workflow_run (ended_at) where ended_at is not null;

-- Runs that ended before `p_before`, with their steps; their acts and their journal stay. Answers how many.
create function mandate.workflow_forget(p_before timestamptz, p_limit integer) returns integer
language plpgsql volatile as $$
declare v_count integer;
begin
  with old as (
    select tenant, id from mandate.workflow_run where ended_at < p_before and not busy
    order by ended_at limit p_limit for update skip locked
  ), steps as (
    delete from mandate.workflow_step s using old where s.tenant = old.tenant and s.run = old.id
  )
  delete from mandate.workflow_run r using old where r.tenant = old.tenant and r.id = old.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
-- Only runs that have ended can be deleted, whoever does it.
create policy workflow_run_forgotten on mandate.workflow_run as restrictive for delete using (ended_at is not null);
grant delete on mandate.workflow_run, mandate.workflow_step to mandate_control;
grant execute on function mandate.workflow_forget(timestamptz, integer) to mandate_control;
