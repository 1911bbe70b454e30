// Stopping every agent must not stop the one action that makes the machine safe. An operator may run it through any
// stop; an agent may not, and nothing else may follow it through.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { startEffects } from '../test/effects.ts';
import type { EffectService } from '../test/effects.ts';
import { ask, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';

async function startRoaster(t: TestContext): Promise<{
  readonly service: EffectService;
  readonly server: TestServer;
  readonly operator: string;
  readonly agent: string;
}> {
  const service = await startEffects(t);
  const server = await startServer(t, {
    charter: `version: 1
executors: { roaster: { http: '${service.url}', allowPrivate: true } }
actions:
  roaster.EMERGENCY_SHUTDOWN: { executor: roaster, safeState: true }
  roaster.SET_POWER: { executor: roaster }
tiers: { green: { actions: [roaster.*] } }
`,
  });
  const operator = await server.makeKey({ roles: ['operator'], agents: 'any' });
  const agent = await server.makeKey({ roles: ['agent'], agents: ['roaster-1'] });
  return { service, server, operator, agent };
}

const SHUTDOWN = { agent: 'roaster-1', action: 'roaster.EMERGENCY_SHUTDOWN' } as const;
const POWER = { agent: 'roaster-1', action: 'roaster.SET_POWER' } as const;

// I2
test('an operator shuts the roaster down through a stop, an agent does not, and nothing else gets through', async (t) => {
  const { service, server, operator, agent } = await startRoaster(t);
  await stop(server);
  assert.equal((await ask(server, SHUTDOWN, { key: agent })).body.code, 'stopped');
  assert.equal((await ask(server, POWER, { key: operator })).body.code, 'stopped');
  const shut = await ask(server, SHUTDOWN, { key: operator });
  assert.deepEqual([shut.status, shut.body.status], [200, 'success'], JSON.stringify(shut.body));
  assert.deepEqual(
    service.effects.map(({ action }) => action),
    ['roaster.EMERGENCY_SHUTDOWN'],
  );
});

// I2
test('it goes through the file STOP as well, and a stop that comes while it runs does not break it off', async (t) => {
  const { service, server, operator } = await startRoaster(t);
  await writeFile(join(server.dataDir, 'STOP'), '');
  await until(
    'the file is obeyed',
    async () => (await ask(server, POWER, { key: operator })).body.code === 'stopped',
  );
  const before = service.effects.length;
  service.hold();
  const shutting = ask(server, SHUTDOWN, { key: operator });
  await until('the shutdown is under way', () => service.effects.length > before);
  await stop(server, { level: 'stop' });
  assert.equal((await ask(server, POWER, { key: operator })).body.code, 'stopped');
  assert.equal(service.effects.at(-1)?.end(), 'open');
  service.release();
  assert.equal((await shutting).body.status, 'success');
});
