-- Counted from the acts themselves. Rollups only save the counting: each row can be made again from the acts, and nothing
-- on the road knows that there are any. What has been counted and what is to be counted again follows from the journal,
-- which is written in the transaction of every change of an act.

-- Only acts that began and ended: no statement that looks for anything else can be tempted by it, and an act enters it once.
create index act_ended on mandate.act (tenant, ended_at) where started_at is not null and ended_at is not null;

-- How far counting has come for a tenant. Without a row, everything is counted afresh by whoever asks.
create table mandate.metric_state (
  tenant text primary key,
  -- The journal up to here has been looked at: every bucket before `closed_until` that it touches is counted or in metric_dirty.
  position bigint not null,
  -- Buckets before it are counted; what is after it is read from the acts.
  closed_until timestamptz not null
);
alter table mandate.metric_state enable row level security;
alter table mandate.metric_state force row level security;
create policy metric_state_own on mandate.metric_state using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy metric_state_watched on mandate.metric_state for select to mandate_control using (true);

-- Counted once, and touched since: read from the acts until they are counted again.
create table mandate.metric_dirty (
  tenant text not null,
  at timestamptz not null,
  primary key (tenant, at)
);
alter table mandate.metric_dirty enable row level security;
alter table mandate.metric_dirty force row level security;
create policy metric_dirty_own on mandate.metric_dirty using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy metric_dirty_watched on mandate.metric_dirty for select to mandate_control using (true);

-- What happened in a minute (seconds = 60) and, added up, in an hour (3600) and on a UTC day (86400).
create table mandate.metric_bucket (
  tenant text not null,
  seconds integer not null check (seconds in (60, 3600, 86400)),
  at timestamptz not null,
  action text not null,
  -- The rule that alone held them; '' for everything else. Whether that rule is a constraint is the charter's to say.
  rule text not null,
  proposed bigint not null,
  approved bigint not null,
  rejected bigint not null,
  begun bigint not null,
  violations bigint not null,
  gates bigint not null,
  held_by_rule bigint not null,
  succeeded bigint not null,
  failed bigint not null,
  cancelled bigint not null,
  unknown bigint not null,
  rolled_back bigint not null,
  stopped bigint not null,
  primary key (tenant, seconds, at, action, rule)
);
alter table mandate.metric_bucket enable row level security;
alter table mandate.metric_bucket force row level security;
create policy metric_bucket_own on mandate.metric_bucket using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- What was measured and when. History: it stays as it was measured, also where acts have been cleared up since.
create table mandate.metric_snapshot (
  tenant text not null,
  -- '' where nothing is governed in phases.
  governed_set text not null,
  why text not null check (why in ('daily', 'cycle')),
  period_start timestamptz not null,
  period_end timestamptz not null,
  taken_at timestamptz not null,
  metrics jsonb not null,
  primary key (tenant, governed_set, why, period_end)
);
create index metric_snapshot_recent on mandate.metric_snapshot (tenant, governed_set, period_end desc, taken_at desc);
alter table mandate.metric_snapshot enable row level security;
alter table mandate.metric_snapshot force row level security;
create policy metric_snapshot_own on mandate.metric_snapshot using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

create function mandate.metric_bin(p_at timestamptz, p_seconds integer) returns timestamptz
language sql immutable parallel safe as $$ select date_bin(make_interval(secs => p_seconds), p_at, timestamptz '2000-01-01 00:00:00+00') $$;

-- Whether a stop's scope reaches an act; the same as scopeCovers() of the kernel. `p_classes` is {agent: class}.
create function mandate.metric_reaches(
  p_scope text, p_agent text, p_action text, p_user text, p_resource_type text, p_resource_id text, p_display jsonb, p_classes jsonb
) returns boolean language sql immutable parallel safe as $$
  select case
    when r.rest = '' then true
    when r.kind = 'agent' then r.rest = p_agent or coalesce(p_display->'chain' ? r.rest, false)
    when r.kind = 'class' then coalesce(p_classes->>p_agent = r.rest, false)
    when r.kind = 'user' then coalesce(r.rest = p_user, false) or coalesce(p_display->>'onBehalfOf' = r.rest, false) or coalesce(p_display->'chain' ? r.rest, false)
    when r.kind = 'action' then case when right(r.rest, 1) = '*' then starts_with(p_action, left(r.rest, -1)) else p_action = r.rest end
    when r.kind = 'resource' then p_resource_id is null or r.rest = p_resource_type || '/' || p_resource_id
    else true
  end
  from (select case when strpos(p_scope, ':') = 0 then '' else split_part(p_scope, ':', 1) end as kind,
    case when strpos(p_scope, ':') = 0 then '' else substr(p_scope, strpos(p_scope, ':') + 1) end as rest) r
