// What was told and how the channels do, as the API shows it.
import type { ChannelKind, ChannelSetting } from '@mandate/kernel';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Delivery, DeliveryStatus } from './delivery-store.ts';
import { readDigests } from './digest-store.ts';
import type { DeliveryKind } from './message.ts';
import { channelsOf } from './settings.ts';
import type { NotifyCharter } from './settings.ts';

/** A message. */
export interface DeliveryView {
  readonly id: string;
  readonly channel: string;
  readonly to: string;
  readonly user: string | null;
  readonly kind: DeliveryKind;
  readonly urgent: boolean;
  readonly status: DeliveryStatus;
  readonly tries: number;
  /** An earlier try may have arrived. */
  readonly mayHaveArrived: boolean;
  readonly lastError: string | null;
  /** What the other side called it. */
  readonly reference: string | null;
  readonly createdAt: string;
  /** null once it is sent, dead or cancelled. */
  readonly nextAt: string | null;
  readonly sentAt: string | null;
  readonly diedAt: string | null;
  readonly replays: number;
  readonly bytes: number;
}

export interface ChannelView {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly to: readonly string[];
  readonly tiers: ChannelSetting['tiers'];
  readonly quiet: string | null;
  /** When the next digest is due; null while there is nothing to tell. */
  readonly digestDueAt: string | null;
  readonly pending: number;
  readonly dead: number;
  readonly lastSentAt: string | null;
  readonly lastError: string | null;
}

export function viewOf(delivery: Delivery): DeliveryView {
  const { status } = delivery;
  return {
    id: delivery.id,
    channel: delivery.channel,
    to: delivery.recipient,
    user: delivery.user,
    kind: delivery.kind,
    urgent: delivery.urgent,
    status,
    tries: delivery.tries,
    mayHaveArrived: delivery.inDoubt,
    lastError: delivery.lastError,
    reference: delivery.reference,
    createdAt: iso(delivery.createdMs),
    nextAt: status === 'pending' || status === 'sending' ? iso(delivery.nextMs) : null,
    sentAt: isoOrNull(delivery.sentMs),
    diedAt: isoOrNull(delivery.diedMs),
    replays: delivery.replays,
    bytes: delivery.contentBytes,
  };
}

export async function readChannels(
  tx: Tx,
  tenant: string,
  charter: NotifyCharter,
): Promise<readonly ChannelView[]> {
  const rows = await readDigests(tx, tenant);
  const registered = rows.filter((row) => row.registered).map(({ channel }) => channel);
  const states = await readStates(tx, tenant);
  return [...channelsOf(charter, registered)].map(([name, { kind, to, tiers, quiet }]) => {
    const state = states.get(name);
    return {
      name,
      kind,
      to,
      tiers,
      quiet,
      digestDueAt: isoOrNull(rows.find(({ channel }) => channel === name)?.dueMs ?? null),
      pending: state?.pending ?? 0,
      dead: state?.dead ?? 0,
      lastSentAt: isoOrNull(state?.sent ?? null),
      lastError: state?.error ?? null,
    };
  });
}

interface ChannelState {
  readonly pending: number;
  readonly dead: number;
  readonly sent: number | null;
  readonly error: string | null;
}

async function readStates(tx: Tx, tenant: string): Promise<ReadonlyMap<string, ChannelState>> {
  const rows = await tx<(ChannelState & { channel: string })[]>`
    select channel, (count(*) filter (where status in ('pending', 'sending')))::integer as pending,
      (count(*) filter (where status = 'dead'))::integer as dead, max(sent_at) as sent,
      (array_agg(last_error order by created_at desc) filter (where last_error is not null and status not in ('sent', 'cancelled')))[1] as error
    from mandate.delivery where tenant = ${tenant} group by channel`;
  return new Map(rows.map(({ channel, ...state }) => [channel, state]));
}
