// A tenant with a past, for the tests of policies: real Postgres, real charters, real seals, and a clock of their own.
import assert from 'node:assert/strict';
import type { Action, Facts, Law } from '@mandate/kernel';
import type { Closing } from './closing.ts';
import { buildPolicy, buildTrials } from '../server/src/app/policy.ts';
import type { Trials } from '../server/src/app/policy.ts';
import { createCharters } from '../server/src/decide/charter/charter.ts';
import type { Charters } from '../server/src/decide/charter/charter.ts';
import { shippedCharters } from '../server/src/decide/charter/disk.ts';
import type { Policy } from '../server/src/decide/policy/policy.ts';
import { createFlags } from '../server/src/decide/restrictions/flags.ts';
import { manualClock, seededChance } from '../server/src/platform/clock/manual-clock.ts';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import { parseMasterKeys } from '../server/src/platform/crypto/master-key.ts';
import { createSeals } from '../server/src/platform/crypto/seal.ts';
import type { Seals } from '../server/src/platform/crypto/seal.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import { openTestDatabase } from './postgres.ts';
import type { TestDatabase } from './postgres.ts';
import { actionOf, factsOf, NOON_MS } from './plain.ts';
import { pastAct, recordActs } from './recorded-acts.ts';
import type { PastAct } from './recorded-acts.ts';

export const TENANT = 'acme';

/** One process, as far as policies are concerned. */
export interface PolicyProcess {
  readonly policy: Policy;
  readonly trials: Trials;
  readonly charters: Charters;
  readonly seals: Seals;
  /** What it warned of. */
  readonly warnings: readonly string[];
}

export interface PolicyGround extends PolicyProcess {
  readonly database: TestDatabase;
  readonly clock: ManualClock;
  /** Another process on the same database, with a memory of its own. */
  another(): PolicyProcess;
  /** Puts a charter in force and answers with its law. */
  activate(text: string): Promise<Law>;
  /** Writes acts into the past, the last one a second ago. */
  record(acts: readonly PastAct[]): Promise<readonly string[]>;
}

const MASTER = parseMasterKeys(
  Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64'),
  'test',
);

export async function openPolicyGround(t: Closing): Promise<PolicyGround> {
  const database = await openTestDatabase(t);
  const clock = manualClock(NOON_MS);
  const chance = seededChance(clock);
  const { store } = database;
  await store.withTenant(
    TENANT,
    (tx) => tx`insert into mandate.tenant (tenant, created_at) values (${TENANT}, '2026-01-01')`,
  );
  let recorded = 0;

  function another(): PolicyProcess {
    const warnings: string[] = [];
    const log = {
      error: (_fields: object, message: string) => void warnings.push(message),
      warn: (_fields: object, message: string) => void warnings.push(message),
    };
    const charters = createCharters({
      store,
      clock,
      log,
      readFile: () => Promise.resolve(null),
      readShipped: shippedCharters,
    });
    const seals = createSeals({ store, masterKeys: MASTER, chance, clock });
    const trials = buildTrials({ store, clock, log }, charters);
    const policy = buildPolicy({
      infrastructure: { store, clock, chance },
      trials,
      flags: createFlags({ store, clock, writeEntry }),
      unseal: async (tenant, sealed, place) =>
        JSON.parse((await seals.open(tenant, place, sealed)).toString('utf8')) as unknown,
    });
    return { policy, trials, charters, seals, warnings };
  }

  const first = another();
  return {
    ...first,
    database,
    clock,
    another,
    async activate(text) {
      const done = await first.charters.activate({ tenant: TENANT, text, author: 'ada', note: null });
      if (done.kind === 'refused') return assert.fail(JSON.stringify(done.problems));
      return (await first.charters.lawOf(TENANT, done.version)) ?? assert.fail('the charter is not there');
    },
    async record(acts) {
      const ids = await recordActs({ store, seals: first.seals }, TENANT, {
        acts,
        untilMs: clock.nowMs() - 1_000,
        firstId: recorded + 1,
      });
      recorded += acts.length;
      return ids;
    },
  };
}

/** An act of this tenant, as that law decides it. */
export function past(
  law: Law,
  action: string,
  more: { action?: Partial<Action>; facts?: Partial<Facts> } = {},
): PastAct {
  return pastAct(law, actionOf(action, more.action), factsOf({ tenant: TENANT, ...more.facts }));
}
