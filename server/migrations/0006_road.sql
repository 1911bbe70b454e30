-- Protocol STOP-2. act_start() is the only way in which a side effect may begin (I1), act_finish() the only one
-- in which it ends. Each is one VOLATILE function called as one statement that sets the tenant itself: a
-- transaction around it would cost a third of the throughput, and any isolation above READ COMMITTED would read
-- the revision as it was before the barrier was taken.

create function mandate.enter_road(p_tenant text) returns void language plpgsql volatile as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'acts start and end in READ COMMITTED only: under % a stop that has just been confirmed would not be seen',
      current_setting('transaction_isolation') using errcode = 'MD001';
  end if;
  perform set_config('app.tenant', p_tenant, true);
end $$;

-- Global plus tenant revision; null when either row is missing, which is a stop.
create function mandate.revision_of(p_tenant text) returns bigint language sql stable as $$
  select case when count(*) = 2 then sum(revision) end from mandate.tenant where tenant in ('*', p_tenant)
$$;

-- Registers an agent or adds one live act to it; takes a concurrency slot for its first one.
-- Raises MD002 (throttle) when every slot is taken.
create function mandate.agent_enter(p_tenant text, p_agent text, p_now timestamptz, p_start_score double precision, p_slots integer) returns void
language plpgsql volatile as $$
declare v_agent mandate.agent; v_slot integer; v_over integer;
begin
  update mandate.agent set live_acts = live_acts + 1 where tenant = p_tenant and id = p_agent returning * into v_agent;
  if not found then
    insert into mandate.agent as a (tenant, id, registered_at, score, moved_at, live_acts)
    values (p_tenant, p_agent, p_now, p_start_score, p_now, 1)
    on conflict (tenant, id) do update set live_acts = a.live_acts + 1 returning * into v_agent;
  end if;
  if p_slots is null or v_agent.slot is not null then return; end if;
  -- After the ceiling was lowered, agents above it still count.
  select count(*) into v_over from mandate.slot where tenant = p_tenant and n > p_slots and agent is not null;
  select n into v_slot from mandate.slot where tenant = p_tenant and agent is null and n <= p_slots - v_over order by n limit 1 for update skip locked;
  if v_slot is null then
    insert into mandate.slot (tenant, n) select p_tenant, n from generate_series(1, p_slots) n on conflict do nothing;
    select n into v_slot from mandate.slot where tenant = p_tenant and agent is null and n <= p_slots - v_over order by n limit 1 for update skip locked;
  end if;
  if v_slot is null then
    raise exception 'all % agents are busy', p_slots using errcode = 'MD002', detail = 'concurrentAgents';
  end if;
  update mandate.slot set agent = p_agent where tenant = p_tenant and n = v_slot;
  update mandate.agent set slot = v_slot where tenant = p_tenant and id = p_agent;
end $$;

-- Reserves what the decision asks for. Counters are taken in the order of their names, so that two starts
-- cannot wait for each other. Raises MD002 with the key of the counter that is full.
create function mandate.reserve(p_tenant text, p_reservations jsonb) returns void language plpgsql volatile as $$
declare r record; v_used bigint;
begin
  for r in
    select e->>'key' as key, (e->>'amount')::bigint as amount, (e->>'ceiling')::bigint as ceiling,
           to_timestamp((e->>'windowStartMs')::double precision / 1000) as window_start
    from jsonb_array_elements(p_reservations) e
    where e->>'kind' <> 'concurrency' and (e->>'amount')::bigint > 0
    order by 1
  loop
    v_used := null;
    if r.amount <= r.ceiling then
      insert into mandate.limit_use as l (tenant, key, window_start, used) values (p_tenant, r.key, r.window_start, r.amount)
      on conflict (tenant, key, window_start) do update set used = l.used + r.amount where l.used + r.amount <= r.ceiling
      returning used into v_used;
    end if;
    if v_used is null then
      raise exception 'limit % is used up', r.key using errcode = 'MD002', detail = r.key;
    end if;
  end loop;
end $$;

