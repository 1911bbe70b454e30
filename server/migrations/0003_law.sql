-- What the law stands on: tenants with their revision and epoch, restrictions, flags, grants, agents with their
-- trust, limits, acts and approvals. The two functions that may begin and end an act are in 0006_road.sql.

-- One row per tenant and one for everybody ('*'). A missing row is a stop: act_start() refuses without both.
create table mandate.tenant (
  tenant text primary key,
  -- Raised in the transaction of whatever may tighten a decision; a start whose decision is older is stale.
  revision bigint not null default 1,
  -- Raised by every stop; a worker that has read a higher sum of them before is on a database that has forgotten stops.
  epoch bigint not null default 1,
  created_at timestamptz not null
);
insert into mandate.tenant (tenant, created_at) values ('*', now());
alter table mandate.tenant enable row level security;
alter table mandate.tenant force row level security;
create policy tenant_seen on mandate.tenant for select using (tenant = mandate.app_tenant() or tenant = '*');
-- '*' is everybody's: whoever serves one tenant writes nothing that binds or frees all of them.
create policy tenant_added on mandate.tenant for insert with check (tenant = mandate.app_tenant() and tenant <> '*');
create policy tenant_raised on mandate.tenant for update using (tenant = mandate.app_tenant() and tenant <> '*')
  with check (tenant = mandate.app_tenant() and tenant <> '*');
create policy tenant_controlled on mandate.tenant to mandate_control using (true) with check (true);

-- A revision that falls would make decisions current again that something has been tightened since.
create function mandate.tenant_only_grows() returns trigger language plpgsql as $$
begin
  raise exception 'revision and epoch of tenant % only grow', old.tenant using errcode = 'MD011';
end $$;
create trigger tenant_guard before update on mandate.tenant for each row
  when (new.revision < old.revision or new.epoch < old.epoch or new.tenant <> old.tenant)
  execute function mandate.tenant_only_grows();

create table mandate.restriction (
  tenant text not null,
  id uuid not null,
  kind text not null check (kind in ('stop', 'freeze', 'pause', 'flag', 'mode', 'phase', 'throttle')),
  scope text not null,
  floor text not null check (floor in ('green', 'yellow', 'red', 'black')),
  except_actions text[] not null default '{}',
  level text check (level in ('pause', 'stop', 'seal')),
  cause text not null,
  created_by text not null,
  created_at timestamptz not null,
  until_at timestamptz,
  lifted_at timestamptz,
  lifted_by text,
  lift_reason text,
  primary key (tenant, id)
);
create index restriction_standing on mandate.restriction (tenant) where lifted_at is null;
alter table mandate.restriction enable row level security;
alter table mandate.restriction force row level security;
create policy restriction_seen on mandate.restriction for select using (tenant = mandate.app_tenant() or tenant = '*');
create policy restriction_added on mandate.restriction for insert with check (tenant = mandate.app_tenant() and tenant <> '*');
create policy restriction_lifted on mandate.restriction for update using (tenant = mandate.app_tenant() and tenant <> '*')
  with check (tenant = mandate.app_tenant() and tenant <> '*');
create policy restriction_controlled on mandate.restriction to mandate_control using (true) with check (true);

-- The first of two persons who want to lift a stop, where the charter asks for two.
create table mandate.resume_request (
  tenant text not null,
  scope text not null,
  requested_by text not null,
  reason text not null,
  requested_at timestamptz not null,
  primary key (tenant, scope)
);
alter table mandate.resume_request enable row level security;
alter table mandate.resume_request force row level security;
create policy resume_request_own on mandate.resume_request using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy resume_request_controlled on mandate.resume_request to mandate_control using (true) with check (true);

create table mandate.flag (
  tenant text not null,
  key text not null,
  scope text not null default '',
  value jsonb not null,
  reason text not null,
  owner text not null,
  updated_at timestamptz not null,
  primary key (tenant, key, scope)
);
alter table mandate.flag enable row level security;
alter table mandate.flag force row level security;
create policy flag_own on mandate.flag using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- Authority handed on. The plural is for SQL, whose word `grant` is taken.
create table mandate.grants (
  tenant text not null,
  id uuid not null,
  kind text not null check (kind in ('consent', 'delegation', 'task', 'signature')),
  from_principal text not null,
  to_agent text not null,
  parent_id uuid,
  -- The key that gave it, which has to stand as long as the grant does; null for tokens.
  issued_key_id text,
  actions text[] not null,
  purpose text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_by text,
  primary key (tenant, id)
);
create index grants_by_agent on mandate.grants (tenant, to_agent) where revoked_at is null;
alter table mandate.grants enable row level security;
alter table mandate.grants force row level security;
create policy grants_own on mandate.grants using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

