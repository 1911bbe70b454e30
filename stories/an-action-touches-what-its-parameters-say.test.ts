// An agent that names one portal and changes another walks past the flag of the one it changes. Where the charter says
// which parameter is the resource, that parameter counts at every door, and naming another one is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Decision } from '@mandate/kernel';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';
import { approve, ask, askHeld, callerOf, look, stop, resume } from '../test/road.ts';
import type { Caller } from '../test/road.ts';
import { until } from '../test/until.ts';

const charterOf = (held: string): string => `version: 1
resources: { portal: [tms, crm] }
actions:
  portal.*: { resource: { type: portal, from: portal }, compensate: portal.restore }
  portal.restore: { resource: { type: portal, from: parameters.portal } }
  deploy.portal: { resource: { type: portal, from: portal } }
  test.run_suite: { resource: { type: portal, from: target.portal } }
  plain.pay: { compensate: portal.restore }
  ${held}
tiers:
  green:
    actions: [portal.*, plain.*, own.*, test.*, { match: deploy.*, except: { when: 'resource.id == "crm"' } }]
  red: { actions: [portal.publish, own.publish, late.publish] }
`;
const CHARTER = charterOf('own.*: { resource: { type: portal, from: portal } }');
const tms = { type: 'portal', id: 'tms' };
const edi = { type: 'portal', id: 'edi' };
const OFF = ['restriction:flag:portal.tms.autonomous'];

let door: Door;
let server: Caller;
const closing: (() => Promise<void>)[] = [];
before(async () => {
  door = await openDoor({ after: (fn) => void closing.push(fn) }, { charter: CHARTER });
  server = callerOf(door);
  for (const pattern of ['portal.*', 'plain.*', 'test.*', 'late.*'])
    door.app.registerExecutor(pattern, () => Promise.resolve({}));
});
after(async () => {
  for (const close of closing) await close();
});

async function switchTms(value: boolean): Promise<void> {
  const body = { value, reason: 'a story' };
  const set = await door.call('PUT', '/api/v1/flags/portal.tms.autonomous', { body });
  assert.equal(set.status, 200, set.text);
}

