// Turns journal entries into deliveries in the same transaction as the position it has come to, one process at a time
// for each tenant: whatever dies when, no entry is passed by and none is told twice. What becomes of a delivery
// afterwards (deliver.ts) never holds up the reading.
import type { ChannelSetting } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { addDigest, openDigest, readDigests, removeDigest, trailDigest } from './digest-store.ts';
import type { DigestRow } from './digest-store.ts';
import { dueOf } from './digests.ts';
import { putDelivery } from './delivery-store.ts';
import type { ApprovalContent, Content } from './message.ts';
import { parseQuiet, quietUntil } from './quiet.ts';
import { approvalOf, singleOf } from './single.ts';
import { addressesOf, channelsOf, isMute, recipientsOf, wakes, wayOf } from './settings.ts';
import type { NotifyCharter } from './settings.ts';
import {
  CONSUMER,
  EVERYBODY,
  findPosition,
  movePosition,
  readActs,
  readBeginning,
  readEntries,
  readPosition,
} from './store.ts';
import { eventOf, meaningOf } from './told.ts';
import type { ToldAct, ToldEntry } from './told.ts';

/** Somebody who may decide an approval. */
export interface Voter {
  /** Without `user:`. */
  readonly user: string;
  readonly email: string | null;
}

export interface ReaderNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  /** null where the active charter cannot be read: then nothing is read either, and nothing is passed by. */
  readonly charterOf: (tenant: string) => Promise<NotifyCharter | null>;
  /** Who may decide it now. */
  readonly votersOf: (tenant: string, approvalId: string) => Promise<readonly Voter[]>;
}

export interface Reader {
  /** One batch. `leads` is false while another process reads for this tenant. */
  pass(tenant: string): Promise<{ readonly leads: boolean; readonly read: number }>;
}

/** `hashtext(tenant)` is the second half of the lock. */
const LEADER_LOCK = 7_305_002;
const BATCH = 500;
/** More single messages than this in one batch are a digest: a phone that buzzes all the time is switched off. */
const SINGLES_MAX = 20;
const FOLDED_MS = 60_000;

