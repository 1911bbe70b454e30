// After an upgrade, a downgrade or a mistake in the database a process may be unable to read the charter in force. What
// that charter asks people for is then unknown, so the most is asked: nobody lifts alone what takes two, nobody replaces
// the charter alone, and a restart does not put the shipped one in its place.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createApp } from '../server/src/app.ts';
import { openInfrastructure } from '../server/src/infrastructure.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { loadConfig } from '../server/src/platform/config/config.ts';
import { createLog } from '../server/src/platform/log/log.ts';
import type { Store } from '../server/src/platform/postgres/store.ts';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';
import { openTestDatabase } from '../test/postgres.ts';
import { approve, ask, callerOf, stop } from '../test/road.ts';
import type { Caller } from '../test/road.ts';

const CHARTER = `version: 1
resume: { twoPersons: true }
approvals: { charter: { approvers: [tech-lead] }, unfreeze: { approvers: [ops-lead] } }
tiers: { green: { actions: [test.run] } }
`;
const NEWER = 'f'.repeat(64);

/** As a newer version of Mandate would have left it. */
async function beginNewer(store: Store): Promise<void> {
  const content = JSON.stringify([{ kind: 'own', name: 'charter.yaml', text: 'version: 2\nnews: true\n' }]);
  await store.withTenant('default', async (tx) => {
    await tx`
      insert into mandate.charter (tenant, version, content, author, note, created_at)
      values ('default', ${NEWER}, ${content}, 'user:newer', null, now())`;
    await tx`update mandate.charter_active set version = ${NEWER} where tenant = 'default'`;
    await tx`select mandate.raise_revision('default')`;
  });
}

interface Asked {
  readonly approval: {
    readonly id: string;
    readonly digest: string;
    readonly requiredRoles: readonly string[];
    readonly quorum: number;
  };
}

async function people(door: Door, ...ids: readonly string[]): Promise<Record<string, string>> {
  const keys: Record<string, string> = {};
  for (const id of ids) keys[id] = (await door.makeKey({ roles: ['admin'], user: { id } })).text;
  return keys;
}

// I5
test('what takes people still takes them, and two others than who asks may put a readable charter in force', async (t) => {
  const door = await openDoor(inOrder(t), { clock: manualClock(), charter: CHARTER });
  const server: Caller = callerOf(door);
  const { ada = '', ben = '', cleo = '' } = await people(door, 'ada', 'ben', 'cleo');
  await ask(server, { agent: 'worker-1' });
  await server.call('/api/v1/agents/worker-1/freeze', { reason: 'odd' });
  await stop(server, { scope: 'agent:worker-2' });
  await beginNewer(door.infrastructure.store);
  assert.notEqual((await ask(server, { action: 'test.run', agent: 'worker-3' })).status, 200);

  const lifting = { scope: 'agent:worker-2', reason: 'fine' };
  assert.equal((await server.call('/api/v1/resume', lifting, { key: ada })).status, 202, 'one is not two');
  assert.equal((await server.call('/api/v1/resume', lifting, { key: ben })).status, 200);
  const unfreeze = await server.call<Asked>(
    '/api/v1/agents/worker-1/unfreeze',
    { reason: 'fine' },
    { key: ada },
  );
  assert.deepEqual([unfreeze.status, unfreeze.body.approval.quorum], [202, 2]);

  const put = await server.call<Asked>(
    '/api/v1/charter',
    { text: CHARTER, note: 'back' },
    { method: 'PUT', key: ada },
  );
  assert.equal(put.status, 202, JSON.stringify(put.body));
  assert.deepEqual(
    [...put.body.approval.requiredRoles],
    ['tech-lead', 'ops-lead', 'product-lead', 'exec-sponsor'],
  );
  const { approval } = put.body;
  assert.equal((await approve(server, approval, { key: ada })).status, 403, 'four eyes');
  assert.equal((await approve(server, approval, { key: ben })).body.status, 'pending');
  assert.equal((await approve(server, approval, { key: cleo })).body.status, 'used');
  assert.equal((await ask(server, { action: 'test.run', agent: 'worker-3' })).status, 200);
});

// I5
test('a restart leaves it in force, where no file says otherwise', async (t) => {
  const database = await openTestDatabase(t);
  const dataDir = await mkdtemp(join(tmpdir(), 'mandate-newer-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const { logins } = database;
  const config = loadConfig({
    env: {
      PORT: '0',
      MANDATE_DATA_DIR: dataDir,
      DATABASE_URL: database.adminUrl,
      MANDATE_APP_URL: logins.appUrl,
      MANDATE_SEQUENCER_URL: logins.sequencerUrl,
      MANDATE_CONTROL_URL: logins.controlUrl,
    },
    argv: [],
  });
  const lines: string[] = [];
  const inForce = async (change: (store: Store) => Promise<void>): Promise<string | undefined> => {
    const opened = await openInfrastructure(config, { clock: manualClock() });
    const log = createLog({
      level: 'error',
      scrubber: opened.scrubber,
      clock: opened.clock,
      traceId: () => opened.telemetry.traceId(),
      destination: { write: (line) => void lines.push(line) },
    });
    try {
      const app = await createApp({ ...opened, log }, { version: '0.0.0', watchdog: false });
      await app.close();
      await change(opened.store);
      const [row] = await opened.store.withTenant(
        'default',
        (tx) =>
          tx<{ version: string }[]>`select version from mandate.charter_active where tenant = 'default'`,
      );
      return row?.version;
    } finally {
      await opened.close();
    }
  };
  await inForce(beginNewer);
  assert.equal(await inForce(() => Promise.resolve()), NEWER);
  assert.match(lines.join('\n'), /nothing is decided/);
});

/** The door closes before its database is dropped. */
function inOrder(t: TestContext) {
  return { after: (fn: () => Promise<void>) => t.after(fn) };
}