$$;

-- The one place that says what counts as what: every act of a span as rows of ones and noughts. Rollups and raw counting
-- both add up these rows. An act is counted twice over: when it was asked for, and when it ended.
create function mandate.metric_rows(p_tenant text, p_from timestamptz, p_to timestamptz, p_classes jsonb)
returns table (
  at timestamptz, action text, rule text, proposed integer, approved integer, rejected integer, begun integer, violations integer,
  gates integer, held_by_rule integer, succeeded integer, failed integer, cancelled integer, unknown integer, rolled_back integer, stopped integer
) language sql stable as $$
  -- Asked for in the span. What people decide later counts where the act was asked for, so that no rate can exceed 1.
  select x.created_at, e.action, e.rule, e.proposed, e.approved, e.rejected, e.begun, e.violations, e.gates, e.held_by_rule, 0, 0, 0, 0, 0, 0
  from mandate.act x
    cross join lateral (
      select x.action, '', 0, 0, 0, 1, 0, 0, 0 where x.started_at is not null
      union all
      -- Most acts are neither held nor refused; nothing of this is looked at for them.
      select v.*
      from (select 1) one
        -- limit: looked up act by act. The planner would rather read all approvals for the three of a short span.
        left join lateral (select a.id, a.status, a.causes, a.decided_at, a.replaced_by from mandate.approval a
          where a.tenant = p_tenant and a.id = x.approval_id limit 1) a on true
        cross join lateral (select x.approval_id is not null or x.status = 'waiting_for_approval' as is_held,
          -- Only what was refused outright: a decision is long, and unpacking it takes time.
          x.status = 'denied' and coalesce(x.decision->>'effect' = 'deny', false) as is_refused) h
        cross join lateral (select case when a.id is not null then a.causes
          when h.is_held or h.is_refused then array(select jsonb_array_elements_text(x.decision->'causes')) end as causes) c
        cross join lateral (select
          c.causes is not null and exists (select 1 from unnest(c.causes) cause where split_part(cause, ':', 1) in ('exception', 'error', 'finding', 'warning', 'flow'))
            or case when h.is_refused then coalesce(x.decision->'trace' @> '[{"part": "lift", "tier": "black"}]' or x.decision->'trace' @> '[{"part": "flow", "tier": "black"}]', false) else false end
            as is_violation,
          c.causes is not null and exists (select 1 from unnest(c.causes) cause where split_part(cause, ':', 1) in ('finding', 'warning', 'mode')
              or (starts_with(cause, 'restriction:') and not cause = any (array(
                select 'restriction:' || r.id from mandate.restriction r where r.tenant in (p_tenant, '*') and r.kind = 'phase'))))
            or case when h.is_refused then coalesce(x.decision->>'code' in ('stopped', 'frozen', 'limit_exceeded', 'throttled'), false)
                or jsonb_path_exists(x.decision, '$.restrictions[*] ? (@.floor == "black" && @.kind != "phase")') else false end
            as is_gate,
          case when c.causes is not null then (select substr(min(cause), 6) from unnest(c.causes) cause where starts_with(cause, 'rule:') and cause <> 'rule:none') end as by_rule) f
        cross join lateral (values
          (x.action, '', h.is_held::integer,
            coalesce(a.status in ('approved', 'used') or (a.status in ('expired', 'cancelled') and a.decided_at is not null and a.replaced_by is null), false)::integer,
            coalesce(a.status = 'denied', false)::integer, 0, f.is_violation::integer, f.is_gate::integer, 0),
          (case when not f.is_violation and f.by_rule is not null then x.action end, f.by_rule, 0, 0, 0, 0, 0, 0, 1)
        ) v (action, rule, proposed, approved, rejected, begun, violations, gates, held_by_rule)
      where (x.approval_id is not null or x.status in ('denied', 'waiting_for_approval')) and v.action is not null
    ) e (action, rule, proposed, approved, rejected, begun, violations, gates, held_by_rule)
  where x.tenant = p_tenant and x.created_at >= p_from and x.created_at < p_to
  union all
  -- Ended in the span, having begun. What undid another act counts for the act that it undid, when it succeeded.
  select x.ended_at, e.action, '', 0, 0, 0, 0, 0, 0, 0, e.succeeded, e.failed, e.cancelled, e.unknown, e.rolled_back, e.stopped
  from mandate.act x
    left join lateral (select o.action from mandate.act o where o.tenant = p_tenant and o.id = x.compensates and x.status = 'success' limit 1) o on true
    cross join lateral (values
      (x.action, (x.status = 'success')::integer, (x.status = 'failed')::integer, (x.status = 'cancelled')::integer, (x.status = 'unknown')::integer, 0,
        -- A stop aborts whatever it reaches: what it reached and what then ended by being broken off, it has aborted.
        case when x.status = 'cancelled' then exists (select 1 from mandate.restriction r
          where r.tenant in (p_tenant, '*') and r.kind = 'stop' and r.level in ('stop', 'seal') and r.created_at <= x.ended_at
            and (r.lifted_at is null or r.lifted_at > x.ended_at) and (r.until_at is null or r.until_at > x.ended_at)
            and mandate.metric_reaches(r.scope, x.agent, x.action, x.user_id, x.resource_type, x.resource_id, x.display, p_classes))::integer else 0 end),
      (o.action, 0, 0, 0, 0, 1, 0)
    ) e (action, succeeded, failed, cancelled, unknown, rolled_back, stopped)
  where x.tenant = p_tenant and x.started_at is not null and x.ended_at >= p_from and x.ended_at < p_to and e.action is not null
  union all
  -- Refused before it was an act.
  select j.at, coalesce(d.data->>'action', ''), '', 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0
  from mandate.journal j cross join lateral (select j.data::jsonb as data) d
  where j.tenant = p_tenant and j.kind = 'action.refused' and j.at >= p_from and j.at < p_to
    and d.data->>'code' in ('throttled', 'limit_exceeded', 'stopped', 'frozen')
