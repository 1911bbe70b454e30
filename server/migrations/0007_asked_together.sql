-- What many requests ask at the same moment is asked in one statement: they share its round trip, and what is the
-- same for all of them is read once. Nothing is remembered for the next statement, so a revocation, a stop or a
-- changed flag counts from the next request on, as ever.

-- Like find_api_key(), for many keys: whoever holds the HMAC of a key is answered with that one row, under its HMAC.
create function mandate.find_api_keys(p_macs bytea[]) returns table (
  mac text, tenant text, id text, master_id text, label text, agents jsonb, user_id text, user_email text, user_scopes jsonb,
  roles jsonb, scopes jsonb, created_at timestamptz, created_by text, expires_at timestamptz, revoked_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query select encode(k.mac, 'hex'), k.tenant, k.id, k.master_id, k.label, to_jsonb(k.agents), k.user_id, k.user_email, to_jsonb(k.user_scopes),
    to_jsonb(k.roles), to_jsonb(k.scopes), k.created_at, k.created_by, k.expires_at, k.revoked_at
  from mandate.api_key k where k.mac = any (p_macs);
end
$$;

-- Everything about one tenant that several decisions depend on, in one statement and so of one moment. Agents, grants
-- and counters come under their names, approvals under the number of the question; each decision takes its own.
-- json is written as text right away, where jsonb would be built and ordered first; functions of SQL inside the
-- statement would be planned anew by each call. Together a third less time.
create function mandate.decide_facts_of_many(
  p_tenant text, p_now timestamptz,
  -- The agents that act, and everybody whose trust counts: they and those who handed authority on.
  p_agents text[], p_trusted text[], p_grants uuid[], p_keys text[], p_windows timestamptz[],
  -- One of each for every question, in the same order.
  p_acts uuid[], p_digests text[], p_requesters text[]
) returns json language plpgsql volatile
-- One plan for all: with the lists in hand the planner finds each call a little cheaper and spends five times that on planning it.
set plan_cache_mode = force_generic_plan as $$
declare v_facts json;
begin
  perform set_config('app.tenant', p_tenant, true);
  select json_build_object(
    -- Both rows or none: a missing one is a stop.
    'revision', (select t.revision + o.revision from mandate.tenant t, mandate.tenant o where t.tenant = '*' and o.tenant = p_tenant),
    'charter', (select version from mandate.charter_active where tenant = p_tenant),
    'agents', coalesce((select json_agg(json_build_object('id', id, 'version', trust_version, 'score', score, 'streak', streak, 'failuresInRow', failures_in_row,
        'gainedToday', gained_today, 'gainedDay', gained_day, 'movedMs', floor(extract(epoch from moved_at) * 1000)))
      from mandate.agent where tenant = p_tenant and id = any (p_trusted)), '[]'),
    'restrictions', coalesce((select json_agg(json_build_object('id', id, 'kind', kind, 'scope', scope, 'floor', floor, 'except', to_json(except_actions),
        'cause', cause, 'by', created_by, 'sinceMs', floor(extract(epoch from created_at) * 1000), 'untilMs', floor(extract(epoch from until_at) * 1000)))
      from mandate.restriction where tenant in ('*', p_tenant) and lifted_at is null and (until_at is null or until_at > p_now)), '[]'),
    'flags', coalesce((select json_agg(json_build_object('key', key, 'scope', scope, 'value', value)) from mandate.flag
      -- Only what readFlags() gives a meaning: an authority flag that is on restricts nothing, and there may be dozens.
      where tenant = p_tenant and (key in ('autonomy.mode', 'enforcement', 'budget.agents.maxConcurrent') or (value <> 'true'::jsonb
        and (key = 'agents.autonomousEnabled' or key like '%.autonomous')))), '[]'),
    'grants', coalesce((select json_agg(json_build_object('id', id, 'kind', kind, 'from', from_principal, 'to', to_agent, 'actions', to_json(actions),
        'purpose', purpose, 'expiresMs', floor(extract(epoch from expires_at) * 1000),
        'revoked', revoked_at is not null or (issued_key_id is not null and not exists (select 1 from mandate.api_key k where k.tenant = p_tenant
          and k.id = issued_key_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > p_now)))))
      from mandate.grants where tenant = p_tenant and (id = any (p_grants) or (kind = 'consent' and to_agent = any (p_agents)))), '[]'),
    'used', coalesce((select json_object_agg(l.key, l.used) from unnest(p_keys, p_windows) w(key, window_start)
      join mandate.limit_use l on l.tenant = p_tenant and l.key = w.key and l.window_start = w.window_start), '{}'),
    -- The approval that a waiting act may use; an identical request that attaches finds it by digest and requester.
    'approvals', coalesce((select json_agg(json_build_object('question', q.n - 1, 'id', f.id, 'actId', f.act_id, 'causes', to_json(f.causes),
        'requiredRoles', to_json(f.required_roles), 'quorum', f.quorum, 'fourEyes', f.four_eyes))
      from unnest(p_acts, p_digests, p_requesters) with ordinality q(act, digest, requester, n),
      lateral (select a.* from mandate.approval a join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
        where a.tenant = p_tenant and a.digest = q.digest and a.status = 'approved' and a.expires_at > p_now and x.status = 'waiting_for_approval'
          and (a.act_id = q.act or (q.act is null and x.runs_on <> 'approval' and a.requester = q.requester)) order by a.created_at limit 1) f), '[]')
  ) into v_facts;
  return v_facts;
end $$;

drop function mandate.decide_facts(text, timestamptz, text, uuid, text, text, uuid[], text[], timestamptz[], text[]);

grant execute on function mandate.find_api_keys(bytea[]),
  mandate.decide_facts_of_many(text, timestamptz, text[], text[], uuid[], text[], timestamptz[], uuid[], text[], text[]) to mandate_app;