create function mandate.act_insert(p_tenant text, p_now timestamptz, p_act jsonb, p_sealed bytea, p_epoch bigint) returns void
language sql volatile as $$
  insert into mandate.act (
    tenant, id, agent, action, status, tier, severity, principal, user_id, resource_type, resource_id, digest, display, decision,
    sealed, error, executor, runs_on, cost_micro_usd, reservations, approval_id, epoch, worker, compensates, trace_id, created_at, started_at,
    start_by, deadline_at, ended_at
  ) values (
    p_tenant, (p_act->>'id')::uuid, p_act->>'agent', p_act->>'action', p_act->>'status', p_act->>'tier', p_act->>'severity',
    p_act->>'principal', p_act->>'userId', p_act->>'resourceType', p_act->>'resourceId', p_act->>'digest', p_act->'display',
    p_act->'decision', p_sealed, p_act->>'error', p_act->>'executor',
    coalesce(p_act->>'runsOn', 'approval'), coalesce((p_act->>'costMicroUsd')::bigint, 0),
    coalesce(p_act->'reservations', '[]'), (p_act->>'approvalId')::uuid, p_epoch, (p_act->>'worker')::uuid,
    (p_act->>'compensates')::uuid, p_act->>'traceId', p_now,
    case when p_act->>'status' in ('executing', 'permitted') then p_now end,
    to_timestamp((p_act->>'startByMs')::double precision / 1000), to_timestamp((p_act->>'deadlineMs')::double precision / 1000),
    case when p_act->>'status' in ('denied', 'recorded') then p_now end
  )
$$;

-- Begins an act. Answers {"outcome": "started" | "stale" | "stopped" | "duplicate"}; raises, and so leaves nothing
-- behind, MD002 when a limit is full, MD003 when the approval is gone or the held act is no longer waiting.
create function mandate.act_start(
  p_tenant text, p_now timestamptz, p_revision bigint, p_act jsonb, p_sealed bytea,
  p_start_score double precision, p_slots integer, p_approval uuid, p_idempotency jsonb, p_journal jsonb
) returns jsonb language plpgsql volatile as $$
declare v_revision bigint; v_epoch bigint; v_existing mandate.idempotency;
begin
  perform mandate.enter_road(p_tenant);
  perform pg_advisory_xact_lock_shared(mandate.barrier_key('*'));
  perform pg_advisory_xact_lock_shared(mandate.barrier_key(p_tenant));
  -- A statement of its own: its snapshot is taken after the barrier, so that a confirmed stop is in it.
  select mandate.revision_of(p_tenant), (select sum(epoch) from mandate.tenant where tenant in ('*', p_tenant)) into v_revision, v_epoch;
  if v_revision is null then return jsonb_build_object('outcome', 'stopped'); end if;
  if v_revision <> p_revision then return jsonb_build_object('outcome', 'stale', 'revision', v_revision); end if;

  if p_idempotency is not null then
    insert into mandate.idempotency (tenant, principal, key, request_digest, act_id, created_at)
    values (p_tenant, p_idempotency->>'principal', p_idempotency->>'key', p_idempotency->>'digest', (p_act->>'id')::uuid, p_now)
    on conflict do nothing;
    if not found then
      select * into v_existing from mandate.idempotency
      where tenant = p_tenant and principal = p_idempotency->>'principal' and key = p_idempotency->>'key';
      return jsonb_build_object('outcome', 'duplicate', 'actId', v_existing.act_id, 'digest', v_existing.request_digest);
    end if;
  end if;

  perform mandate.agent_enter(p_tenant, p_act->>'agent', p_now, p_start_score, p_slots);

  if p_approval is not null then
    update mandate.approval set status = 'used', used_at = p_now
    where tenant = p_tenant and id = p_approval and status = 'approved' and expires_at > p_now and digest = p_act->>'digest';
    if not found then
      raise exception 'approval % is no longer there to be used', p_approval using errcode = 'MD003', detail = 'approval';
    end if;
    update mandate.act set
      status = p_act->>'status', tier = p_act->>'tier', decision = p_act->'decision', sealed = p_sealed,
      reservations = p_act->'reservations', cost_micro_usd = (p_act->>'costMicroUsd')::bigint, approval_id = p_approval,
      epoch = v_epoch, worker = (p_act->>'worker')::uuid, started_at = p_now,
      start_by = to_timestamp((p_act->>'startByMs')::double precision / 1000),
      deadline_at = to_timestamp((p_act->>'deadlineMs')::double precision / 1000)
    where tenant = p_tenant and id = (p_act->>'id')::uuid and status = 'waiting_for_approval';
    if not found then
      raise exception 'act % is not waiting any more', p_act->>'id' using errcode = 'MD003', detail = 'act';
    end if;
  else
    perform mandate.act_insert(p_tenant, p_now, p_act, p_sealed, v_epoch);
  end if;
  perform mandate.journal_write(p_tenant, p_journal);
  -- Last, so that the counters that all agents of a tenant share are locked for the commit and for nothing before it:
  -- with 16 clients under one hot ceiling up to half as many acts more start in a second.
  perform mandate.reserve(p_tenant, p_act->'reservations');
  return jsonb_build_object('outcome', 'started', 'epoch', v_epoch);
