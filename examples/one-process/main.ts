// Mandate inside one's own program: no server to start, an embedded Postgres, and a function of this program that
// Mandate executes once it may. Run it twice with the same directory and the journal goes on where it was.
//
//   node --conditions=mandate-source examples/one-process/main.ts [directory]
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMandate } from 'mandate';

const given = process.argv[2];
const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'mandate-one-process-')));

const charter = `
version: 1
extends: default
tiers:
  green:
    actions: [mail.draft]
  red:
    actions: [{ match: mail.send, approvers: [admin] }]
`;

const mandate = await openMandate({ dataDir, charter, agent: 'writer-1' });
try {
  const sent: unknown[] = [];
  mandate.registerExecutor('mail.send', ({ parameters }) => {
    sent.push(parameters['to']);
    return { delivered: true };
  });

  // Green: this program executes it itself, and Mandate keeps the record.
  const draft = await mandate.run(
    { action: 'mail.draft', parameters: { to: 'ann@example.org' } },
    () => 'Dear Ann',
  );
  assert.equal(draft.status, 'success');
  assert.equal(draft.result, 'Dear Ann');

  // Red: nothing is sent until a person has agreed to exactly this mail.
  const held = await mandate.request({ action: 'mail.send', parameters: { to: 'ann@example.org' } });
  assert.equal(held.status, 'waiting_for_approval');
  assert.deepEqual(sent, []);

  const [waiting] = await mandate.approvals.list('pending');
  assert.ok(waiting !== undefined);
  await mandate.approvals.approve(waiting, 'read it, looks fine');
  const done = await mandate.wait(held.id, { timeoutMs: 10_000 });
  assert.equal(done.status, 'success');
  assert.deepEqual(done.executedBy === 'mandate' && done.result, { delivered: true });
  assert.deepEqual(sent, ['ann@example.org']);

  // Black: no approval helps.
  const erased = await mandate.request({ action: 'audit.delete' });
  assert.equal(erased.status, 'denied');

  // And everything stops with one line.
  await mandate.stop({ reason: 'end of the example' });
  const stopped = await mandate.run({ action: 'mail.draft' }, () =>
    assert.fail('nothing runs while stopped'),
  );
  assert.equal(stopped.status, 'denied');
  assert.equal(stopped.problem.code, 'stopped');
  await mandate.resume({ reason: 'the example may be run again' });

  console.log('one mail drafted, one sent after approval, one action denied, one stop obeyed');
} finally {
  await mandate.close();
  if (given === undefined) await rm(dataDir, { recursive: true, force: true });
}
