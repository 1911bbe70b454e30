// What a program or a charter brings along to look at actions counts as much as what is shipped; and what is shipped
// looks at what acts really cost and at what is on record about a deployment.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';
import { ask, callerOf } from '../test/road.ts';
import type { ActReply, Caller, Wish } from '../test/road.ts';

interface Found {
  readonly check: string;
  readonly severity: string;
  readonly message: string;
}

async function open(
  t: TestContext,
  charter: string,
): Promise<{
  readonly door: Door;
  readonly clock: ManualClock;
  readonly server: Caller;
  readonly key: string;
}> {
  const clock = manualClock();
  const door = await openDoor(t, { clock, charter });
  const key = (await door.makeKey({ roles: ['agent'], agents: ['worker-1'] })).text;
  return { door, clock, server: callerOf(door), key };
}

function findingsOf({ decision }: ActReply): readonly Found[] {
  return (decision as unknown as { readonly findings: readonly Found[] }).findings;
}

function gradesOf(act: ActReply): readonly string[] {
  return findingsOf(act).map(({ check, severity }) => `${check} ${severity}`);
}

// I5
test('a guardrail of the program holds what it finds fault with, and one that breaks holds everything it looks at', async (t) => {
  const { door, server } = await open(
    t,
    'version: 1\ntiers: { green: { actions: [mail.*, chat.*] } }\nguardrails: { required: [manners] }\n',
  );
  const mail = (text: string): Wish => ({ action: 'mail.send', parameters: { text } });
  const missing = (await ask(server, mail('hello'))).body;
  assert.deepEqual([missing.status, gradesOf(missing)], ['waiting_for_approval', ['manners error']]);

  door.app.registerGuardrail(
    'mail.*',
    ({ action }) => {
      const { text } = action.parameters;
      if (text === 'break') throw new Error('no dictionary');
      return text === 'damn'
        ? { severity: 'error', message: 'Mind your manners.', pointer: '/parameters/text' }
        : [];
    },
    { name: 'manners' },
  );
  assert.equal((await ask(server, mail('hello'))).body.status, 'permitted');
  assert.equal((await ask(server, { action: 'chat.post' })).body.status, 'permitted');
  const rude = (await ask(server, mail('damn'))).body;
  assert.deepEqual([rude.status, rude.decision.causes], ['waiting_for_approval', ['finding:manners']]);
  assert.deepEqual(gradesOf((await ask(server, mail('break'))).body), ['manners error']);
});

test('a service that the charter no longer names is told nothing, from the next action on', async (t) => {
  const told: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    told.push(await text(request));
    response.setHeader('content-type', 'application/json').end('[]');
  };
  const service = createServer((request, response) => void answer(request, response));
  await once(service.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    service.closeAllConnections();
    service.close();
  });
  const address = service.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const rules = 'version: 1\ntiers: { green: { actions: [mail.*] } }\n';
  const plugin = `guardrails: { plugins: { far: { http: 'http://127.0.0.1:${port}/look', allowPrivate: true, timeoutMs: 5000 } } }\n`;
  const { door, server } = await open(t, `${rules}${plugin}`);
  const mail: Wish = { action: 'mail.send' };
  for (let n = 0; n < 2; n += 1) assert.equal((await ask(server, mail)).body.status, 'permitted');
  assert.equal(told.length, 2);

  const put = await door.call('PUT', '/api/v1/charter', { body: { text: rules } });
  assert.equal(put.status, 200, put.text);
  assert.deepEqual(gradesOf((await ask(server, mail)).body), []);
  assert.equal(told.length, 2, 'nothing is sent by the law of the decision before');

  assert.equal(
    (await door.call('PUT', '/api/v1/charter', { body: { text: `${rules}${plugin}` } })).status,
    200,
  );
  await ask(server, mail);
  assert.equal(told.length, 3, 'and one that is named again is asked at once');
});

test('a guardrail of the charter sees what plug-ins have found', async (t) => {
  const { door, server } = await open(
    t,
    `version: 1
tiers: { green: { actions: [mail.*] } }
guardrails:
  own:
    two-strangers: { when: "findings.filter(f, f.check == 'stranger').size() > 1", severity: error, message: 'Write to one at a time.' }
`,
  );
  door.app.registerGuardrail(
    'mail.*',
    ({ action }) =>
      (Array.isArray(action.parameters['to']) ? action.parameters['to'] : []).map((to) => ({
        severity: 'info',
        message: `${String(to)} is a stranger`,
      })),
    { name: 'stranger' },
  );
  const send = async (to: readonly string[]): Promise<string> =>
    (await ask(server, { action: 'mail.send', parameters: { to } })).body.status;
  assert.deepEqual([await send(['a']), await send(['a', 'b'])], ['permitted', 'waiting_for_approval']);
});

