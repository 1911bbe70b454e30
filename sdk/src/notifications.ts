// What people are told, for programs that look after it: the channels and how they do, what was sent, the digest now, and
// what was put aside.
import { fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { Transport } from './transport.ts';

/** One message to one recipient. */
export interface Notification {
  /** The same on every try. */
  readonly id: string;
  readonly channel: string;
  readonly to: string;
  readonly user: string | null;
  /** `digest`, `approval`, `act`, `event` or `test`. */
  readonly kind: string;
  readonly urgent: boolean;
  /** `cancelled`: what it asked for was decided before it was sent. */
  readonly status: 'pending' | 'sending' | 'sent' | 'dead' | 'cancelled';
  readonly tries: number;
  /** An earlier try may have arrived, so the last one says that it may be a copy. */
  readonly mayHaveArrived: boolean;
  readonly lastError: string | null;
  readonly createdAt: string;
  readonly nextAt: string | null;
  readonly sentAt: string | null;
}

export interface ChannelState {
  readonly name: string;
  readonly kind: string;
  readonly to: readonly string[];
  readonly digestDueAt: string | null;
  readonly pending: number;
  readonly dead: number;
  readonly lastSentAt: string | null;
  readonly lastError: string | null;
}

export interface Notifications {
  /** Newest first. */
  list(query?: {
    readonly status?: Notification['status'];
    readonly channel?: string;
    readonly limit?: number;
  }): Promise<readonly Notification[]>;
  channels(): Promise<readonly ChannelState[]>;
  dead(): Promise<readonly Notification[]>;
  /** Sends dead letters again: these, or the oldest that fit into what the flags allow. */
  replay(ids?: readonly string[]): Promise<{ readonly ids: readonly string[]; readonly left: number }>;
  /** Makes and sends the digest now. Empty where there is nothing to tell. */
  now(channel?: string): Promise<readonly Notification[]>;
  test(channel: string): Promise<readonly Notification[]>;
}

export function createNotifications(transport: Transport): Notifications {
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path: `/api/v1/notifications${path}`, agent: null, isRepeatable: true });
  const post = (path: string, body: Readonly<Record<string, string | readonly string[]>>): Promise<unknown> =>
    transport.read({
      method: 'POST',
      path: `/api/v1/notifications${path}`,
      body,
      agent: null,
      isRepeatable: false,
    });
  return {
    async list({ status, channel, limit } = {}) {
      const query = new URLSearchParams({
        ...(status === undefined ? {} : { status }),
        ...(channel === undefined ? {} : { channel }),
        ...(limit === undefined ? {} : { limit: String(limit) }),
      });
      return itemsOf(await get(query.size === 0 ? '' : `?${query.toString()}`), readNotification);
    },
    channels: async () => itemsOf(await get('/channels'), readChannel),
    dead: async () => itemsOf(await get('/dead'), readNotification),
    async replay(ids) {
      const answer = fieldsOf(await post('/replay', ids === undefined ? {} : { ids }), 'the answer');
      return { ids: listOf(answer['ids'], idOf, 'ids'), left: numberOf(answer['left'], 'left') };
    },
    now: async (channel) =>
      itemsOf(await post('/digest', channel === undefined ? {} : { channel }), readNotification),
    test: async (channel) => itemsOf(await post('/test', { channel }), readNotification),
  };
}

function itemsOf<T>(value: unknown, read: (item: unknown, where: string) => T): readonly T[] {
  return listOf(fieldsOf(value, 'the answer')['items'], read, 'items');
}

function readNotification(value: unknown, where: string): Notification {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    channel: textOf(of['channel'], `${where}.channel`),
    to: textOf(of['to'], `${where}.to`),
    user: optional(of['user'], textOf, `${where}.user`),
    kind: textOf(of['kind'], `${where}.kind`),
    urgent: truthOf(of['urgent'], `${where}.urgent`),
    status: wordOf(of['status'], ['pending', 'sending', 'sent', 'dead', 'cancelled'], `${where}.status`),
    tries: numberOf(of['tries'], `${where}.tries`),
    mayHaveArrived: truthOf(of['mayHaveArrived'], `${where}.mayHaveArrived`),
    lastError: optional(of['lastError'], textOf, `${where}.lastError`),
    createdAt: textOf(of['createdAt'], `${where}.createdAt`),
    nextAt: optional(of['nextAt'], textOf, `${where}.nextAt`),
    sentAt: optional(of['sentAt'], textOf, `${where}.sentAt`),
  };
}

function readChannel(value: unknown, where: string): ChannelState {
  const of = fieldsOf(value, where);
  return {
    name: textOf(of['name'], `${where}.name`),
    kind: textOf(of['kind'], `${where}.kind`),
    to: listOf(of['to'], textOf, `${where}.to`),
    digestDueAt: optional(of['digestDueAt'], textOf, `${where}.digestDueAt`),
    pending: numberOf(of['pending'], `${where}.pending`),
    dead: numberOf(of['dead'], `${where}.dead`),
    lastSentAt: optional(of['lastSentAt'], textOf, `${where}.lastSentAt`),
    lastError: optional(of['lastError'], textOf, `${where}.lastError`),
  };
}
