-- What guardrails remember between the acts of one run: which acts brought something untrusted in or begin a flow, and
-- by how much acts cost more than they were charged.

-- One row for each act that a later decision may have to look back at, under every scope in which it counts. Written
-- before the act starts, so that a source that has begun is never missed; a row whose act never began says nothing.
-- No content: what an act brought in is its own sealed result. The scope is an HMAC, because a run is named by an agent.
create table mandate.act_source (
  tenant text not null,
  scope bytea not null,
  act_id uuid not null,
  agent text not null,
  action text not null,
  -- Its result is untrusted; the agent marked parameters of it as untrusted; a flow rule begins with it.
  untrusted boolean not null,
  claimed boolean not null,
  at timestamptz not null,
  primary key (tenant, scope, act_id)
);
create index act_source_recent on mandate.act_source (tenant, scope, at desc);
create index act_source_old on mandate.act_source (tenant, at);
alter table mandate.act_source enable row level security;
alter table mandate.act_source force row level security;
create policy act_source_own on mandate.act_source using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
-- An approved act that could not begin at once is written down again when it does.
grant select, insert, update (at), delete on mandate.act_source to mandate_app;

-- Counts what an act cost above what it was charged at its start, for its agent and its user and the UTC day on which it
-- started. A trigger and not a line in act_finish(): only acts whose executor reports a cost ever get here.
create function mandate.note_overrun() returns trigger language plpgsql as $$
declare
  v_amount bigint := greatest(0, new.actual_cost_micro_usd - new.cost_micro_usd)
    - case when old.actual_cost_micro_usd is null then 0 else greatest(0, old.actual_cost_micro_usd - old.cost_micro_usd) end;
  v_day timestamptz := date_trunc('day', coalesce(new.started_at, new.created_at), 'UTC');
begin
  if v_amount = 0 then return null; end if;
  insert into mandate.limit_use as l (tenant, key, window_start, used)
  -- In the order of the names, as everywhere: two ends cannot wait for each other.
  select new.tenant, k, v_day, greatest(0, v_amount)
  from unnest(array['overrun/agent:' || new.agent, 'overrun/user:' || new.user_id]) k where k is not null order by k
  on conflict (tenant, key, window_start) do update set used = greatest(0, l.used + v_amount);
  return null;
end $$;
create trigger act_overrun after update of actual_cost_micro_usd on mandate.act for each row
  when (new.actual_cost_micro_usd is not null and new.actual_cost_micro_usd is distinct from old.actual_cost_micro_usd)
  execute function mandate.note_overrun();
grant execute on function mandate.note_overrun() to mandate_app;

-- Deployments are looked up by the commit that they name.
create index act_by_commit on mandate.act (tenant, (display->'parameters'->>'commit'))
  where display->'parameters'->>'commit' is not null;

-- Simulations of trust read outcomes in the order in which they came.
create index journal_outcomes on mandate.journal (tenant, at)
  where kind in ('action.succeeded', 'action.confirmed', 'action.failed', 'agent.unfrozen', 'agent.frozen');
create index journal_trust on mandate.journal (tenant, agent, id desc) where kind = 'trust.moved';
