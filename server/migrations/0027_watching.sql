-- Which agents a stop of a class reached is asked of the charter in force. What is counted beforehand was counted by one
-- charter, so it says by which classes, and what other classes would change of it is read from the acts.
alter table mandate.metric_state add column classes jsonb;

-- Acts that were broken off: few of all that ended.
create index act_broken_off on mandate.act (tenant, ended_at) where status = 'cancelled' and started_at is not null;

-- The minutes of a span in which the agents' classes matter: an act was broken off while a stop of a class stood.
create function mandate.metric_classed(p_tenant text, p_from timestamptz, p_to timestamptz) returns setof timestamptz
language sql stable as $$
  select distinct mandate.metric_bin(x.ended_at, 60)
  from mandate.restriction r
    -- offset: stop by stop. The planner would rather read every act that was ever broken off.
    cross join lateral (select a.ended_at from mandate.act a
      where a.tenant = p_tenant and a.status = 'cancelled' and a.started_at is not null
        and a.ended_at >= greatest(p_from, r.created_at) and a.ended_at < least(p_to, r.lifted_at, r.until_at) offset 0) x
  where r.tenant in (p_tenant, '*') and r.kind = 'stop' and r.level in ('stop', 'seal') and starts_with(r.scope, 'class:')
$$;

-- As in 0019, with the minutes that were counted by other classes among the dirty ones.
create or replace function mandate.metrics_between(p_tenant text, p_from timestamptz, p_to timestamptz, p_patterns text[], p_classes jsonb)
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
      union
      select m.at from mandate.metric_classed(p_tenant, v_first, v_last) m (at) where v_state.classes is distinct from p_classes
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

-- What the acts of one name and one moment count as, for whoever looks at them one by one. One plan for all, as above.
create function mandate.metric_moment(p_tenant text, p_at timestamptz, p_action text, p_classes jsonb)
returns table (rule text, violations integer, gates integer, held_by_rule integer, stopped integer) language plpgsql stable
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
begin
  return query select m.rule, m.violations, m.gates, m.held_by_rule, m.stopped
    from mandate.metric_rows(p_tenant, p_at, p_at + interval '1 microsecond', p_classes) m where m.action = p_action;
end $$;

-- A tenant of which a second source is counted, and the processes that have it. All others know that what they see of that
-- tenant is not all there is. A row outlives its process: that nobody can read the source does not mean that there is none.
create table mandate.command_source (
  tenant text not null,
  worker uuid not null,
  since timestamptz not null,
  primary key (tenant, worker)
);
alter table mandate.command_source enable row level security;
alter table mandate.command_source force row level security;
create policy command_source_own on mandate.command_source using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

grant execute on function mandate.metric_classed(text, timestamptz, timestamptz),
  mandate.metric_moment(text, timestamptz, text, jsonb) to mandate_app;
grant select, insert, delete on mandate.command_source to mandate_app;