test('what acts cost above their estimates counts with the next ones, for the agent and its user, until the day is over', async (t) => {
  const { door, server } = await open(
    t,
    `version: 1
tiers: { green: { actions: [research.*] } }
actions: { research.*: { costUsd: 0.5 } }
`,
  );
  let costUsd = 0.5;
  door.app.registerExecutor('research.*', () => ({ result: null, costUsd }));
  const user = { id: 'ann', email: 'ann@example.org', scopes: ['*'] };
  const key = (await door.makeKey({ roles: ['agent'], agents: ['worker-1'], user })).text;
  const other = (await door.makeKey({ roles: ['agent'], agents: ['worker-2'], user })).text;
  const stranger = (await door.makeKey({ roles: ['agent'], agents: ['worker-3'] })).text;
  const research = (of = key, agent = 'worker-1', estimatedCostUsd = 0.1): Promise<ActReply> =>
    ask(server, { agent, action: 'research.deep', estimatedCostUsd }, { key: of }).then(({ body }) => body);

  assert.deepEqual(gradesOf(await research()), []);
  assert.deepEqual(gradesOf(await research()), [], 'as much as it was charged is no overrun');
  costUsd = 4;
  assert.deepEqual(gradesOf(await research()), [], 'its cost was not known before it ran');
  costUsd = 0.1;
  const warned = await research();
  assert.deepEqual(gradesOf(warned), ['cost warning']);
  assert.match(
    findingsOf(warned)[0]?.message ?? '',
    /4\.00 USD, 3\.50 USD of it for what today's acts cost above/,
  );
  costUsd = 7;
  await research();
  const held = await research();
  assert.deepEqual([held.status, gradesOf(held)], ['waiting_for_approval', ['cost error']]);
  assert.deepEqual(
    gradesOf(await research(other, 'worker-2')),
    ['cost error'],
    'another worker of the same person',
  );
  assert.deepEqual(gradesOf(await research(stranger, 'worker-3')), []);
});

test('a settlement above its reservation is recorded and blocks what comes after it', async (t) => {
  const { door, server, key } = await open(
    t,
    'version: 1\ntiers: { green: { actions: [research.*] } }\nagents: { worker-1: { usdPerDay: 2 } }\n',
  );
  door.app.registerExecutor('research.*', () => ({ result: null, costUsd: 5 }));
  const first = await ask(server, { action: 'research.deep', estimatedCostUsd: 1 }, { key });
  assert.equal(first.body.status, 'success');
  const second = await ask(server, { action: 'research.deep', estimatedCostUsd: 0.000001 }, { key });
  assert.deepEqual([second.status, second.body.code], [409, 'limit_exceeded']);
});

// I3
test('a critical finding that was passed over is open until its act is rolled back or a scan comes out clean', async (t) => {
  const { door, clock, server } = await open(
    t,
    `version: 1
tiers: { green: { actions: [test.*, scan.*, deploy.*, files.*] } }
actions: { files.write: { compensate: files.unwrite } }
`,
  );
  door.app.registerExecutor('*', () => null);
  const resource = { type: 'repository', id: 'web' };
  const run = async (action: string, parameters = {}): Promise<ActReply> =>
    (await ask(server, { action, resource, parameters })).body;
  const issues = async (): Promise<string> => {
    const { body } = await server.call<{ readonly decision: ActReply['decision'] }>('/api/v1/decisions', {
      agent: 'worker-1',
      action: 'deploy.staging',
      resource,
    });
    return findingsOf({ decision: body.decision } as ActReply)
      .map(({ severity, message }) => `${severity}: ${message}`)
      .join();
  };
  assert.match(await issues(), /^warning: .*no successful test/);
  await run('test.run_suite');
  assert.equal(await issues(), '');
  const approved = async (held: ActReply): Promise<ActReply> => {
    assert.equal(held.status, 'waiting_for_approval');
    await server.call(`/api/v1/approvals/${held.approval?.id ?? ''}/decision`, {
      decision: 'approve',
      digest: held.approval?.digest,
    });
    const { body } = await server.call<ActReply>(`/api/v1/actions/${held.id}`, undefined, {
      headers: { prefer: 'wait=5' },
    });
    assert.equal(body.status, 'success');
    return body;
  };
  const passedOver = async (): Promise<ActReply> => approved(await run('files.write', { path: '.env' }));
  await passedOver();
  assert.match(await issues(), /^warning: .*1 critical finding/);
  clock.advance(1);
  await run('scan.security');
  assert.equal(await issues(), '', 'a scan has looked since');
  clock.advance(1);
  const second = await passedOver();
  assert.match(await issues(), /critical finding/);
  const undoing = await server.call<ActReply>(`/api/v1/actions/${second.id}/rollback`, {
    reason: 'it should not be there',
  });
  // What undoes it touches the same path, so people see it as well.
  await approved(undoing.body);
  assert.equal(await issues(), '', 'what was undone is no longer there');
});

test('tests count for the commit that they ran on', async (t) => {
  const { door, server } = await open(
    t,
    'version: 1\ntiers: { green: { actions: [test.*, deploy.*, git.*] } }\n',
  );
  door.app.registerExecutor('test.*', () => null);
  const commit = '8ceaceb0d1f2a3b4c5d6e7f8091a2b3c4d5e6f70';
  const isTested = async (of: string): Promise<boolean> => {
    const { body } = await server.call<{ readonly decision: ActReply['decision'] }>('/api/v1/decisions', {
      agent: 'worker-1',
      action: 'deploy.staging',
      parameters: { commit: of },
    });
    return findingsOf({ decision: body.decision } as ActReply).length === 0;
  };
  assert.equal(await isTested(commit), false);
  await ask(server, { action: 'test.run_suite', parameters: { commit } });
  assert.deepEqual([await isTested(commit), await isTested(commit.replace('8', '9'))], [true, false]);
});
