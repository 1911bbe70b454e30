// The mechanism by itself, on a real Postgres: one question is one approval, one vote decides, what was decided happens in
// the same transaction and once, and whoever does not decide in time is passed by.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ballotOn, ground, HOUR_MS, statusOf, TENANT } from './fixtures.test.ts';

test('whoever asks the same while it waits is answered with the same approval, also at the same moment', async (t) => {
  const { open, kinds } = await ground(t);
  const opened = await Promise.all(Array.from({ length: 8 }, () => open()));
  assert.equal(new Set(opened.map(({ id }) => id)).size, 1);
  assert.deepEqual(kinds(), ['approval.opened']);
  assert.notEqual((await open({ digest: '1'.repeat(64) })).id, opened[0]?.id);
});

// I6
test('of many who approve at once one decides, and what was approved happens once', async (t) => {
  const { open, approvals, applied, kinds } = await ground(t);
  const approval = await open();
  // Every connection is open before the race begins, or the first one would have won it.
  await Promise.all(Array.from({ length: 10 }, () => approvals.find(TENANT, approval.id)));
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, at) => approvals.vote(ballotOn(approval, `user:${at}`))),
  );
  assert.equal(answers.filter(({ kind }) => kind === 'voted').length, 1);
  assert.equal(applied.length, 1);
  assert.equal(applied[0]?.content['tool'], 'files.write');
  assert.equal(await statusOf(approvals, approval.id), 'used');
  assert.deepEqual(kinds(), ['approval.opened', 'approval.voted', 'approval.approved', 'approval.used']);
});

test('what can no longer be carried out is told to whoever gave the last vote, and ends the approval', async (t) => {
  const { open, approvals, answers } = await ground(t);
  const approval = await open();
  answers({ kind: 'refused', detail: 'It has changed again.' });
  const answer = await approvals.vote(ballotOn(approval, 'user:ada'));
  assert.ok(answer.kind === 'refused' && answer.refusal.code === 'conflict');
  const found = await approvals.find(TENANT, approval.id);
  assert.deepEqual([found?.status, found?.endedWhy], ['cancelled', 'It has changed again.']);
});

test('what fails while it is carried out takes the vote back with it', async (t) => {
  const { open, approvals, admin } = await ground(t);
  const approval = await open();
  await admin`insert into mandate.flag (tenant, key, value, reason, owner, updated_at) values (${TENANT}, 'applied.1', 'true', 'x', 'x', now())`;
  await assert.rejects(approvals.vote(ballotOn(approval, 'user:ada')));
  assert.equal(await statusOf(approvals, approval.id), 'pending');
  assert.deepEqual((await approvals.find(TENANT, approval.id))?.votes, []);
});

test('a subject that nothing is registered for is decided by nobody here', async (t) => {
  const { open, approvals } = await ground(t);
  const approval = await open({ subject: 'resume' });
  const answer = await approvals.vote(ballotOn(approval, 'user:ada'));
  assert.ok(answer.kind === 'refused' && answer.refusal.code === 'unavailable');
  assert.equal(await statusOf(approvals, approval.id), 'pending');
});

test('a denial, an expiry and a withdrawal end it, and its subject is told of the first two', async (t) => {
  const { open, approvals, ended, clock, store, kinds } = await ground(t);
  const denied = await open();
  await approvals.vote(ballotOn(denied, 'user:ada', { decision: 'deny' }));
  const late = await open({ expiresMs: clock.nowMs() + 1 });
  clock.advance(1);
  const over = await approvals.vote(ballotOn(late, 'user:ada'));
  assert.ok(over.kind === 'refused' && /expired at/.test(over.refusal.detail));
  assert.equal(
    (await Promise.all([approvals.sweep(), approvals.sweep()])).reduce((sum, each) => sum + each.expired, 0),
    1,
  );
  assert.deepEqual(ended, ['denied', 'expired']);
  const pointless = await open();
  const withdraw = () =>
    store.withTenant(TENANT, (tx) =>
      approvals.withdraw(tx, {
        tenant: TENANT,
        id: pointless.id,
        why: 'It is back.',
        by: 'mandate:mcp',
        traceId: null,
      }),
    );
  assert.deepEqual([await withdraw(), await withdraw()], [true, false]);
  assert.deepEqual(kinds().slice(-2), ['approval.opened', 'approval.cancelled']);
});

test('each step of an escalation is told once, however many processes look and however far the clock jumps', async (t) => {
  const { open, approvals, entries, clock } = await ground(t);
  const approval = await open({
    requiredRoles: ['tech-lead'],
    escalate: [
      { afterMs: 60_000, to: 'ops-lead' },
      { afterMs: 120_000, to: 'user:cleo' },
      { afterMs: 9 * HOUR_MS, to: 'exec-sponsor' },
    ],
  });
  assert.deepEqual((await approvals.sweep()).escalated, 0);
  clock.jumpTo(clock.nowMs() + HOUR_MS);
  const swept = await Promise.all(Array.from({ length: 6 }, () => approvals.sweep()));
  assert.equal(
    swept.reduce((sum, each) => sum + each.escalated, 0),
    2,
  );
  assert.deepEqual(
    entries.filter(({ kind }) => kind === 'approval.escalated').map(({ data }) => data['to']),
    ['ops-lead', 'user:cleo'],
  );
  const found = await approvals.find(TENANT, approval.id);
  assert.deepEqual(found?.escalatedTo, ['ops-lead', 'user:cleo']);
  const before = await approvals.vote(
    ballotOn(approval, 'user:dan', { voter: { id: 'user:dan', roles: ['viewer'] } }),
  );
  assert.ok(before.kind === 'refused' && before.refusal.code === 'forbidden');
  const cleo = await approvals.vote(
    ballotOn(approval, 'user:cleo', { voter: { id: 'user:cleo', roles: null } }),
  );
  assert.ok(cleo.kind === 'voted' && cleo.approval.status === 'used');
  assert.equal(cleo.approval.votes[0]?.as, 'cleo for tech-lead (handed on to them)');
});

