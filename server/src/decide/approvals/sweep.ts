// What becomes of approvals that nobody decides: after a while the next in line is told and may vote, and in the end
// they expire. Every process looks; each step has one winner, because it is taken under the lock of the row.
import type { EscalationStep, JsonObject } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { iso } from '../../platform/clock/iso.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { lockApproval, readApprovals, setStatus } from './store.ts';
import type { SubjectOf } from './subject.ts';

export interface Sweep {
  /** How many were handed on and how many that wait on no act expired. */
  (): Promise<{ readonly escalated: number; readonly expired: number }>;
}

export interface SweepNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly writeEntry: WriteEntry;
  readonly subjectOf: SubjectOf;
}

interface Place {
  readonly tenant: string;
  readonly id: string;
}

const BATCH = 100;

export function createSweep({ store, clock, writeEntry, subjectOf }: SweepNeeds): Sweep {
  return async () => {
    const nowMs = clock.nowMs();
    await planEscalations(store);
    let escalated = 0;
    // Several steps of one approval may be due at once, after a pause or a jump of the clock.
    for (;;) {
      const due = await store.control<Place[]>`
        select tenant, id from mandate.approval
        where status = 'pending' and escalate_at <= ${new Date(nowMs)} and expires_at > ${new Date(nowMs)} order by escalate_at limit ${BATCH}`;
      let taken = 0;
      for (const { tenant, id } of due)
        taken += await store.withTenant(tenant, (tx) => escalate(tx, { tenant, id }, nowMs));
      escalated += taken;
      if (due.length === 0 || taken === 0) break;
    }
    const over = await store.control<Place[]>`
      select tenant, id from mandate.approval where status = 'pending' and act_id is null and expires_at <= ${new Date(nowMs)} limit ${BATCH}`;
    let expired = 0;
    for (const { tenant, id } of over)
      expired += await store.withTenant(tenant, (tx) => expire(tx, { tenant, id }, nowMs));
    return { escalated, expired };
  };

  async function escalate(tx: Tx, { tenant, id }: Place, nowMs: number): Promise<number> {
    const [row] = await tx<
      {
        escalation: EscalationStep[];
        escalated: number;
        created_at: number;
        agent: string | null;
        act_id: string | null;
        digest: string;
        subject: string;
        trace_id: string | null;
      }[]
    >`
      select escalation, escalated, created_at, agent, act_id, digest, subject, trace_id from mandate.approval
      where tenant = ${tenant} and id = ${id} and status = 'pending' and escalate_at <= ${new Date(nowMs)} for update`;
    const step = row?.escalation[row.escalated];
    if (row === undefined || step === undefined) return 0;
    const next = row.escalation[row.escalated + 1];
    await tx`
      update mandate.approval set escalated = escalated + 1, escalated_to = array_append(escalated_to, ${step.to}),
        escalate_at = ${next === undefined ? null : new Date(row.created_at + next.afterMs)}
      where tenant = ${tenant} and id = ${id}`;
    const [approval] = await readApprovals(tx, tenant, { ids: [id] });
    const data: JsonObject = {
      approval: id,
      subject: row.subject,
      digest: row.digest,
      to: step.to,
      afterMs: step.afterMs,
      step: row.escalated + 1,
      title: approval?.title ?? '',
    };
    await writeEntry(tx, tenant, {
      kind: 'approval.escalated',
      agent: approval?.agent || null,
      actId: row.act_id,
      actor: 'mandate:upkeep',
      atMs: nowMs,
      traceId: row.trace_id,
      data,
    });
    return 1;
  }

  async function expire(tx: Tx, { tenant, id }: Place, nowMs: number): Promise<number> {
    const row = await lockApproval(tx, tenant, id);
    if (row === null || row.status !== 'pending' || row.expires_at > nowMs) return 0;
    await setStatus(tx, { tenant, id }, { status: 'expired', nowMs });
    await writeEntry(tx, tenant, {
      kind: 'approval.expired',
      agent: row.agent,
      actId: null,
      actor: 'mandate:upkeep',
      atMs: nowMs,
      traceId: row.trace_id,
      data: { approval: id, subject: row.subject, digest: row.digest, expiredAt: iso(row.expires_at) },
    });
    const [approval] = await readApprovals(tx, tenant, { ids: [id] });
    if (approval !== undefined)
      await subjectOf(row.subject)?.ended?.(tx, {
        ...approval,
        tenant,
        content: row.content ?? {},
        approvedBy: [],
        nowMs,
        traceId: row.trace_id,
      });
    return 1;
  }
}

/** An approval of an action learns who is next from the decision that asked for it, once. */
async function planEscalations(store: Store): Promise<void> {
  const tenants = await store.control<{ tenant: string }[]>`
    select distinct tenant from mandate.approval where status = 'pending' and escalation is null`;
  for (const { tenant } of tenants) {
    await store.withTenant(tenant, async (tx) => {
      await tx`
        update mandate.approval a set escalation = p.plan, escalate_at = case when jsonb_array_length(p.plan) > 0
          then a.created_at + make_interval(secs => (p.plan -> 0 ->> 'afterMs')::double precision / 1000) end
        from (
          select w.id, coalesce(x.decision #> '{approval,escalate}', '[]') as plan
          from mandate.approval w left join mandate.act x on x.tenant = w.tenant and x.id = w.act_id
          where w.tenant = ${tenant} and w.status = 'pending' and w.escalation is null
        ) p
        where a.tenant = ${tenant} and a.id = p.id and a.status = 'pending' and a.escalation is null`;
    });
  }
}
