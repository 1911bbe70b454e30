// People approve exactly what they were shown. Whatever crashes, races, expires or changes between their yes and the
// deed, it happens once, unchanged and in time, or not at all.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createApprovals } from '../server/src/decide/approvals/approvals.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { createChance, systemClock } from '../server/src/platform/clock/clock.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import { openDoor } from '../test/door.ts';
import { startEffects } from '../test/effects.ts';
import type { EffectService } from '../test/effects.ts';
import { approve, askHeld, callerOf, look, many, resume, stop } from '../test/road.ts';
import type { ActReply, Caller } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import { until } from '../test/until.ts';

function charterFor(service: EffectService): string {
  return `version: 1
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { deploy.production: { executor: service } }
tiers:
  green: { actions: [test.run] }
  red: { actions: [deploy.production, { match: portal.write, expires: 10m }] }
`;
}

const DEPLOY = { action: 'deploy.production', parameters: { version: 7 } } as const;
const PORTAL = { action: 'portal.write', parameters: { text: 'hello' } } as const;

async function setFlag(server: Caller, value: boolean): Promise<void> {
  const { status } = await server.call(
    '/api/v1/flags/agents.autonomousEnabled',
    { value, reason: 'a story' },
    { method: 'PUT' },
  );
  assert.equal(status, 200);
}

async function statusOf(server: Caller, id: string): Promise<string> {
  return (await look(server, id)).body.status;
}

// I6, I7
test('what was approved while no process lived runs in the next one, once', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const held = await askHeld(server, DEPLOY);
  await server.kill('SIGKILL');

  const { store } = server.database;
  const approvals = createApprovals({
    store,
    clock: systemClock,
    chance: createChance(systemClock),
    writeEntry,
    subjectOf: () => null,
    charterOf: () => Promise.resolve(null),
    hasCharter: () => Promise.resolve(false),
  });
  const vote = await approvals.vote({
    tenant: 'default',
    approvalId: held.approval.id,
    decision: 'approve',
    digest: held.approval.digest,
    reason: null,
    voter: { id: 'user:lead', roles: ['tech-lead'] },
    traceId: null,
  });
  assert.equal(vote.kind, 'voted');
  assert.equal(service.effects.length, 0);

  await server.restart();
  await until('it runs after the restart', async () => (await statusOf(server, held.id)) === 'success');
  assert.deepEqual(
    service.effects.map(({ actId }) => actId),
    [held.id],
  );
  await server.restart();
  assert.equal((await approve(server, held.approval)).status, 409, 'a used approval is not given again');
  assert.equal(service.effects.length, 1, 'another restart does not run it again');
});

// I2, I6
test('what is approved under a stop waits through kill -9 and restart until it is resumed', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const held = await askHeld(server, DEPLOY);
  await stop(server);
  assert.equal((await approve(server, held.approval)).body.status, 'approved');
  await server.restart();
  assert.equal(await statusOf(server, held.id), 'waiting_for_approval');
  assert.equal(service.effects.length, 0);
  await resume(server);
  await until('it runs once resumed', async () => (await statusOf(server, held.id)) === 'success');
  assert.equal(service.effects.length, 1);
});

// I6
test('of fifty people who approve at once over two processes one decides, and it runs once', async (t) => {
  const service = await startEffects(t);
  const one = await startServer(t, { charter: charterFor(service) });
  const two = await startServer(t, {
    charter: charterFor(service),
    database: one.database,
    masterKey: one.masterKey,
    adminKey: one.adminKey,
  });
  const held = await askHeld(one, DEPLOY);
  const keys = await Promise.all(
    Array.from({ length: 10 }, (_, at) =>
      one.makeKey({ roles: [at % 2 === 0 ? 'tech-lead' : 'ops-lead'], label: `approver ${at}` }),
    ),
  );
  const answers = await many(50, 50, (at) =>
    approve(at % 2 === 0 ? one : two, held.approval, { key: keys[at % keys.length] ?? '' }),
  );
  assert.deepEqual(
    answers.map(({ status }) => status).filter((status) => status !== 409),
    [200],
    'one decision wins',
  );
  await until('it has run', async () => (await statusOf(two, held.id)) === 'success');
  // Both processes were told of the approval; whoever came second must have found nothing to begin.
  assert.equal(service.effects.length, 1);
  const [row] = await one.database.admin<{ started: number; used: number }[]>`
    select (select count(*)::integer from mandate.journal where kind = 'action.started') as started, (select count(*)::integer from mandate.approval where status = 'used') as used`;
  assert.deepEqual({ ...row }, { started: 1, used: 1 });
  await two.close();
});