test('a vote must be cast by somebody who has one, and nobody is two people', async (t) => {
  const { open, approvals } = await ground(t);
  const approval = await open({
    quorum: 2,
    fourEyes: true,
    requester: 'user:ada',
    requiredRoles: ['tech-lead'],
  });
  const refusals = await Promise.all(
    [
      ballotOn(approval, 'user:ada'),
      ballotOn(approval, 'key:nobody'),
      ballotOn(approval, 'agent:builder', { voter: { id: 'agent:builder', roles: ['agent', 'tech-lead'] } }),
      ballotOn(approval, 'user:vera', { voter: { id: 'user:vera', roles: ['viewer', 'operator'] } }),
      ballotOn(approval, 'user:bob', { digest: '0'.repeat(64) }),
      ballotOn(approval, 'user:bob', { rememberMs: HOUR_MS }),
    ].map((ballot) => approvals.vote(ballot)),
  );
  assert.deepEqual(
    refusals.map((answer) => (answer.kind === 'refused' ? answer.refusal.code : 'voted')),
    ['forbidden', 'forbidden', 'forbidden', 'forbidden', 'digest_mismatch', 'invalid'],
  );
  const bob = await approvals.vote(ballotOn(approval, 'user:bob'));
  assert.ok(bob.kind === 'voted' && bob.approval.status === 'pending');
  const twice = await approvals.vote(ballotOn(approval, 'user:bob'));
  assert.ok(twice.kind === 'refused' && twice.refusal.code === 'conflict');
  const ops = { voter: { id: 'user:olga', roles: ['ops-lead'] } };
  const olga = await approvals.vote(ballotOn(approval, 'user:olga', ops));
  assert.ok(olga.kind === 'voted' && olga.approval.status === 'used', 'one has the role, and they are two');
});

test('who could vote is known by keys, by what the charter names, and never counts who asked', async (t) => {
  const standIns = [{ user: 'ben', for: 'tech-lead', of: 'ada', fromMs: null, untilMs: null }];
  const { open, approvals, admin } = await ground(t, { standIns });
  const key = (user: string, roles: string[], scopes: string[] | null = null) =>
    admin`insert into mandate.api_key (tenant, id, mac, master_id, label, user_id, user_email, user_scopes, roles, scopes, created_at, created_by)
      values (${TENANT}, ${`key_${user}_${roles.join('_')}`}, decode(md5(${user + roles.join()}) || md5(${roles.join()} || ${user}), 'hex'), 'm', 'x', ${user}, ${`${user}@example.org`}, '{}', ${roles}, ${scopes}, now(), 'x')`;
  await key('ada', ['tech-lead']);
  await key('ada', ['viewer']);
  await key('eve', ['tech-lead'], ['*.read']);
  await key('rob', ['agent']);
  await key('amy', ['admin']);
  const approval = await open({ requiredRoles: ['tech-lead'], fourEyes: true, requester: 'user:amy' });
  const voters = await approvals.votersOf(TENANT, approval);
  assert.deepEqual(
    voters.map(({ as, email }) => [as, email]),
    [
      ['ada for tech-lead', 'ada@example.org'],
      ['ben for tech-lead (stand-in of ada)', null],
    ],
  );
});

test('reading time runs from when somebody was first shown it, and what is identical is read once', async (t) => {
  const fatigue = { perHour: 2, minReadingMs: 2_000 };
  const { open, approvals, clock } = await ground(t, { fatigue });
  const show = (id: string) => approvals.shown(TENANT, { ids: [id], person: 'user:ada', channel: 'mail' });
  const read = async (digit: string) => {
    const approval = await open({ digest: digit.repeat(64) });
    await show(approval.id);
    clock.advance(2_000);
    await show(approval.id);
    return approvals.vote(ballotOn(approval, 'user:ada'));
  };
  const answers = [await read('1'), await read('1'), await read('2'), await read('2'), await read('3')];
  assert.deepEqual(
    answers.map((answer) => (answer.kind === 'voted' ? answer.approval.status : answer.refusal.code)),
    ['used', 'used', 'used', 'used', 'throttled'],
  );
  clock.advance(HOUR_MS);
  assert.equal((await read('4')).kind, 'voted', 'after an hour');
  const { all } = await approvals.stats(TENANT, {
    fromMs: clock.nowMs() - 2 * HOUR_MS,
    toMs: clock.nowMs() + 1,
  });
  assert.deepEqual(
    [all.approved, all.denied, all.perHour > 2, all.medianReadingMs, all.shareUnder2s],
    [5, 0, true, 2_000, 0],
  );
});
