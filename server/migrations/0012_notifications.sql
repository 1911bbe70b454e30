-- What people are told, and how far telling them has come. The reader of the journal writes deliveries in the same
-- transaction as its position; a digest moves its own position in the same transaction as the delivery that tells it.

-- One row for each channel: what has been told there up to `from_position`, and when the rest is due.
create table mandate.digest (
  tenant text not null,
  channel text not null,
  from_position bigint not null,
  -- Since when `from_position` stands: a digest does not reach back over days in which there was nothing to tell.
  since timestamptz not null,
  -- When the first thing worth telling came; null while there is none.
  opened_at timestamptz,
  due_at timestamptz,
  -- Named by a program (registerChannel) and not by the charter.
  registered boolean not null default false,
  primary key (tenant, channel),
  constraint digest_due_whole check ((opened_at is null) = (due_at is null))
);
create index digest_open on mandate.digest (due_at) where due_at is not null;
alter table mandate.digest enable row level security;
alter table mandate.digest force row level security;
create policy digest_own on mandate.digest using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy digest_watched on mandate.digest for select to mandate_control using (true);

-- One message to one recipient. `id` is its message id, the same on every try.
create table mandate.delivery (
  tenant text not null,
  id uuid not null,
  channel text not null,
  recipient text not null,
  -- The person, where it was sent to somebody's own address.
  user_id text,
  kind text not null check (kind in ('digest', 'approval', 'act', 'event', 'test')),
  urgent boolean not null,
  -- What it is about: the same thing is never put down twice for the same recipient.
  key text not null,
  -- Made of the journal, which is redacted. Links with tokens in them are made when it is sent and stand nowhere.
  content jsonb not null,
  content_bytes integer not null,
  -- cancelled: what it asked for was decided before it was sent, or sent again.
  status text not null check (status in ('pending', 'sending', 'sent', 'dead', 'cancelled')),
  tries integer not null default 0,
  -- An earlier try may have arrived: the next one says that it may be a copy.
  in_doubt boolean not null default false,
  next_at timestamptz not null,
  -- When `next_at` was set: where that lies ahead, the clock has been put back since, and waiting would take too long.
  planned_at timestamptz not null,
  -- Real clocks only here: a process that died while sending must be noticed although clocks of tests stand still.
  lease_until timestamptz,
  last_error text,
  reference text,
  created_at timestamptz not null,
  sent_at timestamptz,
  died_at timestamptz,
  replays integer not null default 0,
  primary key (tenant, id)
);
create unique index delivery_once on mandate.delivery (tenant, channel, recipient, key);
create index delivery_waiting on mandate.delivery (next_at) where status in ('pending', 'sending');
create index delivery_recent on mandate.delivery (tenant, created_at desc, id desc);
create index delivery_dead on mandate.delivery (tenant, died_at) where status = 'dead';
alter table mandate.delivery enable row level security;
alter table mandate.delivery force row level security;
create policy delivery_own on mandate.delivery using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy delivery_watched on mandate.delivery for select to mandate_control using (true);

-- Who had dead letters sent again, and how many: the flags rate.replay.per5m and budget.replay.* bind.
create table mandate.replay (
  tenant text not null,
  id uuid not null,
  by_principal text not null,
  at timestamptz not null,
  deliveries integer not null,
  bytes bigint not null,
  primary key (tenant, id)
);
create index replay_recent on mandate.replay (tenant, at desc);
alter table mandate.replay enable row level security;
alter table mandate.replay force row level security;
create policy replay_own on mandate.replay using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

grant select, insert, delete on mandate.digest to mandate_app;
grant update (from_position, since, opened_at, due_at, registered) on mandate.digest to mandate_app;
grant select, insert, delete on mandate.delivery to mandate_app;
grant update (status, tries, in_doubt, next_at, planned_at, lease_until, last_error, reference, sent_at, died_at, replays) on mandate.delivery to mandate_app;
grant select, insert, delete on mandate.replay to mandate_app;

-- Control finds out for which tenants there is something to do, and sees nothing of what it is.
grant select (tenant, channel, opened_at, due_at) on mandate.digest to mandate_control;
grant select (tenant, id, channel, urgent, status, next_at, planned_at, lease_until) on mandate.delivery to mandate_control;
create policy journal_watched on mandate.journal for select to mandate_control using (true);
grant select (tenant, position) on mandate.journal to mandate_control;
create policy consumer_watched on mandate.consumer for select to mandate_control using (true);
grant select (tenant, name, position) on mandate.consumer to mandate_control;

-- Whoever upgrades has a journal already. People are told of what comes, not of the years before.
alter table mandate.journal no force row level security;
alter table mandate.consumer no force row level security;
alter table mandate.tenant no force row level security;
insert into mandate.consumer (tenant, name, position, updated_at)
  select tenant, 'notifications', max(position), now() from mandate.journal where position is not null and tenant <> '*' group by tenant;
insert into mandate.consumer (tenant, name, position, updated_at)
  select t.tenant, 'notifications-everybody', j.position, now()
  from mandate.tenant t cross join (select max(position) as position from mandate.journal where tenant = '*') j
  where t.tenant <> '*' and j.position is not null;
alter table mandate.journal force row level security;
alter table mandate.consumer force row level security;
alter table mandate.tenant force row level security;
