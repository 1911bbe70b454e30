// Idle agents sink back towards the start, from above only. Decisions reckon with it at once; this writes it down, so that
// the score on record is the one that counts and every move has its entry in the journal.
import { driftTrust, trustLevel } from '@mandate/kernel';
import type { TrustSettings, TrustState } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';

export interface DriftNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly settingsOf: (tenant: string) => Promise<TrustSettings>;
  readonly writeEntry: WriteEntry;
}

const DAY_MS = 86_400_000;

/** Has every agent of every tenant drift that has been idle for a whole day. Answers how many did. Any number of processes may do it at once. */
export function createDrift({ store, clock, settingsOf, writeEntry }: DriftNeeds): () => Promise<number> {
  return async () => {
    const tenants = await store.control<
      { tenant: string }[]
    >`select tenant from mandate.tenant where tenant <> '*'`;
    let drifted = 0;
    for (const { tenant } of tenants) {
      const settings = await settingsOf(tenant);
      drifted += await store.withTenant(tenant, (tx) => driftTenant(tx, tenant, settings));
    }
    return drifted;
  };

  async function driftTenant(tx: Tx, tenant: string, settings: TrustSettings): Promise<number> {
    const nowMs = clock.nowMs();
    // Locked: whoever is ending an act of the agent moves it from where this has left it. Whoever is locked is not idle.
    const idle = await tx<(IdleAgent & { readonly id: string })[]>`
      select id, score, streak, failures_in_row, gained_today, gained_day, moved_at from mandate.agent
      where tenant = ${tenant} and score > ${settings.start} and moved_at <= ${new Date(nowMs - DAY_MS)}
      order by id for update skip locked`;
    let fell = false;
    let count = 0;
    for (const agent of idle) {
      const move = driftTrust(stateOf(agent), nowMs, settings);
      if (move.delta === 0) continue;
      count += 1;
      fell ||= trustLevel(agent.score, settings) !== trustLevel(move.state.score, settings);
      await tx`
        update mandate.agent set score = ${move.state.score}, moved_at = ${new Date(move.state.movedMs)}, trust_version = trust_version + 1
        where tenant = ${tenant} and id = ${agent.id}`;
      await writeEntry(tx, tenant, {
        kind: 'trust.moved',
        agent: agent.id,
        actor: 'mandate:drift',
        atMs: nowMs,
        traceId: null,
        data: { before: agent.score, after: move.state.score, cause: move.cause },
      });
    }
    // Only a fall to another level makes decisions stricter, and so the ones taken before it stale.
    if (fell) await tx`select mandate.raise_revision(${tenant})`;
    return count;
  }
}

export interface IdleAgent {
  readonly score: number;
  readonly streak: number;
  readonly failures_in_row: number;
  readonly gained_today: number;
  readonly gained_day: number;
  readonly moved_at: number;
}

/** The kernel's words for a row of mandate.agent. */
export function stateOf(row: IdleAgent): TrustState {
  return {
    score: row.score,
    streak: row.streak,
    failuresInRow: row.failures_in_row,
    gainedToday: row.gained_today,
    gainedDay: row.gained_day,
    movedMs: row.moved_at,
  };
}
