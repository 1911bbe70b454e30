// Telling people: a reader turns the journal into messages, digests collect what can wait, and each message is sent until
// somebody has taken it or it is put aside. Nothing is lost when a channel is down, because everything between is a row.
import type { ChannelKind } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { createDeliver } from './deliver.ts';
import type { DeliverNeeds } from './deliver.ts';
import { listDeliveries, putDelivery } from './delivery-store.ts';
import type { DeliveryStatus } from './delivery-store.ts';
import { addDigest, isRegistered, readDigests } from './digest-store.ts';
import { createDigests } from './digests.ts';
import type { ChannelFunction } from './message.ts';
import { createPrune } from './prune.ts';
import { createReader } from './reader.ts';
import type { ReaderNeeds } from './reader.ts';
import { createReplay } from './replay.ts';
import type { ReplayAnswer, ReplayOrder } from './replay.ts';
import { createSchedule } from './schedule.ts';
import type { Schedule } from './schedule.ts';
import type { Sender } from './sender.ts';
import { channelOf, recipientsOf } from './settings.ts';
import { CONSUMER, readPosition } from './store.ts';
import { readChannels, viewOf } from './view.ts';
import type { ChannelView, DeliveryView } from './view.ts';

export type TestAnswer =
  | { readonly kind: 'tested'; readonly deliveries: readonly DeliveryView[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Notifications {
  /** Adds a channel of this program; throws for a name that is none, or taken. */
  register(tenant: string, name: string, fn: ChannelFunction): void;
  list(
    tenant: string,
    query: {
      readonly status: DeliveryStatus | null;
      readonly channel: string | null;
      readonly limit: number;
    },
  ): Promise<readonly DeliveryView[]>;
  channels(tenant: string): Promise<readonly ChannelView[]>;
  /** Makes and sends the digests now, whatever the hour. Empty where there is nothing to tell. */
  flush(tenant: string, channel: string | null): Promise<readonly DeliveryView[] | null>;
  test(tenant: string, channel: string, by: string): Promise<TestAnswer>;
  replay(order: ReplayOrder): Promise<ReplayAnswer>;
  readonly schedule: Schedule;
  close(): Promise<void>;
}

export interface NotificationsNeeds
  extends
    Omit<ReaderNeeds, 'charterOf'>,
    Pick<DeliverNeeds, 'linkFor' | 'shown' | 'readingUrl' | 'writeEntry' | 'counted' | 'failed' | 'lacking'> {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly charterOf: ReaderNeeds['charterOf'];
  /** Ways of sending by kind of channel. */
  readonly senders: Readonly<Partial<Record<ChannelKind, Sender>>>;
  /** Gives what has just been written to the journal its position, if nobody else does. */
  readonly sequence: () => Promise<unknown>;
}

const FLUSH_PASSES = 200;

export function createNotifications(needs: NotificationsNeeds): Notifications {
  const { store, clock, chance, charterOf, senders } = needs;
  const functions = new Map<string, ChannelFunction>();
  let unrecorded: readonly { readonly tenant: string; readonly name: string }[] = [];

  const keyOf = (tenant: string, name: string): string => `${tenant}\n${name}`;
  const functionOf = (tenant: string, name: string): ChannelFunction | null =>
    functions.get(keyOf(tenant, name)) ?? null;

  const reader = createReader(needs);
  const digests = createDigests(needs);
  const replay = createReplay(needs);
  const deliver = createDeliver({
    ...needs,
    functionOf,
    senderOf: (kind) => senders[kind] ?? null,
    ended: () => schedule.wake(),
  });
  const schedule = createSchedule({
    control: store.control,
    clock,
    before: record,
    pass: (tenant) => reader.pass(tenant),
    makeDue: () => digests.makeDue(),
    sendDue: () => deliver.sendDue(),
    prune: createPrune({
      ...needs,
      hasFunction: (tenant, channel) => functionOf(tenant, channel) !== null,
    }),
    failed: needs.failed,
  });

  /** A function is a channel for every process from here on: whichever reads the journal must know of it. */
  async function record(): Promise<void> {
    for (const of of unrecorded) {
      await store.withTenant(of.tenant, async (tx) => {
        const fromPosition = await readPosition(tx, of.tenant, CONSUMER);
        await addDigest(tx, of.tenant, {
          channel: of.name,
          fromPosition,
          nowMs: clock.nowMs(),
          registered: true,
        });
      });
      unrecorded = unrecorded.filter((it) => it !== of);
    }
  }

  const show = (tenant: string, ids: readonly string[]): Promise<readonly DeliveryView[]> =>
    store.withTenant(tenant, async (tx) =>
      (await listDeliveries(tx, tenant, { status: null, channel: null, ids, limit: ids.length })).map(viewOf),
    );

  return {
    schedule,
    replay,
    register(tenant, name, fn) {
      if (!/^[a-z][a-z0-9_-]{0,62}$/.test(name))
        throw new Error(
          `registerChannel("${name}"): a channel is named with a-z, 0-9, dash and underscore, and begins with a letter`,
        );
      if (functions.has(keyOf(tenant, name)))
        throw new Error(
          `registerChannel("${name}"): this channel is registered already; give this one another name`,
        );
      functions.set(keyOf(tenant, name), fn);
      unrecorded = [...unrecorded, { tenant, name }];
      schedule.wake();
    },
    list: (tenant, query) =>
      store.withTenant(tenant, async (tx) =>
        (await listDeliveries(tx, tenant, { ...query, ids: null })).map(viewOf),
      ),
    async channels(tenant) {
      const charter = await charterOf(tenant);
      if (charter === null) return [];
      return store.withTenant(tenant, (tx) => readChannels(tx, tenant, charter));
    },
    async flush(tenant, channel) {
      await record();
      await needs.sequence();
      // Another process may be reading: then what it reads is told by it, and waited for by passing once more.
      for (let passes = 0; passes < FLUSH_PASSES; passes += 1) {
        const { leads, read } = await reader.pass(tenant);
        if (leads && read === 0) break;
      }
      const charter = await charterOf(tenant);
      if (charter === null) return null;
      if (channel !== null && !(await hasChannel(tenant, channel))) return null;
      const ids = await digests.flush(tenant, channel);
      await deliver.sendNow(tenant, ids);
      return show(tenant, ids);
    },
    async test(tenant, channel, by) {
      const charter = await charterOf(tenant);
      const registered =
        functionOf(tenant, channel) !== null ||
        (await store.withTenant(tenant, (tx) => isRegistered(tx, tenant, channel)));
      const setting = charter === null ? null : channelOf(charter, channel, registered);
      if (setting === null)
        return refused({
          code: 'not_found',
          detail: `There is no channel ${channel}; mandate notify channels lists them.`,
        });
      const recipients = recipientsOf(setting);
      if (recipients.length === 0)
        return refused({
          code: 'conflict',
          detail: `The channel ${channel} leads to nobody by itself; only contacts of users are reached over it.`,
        });
      const nowMs = clock.nowMs();
      const ids = recipients.map(() => chance.uuid());
      await store.withTenant(tenant, async (tx) => {
        for (const [index, recipient] of recipients.entries()) {
          const id = ids[index] ?? '';
          const content = { kind: 'test', by, atMs: nowMs } as const;
          await putDelivery(tx, tenant, {
            id,
            channel,
            recipient,
            user: null,
            urgent: false,
            key: `test:${id}`,
            content,
            nowMs,
            nextMs: nowMs,
          });
        }
      });
      await deliver.sendNow(tenant, ids);
      return { kind: 'tested', deliveries: await show(tenant, ids) };
    },
    async close() {
      await schedule.close();
      await deliver.close();
    },
  };

  async function hasChannel(tenant: string, channel: string): Promise<boolean> {
    const rows = await store.withTenant(tenant, (tx) => readDigests(tx, tenant));
    return rows.some((row) => row.channel === channel);
  }
}

function refused(refusal: Refusal): TestAnswer {
  return { kind: 'refused', refusal };
}