end $$;

-- Ends a live act: outcome, settlement, trust and journal in one statement. `p_trust` is what the kernel made of
-- the agent's state at `version`; when that has moved on, nothing happens and the fresh state is handed back.
-- Answers {"outcome": "finished" | "not_live" | "trust_moved"}.
create function mandate.act_finish(
  p_tenant text, p_now timestamptz, p_act uuid, p_from text[], p_status text, p_sealed_result bytea, p_error text,
  p_actual_cost bigint, p_trust jsonb, p_freeze jsonb, p_confirmed_by text, p_journal jsonb
) returns jsonb language plpgsql volatile as $$
declare v_act record; v_agent mandate.agent; r record;
begin
  perform mandate.enter_road(p_tenant);
  -- Planned anew by each call (execute): a plan kept from when the table was small goes by an index that merely begins
  -- with the tenant, and until the next analyze every end then reads all acts. Only the columns that are needed: a
  -- whole row in a variable would unpack what is sealed.
  execute 'select status, agent, reservations, confirmed_by from mandate.act where tenant = $1 and id = $2 for update'
    into v_act using p_tenant, p_act;
  if v_act.status is null then return jsonb_build_object('outcome', 'not_live', 'status', null); end if;
  if not v_act.status = any (p_from) or (p_confirmed_by is not null and v_act.confirmed_by is not null) then return jsonb_build_object('outcome', 'not_live', 'status', v_act.status); end if;

  select * into v_agent from mandate.agent where tenant = p_tenant and id = v_act.agent for update;
  if p_trust is not null and v_agent.trust_version <> (p_trust->>'version')::bigint then
    return jsonb_build_object('outcome', 'trust_moved', 'agent', mandate.trust_of(v_agent));
  end if;
  update mandate.agent set
    live_acts = case when v_act.status in ('executing', 'permitted') then live_acts - 1 else live_acts end,
    slot = case when v_act.status in ('executing', 'permitted') and live_acts = 1 then null else slot end,
    score = coalesce((p_trust->>'score')::double precision, score),
    streak = coalesce((p_trust->>'streak')::integer, streak),
    failures_in_row = coalesce((p_trust->>'failuresInRow')::integer, failures_in_row),
    gained_today = coalesce((p_trust->>'gainedToday')::double precision, gained_today),
    gained_day = coalesce((p_trust->>'gainedDay')::integer, gained_day),
    moved_at = case when p_trust is null then moved_at else p_now end,
    trust_version = trust_version + case when p_trust is null then 0 else 1 end
  where tenant = p_tenant and id = v_act.agent;
  if v_agent.slot is not null and v_agent.live_acts = 1 and v_act.status in ('executing', 'permitted') then
    update mandate.slot set agent = null where tenant = p_tenant and n = v_agent.slot;
  end if;

  -- What is not known to have ended keeps its reservation; what was cancelled gives it back unless it says what it cost.
  if p_status <> 'unknown' and (p_actual_cost is not null or p_status = 'cancelled') then
    for r in
      select e->>'key' as key, (e->>'amount')::bigint as amount, to_timestamp((e->>'windowStartMs')::double precision / 1000) as window_start
      from jsonb_array_elements(v_act.reservations) e where e->>'kind' = 'cost' order by 1
    loop
      insert into mandate.limit_use as l (tenant, key, window_start, used)
      values (p_tenant, r.key, r.window_start, coalesce(p_actual_cost, 0))
      on conflict (tenant, key, window_start) do update set used = l.used - r.amount + coalesce(p_actual_cost, 0);
    end loop;
  end if;

  -- Who vouches for a success later changes neither when it ended nor what was said of it: tests are fresh by that time.
  execute 'update mandate.act set status = $3, sealed_result = coalesce($4, sealed_result),
      error = case when $5 is null then $6 else error end, ended_at = case when $5 is null then $7 else ended_at end,
      actual_cost_micro_usd = coalesce($8, actual_cost_micro_usd), confirmed_by = coalesce($5, confirmed_by), trust_before = $9, trust_after = $10
    where tenant = $1 and id = $2'
    using p_tenant, p_act, p_status, p_sealed_result, p_confirmed_by, p_error, p_now, p_actual_cost, v_agent.score,
      coalesce((p_trust->>'score')::double precision, v_agent.score);
  if p_freeze is not null then
    insert into mandate.restriction (tenant, id, kind, scope, floor, cause, created_by, created_at)
    values (p_tenant, (p_freeze->>'id')::uuid, 'freeze', 'agent:' || v_act.agent, 'red', p_freeze->>'cause', 'mandate:trust', p_now);
  end if;
  if p_freeze is not null or coalesce((p_trust->>'levelFell')::boolean, false) then perform mandate.raise_revision(p_tenant); end if;
  perform mandate.journal_write(p_tenant, p_journal);
  return jsonb_build_object('outcome', 'finished', 'before', v_agent.score, 'after', coalesce((p_trust->>'score')::double precision, v_agent.score));
