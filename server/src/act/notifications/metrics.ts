// How the channels do: what was sent and what failed is counted by the process that did it, what waits and what is dead
// is asked of the database, because any process may have put it there.
import { Counter, Gauge, Registry } from 'prom-client';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Store } from '../../platform/postgres/store.ts';

export interface ChannelMetrics {
  counted(channel: string, outcome: 'sent' | 'failed' | 'dead'): void;
  text(): Promise<string>;
}

export function createChannelMetrics({
  store,
  clock,
  tenant,
  prefix,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly tenant: string;
  readonly prefix: string;
}): ChannelMetrics {
  const registry = new Registry();
  const labelNames = ['channel'] as const;
  const sent = new Counter({
    name: `${prefix}_notifications_sent_total`,
    help: 'Messages that a channel has taken',
    labelNames,
    registers: [registry],
  });
  const failures = new Counter({
    name: `${prefix}_notifications_failed_total`,
    help: 'Tries that did not get a message through',
    labelNames,
    registers: [registry],
  });
  const dead = new Gauge({
    name: `${prefix}_notifications_dead`,
    help: 'Messages that were put aside and wait for a replay',
    labelNames,
    registers: [registry],
  });
  const pending = new Gauge({
    name: `${prefix}_notifications_pending`,
    help: 'Messages that are to be sent',
    labelNames,
    registers: [registry],
  });
  const age = new Gauge({
    name: `${prefix}_notifications_oldest_seconds`,
    help: 'Age of the oldest message that is to be sent',
    labelNames,
    registers: [registry],
  });

  return {
    counted(channel, outcome) {
      (outcome === 'sent' ? sent : failures).inc({ channel });
    },
    async text() {
      const rows = await store.withTenant(
        tenant,
        (tx) => tx<{ channel: string; dead: number; pending: number; oldest: number | null }[]>`
          select channel, (count(*) filter (where status = 'dead'))::integer as dead,
            (count(*) filter (where status in ('pending', 'sending')))::integer as pending,
            min(created_at) filter (where status in ('pending', 'sending')) as oldest
          from mandate.delivery where tenant = ${tenant} and status <> 'sent' group by channel`,
      );
      for (const gauge of [dead, pending, age]) gauge.reset();
      for (const row of rows) {
        const labels = { channel: row.channel };
        dead.set(labels, row.dead);
        pending.set(labels, row.pending);
        age.set(labels, row.oldest === null ? 0 : Math.max(0, (clock.nowMs() - row.oldest) / 1_000));
      }
      return registry.metrics();
    },
  };
}