// I6
test('of fifty requests of the agent for an approved permit one receives it', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const held = await askHeld(server, PORTAL, { key });
  await approve(server, held.approval);
  const answers = await many(50, 50, () => look(server, held.id, { key }));
  assert.deepEqual(
    [...new Set(answers.map(({ status, body }) => `${status} ${body.status}`))],
    ['200 permitted'],
  );
  assert.equal(answers.filter(({ body }) => body.permit !== undefined).length, 1);
});

// I6, I10
test('an approval that has expired neither counts nor can be given', async (t) => {
  const clock = manualClock();
  const service = await startEffects(t);
  const door = await openDoor(t, { clock, charter: charterFor(service) });
  const server = callerOf(door);
  const key = (await door.makeKey({ roles: ['agent'], agents: ['worker-1'] })).text;
  const late = await askHeld(server, PORTAL, { key });
  const unused = await askHeld(
    server,
    { ...PORTAL, parameters: { text: 'approved in time, fetched too late' } },
    { key },
  );
  assert.equal((await approve(server, unused.approval)).body.status, 'approved');

  // Wall time alone, so that nothing is looked after yet: whoever comes before upkeep must find the same.
  clock.jumpTo(clock.nowMs() + 10 * 60_000);
  const refused = await approve(server, late.approval);
  assert.deepEqual([refused.status, refused.body.code], [409, 'conflict']);
  const fetched = await look(server, unused.id, { key });
  assert.notEqual(fetched.body.status, 'permitted');
  assert.equal(fetched.body.permit, undefined);
  assert.equal(fetched.body.approval?.id, unused.approval.id, 'and nobody is asked for it again');
  for (const act of [late, unused]) {
    await until('the act says that it expired', async () => {
      clock.advance(1_000);
      return (await statusOf(server, act.id)) === 'expired';
    });
  }
  assert.deepEqual(door.errors(), []);
});

// I6
test('who approves must have been shown the very same thing', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const held = await askHeld(server, DEPLOY);
  const other = await askHeld(server, { ...DEPLOY, parameters: { version: 8 } });
  assert.notEqual(held.approval.digest, other.approval.digest);
  const swapped = await approve(server, { id: held.approval.id, digest: other.approval.digest });
  assert.deepEqual([swapped.status, swapped.body.code], [409, 'digest_mismatch']);
  assert.equal(await statusOf(server, held.id), 'waiting_for_approval');
});

// I6
test('an agent key approves, resumes, unfreezes and flags nothing', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const held = await askHeld(server, DEPLOY, { key });
  const attempts = await Promise.all([
    approve(server, held.approval, { key }),
    server.call('/api/v1/resume', { reason: 'please' }, { key }),
    server.call('/api/v1/agents/worker-1/unfreeze', { reason: 'please' }, { key }),
    server.call(
      '/api/v1/flags/agents.autonomousEnabled',
      { value: false, reason: 'please' },
      { key, method: 'PUT' },
    ),
    server.call(`/api/v1/actions/${held.id}/confirm`, undefined, { key, method: 'POST' }),
    server.call('/api/v1/charter', { text: 'version: 1\nextends: default\n' }, { key, method: 'PUT' }),
    server.call('/api/v1/keys', { label: 'mine', roles: ['admin'] }, { key }),
  ]);
  assert.deepEqual(
    attempts.map(({ status }) => status),
    [403, 403, 403, 403, 403, 403, 403],
  );
  assert.equal(service.effects.length, 0);
});

// I6
test('what has got new reasons to wait since its approval is shown to people again', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const held = await askHeld(server, PORTAL, { key });
  await approve(server, held.approval);
  await setFlag(server, false);
  const again = (await look(server, held.id, { key })).body;
  assert.equal(again.status, 'waiting_for_approval');
  assert.equal(again.permit, undefined);
  assert.ok(
    again.approval !== undefined && again.approval.id !== held.approval.id,
    'a new approval was opened',
  );
  assert.equal((await approve(server, held.approval)).status, 409, 'the old one is gone');
  assert.equal((await approve(server, again.approval)).body.status, 'approved');
  assert.equal((await look(server, held.id, { key })).body.status, 'permitted');
});