end $$;

create function mandate.trust_of(p_agent mandate.agent) returns jsonb language sql immutable as $$
  select jsonb_build_object('version', p_agent.trust_version, 'score', p_agent.score, 'streak', p_agent.streak,
    'failuresInRow', p_agent.failures_in_row, 'gainedToday', p_agent.gained_today, 'gainedDay', p_agent.gained_day,
    'movedMs', floor(extract(epoch from p_agent.moved_at) * 1000))
$$;

-- Records an act that does not begin: denied, recorded (dry run), or waiting with its approval. An identical
-- request of the same requester attaches to the approval that is already open when `p_attach` asks for it.
create function mandate.act_record(
  p_tenant text, p_now timestamptz, p_act jsonb, p_sealed bytea, p_approval jsonb, p_attach boolean, p_idempotency jsonb, p_journal jsonb
) returns jsonb language plpgsql volatile as $$
declare v_existing mandate.idempotency; v_open mandate.approval;
begin
  perform mandate.enter_road(p_tenant);
  if p_idempotency is not null then
    insert into mandate.idempotency (tenant, principal, key, request_digest, act_id, created_at)
    values (p_tenant, p_idempotency->>'principal', p_idempotency->>'key', p_idempotency->>'digest', (p_act->>'id')::uuid, p_now)
    on conflict do nothing;
    if not found then
      select * into v_existing from mandate.idempotency
      where tenant = p_tenant and principal = p_idempotency->>'principal' and key = p_idempotency->>'key';
      return jsonb_build_object('outcome', 'duplicate', 'actId', v_existing.act_id, 'digest', v_existing.request_digest);
    end if;
  end if;
  if p_approval is not null then
    if p_attach then
      perform pg_advisory_xact_lock(hashtext('attach'), hashtext(p_tenant || (p_act->>'digest')));
      select a.* into v_open from mandate.approval a join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
      where a.tenant = p_tenant and a.digest = p_act->>'digest' and a.requester = p_approval->>'requester'
        and a.status in ('pending', 'approved') and a.expires_at > p_now and x.status = 'waiting_for_approval'
      order by a.created_at limit 1;
      if found then
        -- The act of this request's own was never written: its key has to lead to the one that it joined.
        if p_idempotency is not null then
          update mandate.idempotency set act_id = v_open.act_id
          where tenant = p_tenant and principal = p_idempotency->>'principal' and key = p_idempotency->>'key';
        end if;
        return jsonb_build_object('outcome', 'attached', 'actId', v_open.act_id, 'approvalId', v_open.id);
      end if;
    end if;
    insert into mandate.approval (tenant, id, digest, subject, act_id, display, requester, requester_user, causes, required_roles, quorum, four_eyes, status, created_at, expires_at)
    values (p_tenant, (p_approval->>'id')::uuid, p_act->>'digest', 'action', (p_act->>'id')::uuid, p_act->'display',
      p_approval->>'requester', p_approval->>'requesterUser',
      array(select jsonb_array_elements_text(p_approval->'causes')), array(select jsonb_array_elements_text(p_approval->'requiredRoles')),
      (p_approval->>'quorum')::integer, (p_approval->>'fourEyes')::boolean, 'pending', p_now,
      to_timestamp((p_approval->>'expiresMs')::double precision / 1000));
  end if;
  perform mandate.act_insert(p_tenant, p_now, p_act, p_sealed, null);
  perform mandate.journal_write(p_tenant, p_journal);
  return jsonb_build_object('outcome', 'recorded');
end $$;

