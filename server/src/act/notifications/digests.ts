// Makes the digests that are due. A digest is a stretch of the journal: it is put down in the same transaction in which
// its channel's position moves to the end of that stretch, so what one has told, the next one does not.
import type { ChannelSetting } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { AHEAD_MS, putDelivery } from './delivery-store.ts';
import { closeDigest, lockDigest, postponeDigest, readDigests, removeDigest } from './digest-store.ts';
import type { DigestRow } from './digest-store.ts';
import { parseQuiet, quietUntil } from './quiet.ts';
import { channelsOf, isMute, recipientsOf } from './settings.ts';
import type { NotifyCharter } from './settings.ts';
import { CONSUMER, readActs, readEntries, readPosition } from './store.ts';
import { createSummary } from './summary.ts';
import type { ToldEntry } from './told.ts';

export interface DigestsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly charterOf: (tenant: string) => Promise<NotifyCharter | null>;
}

export interface Digests {
  /** Makes what is due, of all tenants. Answers how many deliveries were put down. */
  makeDue(): Promise<number>;
  /** Makes the digest of a channel now, whatever the hour; of every channel where none is named. */
  flush(tenant: string, channel: string | null): Promise<readonly string[]>;
}

const BATCH = 100;
/** A message that is longer is not read. What is left follows in the next one. */
const LINES_MAX = 200;
/** Bounds how long the transaction takes, where nearly everything is green and so only counted. */
const ENTRIES_MAX = 20_000;

/** When what came at `openedMs` is to be told: after the interval, or when the quiet hours that lie there are over. */
export function dueOf(
  openedMs: number,
  { digestMs, quiet }: Pick<ChannelSetting, 'digestMs' | 'quiet'>,
): number {
  const dueMs = openedMs + digestMs;
  return quiet === null ? dueMs : (quietUntil(dueMs, parseQuiet(quiet)) ?? dueMs);
}

export function createDigests({ store, clock, chance, charterOf }: DigestsNeeds): Digests {
  async function settingOf(tx: Tx, tenant: string, charter: NotifyCharter, channel: string) {
    const rows = await readDigests(tx, tenant);
    const registered = rows.filter((row) => row.registered).map((row) => row.channel);
    return channelsOf(charter, registered).get(channel) ?? null;
  }

  /** Ids of the deliveries; none where nothing is due, or there is nothing to tell. */
  async function make(tenant: string, channel: string, now: boolean): Promise<readonly string[]> {
    const charter = await charterOf(tenant);
    if (charter === null) return [];
    return store.withTenant(tenant, async (tx) => {
      const nowMs = clock.nowMs();
      const row = await lockDigest(tx, tenant, channel);
      if (row === null) return [];
      const setting = await settingOf(tx, tenant, charter, channel);
      if (setting === null) {
        await removeDigest(tx, tenant, channel);
        return [];
      }
      if (!now && !(await isDue(tx, tenant, { row, setting, nowMs }))) return [];
      return putDigest(tx, tenant, { row, setting, nowMs });
    });
  }

  async function isDue(
    tx: Tx,
    tenant: string,
    {
      row,
      setting,
      nowMs,
    }: { readonly row: DigestRow; readonly setting: ChannelSetting; readonly nowMs: number },
  ): Promise<boolean> {
    const { channel, openedMs, dueMs } = row;
    if (openedMs === null || dueMs === null) return false;
    // The clock has been put back: the interval counts from now, or what was opened would wait for the hour to come again.
    const isAhead = openedMs > nowMs + AHEAD_MS;
    const quietMs = setting.quiet === null ? null : quietUntil(nowMs, parseQuiet(setting.quiet));
    if (!isAhead && quietMs === null) return dueMs <= nowMs;
    await postponeDigest(tx, tenant, {
      channel,
      openedMs: isAhead ? nowMs : openedMs,
      dueMs: isAhead ? dueOf(nowMs, setting) : (quietMs ?? dueMs),
    });
    return false;
  }

  async function putDigest(
    tx: Tx,
    tenant: string,
    {
      row,
      setting,
      nowMs,
    }: { readonly row: DigestRow; readonly setting: ChannelSetting; readonly nowMs: number },
  ): Promise<readonly string[]> {
    const { channel, fromPosition } = row;
    const end = await readPosition(tx, tenant, CONSUMER);
    const summary = createSummary((tier) => setting.tiers[tier] !== 'none');
    let upTo = fromPosition;
    let read = 0;
    let first: ToldEntry | null = null;
    while (upTo < end && summary.size() < LINES_MAX && read < ENTRIES_MAX) {
      const entries = await readEntries(tx, tenant, { after: upTo, upTo: end, limit: BATCH });
      const last = entries.at(-1);
      if (last === undefined) break;
      summary.add(entries, await readActs(tx, tenant, entries));
      first ??= entries[0] ?? null;
      upTo = last.position;
      read += entries.length;
    }
    const continues = upTo < end && read > 0 && (summary.size() >= LINES_MAX || read >= ENTRIES_MAX);
    const ids: string[] = [];
    if (!summary.isEmpty() && !isMute(setting)) {
      const content = summary.result({
        fromMs: Math.min(first?.atMs ?? nowMs, nowMs),
        toMs: nowMs,
        positions: { after: fromPosition, upTo },
        continues,
      });
      for (const recipient of recipientsOf(setting)) {
        const id = chance.uuid();
        const key = `digest:${fromPosition}`;
        const of = { id, channel, recipient, user: null, urgent: false, key, content, nowMs, nextMs: nowMs };
        if (await putDelivery(tx, tenant, of)) ids.push(id);
      }
    }
    await closeDigest(tx, tenant, {
      channel,
      position: continues ? upTo : Math.max(upTo, end),
      nowMs,
      continues,
    });
    return ids;
  }

  return {
    async makeDue() {
      const nowMs = clock.nowMs();
      const due = await store.control<{ tenant: string; channel: string }[]>`
        select tenant, channel from mandate.digest
        where due_at <= ${new Date(nowMs)} or opened_at > ${new Date(nowMs + AHEAD_MS)} order by due_at limit 100`;
      let made = 0;
      for (const { tenant, channel } of due) made += (await make(tenant, channel, false)).length;
      return made;
    },
    async flush(tenant, channel) {
      const rows = await store.withTenant(tenant, (tx) => readDigests(tx, tenant));
      const wanted = rows.filter((row) => channel === null || row.channel === channel);
      const ids: string[] = [];
      for (const row of wanted) {
        // A stretch that fills more than one message is told whole.
        for (;;) {
          const made = await make(tenant, row.channel, true);
          ids.push(...made);
          if (made.length === 0) break;
        }
      }
      return ids;
    },
  };
}
