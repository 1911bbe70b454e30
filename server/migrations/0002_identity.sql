-- Who may ask at all: the data keys that each tenant's secrets are sealed under, the keys that people, agents
-- and machines present, and the signed requests that have been seen and must not be seen again.

-- A tenant's data keys, wrapped by the master key, which never enters the database. Deleting a tenant's rows
-- makes everything that was sealed for it unreadable, in every backup as well.
create table mandate.tenant_key (
  tenant text not null,
  -- Stands in the envelope of every sealed value, so that older values open after a rotation.
  key_no integer not null check (key_no > 0),
  wrapped bytea not null,
  -- Which master key wrapped it (the first hex digits of a hash, no secret).
  master_id text not null,
  created_at timestamptz not null,
  primary key (tenant, key_no)
);
alter table mandate.tenant_key enable row level security;
alter table mandate.tenant_key force row level security;
create policy tenant_key_own on mandate.tenant_key using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

create table mandate.api_key (
  tenant text not null,
  id text not null,
  -- HMAC-SHA-256 of the key's text under a pepper that is derived from the master key.
  mac bytea not null check (octet_length(mac) = 32),
  master_id text not null,
  label text not null,
  -- Which agents it may speak for; null is any.
  agents text[],
  user_id text,
  user_email text,
  user_scopes text[],
  roles text[] not null check (cardinality(roles) > 0),
  -- Permission patterns that narrow what the roles allow; null leaves them as they are.
  scopes text[],
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  primary key (tenant, id),
  constraint api_key_user_whole check ((user_id is null) = (user_scopes is null) and (user_email is null or user_id is not null)),
  -- Agents never approve, resume, unfreeze or change flags: no key is an agent's and a person's at once.
  constraint api_key_agent_only check (not ('agent' = any (roles)) or cardinality(roles) = 1),
  constraint api_key_revoked_whole check ((revoked_at is null) = (revoked_by is null))
);
create unique index api_key_mac on mandate.api_key (mac);
comment on index mandate.api_key_mac is 'lint: global because the tenant is learnt from it; nobody can choose an HMAC under a pepper that only the server knows';
create unique index api_key_id on mandate.api_key (id);
comment on index mandate.api_key_id is 'lint: global because a signed request names only its key id; ids are random and made by the server alone';
alter table mandate.api_key enable row level security;
alter table mandate.api_key force row level security;
create policy api_key_own on mandate.api_key using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
-- Only for the function below, which is the owner's: nobody can log in as the owner.
create policy api_key_found on mandate.api_key for select to mandate_owner using (true);

-- The narrow door through which a key is looked up before its tenant is known: it answers whoever already holds
-- the HMAC of a key, or the id of a key whose signature is checked right after, with that one row.
create function mandate.find_api_key(p_macs bytea[], p_id text) returns table (
  tenant text, id text, master_id text, label text, agents jsonb, user_id text, user_email text, user_scopes jsonb,
  roles jsonb, scopes jsonb, created_at timestamptz, created_by text, expires_at timestamptz, revoked_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- Two statements, each with one index and a plan that is kept; plpgsql, because a function in SQL is planned anew
  -- by each call, and every request makes this call.
  if p_id is null then
    return query select k.tenant, k.id, k.master_id, k.label, to_jsonb(k.agents), k.user_id, k.user_email, to_jsonb(k.user_scopes),
      to_jsonb(k.roles), to_jsonb(k.scopes), k.created_at, k.created_by, k.expires_at, k.revoked_at
    from mandate.api_key k where k.mac = any (p_macs) limit 1;
  else
    return query select k.tenant, k.id, k.master_id, k.label, to_jsonb(k.agents), k.user_id, k.user_email, to_jsonb(k.user_scopes),
      to_jsonb(k.roles), to_jsonb(k.scopes), k.created_at, k.created_by, k.expires_at, k.revoked_at
    from mandate.api_key k where k.id = p_id;
  end if;
end
$$;

-- Message ids of signed requests, kept until their timestamp is too old to be taken anyway.
create table mandate.signed_request (
  tenant text not null,
  key_id text not null,
  message_id text not null,
  forget_at timestamptz not null,
  primary key (tenant, key_id, message_id)
);
create index signed_request_old on mandate.signed_request (tenant, forget_at);
alter table mandate.signed_request enable row level security;
alter table mandate.signed_request force row level security;
create policy signed_request_own on mandate.signed_request using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());

grant select, insert, update, delete on mandate.tenant_key to mandate_app;
grant select, insert on mandate.api_key to mandate_app;
grant update (revoked_at, revoked_by) on mandate.api_key to mandate_app;
grant execute on function mandate.find_api_key(bytea[], text) to mandate_app;
grant select, insert, delete on mandate.signed_request to mandate_app;
-- `for update skip locked` wants the right to update something; it keeps two cleanings from waiting for each other.
grant update (forget_at) on mandate.signed_request to mandate_app;