-- Everything about one tenant, agent and subject that a decision depends on, in one statement and so of one moment.
-- json is written as text right away, where jsonb would be built and ordered first; functions of SQL inside the
-- statement would be planned anew by each call. Together a third less time.
create function mandate.decide_facts(
  p_tenant text, p_now timestamptz, p_agent text, p_act uuid, p_digest text, p_requester text, p_grants uuid[], p_keys text[], p_windows timestamptz[],
  p_chain text[]
) returns json language plpgsql volatile as $$
declare v_facts json;
begin
  perform set_config('app.tenant', p_tenant, true);
  select json_build_object(
    'revision', (select case when count(*) = 2 then sum(revision) end from mandate.tenant where tenant in ('*', p_tenant)),
    'charter', (select version from mandate.charter_active where tenant = p_tenant),
    'agent', (select json_build_object('version', trust_version, 'score', score, 'streak', streak, 'failuresInRow', failures_in_row,
        'gainedToday', gained_today, 'gainedDay', gained_day, 'movedMs', floor(extract(epoch from moved_at) * 1000))
      from mandate.agent where tenant = p_tenant and id = p_agent),
    -- Of everybody whose authority it is: handing on must not raise the trust that a decision goes by.
    'chain', coalesce((select json_agg(json_build_object('id', id, 'score', score, 'streak', streak, 'failuresInRow', failures_in_row,
        'gainedToday', gained_today, 'gainedDay', gained_day, 'movedMs', floor(extract(epoch from moved_at) * 1000)))
      from mandate.agent where tenant = p_tenant and id = any (p_chain)), '[]'),
    'restrictions', coalesce((select json_agg(json_build_object('id', id, 'kind', kind, 'scope', scope, 'floor', floor, 'except', to_json(except_actions),
        'cause', cause, 'by', created_by, 'sinceMs', floor(extract(epoch from created_at) * 1000), 'untilMs', floor(extract(epoch from until_at) * 1000)))
      from mandate.restriction where tenant in ('*', p_tenant) and lifted_at is null and (until_at is null or until_at > p_now)), '[]'),
    'flags', coalesce((select json_agg(json_build_object('key', key, 'scope', scope, 'value', value)) from mandate.flag
      -- Only what readFlags() gives a meaning: an authority flag that is on restricts nothing, and there may be dozens.
      where tenant = p_tenant and (key in ('autonomy.mode', 'budget.agents.maxConcurrent') or (value <> 'true'::jsonb
        and (key = 'agents.autonomousEnabled' or key like '%.autonomous')))), '[]'),
    'grants', coalesce((select json_agg(json_build_object('id', id, 'kind', kind, 'from', from_principal, 'to', to_agent, 'actions', to_json(actions),
        'purpose', purpose, 'expiresMs', floor(extract(epoch from expires_at) * 1000),
        'revoked', revoked_at is not null or (issued_key_id is not null and not exists (select 1 from mandate.api_key k where k.tenant = p_tenant
          and k.id = issued_key_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > p_now)))))
      from mandate.grants where tenant = p_tenant and (id = any (p_grants) or (kind = 'consent' and to_agent = p_agent))), '[]'),
    'used', coalesce((select json_object_agg(l.key, l.used) from unnest(p_keys, p_windows) w(key, window_start)
      join mandate.limit_use l on l.tenant = p_tenant and l.key = w.key and l.window_start = w.window_start), '{}'),
    -- The approval that a waiting act may use; an identical request that attaches finds it by digest and requester.
    'approval', (select json_build_object('id', a.id, 'actId', a.act_id, 'causes', to_json(a.causes),
        'requiredRoles', to_json(a.required_roles), 'quorum', a.quorum, 'fourEyes', a.four_eyes) from mandate.approval a
      join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
      where a.tenant = p_tenant and a.digest = p_digest and a.status = 'approved' and a.expires_at > p_now and x.status = 'waiting_for_approval'
        and (a.act_id = p_act or (p_act is null and x.runs_on <> 'approval' and a.requester = p_requester)) order by a.created_at limit 1)
  ) into v_facts;
  return v_facts;
end $$;

grant execute on function mandate.enter_road(text), mandate.revision_of(text), mandate.agent_enter(text, text, timestamptz, double precision, integer),
  mandate.reserve(text, jsonb), mandate.act_start(text, timestamptz, bigint, jsonb, bytea, double precision, integer, uuid, jsonb, jsonb),
  mandate.act_insert(text, timestamptz, jsonb, bytea, bigint),
  mandate.act_finish(text, timestamptz, uuid, text[], text, bytea, text, bigint, jsonb, jsonb, text, jsonb), mandate.trust_of(mandate.agent),
  mandate.act_record(text, timestamptz, jsonb, bytea, jsonb, boolean, jsonb, jsonb),
  mandate.decide_facts(text, timestamptz, text, uuid, text, text, uuid[], text[], timestamptz[], text[]) to mandate_app;
