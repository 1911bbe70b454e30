// Sends what was put down, each message by itself: a channel that is down, slow or talks nonsense keeps no other waiting,
// and every try ends in one of three ways. Taken; certainly not taken (tried again later, or put aside); or nobody knows,
// and then it is sent again under the same id and says that it may be a copy.
import type { ChannelSetting } from '@mandate/kernel';
import type { Chance } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { refusedForGood, settlementOf } from './answer.ts';
import { createAsk } from './asking.ts';
import type { AskingNeeds } from './asking.ts';
import { retryDelayMs } from './backoff.ts';
import { cancelDecided, claimDelivery, findDue, readChannel, settleDelivery } from './delivery-store.ts';
import type { Delivery, DueChannel, DueDelivery } from './delivery-store.ts';
import { isRegistered } from './digest-store.ts';
import type { ChannelAnswer } from './message.ts';
import { channelOf, isFunctionChannel } from './settings.ts';
import type { NotifyCharter } from './settings.ts';

export interface DeliverNeeds extends AskingNeeds {
  readonly store: Store;
  readonly chance: Chance;
  readonly charterOf: (tenant: string) => Promise<NotifyCharter | null>;
  /** Why this process leaves a channel to others, in words; null where it sends over it. Functions are not asked about. */
  readonly lacking: (channel: string, setting: ChannelSetting) => string | null;
  readonly writeEntry: WriteEntry;
  /** Somebody who may decide it has been shown what waits: by `mail`, `slack`, … */
  readonly shown: (of: {
    readonly tenant: string;
    readonly approvalId: string;
    readonly user: string;
    readonly channel: string;
  }) => Promise<void>;
  /** Told of every try: `dead` is one that was the last. */
  readonly counted: (channel: string, outcome: 'sent' | 'failed' | 'dead') => void;
  /** One message is over, so there is room for the next. */
  readonly ended: () => void;
}

export interface Deliver {
  /** Begins to send what is due, of all tenants, and does not wait for it. Answers how many were begun. */
  sendDue(): Promise<number>;
  /** Sends these now and waits for what becomes of them. */
  sendNow(tenant: string, ids: readonly string[]): Promise<void>;
  /** Ends what is under way; what was cut off between may have arrived, and is known as such. */
  close(): Promise<void>;
}

const LIMIT = 32;
/** Longer than any channel may take, so that a try that lives is never taken for one that died. */
const LEASE_SLACK_MS = 60_000;

