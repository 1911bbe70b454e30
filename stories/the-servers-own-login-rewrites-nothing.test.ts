// Whoever takes over the server's login to the database can do what the server does, and no more: what was asked,
// decided, shown and said is written once, what was tightened is not loosened, and nobody speaks for everybody.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createSequencer } from '../server/src/prove/journal/sequencer.ts';
import { systemClock } from '../server/src/platform/clock/clock.ts';
import { approve, ask, askHeld } from '../test/road.ts';
import { startServer } from '../test/server.ts';

const CHARTER = `version: 1
tiers: { green: { actions: [test.run] }, red: { actions: [deploy.production] } }
`;

// I3, I6, I8
test('the app login changes no act, approval or vote after the fact, lowers no revision and numbers no entry', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const { store, admin } = server.database;
  await ask(server);
  const held = await askHeld(server, { action: 'deploy.production' });
  await approve(server, held.approval);

  const wishes = [
    ['default', "update mandate.act set digest = 'x'"],
    ['default', "update mandate.act set display = '{}'"],
    ['default', "update mandate.act set principal = 'somebody else'"],
    ['default', "update mandate.act set decision = '{}' where action = 'test.run'"],
    ['default', "update mandate.act set status = 'waiting_for_approval' where action = 'test.run'"],
    ['default', "update mandate.approval set digest = 'x'"],
    ['default', "update mandate.approval set causes = '{}'"],
    ['default', 'update mandate.approval set quorum = 1'],
    ['default', "update mandate.vote set decision = 'deny'"],
    ['default', 'update mandate.tenant set revision = 0'],
    ['default', 'update mandate.tenant set epoch = 0'],
    ['*', 'update mandate.tenant set revision = revision + 1'],
    ['*', 'update mandate.restriction set lifted_at = now()'],
    [
      '*',
      "insert into mandate.restriction (tenant, id, kind, scope, floor, cause, created_by, created_at) values ('*', gen_random_uuid(), 'stop', 'global', 'black', 'c', 'b', now())",
    ],
    [
      'default',
      "insert into mandate.journal (tenant, position, kind, actor, at, data) values ('default', 9223372036854775807, 'k', 'a', now(), '{}')",
    ],
  ] as const;
  for (const [tenant, wish] of wishes) {
    const outcome = await store
      .withTenant(tenant, async (tx) => (await tx.unsafe(wish)).count)
      .catch(() => 'refused');
    assert.ok(outcome === 'refused' || outcome === 0, `as ${tenant}: ${wish} (${outcome})`);
  }
  await assert.rejects(admin`update mandate.tenant set revision = revision - 1`, /only grow/);
  await assert.rejects(
    admin`update mandate.act set decision = '{}' where action = 'test.run'`,
    /stands as it was decided/,
  );
  await assert.rejects(
    store.control`insert into mandate.journal (tenant, position, kind, actor, at, data) values ('default', 9, 'k', 'a', now(), '{}')`,
    /permission denied/,
  );
  const sequencer = createSequencer({
    db: store.sequencer,
    clock: systemClock,
    failed: (error) => assert.fail(String(error)),
  });
  await sequencer.pass();
});