create table mandate.agent (
  tenant text not null,
  id text not null,
  registered_at timestamptz not null,
  score double precision not null,
  streak integer not null default 0,
  failures_in_row integer not null default 0,
  gained_today double precision not null default 0,
  gained_day integer not null default 0,
  moved_at timestamptz not null,
  -- Compare-and-set: the law of trust is in the kernel, act_finish() takes its result only for the state it was computed from.
  trust_version bigint not null default 1,
  live_acts integer not null default 0 check (live_acts >= 0),
  slot integer,
  primary key (tenant, id)
) with (fillfactor = 70);
alter table mandate.agent enable row level security;
alter table mandate.agent force row level security;
create policy agent_own on mandate.agent using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- Reserved plus settled, per counter and window. Never above its ceiling, whoever asks at the same time.
create table mandate.limit_use (
  tenant text not null,
  key text not null,
  window_start timestamptz not null,
  used bigint not null,
  primary key (tenant, key, window_start)
) with (fillfactor = 50);
alter table mandate.limit_use enable row level security;
alter table mandate.limit_use force row level security;
create policy limit_use_own on mandate.limit_use using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- Concurrency counts distinct agents with live acts. A slot per agent instead of one counter: starts of
-- different agents then never wait for each other's commit on one hot row.
create table mandate.slot (
  tenant text not null,
  n integer not null,
  agent text,
  primary key (tenant, n)
) with (fillfactor = 50);
create index slot_free on mandate.slot (tenant, n) where agent is null;
alter table mandate.slot enable row level security;
alter table mandate.slot force row level security;
create policy slot_own on mandate.slot using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

create table mandate.act (
  tenant text not null,
  id uuid not null,
  agent text not null,
  action text not null,
  status text not null check (status in ('recorded', 'success', 'failed', 'denied', 'waiting_for_approval', 'permitted', 'executing', 'cancelled', 'expired', 'unknown')),
  tier text not null,
  severity text not null,
  principal text not null,
  user_id text,
  resource_type text,
  resource_id text,
  digest text not null,
  -- The redacted action, for people; and the decision, which holds no secret.
  display jsonb not null,
  decision jsonb not null,
  -- The action, its facts and the door it came through, sealed under the tenant's data key.
  sealed bytea not null,
  sealed_result bytea,
  error text,
  executor text,
  -- What makes a waiting act begin once it is approved: the approval itself, the identical repeat of the call (MCP), or
  -- the agent that fetches its permit.
  runs_on text not null default 'approval' check (runs_on in ('approval', 'repeat', 'permit')),
  cost_micro_usd bigint not null default 0,
  actual_cost_micro_usd bigint,
  reservations jsonb not null default '[]',
  approval_id uuid,
  epoch bigint,
  worker uuid,
  trust_before double precision,
  trust_after double precision,
  confirmed_by text,
  compensates uuid,
  trace_id text,
  created_at timestamptz not null,
  started_at timestamptz,
  start_by timestamptz,
  deadline_at timestamptz,
  ended_at timestamptz,
  primary key (tenant, id)
) with (fillfactor = 85);
create index act_recent on mandate.act (tenant, created_at desc, id desc);
-- The agent first: an index that begins with the tenant alone tempts the planner while the table is small.
create index act_by_agent on mandate.act (agent, tenant, created_at desc);
create index act_live on mandate.act (deadline_at) where status in ('executing', 'permitted');
create index act_waiting on mandate.act (tenant, id) where status = 'waiting_for_approval';
-- What has been undone, or is about to be, is not undone again, whoever asks.
create unique index act_compensates_once on mandate.act (tenant, compensates)
  where compensates is not null and status not in ('denied', 'failed', 'cancelled', 'expired', 'recorded');
create index act_by_resource on mandate.act (tenant, resource_type, resource_id, created_at desc) where resource_id is not null;
alter table mandate.act enable row level security;
alter table mandate.act force row level security;
create policy act_own on mandate.act using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy act_controlled on mandate.act for select to mandate_control using (true);

-- While an act waits it may be decided again; once it has begun, what was decided stands, and what has ended has ended.
create function mandate.act_stands() returns trigger language plpgsql as $$
begin
  raise exception 'act % is % and stands as it was decided', old.id, old.status using errcode = 'MD012';
end $$;
-- Two triggers, because comparing what was sealed means unpacking it: the end of an act names none of these columns.
create trigger act_guard before update of tier, decision, sealed, reservations, cost_micro_usd, approval_id, epoch, worker, started_at, start_by, deadline_at
  on mandate.act for each row
  when (old.status <> 'waiting_for_approval'
    and row(new.tier, new.decision, new.sealed, new.reservations, new.cost_micro_usd, new.approval_id, new.epoch, new.worker, new.started_at, new.start_by, new.deadline_at)
      is distinct from row(old.tier, old.decision, old.sealed, old.reservations, old.cost_micro_usd, old.approval_id, old.epoch, old.worker, old.started_at, old.start_by, old.deadline_at))
  execute function mandate.act_stands();