// I6
test('a charter that finds more in it since the approval holds it again', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const held = await askHeld(server, DEPLOY);
  await stop(server, { level: 'pause' });
  await approve(server, held.approval);
  const text =
    `${charterFor(service)}guardrails: { deploymentWindow: 'Mon-Mon 00:00-00:01 UTC', diff: { warningLines: 1, errorLines: 1 } }\n`.replace(
      '{ executor: service }',
      '{ executor: service, diff: version, costUsd: 60 }',
    );
  const put = await server.call('/api/v1/charter', { text }, { method: 'PUT' });
  assert.equal(put.status, 200, JSON.stringify(put.body));
  await resume(server);
  const again = await until('it waits under a new approval', async () => {
    const { body } = await look(server, held.id);
    return body.approval !== undefined && body.approval.id !== held.approval.id && body;
  });
  assert.equal(again.status, 'waiting_for_approval');
  assert.ok(again.decision.causes.includes('finding:cost'), again.decision.causes.join());
  assert.equal(service.effects.length, 0);
});

// I6
test('an approval does not outlive the day when more people have to agree', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const held = await askHeld(server, PORTAL, { key });
  const attached = { agent: 'worker-1', ...PORTAL, parameters: { text: 'repeated' }, attach: true };
  const repeat = () => server.call<ActReply>('/api/v1/actions', attached, { key });
  const first = (await repeat()).body;
  assert.equal((await approve(server, held.approval)).body.status, 'approved');
  assert.ok(first.approval !== undefined);
  assert.equal((await approve(server, first.approval)).body.status, 'approved');
  const text = charterFor(service).replace('expires: 10m', 'quorum: 2, approvers: [ops-lead]');
  assert.equal((await server.call('/api/v1/charter', { text }, { method: 'PUT' })).status, 200);
  const again = (await look(server, held.id, { key })).body;
  assert.equal(again.status, 'waiting_for_approval');
  assert.equal(again.permit, undefined);
  const { approval } = again;
  assert.ok(approval !== undefined && approval.id !== held.approval.id, 'people are asked again');
  const two = await Promise.all(
    ['ann', 'ben'].map((id) => server.makeKey({ roles: ['ops-lead'], user: { id }, label: id })),
  );
  for (const by of two) await approve(server, approval, { key: by });
  assert.equal((await look(server, held.id, { key })).body.status, 'permitted');

  const { approval: asked, id, status } = (await repeat()).body;
  assert.deepEqual([id, status], [first.id, 'waiting_for_approval']);
  assert.ok(
    asked !== undefined && asked.id !== first.approval.id,
    'the identical repeat asks people again too',
  );
  for (const by of two) await approve(server, asked, { key: by });
  assert.deepEqual((await repeat()).body.id, first.id);
  assert.equal((await look(server, first.id, { key })).body.status, 'permitted');
});

// I6
test('what would need no approval any more still runs with the one it was given, and without one goes on waiting', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  await setFlag(server, false);
  const approved = await askHeld(server, { action: 'test.run', parameters: { n: 1 } }, { key });
  const pending = await askHeld(server, { action: 'test.run', parameters: { n: 2 } }, { key });
  await approve(server, approved.approval);
  await setFlag(server, true);
  const fetched = await look(server, approved.id, { key });
  assert.deepEqual([fetched.status, fetched.body.status], [200, 'permitted'], JSON.stringify(fetched.body));
  const waiting = await look(server, pending.id, { key });
  assert.deepEqual(
    [waiting.status, waiting.body.status],
    [200, 'waiting_for_approval'],
    JSON.stringify(waiting.body),
  );
});

// I6
test('what was approved for a key that has been revoked since does not run', async (t: TestContext) => {
  const service = await startEffects(t);
  const server = await startServer(t, { charter: charterFor(service) });
  const made = await server.call<{ id: string; text: string }>('/api/v1/keys', {
    label: 'short lived',
    roles: ['agent'],
    agents: ['worker-1'],
  });
  const held = await askHeld(server, DEPLOY, { key: made.body.text });
  await stop(server);
  await approve(server, held.approval);
  assert.equal(
    (await server.call(`/api/v1/keys/${made.body.id}`, undefined, { method: 'DELETE' })).status,
    200,
  );
  await resume(server);
  const other = await askHeld(server, { ...DEPLOY, parameters: { version: 8 } });
  await approve(server, other.approval);
  await until(
    'what was approved later has run',
    async () => (await statusOf(server, other.id)) === 'success',
  );
  assert.deepEqual(
    service.effects.map(({ actId }) => actId),
    [other.id],
  );
});
