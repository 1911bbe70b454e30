// Who has written to us within a day, and messages that WhatsApp took and then did not deliver: it says so later, over
// the webhook, and only then is known that nobody was told.
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import { WINDOW_CLOSED } from './whatsapp.ts';
import type { WhatsappNumber } from './whatsapp.ts';

const WINDOW_MS = 86_400_000;
const KEPT_MS = 7 * 86_400_000;

export async function isWindowOpen(
  tx: Tx,
  { tenant, channel, number }: WhatsappNumber,
  nowMs: number,
): Promise<boolean> {
  const [row] = await tx`
    select 1 from mandate.whatsapp_window
    where tenant = ${tenant} and channel = ${channel} and number = ${number} and open_until > ${new Date(nowMs)}`;
  return row !== undefined;
}

/** Somebody has written: from `atMs` on they may be written to for a day. */
export async function openWindow(
  tx: Tx,
  { tenant, channel, number }: WhatsappNumber,
  atMs: number,
): Promise<void> {
  const until = new Date(atMs + WINDOW_MS);
  await tx`
    insert into mandate.whatsapp_window as w (tenant, channel, number, open_until) values (${tenant}, ${channel}, ${number}, ${until})
    on conflict (tenant, channel, number) do update set open_until = greatest(w.open_until, excluded.open_until)`;
  // Anybody may write to the number; whoever has not for a week leaves nothing behind.
  await tx`delete from mandate.whatsapp_window where tenant = ${tenant} and open_until < ${new Date(atMs - KEPT_MS)}`;
}

export async function closeWindow(tx: Tx, { tenant, channel, number }: WhatsappNumber): Promise<void> {
  await tx`delete from mandate.whatsapp_window where tenant = ${tenant} and channel = ${channel} and number = ${number}`;
}

export interface Bounce {
  readonly tenant: string;
  readonly channels: readonly string[];
  /** What the other side called the message. */
  readonly reference: string;
  readonly code: number;
  readonly error: string;
  readonly nowMs: number;
}

export interface BounceNeeds {
  readonly hasTemplate: (channel: string) => boolean;
  readonly writeEntry: WriteEntry;
}

/**
 * A message that was taken has not arrived. Where a template gets through it is sent again as one; else it is put aside,
 * where it is seen and can be sent again. Nothing happens where no such message is known, or it came back before;
 * `early` where it may be one that is being sent at this moment, so that the news has to come once more.
 */
export async function bounceDelivery(tx: Tx, of: Bounce, needs: BounceNeeds): Promise<'taken' | 'early'> {
  const { tenant, channels, reference, code, error, nowMs } = of;
  const [row] = await tx<{ id: string; channel: string; recipient: string; kind: string }[]>`
    select id, channel, recipient, kind from mandate.delivery
    where tenant = ${tenant} and reference = ${reference} and channel = any (${[...channels]}) and status = 'sent' for update`;
  if (row === undefined) {
    const sending = await tx`
      select 1 from mandate.delivery where tenant = ${tenant} and channel = any (${[...channels]}) and status = 'sending' limit 1`;
    return sending.length > 0 ? 'early' : 'taken';
  }
  const now = new Date(nowMs);
  if (code === WINDOW_CLOSED && needs.hasTemplate(row.channel)) {
    await closeWindow(tx, { tenant, channel: row.channel, number: row.recipient.replaceAll(/\D/g, '') });
    await tx`
      update mandate.delivery set status = 'pending', sent_at = null, reference = null, next_at = ${now}, planned_at = ${now}, last_error = ${error}
      where tenant = ${tenant} and id = ${row.id}`;
    return 'taken';
  }
  await tx`
    update mandate.delivery set status = 'dead', sent_at = null, died_at = ${now}, last_error = ${error}
    where tenant = ${tenant} and id = ${row.id}`;
  await needs.writeEntry(tx, tenant, {
    kind: 'notification.dead',
    actor: 'mandate:notifications',
    atMs: nowMs,
    traceId: null,
    data: { delivery: row.id, channel: row.channel, about: row.kind, error },
  });
  return 'taken';
}