$$;

-- The buckets that entries of the journal touch: those of what they tell of, and of where it stood before. Entries that
-- have no position yet are looked at only by `p_with_new`: a later look meets them again under their position.
create function mandate.metric_touched(p_tenant text, p_after bigint, p_upto bigint, p_with_new boolean) returns setof timestamptz
language sql stable as $$
  select distinct mandate.metric_bin(t.at, 60)
  from (
    select j.kind, j.act_id, j.at from mandate.journal j where j.tenant = p_tenant and j.position > p_after and j.position <= p_upto
    union all
    select j.kind, j.act_id, j.at from mandate.journal j where p_with_new and j.tenant = p_tenant and j.position is null
  ) j
    -- limit: looked up entry by entry, as in metric_rows().
    left join lateral (select x.created_at, x.ended_at from mandate.act x where x.tenant = p_tenant and x.id = j.act_id limit 1) x on true
    cross join lateral (
      select j.at union all select x.created_at union all select x.ended_at
      -- Whose end was not known had ended once before, in another bucket.
      union all select u.at from mandate.journal u
        where u.tenant = p_tenant and u.act_id = j.act_id and u.kind = 'action.unknown' and j.kind in ('action.succeeded', 'action.failed', 'action.cancelled')
    ) t (at)
  where (starts_with(j.kind, 'action.') or starts_with(j.kind, 'approval.')) and t.at is not null
$$;

