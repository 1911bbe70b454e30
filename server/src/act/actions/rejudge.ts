// A waiting act that was decided again and may not begin after all. People approved it for certain causes; when
// there are more of them now they are asked again, and when it has become forbidden it ends.
import type { Decision, JsonObject } from '@mandate/kernel';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { WriteActEntry } from './act.ts';
import type { Journey } from './draft.ts';
import { draftApproval } from './draft.ts';

export interface RejudgeNeeds {
  readonly store: Store;
  readonly uuid: () => string;
  readonly writeEntry: WriteActEntry;
}

/** What a stop, a freeze or a full limit holds back keeps waiting: it may begin once that is lifted. */
const PASSING: ReadonlySet<Decision['code']> = new Set([
  'stopped',
  'frozen',
  'limit_exceeded',
  'throttled',
  'recorded',
]);

export type Rejudge = (journey: Journey, decision: Decision, nowMs: number) => Promise<void>;

export function createRejudge({ store, uuid, writeEntry }: RejudgeNeeds): Rejudge {
  return async (journey, decision, nowMs) => {
    if (PASSING.has(decision.code)) return;
    const { asker, action, id } = journey;
    const { tenant } = asker;
    await store.withTenant(tenant, async (tx) => {
      // The approval before the act, as everywhere: the other order deadlocks with a start that uses it.
      // One that has run out is left to expire with its act: what nobody used in time is not asked for again by itself.
      const spent = await tx`
        update mandate.approval set status = 'cancelled'
        where tenant = ${tenant} and act_id = ${id} and status = 'approved' and expires_at > ${new Date(nowMs)}`;
      const [waiting] =
        await tx`select 1 from mandate.act where tenant = ${tenant} and id = ${id} and status = 'waiting_for_approval' for update`;
      if (waiting === undefined || spent.count === 0) return;
      const entry = (kind: string, data: JsonObject) =>
        writeEntry(tx, tenant, {
          kind,
          agent: action.agent,
          actId: id,
          actor: 'mandate:pipeline',
          atMs: nowMs,
          traceId: asker.traceId,
          data: { action: action.action, reasons: decision.reasons, ...data },
        });
      if (decision.effect !== 'hold') {
        await tx`
          update mandate.act set status = 'denied', error = ${decision.reasons.join(' ')}, ended_at = ${new Date(nowMs)}, decision = ${jsonb(tx, decision)}
          where tenant = ${tenant} and id = ${id}`;
        await entry('action.denied', { code: decision.code });
        return;
      }
      const approval = draftApproval(journey, decision, uuid(), nowMs);
      await tx`
        insert into mandate.approval (tenant, id, digest, subject, act_id, display, requester, requester_user, causes, required_roles, quorum, four_eyes, status, created_at, expires_at, editors)
        select ${tenant}, ${approval.id}, digest, 'action', id, display, ${approval.requester}, ${approval.requesterUser}, ${[...approval.causes]},
          ${[...approval.requiredRoles]}, ${approval.quorum}, ${approval.fourEyes}, 'pending', ${new Date(nowMs)}, ${new Date(approval.expiresMs)},
          coalesce((select a.editors from mandate.approval a where a.tenant = ${tenant} and a.id = x.approval_id), '{}')
        from mandate.act x where x.tenant = ${tenant} and x.id = ${id}`;
      await tx`update mandate.act set approval_id = ${approval.id}, decision = ${jsonb(tx, decision)} where tenant = ${tenant} and id = ${id}`;
      await entry('action.held', { approval: approval.id, causes: decision.causes });
    });
  };
}