export function createReader(needs: ReaderNeeds): Reader {
  const { store, clock, chance, charterOf, votersOf } = needs;

  return {
    async pass(tenant) {
      const charter = await charterOf(tenant);
      if (charter === null) return { leads: false, read: 0 };
      return store.withTenant(tenant, async (tx) => {
        const [lock] = await tx<
          { leads: boolean }[]
        >`select pg_try_advisory_xact_lock(${LEADER_LOCK}, hashtext(${tenant})) as leads`;
        if (lock?.leads !== true) return { leads: false, read: 0 };
        const nowMs = clock.nowMs();
        const after = await readPosition(tx, tenant, CONSUMER);
        const entries = await readEntries(tx, tenant, { after, upTo: null, limit: BATCH });
        const { afterAll, forAll } = await readForAll(tx, tenant);
        const rows = await readDigests(tx, tenant);
        const registered = rows.filter((row) => row.registered).map(({ channel }) => channel);
        const channels = channelsOf(charter, registered);
        for (const channel of channels.keys())
          if (!rows.some((row) => row.channel === channel))
            await addDigest(tx, tenant, { channel, fromPosition: after, nowMs, registered: false });
        for (const { channel } of rows) if (!channels.has(channel)) await removeDigest(tx, tenant, channel);

        const last = entries.at(-1);
        const batch: Batch = { tx, tenant, nowMs, charter, channels, put: putter(tx, tenant, nowMs) };
        if (last !== undefined) {
          const acts = await readActs(tx, tenant, entries);
          await trail(batch, rows, after);
          await tell(batch, { rows, entries, acts });
          await movePosition(tx, tenant, { consumer: CONSUMER, position: last.position, nowMs });
        }
        await tellAll(batch, forAll);
        await movePosition(tx, tenant, {
          consumer: EVERYBODY,
          position: forAll.at(-1)?.position ?? afterAll,
          nowMs,
        });
        return { leads: true, read: entries.length + forAll.length };
      });
    },
  };

  /** What concerns every tenant: a new one begins where it came to be, or it would be told every stop there ever was. */
  async function readForAll(
    tx: Tx,
    tenant: string,
  ): Promise<{ readonly afterAll: number; readonly forAll: readonly ToldEntry[] }> {
    const known = await findPosition(tx, tenant, EVERYBODY);
    return store.withTenant('*', async (all) => {
      const afterAll = known ?? (await readBeginning({ tx, tenant, all }));
      return { afterAll, forAll: await readEntries(all, '*', { after: afterAll, upTo: null, limit: BATCH }) };
    });
  }

  function putter(tx: Tx, tenant: string, nowMs: number): Put {
    return async (to, content) => {
      await putDelivery(tx, tenant, { id: chance.uuid(), user: null, nextMs: nowMs, ...to, content, nowMs });
    };
  }

  /** What is told now, and which digests there is something for. */
  async function tell(
    batch: Batch,
    {
      rows,
      entries,
      acts,
    }: {
      readonly rows: readonly DigestRow[];
      readonly entries: readonly ToldEntry[];
      readonly acts: ReadonlyMap<string, ToldAct>;
    },
  ): Promise<void> {
    const opened = new Map<string, { readonly atMs: number; readonly collectMs: number }>();
    const singles = new Map<string, number>();
    /** Up to where a channel has had everything by itself, so that no digest tells it again. */
    const toldUpTo = new Map<string, number>();
    const hasOpen = new Set(rows.flatMap(({ channel, openedMs }) => (openedMs === null ? [] : [channel])));
    /** The interval counts from when it happened, not from when it was read. */
    const open = (channel: string, { atMs }: ToldEntry, collectMs: number): void => {
      const before = opened.get(channel);
      hasOpen.add(channel);
      opened.set(channel, {
        atMs: Math.min(before?.atMs ?? batch.nowMs, atMs, batch.nowMs),
        collectMs: Math.min(before?.collectMs ?? collectMs, collectMs),
      });
    };
    for (const entry of entries) {
      const act = entry.actId === null ? null : (acts.get(entry.actId) ?? null);
      const meaning = meaningOf(entry, act);
      if (meaning === null) continue;
      const content =
        meaning.urgent === 'approval' ? await approvalOf(batch.tx, batch.tenant, { entry, act }) : null;
      const told = content === null ? new Set<string>() : await tellVoters(batch, content);
      for (const [channel, setting] of batch.channels) {
        const way = wayOf(setting, meaning, isQuietNow(setting, batch.nowMs) !== null);
        if (way === 'none') continue;
        const count = singles.get(channel) ?? 0;
        const single = way === 'now' ? (content ?? singleOf(entry, act, entries, meaning)) : null;
        if (single !== null && (meaning.urgent !== null || count < SINGLES_MAX)) {
          singles.set(channel, count + 1);
          await putAll(batch, { channel, setting, entry, urgent: meaning.urgent !== null, told }, single);
          if (meaning.urgent === null && !hasOpen.has(channel)) toldUpTo.set(channel, entry.position);
        } else if (way === 'digest') open(channel, entry, setting.digestMs);
        else if (single !== null) open(channel, entry, Math.min(FOLDED_MS, setting.digestMs));
      }
    }
    for (const [channel, position] of toldUpTo)
      await trailDigest(batch.tx, batch.tenant, { channel, position, nowMs: batch.nowMs });
    for (const [channel, { atMs, collectMs }] of opened) {
      const setting = batch.channels.get(channel);
      if (setting === undefined) continue;
      const dueMs = dueOf(atMs, { ...setting, digestMs: collectMs });
      await openDigest(batch.tx, batch.tenant, { channel, openedMs: atMs, dueMs });
    }
  }

  /** What concerns every tenant (a stop of everything) stands in nobody's digest: it is told, or held over the night. */
  async function tellAll(batch: Batch, entries: readonly ToldEntry[]): Promise<void> {
    for (const entry of entries) {
      const meaning = meaningOf(entry, null);
      const event = eventOf(entry);
      if (meaning === null || event === null) continue;
      for (const [channel, setting] of batch.channels) {
        if (isMute(setting)) continue;
        const untilMs = wakes(setting, meaning.urgent) ? null : isQuietNow(setting, batch.nowMs);
        for (const recipient of recipientsOf(setting))
          await batch.put(
            {
              channel,
              recipient,
              urgent: meaning.urgent !== null,
              key: `everybody:${entry.position}`,
              ...(untilMs === null ? {} : { nextMs: untilMs }),
            },
            { kind: 'event', event },
          );
      }
    }
  }

  /** Whoever may decide it, at their own address; answers with the addresses. */
  async function tellVoters(batch: Batch, content: ApprovalContent): Promise<ReadonlySet<string>> {
    const told = new Set<string>();
    for (const { user, email } of await votersOf(batch.tenant, content.approvalId)) {
      for (const { channel, recipient } of addressesOf(batch.charter, user, email)) {
        const setting = batch.channels.get(channel) ?? batch.charter.notify;
        if (!setting.urgent.includes('approval')) continue;
        const untilMs = wakes(setting, 'approval') ? null : isQuietNow(setting, batch.nowMs);
        told.add(recipient);
        // One key, escalated or not: whoever was told before is not told again because others now are.
        await batch.put(
          {
            channel,
            recipient,
            user,
            urgent: true,
            key: `approval:${content.approvalId}`,
            ...(untilMs === null ? {} : { nextMs: untilMs }),
          },
          content,
        );
      }
    }
    return told;
  }
}

interface Batch {
  readonly tx: Tx;
  readonly tenant: string;
  readonly nowMs: number;
  readonly charter: NotifyCharter;
  readonly channels: ReadonlyMap<string, ChannelSetting>;
  readonly put: Put;
}

type Put = (
  to: {
    readonly channel: string;
    readonly recipient: string;
    readonly user?: string;
    readonly urgent: boolean;
    readonly key: string;
    readonly nextMs?: number;
  },
  content: Content,
) => Promise<void>;

interface Single {
  readonly channel: string;
  readonly setting: ChannelSetting;
  readonly entry: ToldEntry;
  readonly urgent: boolean;
  /** Addresses of persons that were told already. */
  readonly told: ReadonlySet<string>;
}

async function putAll(
  batch: Batch,
  { channel, setting, entry, urgent, told }: Single,
  content: Content,
): Promise<void> {
  for (const recipient of recipientsOf(setting))
    if (!told.has(recipient))
      await batch.put({ channel, recipient, urgent, key: `entry:${entry.position}` }, content);
}

/** Channels that had nothing to tell for an interval begin anew, so that no digest reaches back over silent days. */
async function trail(
  { tx, tenant, nowMs, channels }: Batch,
  rows: readonly DigestRow[],
  position: number,
): Promise<void> {
  for (const { channel, openedMs, sinceMs } of rows) {
    const setting = channels.get(channel);
    if (setting === undefined || openedMs !== null) continue;
    if (nowMs - sinceMs > setting.digestMs || sinceMs > nowMs)
      await trailDigest(tx, tenant, { channel, position, nowMs });
  }
}

function isQuietNow({ quiet }: Pick<ChannelSetting, 'quiet'>, nowMs: number): number | null {
  return quiet === null ? null : quietUntil(nowMs, parseQuiet(quiet));
}