-- Counts the minutes of a span again, and the hours and days that they are part of. What was counted there before is replaced.
create function mandate.metric_count(p_tenant text, p_from timestamptz, p_to timestamptz, p_classes jsonb) returns void
language plpgsql volatile as $$
begin
  delete from mandate.metric_bucket b where b.tenant = p_tenant and b.seconds = 60 and b.at >= p_from and b.at < p_to;
  -- Planned anew by each call (execute): a span is one minute, or everything since the first act.
  execute 'insert into mandate.metric_bucket
    select $1, 60, mandate.metric_bin(m.at, 60), m.action, m.rule, sum(m.proposed), sum(m.approved), sum(m.rejected), sum(m.begun), sum(m.violations), sum(m.gates),
      sum(m.held_by_rule), sum(m.succeeded), sum(m.failed), sum(m.cancelled), sum(m.unknown), sum(m.rolled_back), sum(m.stopped)
    from mandate.metric_rows($1, $2, $3, $4) m group by 3, 4, 5' using p_tenant, p_from, p_to, p_classes;
  perform mandate.metric_add_up(p_tenant, p_from, p_to, 60, 3600);
  perform mandate.metric_add_up(p_tenant, p_from, p_to, 3600, 86400);
end $$;

-- Adds smaller buckets up to the larger ones that a span touches.
create function mandate.metric_add_up(p_tenant text, p_from timestamptz, p_to timestamptz, p_small integer, p_large integer) returns void
language plpgsql volatile as $$
declare
  v_from timestamptz := mandate.metric_bin(p_from, p_large);
  v_to timestamptz := mandate.metric_bin(p_to - interval '1 microsecond', p_large) + make_interval(secs => p_large);
begin
  delete from mandate.metric_bucket b where b.tenant = p_tenant and b.seconds = p_large and b.at >= v_from and b.at < v_to;
  execute 'insert into mandate.metric_bucket
    select $1, $5, mandate.metric_bin(b.at, $5), b.action, b.rule, sum(b.proposed), sum(b.approved), sum(b.rejected), sum(b.begun), sum(b.violations), sum(b.gates),
      sum(b.held_by_rule), sum(b.succeeded), sum(b.failed), sum(b.cancelled), sum(b.unknown), sum(b.rolled_back), sum(b.stopped)
    from mandate.metric_bucket b where b.tenant = $1 and b.seconds = $4 and b.at >= $2 and b.at < $3 group by 3, 4, 5'
  using p_tenant, v_from, v_to, p_small, p_large;
end $$;

-- The counts of any span, by action. One STABLE function and so of one moment: what is counted, what is dirty and what
-- the journal has not been asked for yet are seen together, and an act is in exactly one of them.
-- One plan for all, kept: planning took ten times as long as most answers, and every step goes by an index and by bounds
-- that are known only when it runs. No seqscan, because a plan from when a table was small would stay.
create function mandate.metrics_between(p_tenant text, p_from timestamptz, p_to timestamptz, p_patterns text[], p_classes jsonb)
returns table (
  action text, rule text, proposed bigint, approved bigint, rejected bigint, begun bigint, violations bigint, gates bigint,
  held_by_rule bigint, succeeded bigint, failed bigint, cancelled bigint, unknown bigint, rolled_back bigint, stopped bigint
) language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
declare
  v_state mandate.metric_state;
  -- Whole minutes that are counted lie between v_first and v_last, whole hours and days between theirs.
  v_first timestamptz := mandate.metric_bin(p_from + interval '59.999999 seconds', 60);
  v_last timestamptz;
  v_hour_first timestamptz;
  v_hour_last timestamptz;
  v_day_first timestamptz;
  v_day_last timestamptz;
  v_dirty timestamptz[] := '{}';
