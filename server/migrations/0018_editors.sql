-- Who wrote what an approval asks for where that is not who asked: under four eyes none of them approves it.
alter table mandate.approval add column editors text[] not null default '{}';
grant update (editors) on mandate.approval to mandate_app;

create function mandate.approval_keeps_editors() returns trigger language plpgsql as $$
begin
  raise exception 'approval % keeps its editors', old.id using errcode = 'MD014';
end $$;
create trigger approval_editors before update of editors on mandate.approval for each row
  when (not (old.editors <@ new.editors))
  execute function mandate.approval_keeps_editors();
