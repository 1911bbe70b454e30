-- One key may be sent by many: by a client that repeats a question whose answer was lost, and by another one that asks
-- the same. Only the first may read the permit again, so a question names itself (Mandate-Attempt), and its key keeps
-- that name. null: it had none.
alter table mandate.idempotency add column attempt text;

-- As in 0006, and the key keeps the attempt.
create or replace function mandate.act_start(
  p_tenant text, p_now timestamptz, p_revision bigint, p_act jsonb, p_sealed bytea,
  p_start_score double precision, p_slots integer, p_approval uuid, p_idempotency jsonb, p_journal jsonb
) returns jsonb language plpgsql volatile as $$
declare v_revision bigint; v_epoch bigint; v_existing mandate.idempotency;
begin
  perform mandate.enter_road(p_tenant);
  perform pg_advisory_xact_lock_shared(mandate.barrier_key('*'));
  perform pg_advisory_xact_lock_shared(mandate.barrier_key(p_tenant));
  -- A statement of its own: its snapshot is taken after the barrier, so that a confirmed stop is in it.
  select mandate.revision_of(p_tenant), (select sum(epoch) from mandate.tenant where tenant in ('*', p_tenant)) into v_revision, v_epoch;
  if v_revision is null then return jsonb_build_object('outcome', 'stopped'); end if;
  if v_revision <> p_revision then return jsonb_build_object('outcome', 'stale', 'revision', v_revision); end if;

  if p_idempotency is not null then
    insert into mandate.idempotency (tenant, principal, key, request_digest, act_id, created_at, attempt)
    values (p_tenant, p_idempotency->>'principal', p_idempotency->>'key', p_idempotency->>'digest', (p_act->>'id')::uuid, p_now, p_idempotency->>'attempt')
    on conflict do nothing;
    if not found then
      select * into v_existing from mandate.idempotency
      where tenant = p_tenant and principal = p_idempotency->>'principal' and key = p_idempotency->>'key';
      return jsonb_build_object('outcome', 'duplicate', 'actId', v_existing.act_id, 'digest', v_existing.request_digest, 'attempt', v_existing.attempt);
    end if;
  end if;

  perform mandate.agent_enter(p_tenant, p_act->>'agent', p_now, p_start_score, p_slots);

  if p_approval is not null then
    update mandate.approval set status = 'used', used_at = p_now
    where tenant = p_tenant and id = p_approval and status = 'approved' and expires_at > p_now and digest = p_act->>'digest';
    if not found then
      raise exception 'approval % is no longer there to be used', p_approval using errcode = 'MD003', detail = 'approval';
    end if;
    update mandate.act set
      status = p_act->>'status', tier = p_act->>'tier', decision = p_act->'decision', sealed = p_sealed,
      reservations = p_act->'reservations', cost_micro_usd = (p_act->>'costMicroUsd')::bigint, approval_id = p_approval,
      epoch = v_epoch, worker = (p_act->>'worker')::uuid, started_at = p_now,
      start_by = to_timestamp((p_act->>'startByMs')::double precision / 1000),
      deadline_at = to_timestamp((p_act->>'deadlineMs')::double precision / 1000)
    where tenant = p_tenant and id = (p_act->>'id')::uuid and status = 'waiting_for_approval';
    if not found then
      raise exception 'act % is not waiting any more', p_act->>'id' using errcode = 'MD003', detail = 'act';
    end if;
  else
    perform mandate.act_insert(p_tenant, p_now, p_act, p_sealed, v_epoch);
  end if;
  perform mandate.journal_write(p_tenant, p_journal);
  -- Last, so that the counters that all agents of a tenant share are locked for the commit and for nothing before it:
  -- with 16 clients under one hot ceiling up to half as many acts more start in a second.
  perform mandate.reserve(p_tenant, p_act->'reservations');
  return jsonb_build_object('outcome', 'started', 'epoch', v_epoch);
end $$;

-- As in 0006, and the key keeps the attempt.
create or replace function mandate.act_record(
  p_tenant text, p_now timestamptz, p_act jsonb, p_sealed bytea, p_approval jsonb, p_attach boolean, p_idempotency jsonb, p_journal jsonb
) returns jsonb language plpgsql volatile as $$
declare v_existing mandate.idempotency; v_open mandate.approval;
begin
  perform mandate.enter_road(p_tenant);
  if p_idempotency is not null then
    insert into mandate.idempotency (tenant, principal, key, request_digest, act_id, created_at, attempt)
    values (p_tenant, p_idempotency->>'principal', p_idempotency->>'key', p_idempotency->>'digest', (p_act->>'id')::uuid, p_now, p_idempotency->>'attempt')
    on conflict do nothing;
    if not found then
      select * into v_existing from mandate.idempotency
      where tenant = p_tenant and principal = p_idempotency->>'principal' and key = p_idempotency->>'key';
      return jsonb_build_object('outcome', 'duplicate', 'actId', v_existing.act_id, 'digest', v_existing.request_digest, 'attempt', v_existing.attempt);
    end if;
  end if;
  if p_approval is not null then
    if p_attach then
      perform pg_advisory_xact_lock(hashtext('attach'), hashtext(p_tenant || (p_act->>'digest')));
      select a.* into v_open from mandate.approval a join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
      where a.tenant = p_tenant and a.digest = p_act->>'digest' and a.requester = p_approval->>'requester'
        and a.status in ('pending', 'approved') and a.expires_at > p_now and x.status = 'waiting_for_approval'
      order by a.created_at limit 1;
      if found then
        -- The act of this request's own was never written: its key has to lead to the one that it joined.
        if p_idempotency is not null then
          update mandate.idempotency set act_id = v_open.act_id
          where tenant = p_tenant and principal = p_idempotency->>'principal' and key = p_idempotency->>'key';
        end if;
        return jsonb_build_object('outcome', 'attached', 'actId', v_open.act_id, 'approvalId', v_open.id);
      end if;
    end if;
    insert into mandate.approval (tenant, id, digest, subject, act_id, display, requester, requester_user, causes, required_roles, quorum, four_eyes, status, created_at, expires_at)
    values (p_tenant, (p_approval->>'id')::uuid, p_act->>'digest', 'action', (p_act->>'id')::uuid, p_act->'display',
      p_approval->>'requester', p_approval->>'requesterUser',
      array(select jsonb_array_elements_text(p_approval->'causes')), array(select jsonb_array_elements_text(p_approval->'requiredRoles')),
      (p_approval->>'quorum')::integer, (p_approval->>'fourEyes')::boolean, 'pending', p_now,
      to_timestamp((p_approval->>'expiresMs')::double precision / 1000));
  end if;
  perform mandate.act_insert(p_tenant, p_now, p_act, p_sealed, null);
  perform mandate.journal_write(p_tenant, p_journal);
  return jsonb_build_object('outcome', 'recorded');
end $$;
