// What the tests of this folder share: a journal that they write themselves, channels that answer as they are told, and
// a clock that moves when the test says so.
import assert from 'node:assert/strict';
import { DEFAULT_NOTIFY } from '@mandate/kernel';
import type { ChannelSetting, NotifySettings } from '@mandate/kernel';
import type { Closing } from '../../../../test/closing.ts';
import { openTestDatabase } from '../../../../test/postgres.ts';
import type { TestDatabase } from '../../../../test/postgres.ts';
import { manualClock, seededChance } from '../../platform/clock/manual-clock.ts';
import type { ManualClock } from '../../platform/clock/manual-clock.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { ChannelAnswer, ChannelMessage } from './message.ts';
import { createNotifications } from './notifications.ts';
import type { Notifications, NotificationsNeeds } from './notifications.ts';
import type { Voter } from './reader.ts';
import type { Sender } from './sender.ts';
import type { NotifyCharter } from './settings.ts';

/** 2026-11-20T10:00:00Z: a Friday, and eleven o'clock in Berlin. */
export const TEN_MS = Date.parse('2026-11-20T10:00:00Z');
export const TENANT = 'acme';

export interface Happening {
  readonly kind: string;
  readonly agent?: string | null;
  readonly actId?: string | null;
  readonly actor?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface ActRow {
  readonly agent?: string;
  readonly action?: string;
  readonly tier?: string;
  readonly status?: string;
  readonly error?: string | null;
  readonly costMicroUsd?: number;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly resource?: { readonly type: string; readonly id: string } | null;
  readonly approvalId?: string | null;
  readonly reasons?: readonly string[];
}

export interface Kit {
  readonly database: TestDatabase;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly notifications: Notifications;
  /** What the channels were handed, in order. */
  readonly sent: ChannelMessage[];
  /** Things that should not have gone wrong. */
  readonly failures: string[];
  readonly counted: string[];
  /** Who was shown what, by which channel. */
  readonly shown: string[];
  charter: NotifyCharter;
  voters: readonly Voter[];
  /** What the processes lack to send over a channel. */
  lacking: (channel: string) => string | null;
  /** How channels answer from now on. */
  answer: (message: ChannelMessage, signal: AbortSignal) => ChannelAnswer | Promise<ChannelAnswer>;
  /** Writes entries in one transaction and gives them positions. */
  write(entries: readonly Happening[], tenant?: string): Promise<void>;
  act(row: ActRow): Promise<string>;
  /** An act of builder-1 with the entries of its whole life. */
  ran(row: ActRow): Promise<string>;
  /** One turn of everything, and the end of what it began to send. */
  turn(): Promise<void>;
  another(): Notifications;
}

export function channel(over: Partial<ChannelSetting> = {}): ChannelSetting {
  const { channels: _, ...policy } = DEFAULT_NOTIFY;
  return {
    ...policy,
    kind: 'webhook',
    to: ['https://hook.example/'],
    secret: null,
    allowPrivate: false,
    options: {},
    ...over,
  };
}

export function charterWith(
  channels: Readonly<Record<string, ChannelSetting>>,
  more: { readonly users?: NotifyCharter['users']; readonly notify?: Partial<NotifySettings> } = {},
): NotifyCharter {
  return { notify: { ...DEFAULT_NOTIFY, ...more.notify, channels }, users: more.users ?? {} };
}

export async function openKit(t: Closing, startMs = TEN_MS): Promise<Kit> {
  const database = await openTestDatabase();
  const { store } = database;
  const clock = manualClock(startMs);
  const chance = seededChance(clock);
  const sent: ChannelMessage[] = [];
  const failures: string[] = [];
  const counted: string[] = [];
  const shown: string[] = [];
  await store.withTenant(TENANT, async (tx) => {
    await tx`insert into mandate.tenant (tenant, created_at) values (${TENANT}, ${new Date(startMs)})`;
  });

  async function sequence(): Promise<void> {
    await store.sequencer`
      with waiting as (select tenant, id from mandate.journal where position is null order by id),
           head as (select coalesce(max(position), 0) as position from mandate.journal where position is not null),
           numbered as (select tenant, id, row_number() over (order by id) as n from waiting)
      update mandate.journal j set position = head.position + numbered.n
      from numbered, head where j.tenant = numbered.tenant and j.id = numbered.id`;
  }
  const send: Sender = async (message, _setting, signal) => {
    sent.push(message);
    return kit.answer(message, signal);
  };
  const needs: NotificationsNeeds = {
    store,
    clock,
    chance,
    charterOf: () => Promise.resolve(kit.charter),
    votersOf: () => Promise.resolve(kit.voters),
    senders: { email: send, webhook: send, slack: send },
    linkFor: ({ approvalId, user }) =>
      Promise.resolve(
        `https://mandate.example/approvals/${approvalId}${user === null ? '' : `?t=secret-of-${user}`}`,
      ),
    shown: ({ approvalId, user, channel: name }) => {
      shown.push(`${user} ${approvalId} ${name}`);
      return Promise.resolve();
    },
    readingUrl: ({ kind, id }) => `https://mandate.example/${kind}s/${id}`,
    writeEntry: async (tx, tenant, entry) => {
      const rows = [{ ...entry, data: JSON.stringify(entry.data) }];
      await tx`select mandate.journal_write(${tenant}, ${jsonb(tx, rows)})`;
    },
    lacking: (name) => kit.lacking(name),
    counted: (name, outcome) => void counted.push(`${name} ${outcome}`),
    failed: (error, what) =>
      void failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`),
    sequence,
  };
  const opened: Notifications[] = [];
  const open = (): Notifications => {
    const made = createNotifications(needs);
    opened.push(made);
    return made;
  };
  const notifications = open();
  const kit: Kit = {
    database,
    store,
    clock,
    notifications,
    sent,
    failures,
    counted,
    shown,
    charter: charterWith({ hook: channel() }),
    voters: [],
    lacking: () => null,
    answer: () => ({ kind: 'accepted', reference: null }),
    another: open,
    async write(entries, tenant = TENANT) {
      await store.withTenant(tenant, async (tx) => {
        const rows = entries.map(({ kind, agent = null, actId = null, actor = 'key:test', data = {} }) => ({
          kind,
          agent,
          actId,
          actor,
          atMs: clock.nowMs(),
          traceId: '0123456789abcdef0123456789abcdef',
          data: JSON.stringify(data),
        }));
        await tx`select mandate.journal_write(${tenant}, ${jsonb(tx, rows)})`;
      });
      await sequence();
    },
    async act(row) {
      const id = chance.uuid();
      const resource = row.resource ?? null;
      await store.withTenant(TENANT, async (tx) => {
        await tx`
          insert into mandate.act (tenant, id, agent, action, status, tier, severity, principal, digest, display, decision, sealed, error, cost_micro_usd, approval_id, trace_id, created_at)
          values (${TENANT}, ${id}, ${row.agent ?? 'builder-1'}, ${row.action ?? 'deploy.staging'}, ${row.status ?? 'success'}, ${row.tier ?? 'yellow'}, 'medium',
            'key:test', 'd', ${jsonb(tx, { parameters: row.parameters ?? {}, resource })}, ${jsonb(tx, { reasons: row.reasons ?? [] })}, ${Buffer.from('sealed')},
            ${row.error ?? null}, ${row.costMicroUsd ?? 0}, ${row.approvalId ?? null}, '0123456789abcdef0123456789abcdef', ${new Date(clock.nowMs())})`;
      });
      return id;
    },
    async ran(row) {
      const actId = await kit.act(row);
      const agent = row.agent ?? 'builder-1';
      const ends: Readonly<Record<string, string>> = {
        success: 'succeeded',
        failed: 'failed',
        unknown: 'unknown',
      };
      const status = row.status ?? 'success';
      const end = ends[status];
      await kit.write([
        {
          kind:
            status === 'denied'
              ? 'action.denied'
              : status === 'waiting_for_approval'
                ? 'action.held'
                : 'action.started',
          agent,
          actId,
          data: { action: row.action ?? 'deploy.staging', tier: row.tier ?? 'yellow' },
        },
        ...(end === undefined
          ? []
          : [{ kind: `action.${end}`, agent, actId, data: { action: row.action ?? 'deploy.staging' } }]),
      ]);
      return actId;
    },
    async turn() {
      for (let turns = 0; turns < 50; turns += 1) {
        await notifications.schedule.turn();
        if ((await unsettled(store, clock.nowMs())) === 0) return;
      }
    },
  };
  t.after(async () => {
    for (const one of opened) await one.close();
    await database.drop();
    assert.deepEqual(failures, []);
  });
  return kit;
}

/** How many messages could be sent now, once those that are under way are over. */
async function unsettled(store: Store, nowMs: number): Promise<number> {
  for (let look = 0; look < 20_000; look += 1) {
    const [row] = await store.withTenant(
      TENANT,
      (tx) => tx<{ sending: number; due: number }[]>`
        select (count(*) filter (where status = 'sending' and lease_until > now()))::integer as sending,
          (count(*) filter (where status = 'pending' and (next_at <= ${new Date(nowMs)} or planned_at > ${new Date(nowMs + 60_000)})))::integer as due
        from mandate.delivery where tenant = ${TENANT}`,
    );
    if (row?.sending === 0) return row.due;
  }
  return 0;
}

/** Something that waits for a person. */
export async function approvalFor(kit: Kit, actId: string): Promise<string> {
  const [row] = await kit.store.withTenant(
    TENANT,
    (tx) => tx<{ id: string }[]>`
      insert into mandate.approval (tenant, id, digest, subject, act_id, display, requester, causes, required_roles, quorum, four_eyes, status, created_at, expires_at)
      values (${TENANT}, gen_random_uuid(), 'd', 'action', ${actId}, '{}', 'key:test', '{}', '{tech-lead}', 1, false, 'pending', ${new Date(kit.clock.nowMs())}, ${new Date(kit.clock.nowMs() + 3_600_000)})
      returning id`,
  );
  return row?.id ?? '';
}