export function createDeliver(needs: DeliverNeeds): Deliver {
  const { store, clock, chance } = needs;
  const ask = createAsk(needs);
  const closing = new AbortController();
  const under = new Map<string, Promise<void>>();

  function send(tenant: string, id: string): Promise<void> {
    const running = under.get(id);
    if (running !== undefined) return running;
    const begun = attempt(tenant, id)
      .catch((error: unknown) => {
        if (!closing.signal.aborted)
          needs.failed(error, `the message ${id} could not be sent or settled; it is tried again`);
      })
      .finally(() => {
        under.delete(id);
        needs.ended();
      });
    under.set(id, begun);
    return begun;
  }

  /** A function lives in the process that registered it: that one sends, and nobody else says that it cannot. */
  async function isForOthers(
    tx: Tx,
    { tenant, channel }: DueChannel,
    charter: NotifyCharter,
  ): Promise<boolean> {
    const isMine = needs.functionOf(tenant, channel) !== null;
    if (isFunctionChannel(charter, channel, isMine || (await isRegistered(tx, tenant, channel))))
      return !isMine;
    const setting = channelOf(charter, channel, false);
    return setting !== null && needs.lacking(channel, setting) !== null;
  }

  /** What is due and can be sent from here; what waits for another process takes no room from it. */
  async function findMine(room: number): Promise<readonly DueDelivery[]> {
    const forOthers: DueChannel[] = [];
    const looked = new Set<string>();
    for (;;) {
      const due = await findDue(store.control, { nowMs: clock.nowMs(), limit: room, except: forOthers });
      const before = forOthers.length;
      for (const { tenant, channel } of due) {
        const key = `${tenant}\n${channel}`;
        if (looked.has(key)) continue;
        looked.add(key);
        const charter = await needs.charterOf(tenant);
        const leave =
          charter === null ||
          (await store.withTenant(tenant, (tx) => isForOthers(tx, { tenant, channel }, charter)));
        if (leave) forOthers.push({ tenant, channel });
      }
      if (forOthers.length === before) return due;
    }
  }

  /** Takes it to send it from here; null where there is nothing to send (any more), or another process is to. */
  function claim(tenant: string, id: string, charter: NotifyCharter): Promise<Delivery | null> {
    return store.withTenant(tenant, async (tx) => {
      const channel = await readChannel(tx, tenant, id);
      if (channel === null || (await isForOthers(tx, { tenant, channel }, charter))) return null;
      if (await cancelDecided(tx, tenant, id)) return null;
      return claimDelivery(tx, tenant, {
        id,
        leaseMs: longestMs(charter) + LEASE_SLACK_MS,
        nowMs: clock.nowMs(),
      });
    });
  }

  async function attempt(tenant: string, id: string): Promise<void> {
    const charter = await needs.charterOf(tenant);
    if (charter === null || closing.signal.aborted) return;
    const delivery = await claim(tenant, id, charter);
    if (delivery === null) return;
    const setting = channelOf(charter, delivery.channel, needs.functionOf(tenant, delivery.channel) !== null);
    const answer = await answerTo(tenant, delivery, setting);
    await settle(tenant, delivery, { answer, tries: setting?.tries ?? 1, kind: setting?.kind ?? null });
  }

  async function answerTo(
    tenant: string,
    delivery: Delivery,
    setting: ChannelSetting | null,
  ): Promise<ChannelAnswer> {
    const { channel, tries, lastError } = delivery;
    if (setting === null)
      return refusedForGood(
        `The charter has no channel ${channel} any more. Declare it again and replay, or leave it.`,
      );
    // Tries that nobody settled count too: what ends every process that sends it must not be sent for ever.
    if (tries > setting.tries)
      return refusedForGood(
        `${tries - 1} tries were made. ${lastError ?? 'What became of them is not known: the process that sent it died, or could not write it down.'}`,
      );
    return ask(tenant, delivery, { setting, closing: closing.signal });
  }

  async function settle(
    tenant: string,
    delivery: Delivery,
    {
      answer,
      tries,
      kind: by,
    }: {
      readonly answer: ChannelAnswer;
      readonly tries: number;
      readonly kind: ChannelSetting['kind'] | null;
    },
  ): Promise<void> {
    const { id, channel, kind } = delivery;
    const nowMs = clock.nowMs();
    const settlement = settlementOf(answer, {
      isLast: delivery.tries >= tries,
      nowMs,
      delayMs: retryDelayMs(delivery.tries, randomOf(chance)),
    });
    const isMine = await store.withTenant(tenant, async (tx) => {
      const settled = await settleDelivery(tx, tenant, { id, tries: delivery.tries, nowMs, settlement });
      if (settled && settlement.kind === 'dead') {
        const data = { delivery: id, channel, about: kind, error: settlement.error };
        await needs.writeEntry(tx, tenant, {
          kind: 'notification.dead',
          actor: 'mandate:notifications',
          atMs: nowMs,
          traceId: null,
          data,
        });
      }
      return settled;
    });
    if (!isMine) return;
    needs.counted(channel, settlement.kind === 'again' ? 'failed' : settlement.kind);
    const { content, user } = delivery;
    if (settlement.kind === 'sent' && content.kind === 'approval' && user !== null)
      await needs.shown({
        tenant,
        approvalId: content.approvalId,
        user,
        channel: by === 'email' ? 'mail' : (by ?? channel),
      });
  }

  return {
    async sendDue() {
      const room = LIMIT - under.size;
      if (room <= 0 || closing.signal.aborted) return 0;
      const due = await findMine(room);
      for (const { tenant, id } of due) void send(tenant, id);
      return due.length;
    },
    async sendNow(tenant, ids) {
      await Promise.all(ids.map((id) => send(tenant, id)));
    },
    async close() {
      closing.abort();
      await Promise.all(under.values());
    },
  };
}

/** The longest that any channel may take; the claim is made before the channel is known. */
function longestMs({ notify }: NotifyCharter): number {
  return Math.max(notify.timeoutMs, ...Object.values(notify.channels).map(({ timeoutMs }) => timeoutMs));
}

/** From 0 to less than 1. */
function randomOf(chance: Chance): number {
  const [a = 0, b = 0, c = 0] = chance.bytes(3);
  return ((a << 16) | (b << 8) | c) / 0x1_00_00_00;
}
