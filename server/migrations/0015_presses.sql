-- What people press in chats. A provider sends the same press again when it is unsure whether it was taken (WhatsApp for
-- days), and somebody else may send a recorded one: each is taken once, in the transaction of the vote that it casts.
create table mandate.press (
  tenant text not null,
  kind text not null check (kind in ('slack', 'telegram', 'whatsapp')),
  -- SHA-256 of the provider's own id of the press.
  id text not null,
  approval_id uuid not null,
  user_id text not null,
  decision text not null check (decision in ('approve', 'deny')),
  -- Whether the vote was taken, and what the person was told. Both are written once, before the transaction ends.
  counted boolean not null default false,
  said text not null default '',
  at timestamptz not null,
  primary key (tenant, kind, id)
);
create index press_recent on mandate.press (tenant, at);
alter table mandate.press enable row level security;
alter table mandate.press force row level security;
create policy press_own on mandate.press using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert, delete on mandate.press to mandate_app;
grant update (counted, said) on mandate.press to mandate_app;

-- WhatsApp takes free messages for 24 hours after somebody has written, and templates at any time.
create table mandate.whatsapp_window (
  tenant text not null,
  channel text not null,
  number text not null,
  open_until timestamptz not null,
  primary key (tenant, channel, number)
);
alter table mandate.whatsapp_window enable row level security;
alter table mandate.whatsapp_window force row level security;
create policy whatsapp_window_own on mandate.whatsapp_window using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
grant select, insert, delete on mandate.whatsapp_window to mandate_app;
grant update (open_until) on mandate.whatsapp_window to mandate_app;

-- A message that was taken may come back: the provider then names it by what it called it.
create index delivery_reference on mandate.delivery (tenant, reference) where reference is not null;
