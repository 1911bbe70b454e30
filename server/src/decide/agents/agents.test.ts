// Freezes on a real Postgres: what was looked at is what is lifted, and nothing that came since.
import assert from 'node:assert/strict';
import test from 'node:test';
import { openTestDatabase } from '../../../../test/postgres.ts';
import { createChance } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { createAgents } from './agents.ts';

test('only the freezes that were looked at are lifted, not one that came since', async (t) => {
  const { store } = await openTestDatabase(t);
  const clock = manualClock();
  const tenant = 'acme';
  const agent = 'worker-1';
  const scope = `agent:${agent}`;
  await store.withTenant(
    tenant,
    (tx) => tx`insert into mandate.tenant (tenant, created_at) values (${tenant}, now())`,
  );
  const agents = createAgents({
    store,
    clock,
    chance: createChance(clock),
    takeBarrier: () => Promise.resolve(true),
    standingOf: () => Promise.resolve({ score: 0, level: 'probation' }),
    writeEntry: () => Promise.resolve(),
  });
  const freeze = (id: string) =>
    store.withTenant(
      tenant,
      (tx) => tx`
        insert into mandate.restriction (tenant, id, kind, scope, floor, cause, created_by, created_at)
        values (${tenant}, ${id}, 'freeze', ${scope}, 'red', 'odd', 'user:ada', now())`,
    );
  const standing = () => store.withTenant(tenant, (tx) => agents.freezesIn(tx, tenant, agent));
  const order = { tenant, agent, reason: 'fine', by: 'user:ben', traceId: null };
  const [one, two] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
  const none = await standing();
  await freeze(one);
  assert.equal(await agents.unfreeze(order, none), 0, 'there was none when it was asked');
  const seen = await standing();
  await freeze(two);
  assert.equal(await agents.unfreeze(order, seen), 1);
  assert.deepEqual(await standing(), [two]);
  assert.equal(await agents.unfreeze(order, null), 1);
  assert.deepEqual(await standing(), []);
});