async function judged(action: string, more: object): Promise<Decision> {
  const body = { agent: 'worker-1', action, ...more };
  const answer = await server.call<{ decision: Decision }>('/api/v1/decisions', body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body.decision;
}

async function touchedBy(id: string): Promise<unknown> {
  const [row] = await door.database.admin<{ type: string | null; id: string | null }[]>`
    select resource_type as type, resource_id as id from mandate.act where id = ${id}`;
  return row === undefined || row.type === null ? null : { ...row };
}

test('a portal that is switched off is held, whichever portal the agent names, and where it names none', async () => {
  // I5
  await switchTms(false);
  const parameters = { portal: 'tms' };
  for (const wish of [{ parameters }, { parameters, resource: tms }]) {
    const held = await ask(server, { action: 'portal.update', ...wish });
    assert.deepEqual([held.status, held.body.decision.causes], [202, OFF]);
    assert.deepEqual(await touchedBy(held.body.id), tms);
  }
  // Both spoke of the same thing, so they have one digest: what people approve is one action.
  const [digests] = await door.database.admin<{ n: number }[]>`
    select count(distinct digest)::integer as n from mandate.act where action = 'portal.update'`;
  assert.equal(digests?.n, 1);
  const lying = await ask(server, { action: 'portal.update', parameters, resource: edi });
  assert.deepEqual([lying.status, lying.body.code], [403, 'denied']);
  assert.match(lying.body.detail, /touches portal\/edi, but its parameter `portal`.*says portal\/tms/);
  const decided = await judged('portal.update', { parameters, resource: edi });
  assert.deepEqual([decided.effect, decided.causes], ['deny', OFF]);
  for (const silent of [{}, { portal: 7 }, { portal: 'TMS' }, { portals: 'crm' }]) {
    const held = await ask(server, { action: 'portal.update', parameters: silent, resource: edi });
    assert.deepEqual([held.status, held.body.decision.causes], [202, OFF], JSON.stringify(silent));
    assert.equal(await touchedBy(held.body.id), null);
  }
  const other = await ask(server, { action: 'portal.update', parameters: { portal: 'crm' } });
  assert.equal(other.body.status, 'success', JSON.stringify(other.body));
  // At a standard's door and in a run of a workflow it is the same.
  const evaluate = async (id: string) => {
    const body = {
      subject: { type: 'agent', id: 'worker-1' },
      action: { name: 'update', properties: { portal: 'tms' } },
      resource: { type: 'portal', id },
    };
    const { json } = await door.call('POST', '/access/v1/evaluation', { body });
    const { decision, context } = json as unknown as { decision: boolean; context: { reason: string } };
    return [decision, context.reason];
  };
  assert.deepEqual(await evaluate('edi'), [false, 'denied']);
  assert.deepEqual(await evaluate('tms'), [false, 'approval_required']);
  const template = `name: lying
agent: worker-1
steps: [{ id: one, action: portal.update, parameters: { portal: tms }, resource: { type: portal, id: edi } }]
`;
  const written = await door.call('POST', '/api/v1/workflow-templates', { body: { text: template } });
  assert.equal(written.status, 201, written.text);
  const run = await server.call<{ id: string }>('/api/v1/workflows', { template: 'lying' });
  assert.equal(run.status, 201, JSON.stringify(run.body));
  const ended = await until('the run has ended', async () => {
    const { body } = await server.call<{ status: string; steps: { error?: string }[] }>(
      `/api/v1/workflows/${run.body.id}`,
    );
    return body.status === 'failed' && body;
  });
  assert.match(ended.steps[0]?.error ?? '', /touches portal\/edi/);
  await switchTms(true);
});

test('a stop of a portal reaches what is under way on it, and conditions and tests go by the same portal', async () => {
  const begun = await ask(server, { action: 'own.work', parameters: { portal: 'tms' } });
  assert.equal(begun.body.status, 'permitted', JSON.stringify(begun.body));
  const stopped = await stop(server, { scope: 'resource:portal/tms' });
  assert.deepEqual(
    stopped.body.inFlight.map(({ id }) => id),
    [begun.body.id],
  );
  const barred = await ask(server, { action: 'portal.update', parameters: { portal: 'tms' } });
  assert.deepEqual([barred.status, barred.body.code], [403, 'stopped']);
  await resume(server, { scope: 'resource:portal/tms' });

  const crm = await judged('deploy.portal', { parameters: { portal: 'crm' } });
  assert.match(crm.trace.find(({ part }) => part === 'exception')?.text ?? '', /exception applies/);
  const untested = (decision: Decision): boolean =>
    decision.findings.some(({ check }) => check === 'deployment_safety');
  assert.ok(untested(await judged('deploy.portal', { parameters: { portal: 'tms' } })));
  const tested = await ask(server, { action: 'test.run_suite', parameters: { target: { portal: 'tms' } } });
  assert.equal(tested.body.status, 'success', JSON.stringify(tested.body));
  assert.ok(!untested(await judged('deploy.portal', { parameters: { portal: 'tms' } })));
  assert.ok(untested(await judged('deploy.portal', { parameters: { portal: 'crm' } })));
});

test('what undoes an act, and what an approver makes of one, touch what their own parameters say', async () => {
  const paid = await ask(server, { action: 'plain.pay', parameters: { portal: 'tms' }, resource: edi });
  assert.equal(paid.body.status, 'success', JSON.stringify(paid.body));
  const held = await askHeld(server, { action: 'portal.publish', parameters: { portal: 'crm' } });
  await switchTms(false);
  const undone = await server.call<{ id: string; status: string; decision: Decision }>(
    `/api/v1/actions/${paid.body.id}/rollback`,
    { reason: 'a story' },
  );
  assert.deepEqual([undone.status, undone.body.decision.causes], [202, OFF], JSON.stringify(undone.body));
  assert.deepEqual(await touchedBy(undone.body.id), tms);
  const edited = await server.call<{ id: string; digest: string; causes: readonly string[] }>(
    `/api/v1/approvals/${held.approval.id}/edit`,
    { digest: held.approval.digest, parameters: { portal: 'tms' }, reason: 'the other one' },
  );
  assert.equal(edited.status, 201, JSON.stringify(edited.body));
  const [row] = await door.database.admin<{ act: string; causes: readonly string[] }[]>`
    select act_id as act, causes from mandate.approval where id = ${edited.body.id}`;
  assert.deepEqual(await touchedBy(row?.act ?? ''), tms);
  assert.deepEqual(
    row?.causes.filter((cause) => cause.startsWith('restriction:')),
    OFF,
  );
  await switchTms(true);
});

test('what waits is judged by what it touches under the charter of now, also where people have approved it', async () => {
  const parameters = { portal: 'tms' };
  const named = await askHeld(server, { action: 'late.publish', parameters, resource: edi });
  const silent = await askHeld(server, { action: 'late.publish', parameters });
  const text = charterOf('late.*: { resource: { type: portal, from: portal } }');
  const put = await door.call('PUT', '/api/v1/charter', { body: { text } });
  assert.equal(put.status, 200, put.text);
  await switchTms(false);
  for (const { approval } of [named, silent]) assert.equal((await approve(server, approval)).status, 200);
  const ended = await until('the one that named another portal has ended', async () => {
    const { body } = await look(server, named.id);
    return body.status === 'denied' && body;
  });
  assert.match(ended.error ?? '', /touches portal\/edi/);
  // The other one was approved without that anybody saw the flag: people are asked again.
  const again = await until('people are asked again', async () => {
    const { body } = await look(server, silent.id);
    return body.approval !== undefined && body.approval.id !== silent.approval.id && body;
  });
  assert.ok(again.decision.causes.includes(String(OFF[0])), again.decision.causes.join());
  await switchTms(true);
});
