-- One append-only table, written in the transaction that it tells of. Readers go by `position`, which the
-- sequencer gives after commit: an `id > last` scan would skip the rows of transactions that commit late.
create table mandate.journal (
  tenant text not null,
  id bigint generated always as identity,
  position bigint,
  kind text not null,
  agent text,
  act_id uuid,
  -- Which principal caused it.
  actor text not null,
  at timestamptz not null,
  trace_id text,
  -- Canonical JSON text, redacted. Text and not jsonb: a hash over it must not depend on a database version.
  data text not null,
  primary key (tenant, id)
);
create index journal_unsequenced on mandate.journal (id) where position is null;
create unique index journal_position on mandate.journal (position) where position is not null;
comment on index mandate.journal_position is 'lint: global because the sequencer alone writes it and no tenant can choose a value';
create index journal_feed on mandate.journal (tenant, position) where position is not null;
create index journal_by_act on mandate.journal (tenant, act_id, id);
alter table mandate.journal enable row level security;
alter table mandate.journal force row level security;
create policy journal_own on mandate.journal using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
create policy journal_controlled on mandate.journal for insert to mandate_control with check (true);
create policy journal_sequenced on mandate.journal to mandate_sequencer using (true) with check (true);

create function mandate.journal_is_append_only() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.position is null and new.position is not null
     and row(new.tenant, new.id, new.kind, new.agent, new.act_id, new.actor, new.at, new.trace_id, new.data)
         is not distinct from row(old.tenant, old.id, old.kind, old.agent, old.act_id, old.actor, old.at, old.trace_id, old.data) then
    return new;
  end if;
  raise exception 'the journal is append-only: % refused', lower(tg_op) using errcode = 'MD010';
end $$;
create trigger journal_guard before update or delete on mandate.journal for each row execute function mandate.journal_is_append_only();
create trigger journal_keep before truncate on mandate.journal for each statement execute function mandate.journal_is_append_only();

-- How far each named reader has come. Delivery is at least once, under the entry's position as message id.
create table mandate.consumer (
  tenant text not null,
  name text not null,
  position bigint not null,
  updated_at timestamptz not null,
  primary key (tenant, name)
);
alter table mandate.consumer enable row level security;
alter table mandate.consumer force row level security;
create policy consumer_own on mandate.consumer using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

-- Writes journal entries: [{kind, agent, actId, actor, at, traceId, data}], `data` being canonical JSON text.
create function mandate.journal_write(p_tenant text, p_entries jsonb) returns void
language sql volatile as $$
  insert into mandate.journal (tenant, kind, agent, act_id, actor, at, trace_id, data)
  select p_tenant, e->>'kind', e->>'agent', (e->>'actId')::uuid, e->>'actor', to_timestamp((e->>'atMs')::double precision / 1000), e->>'traceId', e->>'data'
  from jsonb_array_elements(p_entries) e
$$;

-- Never `position`: whoever could choose one could leave the sequencer no number to go on with.
grant select, insert (tenant, kind, agent, act_id, actor, at, trace_id, data) on mandate.journal to mandate_app;
grant insert (tenant, kind, agent, act_id, actor, at, trace_id, data) on mandate.journal to mandate_control;
grant select on mandate.journal to mandate_sequencer;
grant update (position) on mandate.journal to mandate_sequencer;
grant select, insert, update on mandate.consumer to mandate_app;
grant execute on function mandate.journal_write(text, jsonb) to mandate_app, mandate_control;
