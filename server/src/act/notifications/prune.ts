// Clears away what was told long ago, and puts aside what nobody is left to send: a message for a function waits for the
// program that registered it, but not for ever, or nobody would ever see that the program does not come back.
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Sql, Store, Tx } from '../../platform/postgres/store.ts';
import type { DeliveryKind } from './message.ts';
import { isRegistered } from './digest-store.ts';
import { isFunctionChannel } from './settings.ts';
import type { NotifyCharter } from './settings.ts';

export interface PruneNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly charterOf: (tenant: string) => Promise<NotifyCharter | null>;
  /** Whether this process has registered it. */
  readonly hasFunction: (tenant: string, channel: string) => boolean;
  readonly writeEntry: WriteEntry;
  readonly counted: (channel: string, outcome: 'dead') => void;
}

const SENT_KEPT_MS = 30 * 86_400_000;
const DEAD_KEPT_MS = 183 * 86_400_000;
/** As long as a program may be away that has registered a channel. */
const ORPHAN_MS = 86_400_000;
const ORPHAN_ERROR =
  'No program that has registered this channel has sent anything over it for a day. Start the one that does, and replay.';

export function createPrune(needs: PruneNeeds): () => Promise<void> {
  const { store, clock } = needs;

  return async () => {
    const nowMs = clock.nowMs();
    for (const tenant of await tenantsOf(store.control)) {
      const charter = await needs.charterOf(tenant);
      const dead = await store.withTenant(tenant, async (tx) => {
        await clear(tx, tenant, nowMs);
        return charter === null ? [] : putAside(tx, tenant, { charter, nowMs });
      });
      for (const { channel } of dead) needs.counted(channel, 'dead');
    }
  };

  async function putAside(
    tx: Tx,
    tenant: string,
    { charter, nowMs }: { readonly charter: NotifyCharter; readonly nowMs: number },
  ): Promise<readonly DeadRow[]> {
    const orphans: string[] = [];
    for (const channel of await findSilent(tx, tenant, nowMs - ORPHAN_MS)) {
      if (needs.hasFunction(tenant, channel)) continue;
      if (isFunctionChannel(charter, channel, await isRegistered(tx, tenant, channel))) orphans.push(channel);
    }
    if (orphans.length === 0) return [];
    const dead = await tx<DeadRow[]>`
      update mandate.delivery set status = 'dead', died_at = ${new Date(nowMs)}, in_doubt = in_doubt or status = 'sending', lease_until = null, last_error = ${ORPHAN_ERROR}
      where tenant = ${tenant} and channel = any (${orphans}) and next_at < ${new Date(nowMs - ORPHAN_MS)}
        and (status = 'pending' or (status = 'sending' and lease_until < now()))
      returning id, channel, kind`;
    for (const { id, channel, kind } of dead)
      await needs.writeEntry(tx, tenant, {
        kind: 'notification.dead',
        actor: 'mandate:notifications',
        atMs: nowMs,
        traceId: null,
        data: { delivery: id, channel, about: kind, error: ORPHAN_ERROR },
      });
    return dead;
  }
}

interface DeadRow {
  readonly id: string;
  readonly channel: string;
  readonly kind: DeliveryKind;
}

/** Channels over which messages were due before `beforeMs` and nothing has been tried since then. */
async function findSilent(tx: Tx, tenant: string, beforeMs: number): Promise<readonly string[]> {
  const before = new Date(beforeMs);
  const rows = await tx<{ channel: string }[]>`
    select channel from mandate.delivery where tenant = ${tenant} group by channel
    having bool_or(next_at < ${before} and (status = 'pending' or (status = 'sending' and lease_until < now())))
      and not bool_or(coalesce(sent_at >= ${before}, false) or (tries > 0 and planned_at >= ${before}) or coalesce(lease_until >= now(), false))`;
  return rows.map(({ channel }) => channel);
}

/** What was taken, or asked for no more, is kept for a month; what was put aside for half a year. */
async function clear(tx: Tx, tenant: string, nowMs: number): Promise<void> {
  const sent = new Date(nowMs - SENT_KEPT_MS);
  await tx`
    delete from mandate.delivery where tenant = ${tenant}
      and ((status = 'sent' and sent_at < ${sent}) or (status = 'cancelled' and created_at < ${sent}))`;
  await tx`delete from mandate.delivery where tenant = ${tenant} and status = 'dead' and died_at < ${new Date(nowMs - DEAD_KEPT_MS)}`;
}

async function tenantsOf(control: Sql): Promise<readonly string[]> {
  const rows = await control<{ tenant: string }[]>`select tenant from mandate.tenant where tenant <> '*'`;
  return rows.map(({ tenant }) => tenant);
}
