// Proposals that have become pointless are taken back, so that nobody approves what can no longer happen. What somebody
// is voting on at this very moment is left alone: that vote waits for us, and then finds that it no longer holds.
import type { GovernedSet } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import { whyOutgrown } from './proposal.ts';
import { pendingProposals, readSet } from './store.ts';

export interface Withdrawals {
  /** Takes back all that waits for a set. */
  all(
    tx: Tx,
    order: { readonly tenant: string; readonly set: string; readonly by: string; readonly why: string },
  ): Promise<void>;
  /** Takes back what no longer holds by that charter; `set: null` where it has none of that name. */
  stale(
    tx: Tx,
    order: {
      readonly tenant: string;
      readonly name: string;
      readonly set: GovernedSet | null;
      readonly by: string;
    },
  ): Promise<void>;
}

export interface WithdrawalsNeeds {
  readonly withdraw: (
    tx: Tx,
    withdrawal: { tenant: string; id: string; why: string; by: string; traceId: string | null },
  ) => Promise<unknown>;
}

export function createWithdrawals({ withdraw }: WithdrawalsNeeds): Withdrawals {
  return {
    async all(tx, { tenant, set, by, why }) {
      for (const { id } of await pendingProposals(tx, tenant, { set, idle: true }))
        await withdraw(tx, { tenant, id, why, by, traceId: null });
    },

    async stale(tx, { tenant, name, set, by }) {
      const row = await readSet(tx, tenant, name);
      for (const { id, content } of await pendingProposals(tx, tenant, { set: name, idle: true })) {
        const why = whyOutgrown(content, set, row);
        if (why !== null) await withdraw(tx, { tenant, id, why, by, traceId: null });
      }
    },
  };
}
