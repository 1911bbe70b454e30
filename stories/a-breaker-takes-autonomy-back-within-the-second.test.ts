// Two processes on one database: what goes wrong in one of them holds the next decision of the other within a second. Each
// of the four rules that ship is seen to trip, in a governed set of its own, and to do what it says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoor } from '../test/door.ts';
import { ask, callerOf } from '../test/road.ts';
import type { ActReply, Caller } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import { until } from '../test/until.ts';

const LADDER =
  "firstStabilization: 1s, ladder: [{ name: L3 }, { name: L3+, adds: ['*'], validation: 1d, approvals: [tech-lead] }]";
const CHARTER = `version: 1
phases:
  errors: { prefix: errors., ${LADDER} }
  repeats: { prefix: repeats., ${LADDER} }
  incidents: { prefix: incidents., ${LADDER} }
  rollbacks: { prefix: rollbacks., ${LADDER} }
readiness:
  total: 1
  items: [{ name: on record, category: technical, weight: 1, when: 'true' }]
actions:
  rollbacks.SET: { compensate: rollbacks.UNDO }
tiers:
  green: { actions: ['*'] }
`;

interface Event {
  readonly id: string;
  readonly ruleName: string;
  readonly commandType: string | null;
  readonly action: string;
  readonly actId: string | null;
  readonly incidentId: string | null;
  readonly metrics: { readonly commands: { readonly total: number; readonly failed: number } };
}

test('each rule that ships trips in one process and takes effect on the next decision of the other', async (t) => {
  // given two processes, and four sets that people have let rise
  const door = await openDoor(t, { charter: CHARTER, env: { CIRCUIT_BREAKER_CHECK_INTERVAL: '1s' } });
  const { database, masterKey, adminKey } = door;
  // The database goes with the door, and whoever is on it goes first.
  const leaving = { after: (leave: () => Promise<void>) => door.leaveFirst(leave) };
  const starting = startServer(leaving, { charter: CHARTER, database, masterKey, adminKey });
  const one = callerOf(door);
  const lead = (await door.makeKey({ roles: ['tech-lead'], user: { id: 'tess' } })).text;
  const proposer = (await door.makeKey({ roles: ['operator'], user: { id: 'otto' } })).text;
  const sets = ['errors', 'repeats', 'incidents', 'rollbacks'];
  const rising = sets.map((set) => rise(one, set, { proposer, lead }));
  const [two] = await Promise.all([starting, ...rising]);
  for (const set of sets) assert.equal(await tierOf(two, `${set}.SET`), 'green', set);

  // when one type of command fails three times, whoever asked for it
  for (const agent of ['r1', 'r2', 'r3']) await end(one, { agent, action: 'repeats.SET' }, 'failed');
  // then that type waits in the other process, and nothing else does
  await until('the type waits', async () => (await tierOf(two, 'repeats.SET')) === 'red');
  assert.equal(await tierOf(two, 'repeats.OTHER'), 'green');
  const [paused] = await event(two, 'repeats');
  assert.deepEqual(
    [paused?.ruleName, paused?.commandType, paused?.action],
    ['Repeated Command Failures', 'repeats.SET', 'pause_command_type'],
  );
  assert.notEqual(paused?.incidentId, null);
  // and goes on once somebody resolves it, also while the failures are still in the window
  await resolve(two, paused?.id ?? '');
  assert.equal(await tierOf(one, 'repeats.SET'), 'green');

  // when two of twenty acts fail, while elsewhere all is well
  const [done] = await Promise.all([succeed(one, 'rollbacks.SET', 20), succeed(two, 'errors.SET', 18)]);
  await end(two, { agent: 'r4', action: 'errors.SET' }, 'failed');
  assert.equal(await tierOf(one, 'errors.SET'), 'green', 'nineteen are no sample');
  const failed = await end(two, { agent: 'r5', action: 'errors.SET' }, 'failed');
  // then the set is back at its first phase, and the event tells of the act and of that moment
  await until('the set has fallen', async () => (await tierOf(one, 'errors.SET')) === 'red');
  assert.equal(await phaseOf(one, 'errors'), 'L3');
  const [fallen] = await event(one, 'errors');
  assert.deepEqual(
    [fallen?.ruleName, fallen?.actId, fallen?.metrics.commands.failed],
    ['High Error Rate', failed, 2],
  );
  // and resolving the event raises nothing
  await resolve(one, fallen?.id ?? '');
  assert.equal(await tierOf(two, 'errors.SET'), 'red');

  // when somebody opens a critical incident
  const order = { set: 'incidents', severity: 'critical', title: 'smoke', cause: 'the drum is too hot' };
  assert.equal((await one.call('/api/v1/incidents', order)).status, 201);
  // then the set that it is about falls, and it alone
  await until('the set has fallen', async () => (await tierOf(two, 'incidents.SET')) === 'red');
  const [noticed] = await event(two, 'incidents');
  assert.deepEqual([noticed?.ruleName, noticed?.incidentId], ['Critical Incident', null]);
  assert.equal(await tierOf(two, 'rollbacks.SET'), 'green');

  // when three of twenty successes are undone
  for (const id of done.slice(0, 3)) {
    const undo = await one.call<ActReply>(`/api/v1/actions/${id}/rollback`, { reason: 'the wrong bean' });
    await report(one, undo.body, 'success');
  }
  // then people are told with the next check, and nothing is held up
  const [alert] = await event(two, 'rollbacks');
  assert.deepEqual(
    [alert?.ruleName, alert?.action, alert?.incidentId],
    ['High Rollback Rate', 'alert_only', null],
  );
  assert.equal(await tierOf(two, 'rollbacks.SET'), 'green');

  // and of all the checks of two processes each made one event
  for (const set of sets) {
    const { body } = await two.call<readonly Event[]>(`/api/circuit-breaker/events?set=${set}`);
    assert.equal(body.length, 1, set);
  }
});

