// Asking people. One question is one approval: asked twice while it waits, it is the same one, so that nobody has to
// decide it twice and no two answers to it can differ.
import type { JsonObject } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import { iso } from '../../platform/clock/iso.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Approval } from './approval.ts';
import { findPending, insertApproval, lockApproval, readApprovals, setStatus } from './store.ts';
import type { OpenOrder } from './subject.ts';

export interface OpenNeeds {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
}

/** What no longer has to be decided. */
export interface Withdrawal {
  readonly tenant: string;
  readonly id: string;
  /** For whoever still has it on their screen. */
  readonly why: string;
  readonly by: string;
  readonly traceId: string | null;
}

export interface Opening {
  /** Opens an approval in the caller's transaction, or answers with the one that already asks just this. */
  open(tx: Tx, order: OpenOrder): Promise<Approval>;
  /** Ends a pending approval that has become pointless; false where it is none. */
  withdraw(tx: Tx, withdrawal: Withdrawal): Promise<boolean>;
}

export function createOpening({ clock, chance, writeEntry }: OpenNeeds): Opening {
  return {
    async open(tx, order) {
      const { tenant, subject, digest } = order;
      const nowMs = clock.nowMs();
      // Whoever asks the same at the same moment waits here, and then finds this one.
      await tx`select pg_advisory_xact_lock(hashtext('approval'), hashtext(${`${tenant}/${subject}/${digest}`}))`;
      const known = await findPending(tx, tenant, { subject, digest, nowMs });
      const id = known ?? chance.uuid();
      if (known === null) {
        await insertApproval(tx, {
          ...order,
          id,
          voterRoles: order.voterRoles ?? [],
          escalation: order.escalate ?? [],
          createdMs: nowMs,
        });
        const data: JsonObject = {
          approval: id,
          subject,
          digest,
          title: order.title,
          causes: order.causes,
          requiredRoles: order.requiredRoles,
          quorum: order.quorum,
          expiresAt: iso(order.expiresMs),
        };
        await writeEntry(tx, tenant, {
          kind: 'approval.opened',
          agent: order.agent,
          actId: null,
          actor: order.requester,
          atMs: nowMs,
          traceId: order.traceId,
          data,
        });
      }
      const [approval] = await readApprovals(tx, tenant, { ids: [id] });
      if (approval === undefined) throw new Error(`approval ${id} vanished inside its own transaction`);
      return approval;
    },

    async withdraw(tx, { tenant, id, why, by, traceId }) {
      const row = await lockApproval(tx, tenant, id);
      if (row === null || row.status !== 'pending') return false;
      const nowMs = clock.nowMs();
      await setStatus(tx, { tenant, id }, { status: 'cancelled', why, nowMs });
      await writeEntry(tx, tenant, {
        kind: 'approval.cancelled',
        agent: row.act_agent ?? row.agent,
        actId: row.act_id,
        actor: by,
        atMs: nowMs,
        traceId,
        data: { approval: id, subject: row.subject, digest: row.digest, reason: why },
      });
      return true;
    },
  };
}
