// The roastery as a newcomer starts it: the machine, a server with the shipped charter, the agent. Only the machine's clock
// is the test's, so that a batch of twenty minutes takes as long as its commands take.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createMandate } from '@mandate/sdk';
import { ask, stop } from '../test/road.ts';
import { openRoaster } from '../test/roastery.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import type { Device } from './roastery/device.ts';
import { readDisplay } from './roastery/display.ts';
import { fly } from './roastery/flight.ts';
import type { Flight } from './roastery/flight.ts';
import { FILTER_ROAST } from './roastery/pilot.ts';
import { viewOf } from './roastery/view.ts';

const TOKEN = 'a-key-that-only-mandate-holds';

interface Roastery {
  readonly server: TestServer;
  readonly device: Device;
  readonly operator: string;
  /** Flies a batch; what waits is approved by whoever stands by. Ends early when `until` says so. */
  readonly batch: (until?: () => boolean) => Promise<Flight>;
  readonly lines: readonly string[];
}

async function openRoastery(t: TestContext): Promise<Roastery> {
  const roaster = await openRoaster(t, { token: TOKEN });
  const { device, charter } = roaster;
  const server = await startServer(t, { charter });
  await writeSecret(server, TOKEN);
  const agentKey = await server.makeKey({ roles: ['agent'], agents: ['roaster-1'] });
  const operator = await server.makeKey({ roles: ['operator', 'ops-lead'], agents: 'any' });
  const mandate = createMandate({ url: server.url, apiKey: agentKey, agent: 'roaster-1' });
  const person = createMandate({ url: server.url, apiKey: operator });
  const lines: string[] = [];
  const approvals: Promise<unknown>[] = [];
  return {
    server,
    device,
    operator,
    lines,
    batch: (isOver = () => false) =>
      fly({
        mandate,
        profile: FILTER_ROAST,
        look: () => readDisplay(device.url),
        pause: async () => {
          // Nobody's roast goes on while a person reads: the next look comes when everything asked for is decided.
          await Promise.all(approvals.splice(0));
          roaster.wait(10_000);
        },
        told: (line) => void lines.push(line),
        isOver,
        waits: ({ id, approval }) =>
          void approvals.push(
            person.approvals
              .approve(approval, 'I stand at the machine')
              .then(() => mandate.wait(id, { timeoutMs: 10_000 })),
          ),
      }),
  };
}

async function writeSecret(server: TestServer, text: string): Promise<void> {
  await mkdir(join(server.dataDir, 'secrets'), { recursive: true });
  await writeFile(join(server.dataDir, 'secrets', 'roaster-token'), `${text}\n`);
}

// One server for both: starting it takes longer than a batch.
test('the roastery, as a newcomer starts it', async (t) => {
  const roastery = await openRoastery(t);
  await t.test(
    'a batch at L3 is roasted by people who approve every command, and the machine obeys Mandate alone',
    () => roastAtL3(roastery),
  );
  await t.test('a stop in mid-roast holds the agent, and the operator puts the fire out through it', () =>
    stopInMidRoast(roastery),
  );
});

async function roastAtL3({ server, device, batch, lines }: Roastery): Promise<void> {
  const direct = await fetch(`${device.url}/commands`, {
    method: 'POST',
    body: JSON.stringify({
      id: '1',
      agent: 'roaster-1',
      action: 'roaster.SET_POWER',
      parameters: { percent: 80 },
    }),
  });
  assert.equal(direct.status, 401);

  const { display, outcomes, gaveUp } = await batch();
  const told = lines.join('\n');
  assert.deepEqual([display.mode, display.aborted, gaveUp], ['idle', false, false], told);
  assert.ok(display.developmentRatio !== null && display.developmentRatio > 0.1, told);
  assert.deepEqual(
    [...outcomes.keys()].filter((key) => !key.endsWith(' success')),
    [],
    told,
  );
  const asked = lines.filter((line) => line.endsWith('waits for people')).length;
  const done = [...device.done.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(done >= 12 && asked === done, `${asked} asked, ${done} done`);
  for (const name of ['PREHEAT', 'SET_POWER', 'SET_FAN', 'SET_DRUM', 'SET_AIRFLOW', 'COOLING_CYCLE'])
    assert.ok((device.done.get(name) ?? 0) > 0, name);

  // What the machine cannot do is black; what the agent says of itself only makes it stricter.
  const wish = { agent: 'roaster-1', action: 'roaster.SET_POWER' } as const;
  assert.equal((await ask(server, { ...wish, parameters: { percent: 140 } })).body.code, 'denied');
  assert.equal((await ask(server, { ...wish, parameters: { percent: '50' } })).body.code, 'denied');
  const claim = { parameters: { percent: 50 }, context: { rateOfRise: 41 } };
  const { body } = await server.call<{ decision: { causes: readonly string[] } }>('/api/v1/decisions', {
    ...wish,
    ...claim,
  });
  assert.ok(body.decision.causes.includes('finding:rate-of-rise'), JSON.stringify(body));
}

async function stopInMidRoast({ server, device, operator, batch }: Roastery): Promise<void> {
  await batch(() => device.look().mode === 'roasting' && viewOf(device.look()).stage === 'drying');
  assert.deepEqual([device.look().mode, device.look().drum.beans?.where], ['roasting', 'drum']);
  await stop(server);
  const before = new Map(device.done);
  let looks = 0;
  const flight = await batch(() => (looks += 1) > 6);
  assert.ok(
    [...flight.outcomes.keys()].every((key) => key.endsWith(' denied')),
    [...flight.outcomes.keys()].join(),
  );
  assert.deepEqual(device.done, before);
  const shutdown = { agent: 'roaster-1', action: 'roaster.EMERGENCY_SHUTDOWN' };
  assert.equal(
    (
      await ask(
        server,
        { ...shutdown, action: 'roaster.SET_POWER', parameters: { percent: 5 } },
        { key: operator },
      )
    ).body.code,
    'stopped',
  );
  const shut = await ask(server, shutdown, { key: operator });
  assert.deepEqual([shut.status, shut.body.status], [200, 'success'], JSON.stringify(shut.body));
  assert.deepEqual([device.look().mode, device.look().controls.powerPercent], ['locked', 0]);
}
