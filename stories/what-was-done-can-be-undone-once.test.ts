// Rollback is a real thing: an act names what undoes it, undoing is an action of its own on the same road, and only what
// undid it successfully counts as rolled back.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createMandate } from '@mandate/sdk';
import type { MandateProblem } from '@mandate/sdk';
import { openCommandLine } from '../test/command-line.ts';
import { openDoor } from '../test/door.ts';
import { approve, ask, callerOf } from '../test/road.ts';
import { until } from '../test/until.ts';

const CHARTER = `version: 1
actions:
  deploy.shop: { compensate: deploy.back }
  price.set: { compensate: price.reset }
tiers:
  green: { actions: [deploy.shop, price.set, price.reset, docs.write] }
  red: { actions: [{ match: deploy.back, when: 'parameters.parameters.version != "0"' }] }
`;

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly compensates?: string;
  readonly resource: unknown;
  readonly rollback?: { readonly id: string; readonly status: string };
}

test('what was done is undone by an action that knows what was done, waits where the law says so, and happens once', async (t) => {
  const door = await openDoor(t, { charter: CHARTER });
  const server = callerOf(door);
  const lead = (await door.makeKey({ roles: ['tech-lead'], user: { id: 'tess' } })).text;
  const mandate = createMandate({ url: door.url, apiKey: door.adminKey });
  const ran: { readonly action: string; readonly parameters: unknown }[] = [];
  let broken = true;
  for (const pattern of ['deploy.*', 'price.*'])
    door.app.registerExecutor(pattern, ({ action, parameters }) => {
      if (action === 'price.reset' && broken) throw new Error('the shop is closed');
      ran.push({ action, parameters });
      return { release: 'r-7', token: 'sk_live_4eC39HqLyjWDarjtT1zdp7dc' };
    });
  const shown = async (id: string): Promise<Shown> =>
    (await server.call<Shown>(`/api/v1/actions/${id}`)).body;

  // It waits like any red action, and until people decide the original is not rolled back.
  const { body: deployed } = await ask(server, {
    action: 'deploy.shop',
    parameters: { version: '7', replicas: 3 },
    resource: { type: 'portal', id: 'shop' },
  });
  assert.equal(deployed.status, 'success');
  const held = await mandate.rollback(deployed.id, 'the shop is slow');
  assert.ok(held.status === 'waiting_for_approval', JSON.stringify(held));
  assert.deepEqual((await shown(deployed.id)).rollback, { id: held.id, status: 'waiting_for_approval' });
  const { compensates, resource } = await shown(held.id);
  assert.deepEqual([compensates, resource], [deployed.id, { type: 'portal', id: 'shop' }]);
  await assert.rejects(
    mandate.rollback(deployed.id, 'again'),
    (error: MandateProblem) =>
      error.problem.status === 409 &&
      error.message.includes(`waits for approval as act ${held.id}`) &&
      !/rolled back already/.test(error.message),
  );
  assert.equal(ran.length, 1);
  await approve(server, held.approval, { key: lead });
  await until('the compensation has run', async () => (await shown(held.id)).status === 'success');
  await assert.rejects(mandate.rollback(deployed.id, 'again'), /rolled back already, by act/);
  assert.deepEqual((await shown(deployed.id)).rollback, { id: held.id, status: 'success' });
  // Its executor was told what to undo: parameters as they were, the result without its secret, on the same resource.
  assert.deepEqual(ran[1], {
    action: 'deploy.back',
    parameters: {
      compensates: deployed.id,
      action: 'deploy.shop',
      parameters: { version: '7', replicas: 3 },
      result: { release: 'r-7', token: '[redacted:token]' },
      reason: 'the shop is slow',
    },
  });

  // One that failed has undone nothing: it counts for nothing, and may be tried again.
  const { body: priced } = await ask(server, { action: 'price.set', parameters: { cents: 990 } });
  const failed = await mandate.rollback(priced.id, 'wrong price');
  assert.equal(failed.status, 'failed');
  assert.equal((await shown(priced.id)).rollback, undefined);
  broken = false;
  // Of ten who try at the same moment, one undoes it.
  const tries = await Promise.all(
    Array.from({ length: 10 }, () =>
      server.call<Shown>(`/api/v1/actions/${priced.id}/rollback`, { reason: 'wrong price' }),
    ),
  );
  assert.deepEqual(
    tries.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, ...Array.from({ length: 9 }, () => 409)],
  );
  assert.equal(ran.filter(({ action }) => action === 'price.reset').length, 1);

  // Metrics count the acts that were undone, not the attempts.
  const { commands } = (await door.call('GET', '/api/v1/metrics/current')).json as {
    commands: { rolledBack: number };
  };
  assert.equal(commands.rolledBack, 2);

  // Only what was done, and only where the charter says how.
  const { body: plain } = await ask(server, { action: 'docs.write' });
  const line = await openCommandLine();
  t.after(() => line.close());
  const env = { MANDATE_URL: door.url, MANDATE_API_KEY: door.adminKey };
  const refused = await line.run(['rollback', plain.id, '--reason', 'no'], env);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /add actions\.docs\.write\.compensate/);
  const { body: second } = await ask(server, { action: 'price.set', parameters: { cents: 1 } });
  const undone = await line.run(['rollback', second.id, '--reason', 'a typo'], env);
  assert.equal(undone.code, 0, undone.stderr);
  assert.match(undone.stdout, /success {2}price\.reset/);
  const agent = (await door.makeKey({ roles: ['agent'], agents: ['worker-1'] })).text;
  const own = await server.call(`/api/v1/actions/${second.id}/rollback`, { reason: 'mine' }, { key: agent });
  assert.equal(own.status, 403);
  assert.deepEqual(door.errors(), []);
});
