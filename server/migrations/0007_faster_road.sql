-- The two statements on the way of every action, with the same answers in less time.

-- act_start() took the shared counters first and kept them locked while it wrote the act and its journal entry. Under
-- one hot ceiling with 16 clients, taking them last starts up to half as many acts more. Whoever finds a counter full
-- now rolls back two inserts as well, which is rare: decide() refuses first on the figures that it has read.
create or replace function mandate.act_start(
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
  -- Last, so that the counters that all agents of a tenant share are locked for the commit and for nothing before it.
  perform mandate.reserve(p_tenant, p_act->'reservations');
  return jsonb_build_object('outcome', 'started', 'epoch', v_epoch);
end $$;

-- json is written as text right away, where jsonb is built, ordered and then written; functions of SQL within the
-- statement were planned anew by each call. A third less time; and fewer flags to carry and to read.
drop function mandate.decide_facts(text, timestamptz, text, uuid, text, text, uuid[], text[], timestamptz[]);
create function mandate.decide_facts(
  p_tenant text, p_now timestamptz, p_agent text, p_act uuid, p_digest text, p_requester text, p_grants uuid[], p_keys text[], p_windows timestamptz[]
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
    'restrictions', coalesce((select json_agg(json_build_object('id', id, 'kind', kind, 'scope', scope, 'floor', floor, 'except', to_json(except_actions),
        'cause', cause, 'by', created_by, 'sinceMs', floor(extract(epoch from created_at) * 1000), 'untilMs', floor(extract(epoch from until_at) * 1000)))
      from mandate.restriction where tenant in ('*', p_tenant) and lifted_at is null and (until_at is null or until_at > p_now)), '[]'),
    'flags', coalesce((select json_agg(json_build_object('key', key, 'scope', scope, 'value', value)) from mandate.flag
      -- Only what readFlags() gives a meaning: an authority flag that is on restricts nothing, and there may be dozens.
      where tenant = p_tenant and (key in ('autonomy.mode', 'budget.agents.maxConcurrent') or (value <> 'true'::jsonb
        and (key = 'agents.autonomousEnabled' or key like 'portal.%' or key like 'website.%')))), '[]'),
    'grants', coalesce((select json_agg(json_build_object('id', id, 'kind', kind, 'from', from_principal, 'to', to_agent, 'actions', to_json(actions),
        'purpose', purpose, 'expiresMs', floor(extract(epoch from expires_at) * 1000), 'revoked', revoked_at is not null))
      from mandate.grants where tenant = p_tenant and (id = any (p_grants) or (kind = 'consent' and to_agent = p_agent))), '[]'),
    'used', coalesce((select json_object_agg(l.key, l.used) from unnest(p_keys, p_windows) w(key, window_start)
      join mandate.limit_use l on l.tenant = p_tenant and l.key = w.key and l.window_start = w.window_start), '{}'),
    -- The approval that a waiting act may use; an identical request that attaches finds it by digest and requester.
    'approval', (select json_build_object('id', a.id, 'actId', a.act_id, 'causes', to_json(a.causes)) from mandate.approval a
      join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
      where a.tenant = p_tenant and a.digest = p_digest and a.status = 'approved' and a.expires_at > p_now and x.status = 'waiting_for_approval'
        and (a.act_id = p_act or (p_act is null and x.runs_on <> 'approval' and a.requester = p_requester)) order by a.created_at limit 1)
  ) into v_facts;
  return v_facts;
end $$;
grant execute on function mandate.decide_facts(text, timestamptz, text, uuid, text, text, uuid[], text[], timestamptz[]) to mandate_app;
