// Where the charter asks for two persons, an agreement is given by somebody known by name, to the stops that stood
// when it was given. Nobody lifts a later stop with it, and nobody is two persons by having two keys.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { createAgreement } from '../server/src/decide/approvals/agreement.ts';
import { createResume, liftAgreed } from '../server/src/decide/restrictions/resume.ts';
import type { ResumeOrder } from '../server/src/decide/restrictions/resume.ts';
import { createStops } from '../server/src/decide/restrictions/stop.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { createChance } from '../server/src/platform/clock/clock.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import { approve, ask, askHeld, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { prepareGround, TENANT } from '../test/start-call.ts';
import { until } from '../test/until.ts';

const CHARTER = `version: 1
resume: { twoPersons: true }
tiers:
  green: { actions: [test.run] }
  red: { actions: [{ match: hold.it, quorum: 2 }] }
`;

const scope = 'agent:worker-1';

function agree(server: TestServer, key: string | undefined, over: Readonly<Record<string, string>> = {}) {
  return server.call<{ resumed?: boolean; lifted?: number; code?: string }>(
    '/api/v1/resume',
    { scope, reason: 'a story', ...over },
    key === undefined ? {} : { key },
  );
}

// I2
test('an agreement to lift one stop lifts no newer one', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const ada = await server.makeKey({ roles: ['operator'], user: { id: 'ada' } });
  const bob = await server.makeKey({ roles: ['operator'], user: { id: 'bob' } });
  await stop(server, { scope });
  assert.equal((await agree(server, ada)).status, 202);
  await stop(server, { scope, reason: 'something worse' });
  assert.equal((await agree(server, bob)).status, 202, 'ada has not agreed to this one');
  assert.equal((await ask(server)).body.code, 'stopped');
  const both = await agree(server, ada);
  assert.deepEqual([both.status, both.body.lifted], [200, 2]);
  assert.equal((await ask(server)).status, 200);
});

test('two keys are two persons only where two users stand behind them, for stops and for votes', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const nobody = await server.makeKey({ roles: ['operator', 'tech-lead'] });
  const ada = await server.makeKey({ roles: ['operator', 'tech-lead'], user: { id: 'ada' } });
  const adaAgain = await server.makeKey({ roles: ['operator', 'tech-lead'], user: { id: 'ada' } });
  const bob = await server.makeKey({ roles: ['operator', 'tech-lead'], user: { id: 'bob' } });
  await stop(server, { scope });
  const refused = await agree(server, nobody);
  assert.deepEqual([refused.status, refused.body.code], [403, 'forbidden']);
  assert.equal(
    (await agree(server, undefined)).status,
    403,
    'the first admin key is no person by name either',
  );
  assert.equal((await agree(server, ada)).status, 202);
  assert.equal((await agree(server, adaAgain)).status, 202);
  assert.equal((await agree(server, bob)).status, 200);

  const { approval } = await askHeld(server, { action: 'hold.it' });
  const unnamed = await approve(server, approval, { key: nobody });
  assert.deepEqual([unnamed.status, unnamed.body.code], [403, 'forbidden']);
  assert.equal((await approve(server, approval, { key: ada })).body.status, 'pending');
  assert.equal((await approve(server, approval, { key: adaAgain })).body.code, 'conflict');
  assert.equal((await approve(server, approval, { key: bob })).body.status, 'approved');
});

// I2
test('the file STOP is lifted by two persons as well, and by both of them for the file', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const ada = await server.makeKey({ roles: ['admin'], user: { id: 'ada' } });
  const bob = await server.makeKey({ roles: ['admin'], user: { id: 'bob' } });
  const file = join(server.dataDir, 'STOP');
  await stop(server);
  assert.equal((await agree(server, ada, { scope: 'tenant' })).status, 202);
  await writeFile(file, '');
  await until(
    'the file is obeyed',
    async () => (await server.call<{ sentinel: boolean }>('/api/v1/stop')).body.sentinel,
  );
  const early = await agree(server, bob, { scope: 'tenant' });
  assert.equal(early.status, 202, 'ada agreed before there was a file');
  assert.equal(existsSync(file), true);
  assert.equal((await ask(server)).body.code, 'stopped');
  await until('the file is on record', async () =>
    (await server.call<{ stops: readonly { tenant: string }[] }>('/api/v1/stop')).body.stops.some(
      (each) => each.tenant === '*',
    ),
  );
  const [one, two] = [
    await agree(server, ada, { scope: 'tenant' }),
    await agree(server, bob, { scope: 'tenant' }),
  ];
  assert.ok([200, 202].includes(one.status) && [200, 409].includes(two.status), JSON.stringify([one, two]));
  assert.equal(existsSync(file), false);
  assert.equal((await ask(server)).status, 200);
});

test('an agreement waits an hour for the second person, and a file not yet on record needs both as well', async (t) => {
  const { database } = await prepareGround(t);
  const { control } = database.store;
  const clock = manualClock();
  const chance = createChance(clock);
  const agree = createAgreement({
    clock,
    chance,
    writeEntry,
    lift: (tx, agreed) => liftAgreed(tx, agreed, writeEntry),
  });
  const needs = { control, clock, writeEntry, agree };
  const resume = createResume(needs);
  const stops = createStops({
    ...needs,
    chance,
    classesOf: () => Promise.resolve(null),
  });
  const kindOf = async (by: string, over: Partial<ResumeOrder> = {}): Promise<string> => {
    const order = {
      tenant: TENANT,
      scope: 'tenant',
      reason: 'a story',
      twoPersons: true,
      roles: ['operator'],
      traceId: null,
    };
    return (await resume({ ...order, fileSinceMs: null, by, ...over })).kind;
  };
  const level = 'stop';
  await stops.stop({ tenant: TENANT, scope: 'tenant', level, reason: 'a story', by: 'x', traceId: null });
  assert.equal(await kindOf('user:ada'), 'second_person_needed');
  clock.advance(3_600_000);
  assert.equal(await kindOf('user:bob'), 'second_person_needed', "ada's has run out");
  clock.advance(3_599_999);
  assert.equal(await kindOf('user:ada'), 'resumed');

  const everybody = { tenant: '*', scope: 'global' };
  assert.equal(await kindOf('user:ada', everybody), 'nothing_to_resume');
  const fileSinceMs = clock.nowMs();
  assert.equal(await kindOf('user:ada', { ...everybody, fileSinceMs }), 'second_person_needed');
  clock.advance(1_000);
  const later = clock.nowMs();
  assert.equal(
    await kindOf('user:bob', { ...everybody, fileSinceMs: later }),
    'second_person_needed',
    'it is another file than the one that ada agreed to',
  );
  assert.equal(await kindOf('user:ada', { ...everybody, fileSinceMs: later }), 'resumed');
});
