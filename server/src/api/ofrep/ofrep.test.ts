// The oracle is OpenFeature's own provider: what it reads is what any OpenFeature SDK reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { openDoor } from '../../../../test/door.ts';

test('an OpenFeature client reads a flag of every type, and what was changed on the next read', async (t) => {
  const door = await openDoor(t);
  const key = await door.makeKey({ roles: ['viewer'] });
  const provider = new OFREPProvider({
    baseUrl: door.url,
    headers: [['Authorization', `Bearer ${key.text}`]],
  });
  await OpenFeature.setProviderAndWait(provider);
  t.after(() => OpenFeature.close());
  const client = OpenFeature.getClient();

  assert.equal(await client.getBooleanValue('agents.autonomousEnabled', false), true);
  assert.equal(await client.getNumberValue('budget.agents.maxConcurrent', 0), 150);
  const mode = await client.getStringDetails('autonomy.mode', 'SUPERVISED');
  assert.equal(mode.value, 'FULL');
  assert.equal(mode.reason, 'STATIC');
  assert.equal(mode.flagMetadata['owner'], 'charter');

  const change = { value: 'SUPERVISED', reason: 'a quiet night' };
  assert.equal((await door.call('PUT', '/api/v1/flags/autonomy.mode', { body: change })).status, 200);
  assert.equal(await client.getStringValue('autonomy.mode', 'FULL'), 'SUPERVISED');

  const missing = await client.getBooleanDetails('no.such.flag', true);
  assert.equal(missing.value, true);
  assert.equal(missing.errorCode, 'FLAG_NOT_FOUND');
  const wrong = await client.getBooleanDetails('autonomy.mode', true);
  assert.equal(wrong.errorCode, 'TYPE_MISMATCH');
});

test('the emergency stop shows on the flag that mirrors it, while it stands', async (t) => {
  const door = await openDoor(t);
  const read = async () =>
    (await door.call('POST', '/ofrep/v1/evaluate/flags/autonomy.emergencyStop', { body: {} })).json?.[
      'value'
    ];
  assert.equal(await read(), false);
  const stopped = await door.call('POST', '/api/v1/stop', { body: { reason: 'smoke' } });
  assert.equal(stopped.status, 200, stopped.text);
  assert.equal(await read(), true);
  await door.call('POST', '/api/v1/resume', { body: { reason: 'it was toast' } });
  assert.equal(await read(), false);
});

test('a stop of one agent is an emergency stop for that agent alone', async (t) => {
  const door = await openDoor(t);
  await door.call('POST', '/api/v1/stop', { body: { scope: 'agent:builder-1', reason: 'smoke' } });
  const read = async (agent: string) =>
    (
      await door.call('POST', '/ofrep/v1/evaluate/flags/autonomy.emergencyStop', {
        body: { context: { targetingKey: agent } },
      })
    ).json?.['value'];
  assert.deepEqual([await read('builder-1'), await read('builder-2')], [true, false]);
});

test('a flag that is off for one agent is off for that agent alone', async (t) => {
  const door = await openDoor(t);
  const body = { value: false, scope: 'agent:builder-1', reason: 'on leave' };
  assert.equal((await door.call('PUT', '/api/v1/flags/agents.autonomousEnabled', { body })).status, 200);
  const asked = async (context: object) =>
    (
      await door.call('POST', '/ofrep/v1/evaluate/flags/agents.autonomousEnabled', {
        body: { context },
      })
    ).json;
  const own = await asked({ targetingKey: 'builder-1' });
  assert.deepEqual([own?.['value'], own?.['variant'], own?.['reason']], [false, 'off', 'TARGETING_MATCH']);
  const other = await asked({ agent: 'builder-2' });
  assert.deepEqual([other?.['value'], other?.['variant'], other?.['reason']], [true, 'on', 'STATIC']);
});

test('all flags come in one answer, and in none while nothing has changed', async (t) => {
  const door = await openDoor(t);
  const all = await door.call('POST', '/ofrep/v1/evaluate/flags', { body: { context: {} } });
  assert.equal(all.status, 200);
  const flags: unknown = all.json?.['flags'];
  assert.ok(Array.isArray(flags) && flags.length >= 8);
  const etag = all.headers.get('etag') ?? '';
  const again = await door.call('POST', '/ofrep/v1/evaluate/flags', {
    body: { context: {} },
    headers: { 'if-none-match': etag },
  });
  assert.equal(again.status, 304);
  assert.equal(again.text, '');
  await door.call('PUT', '/api/v1/flags/autonomy.mode', { body: { value: 'DRY_RUN', reason: 'trial' } });
  const changed = await door.call('POST', '/ofrep/v1/evaluate/flags', {
    body: { context: {} },
    headers: { 'if-none-match': etag },
  });
  assert.equal(changed.status, 200);
});

test('whatever cannot be read is answered in the words of the protocol', async (t) => {
  const door = await openDoor(t);
  const path = '/ofrep/v1/evaluate/flags/autonomy.mode';
  const cases = [
    { send: { raw: '{"context":' }, code: 'PARSE_ERROR' },
    { send: { raw: '[]' }, code: 'PARSE_ERROR' },
    { send: { raw: '{"__proto__":{}}' }, code: 'PARSE_ERROR' },
    { send: { body: { context: 'builder-1' } }, code: 'INVALID_CONTEXT' },
    { send: { body: { context: { targetingKey: 7 } } }, code: 'INVALID_CONTEXT' },
  ];
  for (const { send, code } of cases) {
    const answer = await door.call('POST', path, {
      headers: { 'content-type': 'application/json' },
      ...send,
    });
    assert.equal(answer.status, 400, JSON.stringify(send));
    assert.equal(answer.json?.['errorCode'], code, answer.text);
    assert.equal(answer.json?.['key'], 'autonomy.mode');
  }
  assert.equal((await door.call('POST', path, { key: null, body: {} })).status, 401);
  assert.deepEqual(door.errors(), []);
});
