// Four plain functions put under Mandate with one line. Their types stay; what they may do is in charter.yaml.
//
//   MANDATE_CHARTER=examples/govern-plain-functions/charter.yaml npm start
//   MANDATE_API_KEY=<a key of the agent> PERSON_KEY=<a key of an admin> \
//     node --conditions=mandate-source examples/govern-plain-functions/main.ts
import assert from 'node:assert/strict';
import { createMandate, MandateDenied, MandateHeld } from '@mandate/sdk';

const notes = new Map<string, string>();
const published: string[] = [];

const tools = {
  read: ({ title }: { title: string }) => notes.get(title) ?? null,
  write: ({ title, text }: { title: string; text: string }) => {
    notes.set(title, text);
    return text.length;
  },
  publish: async ({ title }: { title: string }) => {
    published.push(title);
    return `https://notes.example.org/${title}`;
  },
  wipe: () => notes.clear(),
};

const mandate = createMandate({ agent: 'notes-1' });
const governed = mandate.govern(tools, { prefix: 'notes' });

// Green and yellow run at once; yellow stands in the next digest.
const length: number = await governed.write({ title: 'plan', text: 'water the plants' });
assert.equal(length, 16);
assert.equal(await governed.read({ title: 'plan' }), 'water the plants');

// Black never runs, and says why and what to do next.
await assert.rejects(governed.wipe(), (error) => {
  assert.ok(error instanceof MandateDenied);
  assert.equal(error.code, 'denied');
  assert.match(error.message, /notes\.wipe was not run/);
  return true;
});
assert.equal(notes.size, 1);

// Red waits for a person. The function has not run, and the error carries the id to go on with.
const held = await governed.publish({ title: 'plan' }).then(
  () => assert.fail('it was published without a person'),
  (error: unknown) => error,
);
assert.ok(held instanceof MandateHeld);
assert.deepEqual(published, []);

// The person, elsewhere and with a key of their own, agrees to exactly this publication.
const person = createMandate({ apiKey: process.env['PERSON_KEY'] });
await person.approvals.approve(held.approval, 'I have read it');
const done = await mandate.proceed(held.id, () => tools.publish({ title: 'plan' }), {
  wait: { timeoutMs: 20_000 },
});
assert.equal(done.status, 'success');
assert.equal(done.result, 'https://notes.example.org/plan');
assert.deepEqual(published, ['plan']);

console.log('written, read, published after approval, never wiped');
