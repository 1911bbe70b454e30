// Two ways to try Mandate on running agents: audit holds nothing back that a person would have been asked about, and a
// dry run carries nothing out at all. Neither may soften what protects, or record something that did not happen.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startEffects } from '../test/effects.ts';
import type { EffectService } from '../test/effects.ts';
import { approve, ask, askHeld, look, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';

function charterFor(service: EffectService, enforcement: 'enforce' | 'audit'): string {
  return `version: 1
enforcement: ${enforcement}
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { test.run: { executor: service }, deploy.production: { executor: service }, audit.delete: { executor: service }, note.write: { executor: service } }
tiers: { green: { actions: [test.run, note.write] }, red: { actions: [deploy.production] }, black: { actions: [audit.delete] } }
limits: { usdPerDay: 5 }
`;
}

async function setFlag(server: TestServer, key: string, value: boolean | string): Promise<void> {
  const { status, body } = await server.call(
    `/api/v1/flags/${key}`,
    { value, reason: 'a story' },
    { method: 'PUT' },
  );
  assert.equal(status, 200, JSON.stringify(body));
}

// I4
test('under audit what would have been held runs and says so; black, limits, flags, freezes and stops still bind', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service, 'audit') });
  const ruled = (await ask(server, { action: 'deploy.production' })).body;
  assert.deepEqual(
    [ruled.status, ruled.decision.code, ruled.decision.tier, ruled.decision.causes],
    ['success', 'audited', 'red', ['rule:deploy.production']],
  );
  const found = (await ask(server, { action: 'note.write', parameters: { path: '.env' } })).body;
  assert.deepEqual(
    [found.status, found.decision.code, found.decision.causes],
    ['success', 'audited', ['critical:protected_path', 'finding:protected_path']],
  );
  const unruled = (await ask(server, { action: 'nobody.wrote.a.rule' })).body;
  assert.deepEqual([unruled.status, unruled.decision.code], ['permitted', 'audited']);
  const entries = await server.database.admin<
    { code: string }[]
  >`select data::jsonb->>'code' as code from mandate.journal where kind in ('action.started', 'action.permitted')`;
  assert.deepEqual(
    entries.map(({ code }) => code),
    ['audited', 'audited', 'audited'],
    'the journal says what would have been held',
  );

  assert.equal((await ask(server, { action: 'audit.delete' })).status, 403, 'black is black');
  assert.equal((await ask(server, { estimatedCostUsd: 6 })).body.code, 'limit_exceeded');
  await setFlag(server, 'agents.autonomousEnabled', false);
  assert.equal(
    (await ask(server, { parameters: { flag: 'off' } })).status,
    202,
    'a restriction by people holds',
  );
  await setFlag(server, 'agents.autonomousEnabled', true);
  await setFlag(server, 'autonomy.mode', 'SUPERVISED');
  assert.equal((await ask(server, { parameters: { mode: 'SUPERVISED' } })).status, 202);
  await setFlag(server, 'autonomy.mode', 'FULL');
  await server.call('/api/v1/agents/worker-1/freeze', { reason: 'a story' });
  assert.equal((await ask(server, { parameters: { frozen: true } })).body.code, 'frozen');
  await stop(server);
  assert.equal((await ask(server, { agent: 'worker-2' })).body.code, 'stopped');
  assert.equal(service.effects.length, 2);
});

test('a dry run decides and records everything and carries nothing out', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service, 'enforce') });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const before = await askHeld(server, { action: 'deploy.production', parameters: { asked: 'before' } });
  await setFlag(server, 'autonomy.mode', 'DRY_RUN');
  for (const action of ['test.run', 'deploy.production', 'audit.delete', 'nobody.wrote.a.rule']) {
    const { status, body } = await ask(server, { action, estimatedCostUsd: 1 }, { key });
    assert.deepEqual(
      [status, body.status, body.decision.effect, body.permit, body.approval],
      [200, 'recorded', 'none', undefined, undefined],
      action,
    );
    assert.equal((await look(server, body.id, { key })).body.status, 'recorded');
  }
  assert.equal((await ask(server, {}, { key: 'mdt_nobody' })).status, 401, 'who is nobody is told nothing');
  assert.equal((await approve(server, before.approval)).body.status, 'approved');
  assert.equal((await ask(server, { parameters: { later: true } })).body.status, 'recorded');
  assert.equal(service.effects.length, 0, 'nothing ran');
  const [row] = await server.database.admin<{ used: number; agents: number; recorded: number }[]>`
    select (select count(*)::integer from mandate.limit_use) as used, (select count(*)::integer from mandate.agent where live_acts > 0) as agents,
      (select count(*)::integer from mandate.journal where kind = 'action.recorded') as recorded`;
  assert.deepEqual(
    { ...row },
    { used: 0, agents: 0, recorded: 5 },
    'nothing was reserved, everything is in the journal',
  );

  await setFlag(server, 'autonomy.mode', 'FULL');
  await until(
    'what was approved runs once the dry run is over',
    async () => (await look(server, before.id)).body.status === 'success',
  );
  assert.equal((await ask(server, { parameters: { after: true } }, { key })).body.status, 'success');
});
