-- Where each governed set stands on its ladder of phases. What is enforced are restrictions of kind `phase`; these rows
-- say which they are, how the phase came about, and what people must be told before it changes again.

create table mandate.governed_set (
  tenant text not null,
  name text not null,
  phase text not null,
  -- Names from the strictest to the freest, as the charter had them when it last came into force: a phase that a later
  -- charter drops falls to the next lower one of these.
  ladder text[] not null check (cardinality(ladder) > 0),
  -- When the current phase began, and how.
  since timestamptz not null,
  entered text not null check (entered in ('governed', 'risen', 'fallen')),
  previous text,
  -- When it was first governed, or again after a charter without it.
  governed_at timestamptz not null,
  -- When it last fell; null where it never did.
  fallen_at timestamptz,
  -- How often it has changed: whoever was asked about one state must not decide about another.
  changes integer not null,
  -- The restrictions that enforce it, one for each pattern.
  restrictions uuid[] not null,
  -- When a charter dropped it; null while it is governed.
  dropped_at timestamptz,
  primary key (tenant, name)
);
alter table mandate.governed_set enable row level security;
alter table mandate.governed_set force row level security;
create policy governed_set_own on mandate.governed_set using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
-- What recurs by itself asks which tenants have anything governed.
create policy governed_set_seen on mandate.governed_set for select to mandate_control using (true);

-- Every change, written once.
create table mandate.phase_change (
  tenant text not null,
  governed_set text not null,
  number integer not null,
  kind text not null check (kind in ('governed', 'risen', 'fallen', 'rewritten', 'dropped')),
  from_phase text,
  to_phase text,
  cause text not null,
  actor text not null,
  at timestamptz not null,
  act_id uuid,
  approval_id uuid,
  trace_id text,
  primary key (tenant, governed_set, number)
);
alter table mandate.phase_change enable row level security;
alter table mandate.phase_change force row level security;
create policy phase_change_own on mandate.phase_change using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

create index approval_proposed on mandate.approval (tenant, (content ->> 'set'), created_at desc) where subject = 'proposal';

grant select, insert, update on mandate.governed_set to mandate_app;
grant select on mandate.governed_set to mandate_control;
grant select, insert on mandate.phase_change to mandate_app;
