-- Whoever steers a run changes what its steps are to build on. Until here only steps that had a row already were told
-- so; now each steering is counted, whatever begins or settles a step says up to which count it has seen, and what has
-- not seen the last one is refused and looks again.
alter table mandate.workflow_run add column steering integer not null default 0;

-- As in 0017, and the key `§run/attempt.steering/instance` says which steering was seen last; none means that none was.
create or replace function mandate.workflow_step_begins() returns trigger language plpgsql as $$
declare v_run uuid; v_status text; v_steering integer; v_instance text; v_attempt integer; v_counts text;
begin
  v_run := substr(new.key, 2, 36)::uuid;
  v_counts := split_part(substr(new.key, 39), '/', 1);
  v_attempt := split_part(v_counts, '.', 1)::integer;
  v_instance := substr(new.key, 40 + length(v_counts));
  select status, steering into v_status, v_steering from mandate.workflow_run where tenant = new.tenant and id = v_run for key share;
  if v_status is null or not (v_status = 'running' or (v_status = 'cancelling' and starts_with(v_instance, '~'))) then
    raise exception 'the run % is % and begins no step', v_run, coalesce(v_status, 'gone') using errcode = 'MD020';
  end if;
  if v_steering <> coalesce(nullif(split_part(v_counts, '.', 2), '')::integer, 0) then
    raise exception 'the run % has been steered since step % was decided on', v_run, v_instance using errcode = 'MD020';
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

-- As in 0013, but a step without an act, which nothing ties to its run as it begins, is settled only by whoever has seen
-- the last steering. What an act says stays true however its run is steered.
create or replace function mandate.workflow_settle(p_tenant text, p_now timestamptz, p_rows jsonb) returns void language plpgsql volatile as $$
begin
  perform set_config('app.tenant', p_tenant, true);
  with row as (
    select (e->>'run')::uuid as run, e->>'instance' as instance, (e->>'attempt')::integer as attempt, e->>'status' as status, e->>'why' as why,
      e->>'error' as error, coalesce((e->>'isFinal')::boolean, false) as is_final, to_timestamp((e->>'untilMs')::double precision / 1000) as until_at,
      e->'result' as result, (e->>'actId')::uuid as act_id, e->>'actor' as actor, e->>'traceId' as trace_id, e->>'data' as data,
      coalesce((e->>'steering')::integer, 0) as steering
    from jsonb_array_elements(p_rows) e
  ), held as (
    -- As a step that begins holds it. In one order, although nobody who takes a run for himself takes a second one.
    select id, steering from mandate.workflow_run
    where tenant = p_tenant and id in (select run from row where act_id is null) order by id for key share
  ), written as (
    insert into mandate.workflow_step as s (tenant, run, instance, attempt, act_id, status, why, error, is_final, until_at, result, begun_at, ended_at)
    select p_tenant, run, instance, attempt, act_id, status, why, error, is_final, until_at, result, p_now,
      case when status in ('succeeded', 'failed', 'skipped') then p_now end from row
    where act_id is not null or (run, row.steering) in (select id, held.steering from held)
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

-- A step that waited for people begins without a new key, so it meets its run here: confirmed pauses and cancels hold for
-- it in the very commit that would start it. MD003, because to act_start() the act is simply not there to be begun now.
-- An act that did not wait never gets as far as this function.
create function mandate.workflow_step_approved() returns trigger language plpgsql as $$
declare v_step record;
begin
  for v_step in
    select r.id, r.status, s.instance from mandate.workflow_step s join mandate.workflow_run r on r.tenant = s.tenant and r.id = s.run
    where s.act_id = new.id and s.tenant = new.tenant order by r.id for key share of r
  loop
    if not (v_step.status = 'running' or (v_step.status = 'cancelling' and starts_with(v_step.instance, '~'))) then
      raise exception 'the run % is % and begins no step', v_step.id, v_step.status using errcode = 'MD003', detail = 'run';
    end if;
  end loop;
  return new;
end $$;
create trigger workflow_step_approved before update of status on mandate.act for each row
  when (old.status = 'waiting_for_approval' and new.status in ('executing', 'permitted'))
  execute function mandate.workflow_step_approved();

grant execute on function mandate.workflow_step_approved() to mandate_app;
