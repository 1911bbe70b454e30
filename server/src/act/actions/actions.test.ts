import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { DEFAULT_TRUST } from '@mandate/kernel';
import type { Severity } from '@mandate/kernel';
import { createChance } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { openRunDoor } from '../../../../test/runs.ts';
import { prepareGround, startCall, TENANT } from '../../../../test/start-call.ts';
import { hasFailedBefore } from '../workflows/earlier-failure.ts';
import { createActions } from './actions.ts';
import type { EndAnswer } from './actions.ts';
import { startAct } from './store.ts';

interface Opened {
  /** Begins and fails an attempt of a step of a run; without one, an act of its own. */
  readonly fails: (of?: {
    readonly step?: string;
    readonly agent?: string;
    readonly severity?: Severity;
  }) => Promise<EndAnswer>;
  /** As `fails`, in two halves. */
  readonly begins: (step: string) => Promise<() => Promise<EndAnswer>>;
  readonly score: (agent?: string) => Promise<number>;
  readonly unsettled: readonly string[];
}

async function open(t: TestContext, settles = true): Promise<Opened> {
  const { database, revision } = await prepareGround(t);
  const { store, admin } = database;
  const clock = manualClock();
  const run = randomUUID();
  await admin`
    insert into mandate.workflow_run (tenant, id, template, version, status, started_by, sealed, created_at)
    values (${TENANT}, ${run}, 'plain', 'v1', 'running', 'key:test', '', now())`;
  const unsettled: string[] = [];
  const actions = createActions({
    store,
    clock,
    chance: createChance(clock),
    seal: () => Promise.resolve(new Uint8Array()),
    redactText: (text) => text,
    settleFreeze: () => Promise.resolve(settles),
    unsettled: ({ tenant, agent }) => unsettled.push(`${tenant} ${agent}`),
    hasFailedBefore: (act) => hasFailedBefore(store, act),
    ended: () => undefined,
  });
  let attempt = 0;
  async function begin(
    step: string | null,
    {
      agent = 'worker-1',
      severity = 'medium',
    }: { readonly agent?: string; readonly severity?: Severity } = {},
  ): Promise<() => Promise<EndAnswer>> {
    const call = startCall(await revision());
    attempt += 1;
    const key = `§${run}/${attempt}/${step}`;
    const idempotency = step === null ? null : { principal: 'key:test', key, digest: 'd' };
    const started = await startAct(store.app, {
      ...call,
      act: { ...call.act, agent, severity },
      idempotency,
    });
    assert.equal(started.kind, 'started');
    return () =>
      actions.end({
        act: {
          id: call.act.id,
          tenant: TENANT,
          agent,
          action: call.act.action,
          decision: { severity, earnedSeverity: 'medium' },
          traceId: null,
        },
        ending: { kind: 'failed', error: 'it broke', costMicroUsd: null },
        from: ['executing'],
        counts: true,
        by: 'key:test',
        settings: DEFAULT_TRUST,
        trust: null,
      });
  }
  return {
    begins: begin,
    fails: async ({ step, ...more } = {}) => (await begin(step ?? null, more))(),
    async score(agent = 'worker-1') {
      const [row] = await admin<{ score: number }[]>`select score from mandate.agent where id = ${agent}`;
      return row?.score ?? Number.NaN;
    },
    unsettled,
  };
}

test('a step that fails again and again has failed once, and freezes nobody', async (t) => {
  const { fails, score } = await open(t);
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const ended = await fails({ step: 'build' });
    assert.deepEqual(ended.kind === 'ended' ? [ended.status, ended.frozen] : ended, ['failed', null]);
  }
  assert.equal(await score(), 47);
});

test('what is not a retry of the same step counts each time', async (t) => {
  const { fails, score } = await open(t);
  await fails({ step: 'build[1]' });
  await fails({ step: 'build[2]' });
  assert.equal(await score(), 44);
  await fails({ step: 'build[2]', agent: 'worker-2' });
  assert.equal(await score('worker-2'), 47, 'another agent has not failed at it before');
  await fails({ step: 'build[2]', severity: 'low' });
  assert.equal(await score(), 44);
  const graver = await fails({ step: 'build[2]', severity: 'high' });
  assert.equal(graver.kind === 'ended' ? graver.frozen !== null : null, true, 'the third failure in a row');
  assert.equal(await score(), 36);
});

test('acts that belong to no run count each time', async (t) => {
  const { fails, score } = await open(t);
  await fails();
  await fails();
  assert.equal(await score(), 44);
});

test('two attempts of one step that fail at the same moment count once', async (t) => {
  const { begins, score } = await open(t);
  const ends = await Promise.all(Array.from({ length: 5 }, () => begins('build')));
  await Promise.all(ends.map((end) => end()));
  assert.equal(await score(), 47);
});

test('a freeze of which nobody could make sure is told', async (t) => {
  const sure = await open(t);
  assert.ok(await freezes(sure));
  assert.deepEqual(sure.unsettled, []);
  const unsure = await open(t, false);
  assert.ok(await freezes(unsure), 'it stands all the same');
  assert.deepEqual(unsure.unsettled, [`${TENANT} worker-1`]);
});

async function freezes({ fails }: Opened): Promise<boolean> {
  const ended = await fails({ severity: 'critical' });
  return ended.kind === 'ended' && ended.frozen !== null;
}

test('a run whose step is tried again costs its agent one failure, in the record of trust as in trials of it', async (t) => {
  const runs = await openRunDoor(t);
  runs.executes(() => Promise.reject(new Error('shaky')));
  await runs.write(`name: shaky
agent: tester-1
steps: [{ id: shaky, action: work.shaky, retries: { max: 3, backoff: 1ms } }]
`);
  const run = await runs.ended(await runs.start('shaky'));
  assert.deepEqual([run.status, runs.done.length], ['failed', 4]);
  const { json, text } = await runs.door.call('POST', '/api/v1/trust/simulate', {
    body: { trust: {}, against: '1h' },
  });
  const [replayed] = (json?.['agents'] ?? []) as readonly {
    readonly outcomes: number;
    readonly recorded: { readonly score: number };
    readonly simulated: { readonly score: number };
  }[];
  assert.deepEqual(
    [replayed?.outcomes, replayed?.recorded.score, replayed?.simulated.score],
    [1, 47, 47],
    text,
  );
});
