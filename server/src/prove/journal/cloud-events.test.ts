// The oracle is the CloudEvents project's own SDK: what it takes for an event in strict validation, every consumer does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudEvent, HTTP } from 'cloudevents';
import { openDoor } from '../../../../test/door.ts';
import { until } from '../../../../test/until.ts';

test('every entry is a CloudEvent to the official SDK, one by one and as a message over HTTP', async (t) => {
  const door = await openDoor(t);
  const asked = await door.call('POST', '/api/v1/actions', {
    body: { agent: 'builder-1', action: 'code.write', parameters: { path: 'src/a.ts' } },
  });
  assert.equal(asked.json?.['status'], 'permitted', asked.text);
  await door.call('PUT', '/api/v1/flags/autonomy.mode', { body: { value: 'SUPERVISED', reason: 'trial' } });
  // Entries are read by position, and positions come after commit.
  const items = await until('the change of the flag is in the journal', async () => {
    const answer = await door.call('GET', '/api/v1/audit/entries?format=cloudevents');
    const seen = answer.json?.['items'] as readonly Readonly<Record<string, unknown>>[];
    return seen.some(({ type }) => type === 'mandate.flag.changed') && seen;
  });
  assert.ok(items.length >= 3);
  const ids = new Set<string>();
  for (const item of items) {
    const event = new CloudEvent(item, true);
    assert.equal(event.validate(), true);
    const body = JSON.stringify(item);
    const read = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body });
    assert.ok(!Array.isArray(read) && read instanceof CloudEvent);
    assert.deepEqual([read.id, read.source, read.type], [event.id, event.source, event.type]);
    assert.deepEqual(read.data, event.data);
    ids.add(`${event.source} ${event.id}`);
  }
  assert.equal(ids.size, items.length);
});