async function rise(
  server: Caller,
  set: string,
  { proposer, lead }: { readonly proposer: string; readonly lead: string },
): Promise<void> {
  const proposal = await until('it may be proposed', async () => {
    const { status, body } = await server.call<{ id: string }>(
      '/api/v1/governance/proposals',
      { set, reason: 'steady for long' },
      { key: proposer },
    );
    return status === 201 && body;
  });
  const path = `/api/v1/governance/proposals/${proposal.id}/approve`;
  const approved = await server.call(path, { reason: 'seen the record' }, { key: lead });
  assert.equal(approved.status, 200, JSON.stringify(approved.body));
}

/** By the judgement alone: whoever looks asks for nothing. */
async function tierOf(server: Caller, action: string): Promise<string> {
  const wish = { agent: 'looker', action };
  return (await server.call<Pick<ActReply, 'decision'>>('/api/v1/decisions', wish)).body.decision.tier;
}

async function phaseOf(server: Caller, set: string): Promise<unknown> {
  return (await server.call(`/api/v1/governance/state?set=${set}`)).body['phase'];
}

/** What nobody has resolved, once there is any. */
function event(server: Caller, set: string): Promise<readonly Event[]> {
  return until('an event', async () => {
    const path = `/api/circuit-breaker/events/unresolved?set=${set}`;
    const { body } = await server.call<readonly Event[]>(path);
    return body.length > 0 && body;
  });
}

async function resolve(server: Caller, id: string): Promise<void> {
  const { status } = await server.call(`/api/v1/circuit-breaker/events/${id}/resolve`, {
    reason: 'sensor replaced',
  });
  assert.equal(status, 200);
}

/** Acts of several agents at once; answers with their ids. */
function succeed(server: Caller, action: string, times: number): Promise<readonly string[]> {
  return Promise.all(
    Array.from({ length: times }, (_, n) => end(server, { agent: `s${n}`, action }, 'success')),
  );
}

/** Asks, and reports how it ended; answers with the act's id. */
async function end(
  server: Caller,
  wish: { readonly agent: string; readonly action: string },
  status: 'success' | 'failed',
): Promise<string> {
  const { body } = await ask(server, wish);
  await report(server, body, status);
  return body.id;
}

async function report(server: Caller, { id, permit }: ActReply, status: 'success' | 'failed'): Promise<void> {
  const outcome = status === 'failed' ? { error: 'the sensor lies' } : { result: 'done' };
  const answer = await server.call(`/api/v1/actions/${id}/outcome`, { permit, status, ...outcome });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}
