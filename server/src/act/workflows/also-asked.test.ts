// Who else has asked for the step of a run: whoever wrote its template, whoever started it, whoever had it done before.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../../../../test/closing.ts';
import { openDoor } from '../../../../test/door.ts';
import type { Door } from '../../../../test/door.ts';
import type { RunReply } from '../../../../test/runs.ts';
import { until } from '../../../../test/until.ts';

const CHARTER = `version: 1
agents: { builder-1: { class: builder } }
actions: { own.make: { compensate: own.unmake } }
tiers:
  green: { actions: ['work.*', own.make, own.unmake] }
  red: { fourEyes: true, actions: ['deploy.*', own.ship] }
`;

let door: Door;
const file = wholeFile();
/** Keys by the person whose they are. */
const keys: Record<string, string> = {};
let agent = '';
before(async () => {
  door = await openDoor(file, { charter: CHARTER });
  for (const id of ['eve', 'bob', 'cy', 'dee'])
    keys[id] = (await door.makeKey({ roles: ['operator', 'tech-lead'], agents: 'any', user: { id } })).text;
  agent = (await door.makeKey({ roles: ['agent'], agents: ['builder-1'] })).text;
  door.app.registerExecutor('deploy.*', () => Promise.resolve({}));
  door.app.registerExecutor('work.*', () => Promise.reject(new Error('no')));
});

function as(who: string, path: string, body: object) {
  return door.call('POST', `/api/v1/${path}`, { key: keys[who] ?? who, body });
}

async function started(writer: string, starter: string, text: string): Promise<string> {
  const written = await as(writer, 'workflow-templates', { text });
  assert.equal(written.status, 201, written.text);
  const run = await as(starter, 'workflows', { template: written.json?.['name'] });
  assert.equal(run.status, 201, run.text);
  return String(run.json?.['id']);
}

async function look(id: string): Promise<RunReply> {
  return (await door.call('GET', `/api/v1/workflows/${id}`)).json as unknown as RunReply;
}

/** The statuses of the votes, in turn; the approval is that of the step that waits. */
async function votes(id: string, ...voters: readonly string[]): Promise<readonly number[]> {
  const approval = await until('a step waits for people', async () => {
    const step = (await look(id)).steps.find(({ status }) => status === 'waiting_for_approval');
    return step?.approvalId;
  });
  const { json } = await door.call('GET', `/api/v1/approvals/${approval}`);
  const seen: number[] = [];
  for (const voter of voters) {
    const vote = { decision: 'approve', digest: json?.['digest'] };
    seen.push((await as(voter, `approvals/${approval}/decision`, vote)).status);
  }
  return seen;
}

async function take(id: string, step: string) {
  await until(`${step} is offered`, async () => {
    const { json } = await door.call('GET', '/api/v1/workflow-steps', { key: agent });
    return JSON.stringify(json).includes(`"step":"${step}"`) && JSON.stringify(json).includes(id);
  });
  const taken = await as(agent, `workflows/${id}/take`, { step });
  assert.ok(taken.status < 300, taken.text);
  return taken.json ?? {};
}

// I6
test('whoever wrote the template of a run does not approve its step under four eyes, whoever started it', async () => {
  const id = await started(
    'eve',
    'bob',
    'name: ship\nagent: builder-1\nsteps: [{ id: ship, action: deploy.it }]\n',
  );
  assert.deepEqual(await votes(id, 'eve', 'bob', 'cy'), [403, 403, 200]);
});

// I6
test('whoever has a run done again is one more who asks, and nobody less', async () => {
  const text =
    'name: again\nagent: builder-1\nsteps: [{ id: fails, action: work.it }, { id: ship, action: deploy.it, needs: fails }]\n';
  const id = await started('eve', 'bob', text);
  await until('it has failed', async () => (await look(id)).status === 'failed');
  door.app.registerExecutor('work.it', () => Promise.resolve({}));
  assert.equal((await as('cy', `workflows/${id}/retry`, {})).status, 200);
  assert.deepEqual(await votes(id, 'eve', 'bob', 'cy', 'dee'), [403, 403, 403, 200]);
});

// I6
test('the step that an agent takes is asked for by those who wrote and started its run', async () => {
  const id = await started(
    'eve',
    'bob',
    'name: own\nagent: builder-1\nsteps: [{ id: ship, action: own.ship }]\n',
  );
  assert.equal((await take(id, 'ship'))['status'], 'waiting_for_approval');
  assert.deepEqual(await votes(id, 'eve', 'bob', 'cy'), [403, 403, 200]);
});

test('what an agent undoes itself in a run is on record as undone, and is undone once', async () => {
  const text = `name: undone
agent: builder-1
onFailure: compensate
steps:
  - { id: make, action: own.make, compensate: { action: own.unmake, parameters: { x: 1 } } }
  - { id: fails, action: work.never, needs: make }
`;
  const id = await started('eve', 'bob', text);
  const did = async (step: string): Promise<string> => {
    const act = await take(id, step);
    const outcome = { permit: act['permit'], status: 'success', result: {} };
    const told = await as(agent, `actions/${String(act['id'])}/outcome`, outcome);
    assert.equal(told.status, 200, told.text);
    return String(act['id']);
  };
  const made = await did('make');
  const undone = await did('~make');
  const { json } = await door.call('GET', `/api/v1/actions/${made}`);
  assert.deepEqual(json?.['rollback'], { id: undone, status: 'success' });
  const again = await as('bob', `actions/${made}/rollback`, { reason: 'once more' });
  assert.equal(again.status, 409, again.text);
});