begin
  select * into v_state from mandate.metric_state s where s.tenant = p_tenant;
  v_last := greatest(v_first, least(mandate.metric_bin(p_to, 60), coalesce(v_state.closed_until, v_first)));
  if v_last > v_first then
    select coalesce(array_agg(t.at), '{}') into v_dirty from (
      select d.at from mandate.metric_dirty d where d.tenant = p_tenant and d.at >= v_first and d.at < v_last
      union
      select m.at from mandate.metric_touched(p_tenant, v_state.position, 9223372036854775807, true) m (at) where m.at >= v_first and m.at < v_last
    ) t;
  end if;
  v_hour_first := mandate.metric_bin(v_first + interval '3599 seconds', 3600);
  v_hour_last := mandate.metric_bin(v_last, 3600);
  if v_hour_last <= v_hour_first then
    v_hour_first := v_last;
    v_hour_last := v_last;
  end if;
  v_day_first := mandate.metric_bin(v_hour_first + interval '86399 seconds', 86400);
  v_day_last := mandate.metric_bin(v_hour_last, 86400);
  if v_day_last <= v_day_first then
    v_day_first := v_hour_last;
    v_day_last := v_hour_last;
  end if;

  return query
  with dirty (seconds, at) as (
    select 60, d.at from unnest(v_dirty) d (at)
    union select 3600, mandate.metric_bin(d.at, 3600) from unnest(v_dirty) d (at)
    union select 86400, mandate.metric_bin(d.at, 86400) from unnest(v_dirty) d (at)
  ),
  -- Days in the middle, hours around them and on days of which something is dirty, minutes around these and in such hours.
  span (seconds, lo, hi) as (
    select 86400, v_day_first, v_day_last
    union all select 3600, v_hour_first, v_day_first union all select 3600, v_day_last, v_hour_last
    union all select 3600, d.at, d.at + interval '1 day' from dirty d where d.seconds = 86400 and d.at >= v_day_first and d.at < v_day_last
    union all select 60, v_first, v_hour_first union all select 60, v_hour_last, v_last
    union all select 60, d.at, d.at + interval '1 hour' from dirty d where d.seconds = 3600 and d.at >= v_hour_first and d.at < v_hour_last
  ),
  -- What is counted from the acts: the edges, what is not counted yet, and dirty minutes, side by side as one span.
  raw (lo, hi) as (
    select p_from, case when v_first < v_last then v_first else p_to end
    union all select v_last, p_to where v_first < v_last
    union all select min(i.at), max(i.at) + interval '1 minute'
      from (select d.at, d.at - row_number() over (order by d.at) * interval '1 minute' as island from dirty d where d.seconds = 60) i group by i.island
  ),
  counted as (
    select b.action, b.rule, b.proposed, b.approved, b.rejected, b.begun, b.violations, b.gates, b.held_by_rule, b.succeeded, b.failed, b.cancelled, b.unknown, b.rolled_back, b.stopped
    -- offset: span by span. The planner would rather read all buckets once and sort out what is in no span.
    from span s cross join lateral (select * from mandate.metric_bucket b where b.tenant = p_tenant and b.seconds = s.seconds and b.at >= s.lo and b.at < s.hi offset 0) b
    where not exists (select 1 from dirty d where d.seconds = b.seconds and d.at = b.at)
    union all
    select m.action, m.rule, m.proposed, m.approved, m.rejected, m.begun, m.violations, m.gates, m.held_by_rule, m.succeeded, m.failed, m.cancelled, m.unknown, m.rolled_back, m.stopped
    from raw r cross join lateral (select * from mandate.metric_rows(p_tenant, r.lo, r.hi, p_classes) offset 0) m
  )
  select c.action, c.rule, sum(c.proposed)::bigint, sum(c.approved)::bigint, sum(c.rejected)::bigint, sum(c.begun)::bigint, sum(c.violations)::bigint,
    sum(c.gates)::bigint, sum(c.held_by_rule)::bigint, sum(c.succeeded)::bigint, sum(c.failed)::bigint, sum(c.cancelled)::bigint, sum(c.unknown)::bigint,
    sum(c.rolled_back)::bigint, sum(c.stopped)::bigint
  from counted c
  where exists (select 1 from unnest(p_patterns) p where case when right(p, 1) = '*' then starts_with(c.action, left(p, -1)) else c.action = p end)
  group by c.action, c.rule;
end $$;

grant select, insert, update on mandate.metric_state to mandate_app;
grant select, insert, delete on mandate.metric_dirty, mandate.metric_bucket to mandate_app;
grant select, insert on mandate.metric_snapshot to mandate_app;
grant select on mandate.metric_state, mandate.metric_dirty to mandate_control;
grant execute on function mandate.metric_bin(timestamptz, integer),
  mandate.metric_reaches(text, text, text, text, text, text, jsonb, jsonb), mandate.metric_rows(text, timestamptz, timestamptz, jsonb),
  mandate.metric_touched(text, bigint, bigint, boolean), mandate.metric_count(text, timestamptz, timestamptz, jsonb),
  mandate.metric_add_up(text, timestamptz, timestamptz, integer, integer),
  mandate.metrics_between(text, timestamptz, timestamptz, text[], jsonb) to mandate_app;
