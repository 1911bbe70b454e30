-- What an MCP server says of its tools is what a model acts upon. It is pinned as it was first seen; once it changes,
-- calls of that tool wait (a restriction with floor red) until people have accepted what it says now.
create table mandate.tool (
  tenant text not null,
  upstream text not null,
  name text not null,
  -- SHA-256 over the canonical form of all that a model is told: description, schemas, annotations.
  hash text not null,
  told jsonb not null,
  pinned_at timestamptz not null,
  pinned_by text not null,
  -- What it says now, where that is not what was accepted.
  changed_hash text,
  changed_told jsonb,
  changed_at timestamptz,
  restriction_id uuid,
  approval_id uuid,
  primary key (tenant, upstream, name),
  constraint tool_changed_whole check ((changed_hash is null) = (changed_told is null) and (changed_hash is null) = (changed_at is null)
    and (changed_hash is null) = (restriction_id is null))
);
alter table mandate.tool enable row level security;
alter table mandate.tool force row level security;
create policy tool_own on mandate.tool using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert, update, delete on mandate.tool to mandate_app;
