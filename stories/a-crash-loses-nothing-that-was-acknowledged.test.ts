// The server dies without warning while a thousand actions are on their way. What it had acknowledged must stand, no
// effect may happen twice, and nothing may stay half done for ever.
import assert from 'node:assert/strict';
import test from 'node:test';
import { effectsByAct, startEffects } from '../test/effects.ts';
import { approve, ask, askHeld, askPatiently, look, many, stop } from '../test/road.ts';
import type { ActReply } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import { until } from '../test/until.ts';

const ACTIONS = 1_000;
const AGENTS = 40;
const ENDS: ReadonlySet<string> = new Set(['success', 'failed', 'cancelled', 'unknown']);

// I7
test('kill -9 amid a thousand actions loses no acknowledged act, repeats no effect and leaves no act without an end', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, {
    charter: `version: 1
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { test.run: { executor: service, severity: low } }
tiers: { green: { actions: [test.run] } }
limits: { concurrentAgents: ${AGENTS} }
`,
  });
  const { admin } = server.database;

  const kills: Promise<void>[] = [];
  const acknowledged: ActReply[] = [];
  const lost: string[] = [];
  await many(ACTIONS, ACTIONS, async (at) => {
    try {
      const { status, body } = await ask(
        server,
        { agent: `agent-${at % AGENTS}`, parameters: { at } },
        { headers: { 'idempotency-key': `crash-${at}` } },
      );
      if (status === 200) acknowledged.push(body);
      if (acknowledged.length >= 200 && kills.length === 0) kills.push(server.kill('SIGKILL'));
    } catch (error) {
      if (kills.length === 0)
        throw new Error(`the server broke down by itself: ${server.log()}`, { cause: error });
      lost.push(`crash-${at}`);
    }
  });
  await Promise.all(kills);
  assert.ok(
    acknowledged.length >= 200 && lost.length > 0,
    `the kill came in the middle (${acknowledged.length} acknowledged, ${lost.length} lost)`,
  );
  // What the dead process had sent may still be on its way; counted too early it would look like a second execution.
  await service.quiet();
  const effectsBefore = effectsByAct(service.effects);

  await server.restart();
  await until(
    'every act that had started has an end',
    async () => {
      const [row] = await admin<
        { live: number }[]
      >`select count(*)::integer as live from mandate.act where status in ('executing', 'permitted')`;
      return row?.live === 0;
    },
    { withinMs: 30_000 },
  );

  const acts = await admin<{ id: string; status: string; started_at: number | null; entries: string[] }[]>`
    select a.id, a.status, a.started_at, array(select kind from mandate.journal j where j.tenant = a.tenant and j.act_id = a.id order by id) as entries from mandate.act a`;
  const byId = new Map(acts.map((act) => [act.id, act]));
  for (const act of acknowledged)
    assert.equal(byId.get(act.id)?.status, act.status, 'an acknowledged act stands as it was acknowledged');
  for (const act of acts) {
    assert.ok(act.started_at !== null && ENDS.has(act.status), `act ${act.id} is ${act.status}`);
    assert.deepEqual(
      act.entries.filter((kind) => kind.startsWith('action.')),
      ['action.started', END_ENTRY[act.status]],
      'one entry for its start, one for its end',
    );
  }
  const unknown = acts.filter((act) => act.status === 'unknown');
  for (const [actId, times] of effectsBefore) {
    assert.equal(times, 1, 'no act took effect twice');
    assert.ok(byId.has(actId), 'no effect without an act on record');
  }
  assert.deepEqual(
    effectsByAct(service.effects),
    effectsBefore,
    'what is unknown is not run again by itself',
  );
  for (const act of acts.filter(({ status }) => status === 'success'))
    assert.equal(effectsBefore.get(act.id), 1, 'what is called a success took effect');

  // The same keys once more: what is on record is answered, only what never began runs now.
  const repeats = await many(lost.length, 32, async (at) => {
    const key = lost[at] ?? '';
    return askPatiently(
      server,
      { agent: `agent-${Number(key.slice(6)) % AGENTS}`, parameters: { at: Number(key.slice(6)) } },
      { headers: { 'idempotency-key': key } },
    );
  });
  for (const { status, body } of repeats)
    assert.ok(status === 200 && ENDS.has(body.status), JSON.stringify(body));
  const effectsAfter = effectsByAct(service.effects);
  assert.ok(
    [...effectsAfter.values()].every((times) => times === 1),
    'no repeat ran anything twice',
  );
  for (const act of unknown)
    assert.equal(
      (await look(server, act.id)).body.status,
      'unknown',
      'unknown stays unknown until somebody finds out',
    );

  const [left] = await admin<{ live: number; slots: number; held: number }[]>`
    select (select coalesce(sum(live_acts), 0)::integer from mandate.agent) as live,
      (select count(*)::integer from mandate.slot where agent is not null) as slots,
      (select count(*)::integer from mandate.agent where slot is not null) as held`;
  assert.deepEqual({ ...left }, { live: 0, slots: 0, held: 0 }, 'no live act and no slot is left behind');
});

// I7
test('an approved act that runs for long after a restart keeps nothing else from being looked after', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, {
    charter: `version: 1
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { deploy.production: { executor: service }, test.short: { deadline: 1s } }
tiers: { green: { actions: [test.short] }, red: { actions: [deploy.production] } }
`,
  });
  const held = await askHeld(server, { action: 'deploy.production' });
  const silent = (await ask(server, { action: 'test.short' })).body;
  await stop(server, { level: 'pause' });
  await approve(server, held.approval);
  await server.kill('SIGKILL');
  // The stop is lifted behind the server's back, so that its upkeep, and no notification, finds what to begin.
  await server.database.admin`update mandate.restriction set lifted_at = now()`;
  service.hold();
  await server.restart();
  await until('the approved act is at work', () => service.effects.length === 1);
  await until(
    'the silent act is given up meanwhile',
    async () => (await look(server, silent.id)).body.status === 'unknown',
  );
  assert.equal(service.effects[0]?.end(), 'open');
  service.release();
  await until('the long one ends', async () => (await look(server, held.id)).body.status === 'success');
});

const END_ENTRY: Readonly<Record<string, string>> = {
  success: 'action.succeeded',
  failed: 'action.failed',
  cancelled: 'action.cancelled',
  unknown: 'action.unknown',
};
