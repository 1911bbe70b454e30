// Votes are weighed by the charter of the moment in which they carry something out, and by the strictest where it cannot be
// read; and a cap holds however many votes come at once.
import assert from 'node:assert/strict';
import test from 'node:test';
import { APPROVER_ROLES } from '@mandate/kernel';
import { ballotOn, ground, HOUR_MS, statusOf, TENANT } from './fixtures.test.ts';

// I5, I6
test('what the charter has come to ask for since is asked of the votes of before: they carry nothing out', async (t) => {
  const { open, approvals, applied, changes } = await ground(t);
  const needs = { requiredRoles: ['tech-lead'], quorum: 1, fourEyes: true, expiresMs: HOUR_MS };
  for (const more of [
    { requiredRoles: ['tech-lead', 'exec-sponsor'] },
    { quorum: 2 },
    { requiredRoles: ['ops-lead'] },
  ]) {
    changes({ subjects: { tool: needs } });
    const approval = await open({ requiredRoles: ['tech-lead'], fourEyes: true });
    changes({ subjects: { tool: { ...needs, ...more } } });
    const answer = await approvals.vote(ballotOn(approval, 'user:ada'));
    assert.ok(answer.kind === 'refused' && answer.refusal.code === 'conflict', JSON.stringify(answer));
    assert.match(answer.refusal.detail, /has come to ask for .* Ask again\.$/);
    assert.equal(await statusOf(approvals, approval.id), 'cancelled');
  }
  assert.equal(applied.length, 0);
  changes({ subjects: { tool: { ...needs, requiredRoles: [] } } });
  const enough = await open({ requiredRoles: ['tech-lead'], fourEyes: true });
  assert.equal((await approvals.vote(ballotOn(enough, 'user:ada'))).kind, 'voted');
  assert.equal(applied.length, 1);
});

// I5
test('a charter that cannot be read asks for the most, and none at all asks for nothing', async (t) => {
  const { open, approvals, applied, changes, removes } = await ground(t);
  const approval = await open();
  changes(null);
  for (const subject of ['unfreeze', 'charter', 'tool'] as const) {
    const needs = await approvals.needsOf(TENANT, subject);
    assert.ok(needs !== null && needs.fourEyes && needs.quorum === 2, subject);
    assert.deepEqual([...needs.requiredRoles], [...APPROVER_ROLES]);
  }
  assert.equal((await approvals.vote(ballotOn(approval, 'user:ada'))).kind, 'refused');
  assert.equal(applied.length, 0);
  removes();
  assert.equal(await approvals.needsOf(TENANT, 'charter'), null);
});

test('approvals an hour are capped also where they come at the same moment', async (t) => {
  const { open, approvals } = await ground(t, { fatigue: { perHour: 2, minReadingMs: null } });
  const waiting = [];
  for (let at = 0; at < 8; at += 1) waiting.push(await open({ digest: String(at).repeat(64) }));
  // Every connection is open before the race begins.
  await Promise.all(waiting.map(({ id }) => approvals.find(TENANT, id)));
  const answers = await Promise.all(
    waiting.map((approval) => approvals.vote(ballotOn(approval, 'user:ada'))),
  );
  assert.equal(answers.filter(({ kind }) => kind === 'voted').length, 2);
});