create trigger act_guard_status before update of status on mandate.act for each row
  when (old.status <> 'waiting_for_approval' and (new.status = 'waiting_for_approval'
    or (old.status not in ('executing', 'permitted', 'unknown') and new.status <> old.status)))
  execute function mandate.act_stands();

create table mandate.idempotency (
  tenant text not null,
  principal text not null,
  key text not null,
  request_digest text not null,
  act_id uuid not null,
  created_at timestamptz not null,
  primary key (tenant, principal, key)
);
alter table mandate.idempotency enable row level security;
alter table mandate.idempotency force row level security;
create policy idempotency_own on mandate.idempotency using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

create table mandate.approval (
  tenant text not null,
  id uuid not null,
  digest text not null,
  subject text not null,
  act_id uuid,
  display jsonb not null,
  requester text not null,
  requester_user text,
  causes text[] not null,
  required_roles text[] not null,
  quorum integer not null check (quorum >= 1),
  four_eyes boolean not null,
  status text not null check (status in ('pending', 'approved', 'denied', 'expired', 'cancelled', 'used')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  decided_at timestamptz,
  used_at timestamptz,
  primary key (tenant, id)
);
create index approval_open on mandate.approval (tenant, digest) where status in ('pending', 'approved');
create index approval_recent on mandate.approval (tenant, created_at desc);
alter table mandate.approval enable row level security;
alter table mandate.approval force row level security;
create policy approval_own on mandate.approval using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy approval_controlled on mandate.approval for select to mandate_control using (true);

create table mandate.vote (
  tenant text not null,
  approval_id uuid not null,
  voter text not null,
  roles text[] not null,
  decision text not null check (decision in ('approve', 'deny')),
  reason text,
  at timestamptz not null,
  primary key (tenant, approval_id, voter)
);
alter table mandate.vote enable row level security;
alter table mandate.vote force row level security;
create policy vote_own on mandate.vote using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- A process that executes. Its acts are `unknown` once nobody renews the lease.
create table mandate.worker (
  id uuid primary key,
  host text not null,
  pid integer not null,
  started_at timestamptz not null,
  -- Real clocks only here: the lease must end although its holder's clock stands still.
  lease_until timestamptz not null
);
comment on table mandate.worker is 'lint: global because a process serves every tenant, and a row tells nothing about any of them';

-- Raises the tenant's revision and wakes every process that holds decisions of it. Called in the transaction
-- of whatever may tighten one: restriction, flag, grant, charter, trust level, consent.
create function mandate.raise_revision(p_tenant text) returns bigint
language plpgsql volatile set search_path = mandate, pg_temp as $$
declare v_revision bigint;
begin
  update mandate.tenant set revision = revision + 1 where tenant = p_tenant returning revision into v_revision;
  if v_revision is null then
    raise exception 'tenant % has no row: nothing can be decided for it', p_tenant using errcode = 'MD000';
  end if;
  perform pg_notify('mandate_revision', '');
  return v_revision;
end $$;

-- The advisory lock that separates starts (shared) from stops (exclusive). '*' is everybody's.
create function mandate.barrier_key(p_tenant text) returns integer
language sql immutable parallel safe as $$ select hashtext('mandate:' || p_tenant) $$;

grant select, insert, update on mandate.tenant, mandate.restriction to mandate_control;
grant select, insert (tenant, created_at), update (revision) on mandate.tenant to mandate_app;
grant select, insert, update (lifted_at, lifted_by, lift_reason) on mandate.restriction to mandate_app;
grant select, insert, update, delete on mandate.resume_request to mandate_app, mandate_control;
grant select, insert, update on mandate.flag, mandate.grants, mandate.agent, mandate.limit_use to mandate_app;
-- Column by column: what was asked for, by whom, and what people were shown and said, is written once.
grant select, insert, update (status, tier, decision, sealed, sealed_result, error, cost_micro_usd, actual_cost_micro_usd, reservations, approval_id,
  epoch, worker, trust_before, trust_after, confirmed_by, started_at, start_by, deadline_at, ended_at) on mandate.act to mandate_app;
grant select, insert, update (status, decided_at, used_at) on mandate.approval to mandate_app;
grant select, insert on mandate.vote to mandate_app;
grant select, insert, update, delete on mandate.slot, mandate.idempotency to mandate_app;
grant delete on mandate.limit_use to mandate_app;
-- The heartbeat has the control login to itself: behind a queue of requests it would come too late.
grant select, insert, update, delete on mandate.worker to mandate_control;
grant select on mandate.worker to mandate_app;
grant select on mandate.act, mandate.approval to mandate_control;
grant execute on function mandate.raise_revision(text), mandate.barrier_key(text) to mandate_app, mandate_control;
