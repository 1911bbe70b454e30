-- One approval mechanism for every subject: what it is about when there is no act, whose turn it is next, what a voter
-- was shown and when, and the exact action that people let run again for a while.

alter table mandate.approval
  -- In one line, for lists and messages; null where the act says it.
  add column title text,
  -- Whom and what it concerns where no act waits.
  add column agent text,
  add column action text,
  -- What the subject needs to be carried out; covered by the digest.
  add column content jsonb,
  -- Which roles may vote where none is required; empty: every approver role.
  add column voter_roles text[] not null default '{}',
  -- [{afterMs, to}]; null until it has been looked up for an action.
  add column escalation jsonb,
  add column escalated integer not null default 0,
  add column escalated_to text[] not null default '{}',
  -- When the next in line is told; null: nobody is next.
  add column escalate_at timestamptz,
  -- The approval of what somebody made of this one, and the other way round.
  add column replaced_by uuid,
  add column replaces uuid,
  -- Why it ended otherwise than by votes.
  add column ended_why text,
  add column trace_id text;
create index approval_unplanned on mandate.approval (tenant, id) where status = 'pending' and escalation is null;
create index approval_escalating on mandate.approval (escalate_at) where status = 'pending' and escalate_at is not null;
create index approval_by_subject on mandate.approval (tenant, subject) where status = 'pending' and act_id is null;
grant update (escalation, escalated, escalated_to, escalate_at, replaced_by, replaces, ended_why) on mandate.approval to mandate_app;

alter table mandate.vote
  -- For which roles the vote counts and in whose place: [{role, via, of}].
  add column capacities jsonb not null default '[]',
  -- How long the voter wants the identical action to run without asking again.
  add column remember_ms bigint,
  -- When the voter was first shown what was decided; null: never by us.
  add column shown_at timestamptz,
  add column channel text not null default 'api';
create index vote_recent on mandate.vote (tenant, at);

-- What each voter was shown first, and where.
create table mandate.approval_shown (
  tenant text not null,
  approval_id uuid not null,
  person text not null,
  channel text not null,
  at timestamptz not null,
  primary key (tenant, approval_id, person)
);
alter table mandate.approval_shown enable row level security;
alter table mandate.approval_shown force row level security;
create policy approval_shown_own on mandate.approval_shown using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert on mandate.approval_shown to mandate_app;

-- A stop is lifted by the control login, also where no server runs, and two persons agree to it by an approval.
create policy approval_agreed on mandate.approval to mandate_control using (true) with check (true);
create policy vote_agreed on mandate.vote to mandate_control using (true) with check (true);
grant insert, update (status, decided_at, used_at, ended_why) on mandate.approval to mandate_control;
grant select, insert on mandate.vote to mandate_control;
drop table mandate.resume_request;

-- Grants of kind `signature`: exactly this action again, for the causes that people saw.
alter table mandate.grants
  add column signature text,
  add column causes text[] not null default '{}',
  add column approval_id uuid,
  add column required_roles text[] not null default '{}',
  add column quorum integer not null default 1,
  add column four_eyes boolean not null default false,
  add constraint grants_signature check ((kind = 'signature') = (signature is not null));
create index grants_by_signature on mandate.grants (tenant, signature) where kind = 'signature' and revoked_at is null;

create policy approval_shown_agreed on mandate.approval_shown for select to mandate_control using (true);
grant select on mandate.approval_shown to mandate_control;
