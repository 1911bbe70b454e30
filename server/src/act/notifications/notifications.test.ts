import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../../test/until.ts';
import type { DigestContent } from './message.ts';
import { approvalFor, channel, charterWith, openKit, TEN_MS, TENANT } from './kit.test.ts';
import type { Kit } from './kit.test.ts';

const HALF_HOUR = 1_800_000;
const subjects = (kit: Kit): readonly string[] => kit.sent.map(({ subject }) => subject);

test('a digest comes once, an interval after what it tells of', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  await kit.ran({
    action: 'git.create_pull_request',
    resource: { type: 'pull_request', id: '42' },
    costMicroUsd: 150_000,
  });
  await kit.turn();
  kit.clock.advance(HALF_HOUR - 1);
  await kit.turn();
  assert.deepEqual(kit.sent, [], 'nothing is due yet');
  kit.clock.advance(1);
  await kit.turn();
  assert.deepEqual(subjects(kit), ['Mandate: builder-1 opened pull request #42; 0.15 USD']);
  await kit.turn();
  assert.equal(kit.sent.length, 1);
});

test('a digest lists what was yellow, counts what was green, and says what failed, waits, was refused, and what it cost', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  for (let n = 0; n < 3; n += 1)
    await kit.ran({ action: 'test.run_suite', tier: 'green', costMicroUsd: 10_000 });
  await kit.ran({ action: 'git.merge', parameters: { source: 'feature-a' }, costMicroUsd: 150_000 });
  await kit.ran({
    action: 'git.merge',
    parameters: { source: 'feature-b' },
    status: 'failed',
    error: 'conflict in a.ts',
  });
  await kit.ran({
    action: 'deploy.production',
    tier: 'red',
    status: 'waiting_for_approval',
    reasons: ['The rule says red.'],
  });
  for (let n = 0; n < 4; n += 1)
    await kit.ran({ action: 'secrets.expose', tier: 'black', status: 'denied', error: 'never allowed' });
  await kit.write([
    { kind: 'trust.moved', agent: 'builder-1', data: { before: 50, after: 51, cause: 'success (medium)' } },
    { kind: 'trust.moved', agent: 'builder-1', data: { before: 51, after: 48, cause: 'failure (medium)' } },
    {
      kind: 'action.refused',
      agent: null,
      data: {
        agent: 'builder-2',
        action: 'git.merge',
        code: 'not_yours',
        detail: 'This key speaks for another agent.',
      },
    },
    {
      kind: 'flag.changed',
      actor: 'user:ada',
      data: { key: 'autonomy.mode', to: 'SUPERVISED', reason: 'audit' },
    },
    { kind: 'grant.given', data: {} },
  ]);
  kit.clock.advance(HALF_HOUR);
  await kit.turn();
  const [message, ...others] = kit.sent;
  assert.equal(others.length, 0);
  assert.equal(
    message?.subject,
    'Mandate: 2 agents; 1 waiting for approval; 1 failed; 5 denied; 1 done; 0.18 USD',
  );
  assert.equal(
    message?.text.replaceAll(/https:\/\/\S+/g, 'URL'),
    `Mandate, 20 Nov 2026, 10:00 to 10:30 (UTC)

builder-1 merged feature-a; 1 waiting for approval; 1 failed; 4 denied; 3 green; trust 50 → 48; 0.18 USD

Waiting for approval

- 10:00 deploy to production: waits for approval. The rule says red.
  deploy.production, red · trace 0123456789abcdef0123456789abcdef
  URL

Failed

- 10:00 merge feature-b: failed. conflict in a.ts
  git.merge, yellow · trace 0123456789abcdef0123456789abcdef
  URL

Yellow

- 10:00 merged feature-a: done, 0.15 USD
  git.merge, yellow · trace 0123456789abcdef0123456789abcdef
  URL

Denied

- 10:00 secrets.expose: denied, 4 times. never allowed
  secrets.expose, black · trace 0123456789abcdef0123456789abcdef
  URL

Green: test.run_suite ×3

Trust 50 → 48: success (medium); failure (medium)

builder-2 1 denied

Denied

- 10:00 git.merge: denied. This key speaks for another agent.
  git.merge · trace 0123456789abcdef0123456789abcdef

Also

- 10:00 user:ada set the flag autonomy.mode to SUPERVISED: audit
  trace 0123456789abcdef0123456789abcdef
`,
  );
});

test('green alone opens no digest; the next one counts it, but does not reach back over silent days', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  await kit.ran({ action: 'test.run_suite', tier: 'green' });
  for (let n = 0; n < 5; n += 1) {
    kit.clock.advance(HALF_HOUR);
    await kit.turn();
  }
  assert.deepEqual(kit.sent, []);
  await kit.ran({ action: 'test.run_suite', tier: 'green' });
  await kit.turn();
  await kit.ran({ action: 'deploy.staging' });
  await kit.turn();
  kit.clock.advance(HALF_HOUR);
  await kit.turn();
  assert.deepEqual(subjects(kit), ['Mandate: builder-1 deployed to staging; 1 green']);
});

test('the digest of the night comes in the morning, once, and what waits for people comes at once', async (t) => {
  // 23:00 in Berlin, the night in which summer time begins.
  const kit = await openKit(t, Date.parse('2026-03-28T22:00:00Z'));
  kit.charter = charterWith({
    ops: channel({ kind: 'email', to: ['ops@example.org'], quiet: '22:00-07:00 Europe/Berlin' }),
  });
  await kit.turn();
  await kit.ran({ action: 'deploy.staging' });
  const held = await kit.act({ action: 'deploy.production', tier: 'red', status: 'waiting_for_approval' });
  await approvalFor(kit, held);
  await kit.write([
    {
      kind: 'action.held',
      agent: 'builder-1',
      actId: held,
      data: { action: 'deploy.production', tier: 'red' },
    },
  ]);
  await kit.turn();
  assert.deepEqual(subjects(kit), ['Mandate: approval needed (builder-1): deploy to production']);
  for (let hour = 0; hour < 6; hour += 1) {
    kit.clock.advance(3_600_000);
    await kit.turn();
  }
  assert.equal(kit.sent.length, 1, 'at 06:00 in Berlin it is still quiet');
  kit.clock.advance(3_600_000);
  await kit.turn();
  assert.deepEqual(subjects(kit).slice(1), [
    'Mandate: builder-1 deployed to staging; 1 waiting for approval',
  ]);
  assert.match(kit.sent[1]?.text ?? '', /28 Mar 2026, 23:00 to 29 Mar 07:00 \(Europe\/Berlin\)/);
});

test('what may wake somebody is the charter’s to say: without wake it is held, without urgent it waits for the digest', async (t) => {
  const kit = await openKit(t, Date.parse('2026-11-20T22:00:00Z'));
  const night = '22:00-07:00 UTC';
  kit.charter = charterWith({
    asleep: channel({ to: ['asleep'], quiet: night, wake: ['stop'] }),
    calm: channel({ to: ['calm'], urgent: [] }),
    mute: channel({ to: ['mute'], tiers: { green: 'none', yellow: 'none', red: 'none', black: 'none' } }),
    'red-only': channel({
      to: ['red-only'],
      tiers: { green: 'none', yellow: 'none', red: 'digest', black: 'none' },
    }),
  });
  await kit.turn();
  await kit.write([
    { kind: 'stop.requested', actor: 'user:ada', data: { scope: 'tenant', reason: 'looking' } },
    { kind: 'agent.frozen', agent: 'builder-1', data: { cause: 'three failures' } },
  ]);
  await kit.turn();
  assert.deepEqual(kit.sent.map(({ to, subject, urgent }) => `${to}, ${subject}, ${urgent}`).toSorted(), [
    'asleep, Mandate: user:ada stopped everything: looking, true',
    'red-only, Mandate: builder-1 was frozen: three failures, true',
    'red-only, Mandate: user:ada stopped everything: looking, true',
  ]);
  kit.clock.advance(9 * 3_600_000 + HALF_HOUR);
  await kit.turn();
  const digests = kit.sent.filter(({ kind }) => kind === 'digest').map(({ to }) => to);
  assert.deepEqual(digests.toSorted(), ['asleep', 'calm']);
});

test('in real time each thing is a message, folded into a digest while it is quiet or when there are too many', async (t) => {
  const kit = await openKit(t, Date.parse('2026-11-20T20:00:00Z'));
  const tiers = { green: 'none', yellow: 'realtime', red: 'realtime', black: 'realtime' } as const;
  kit.charter = charterWith({ now: channel({ tiers, quiet: '22:00-07:00 UTC' }) });
  await kit.turn();
  await kit.ran({ action: 'git.merge', parameters: { source: 'a' } });
  await kit.ran({ action: 'test.run', tier: 'green' });
  await kit.ran({ action: 'test.run', tier: 'green', status: 'failed', error: '2 of 9' });
  await kit.turn();
  // Messages of one look are sent side by side.
  assert.deepEqual(subjects(kit).toSorted(), [
    'Mandate: builder-1 merged a',
    'Mandate: builder-1 run tests: failed',
  ]);
  for (let n = 0; n < 25; n += 1) await kit.ran({ action: 'git.merge', parameters: { source: `b${n}` } });
  await kit.turn();
  assert.equal(kit.sent.length, 22, 'twenty by themselves');
  kit.clock.advance(60_000);
  await kit.turn();
  assert.match(subjects(kit)[22] ?? '', /merged .* and \d+ more/);

  kit.clock.advance(2 * 3_600_000);
  await kit.ran({ action: 'git.merge', parameters: { source: 'night' } });
  await kit.turn();
  assert.equal(kit.sent.length, 23);
  kit.clock.advance(9 * 3_600_000);
  await kit.turn();
  assert.deepEqual(subjects(kit).slice(23), ['Mandate: builder-1 merged night']);
});

test('whoever may decide hears of it at an address of their own, with a link that is stored nowhere', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith(
    {
      ops: channel({ kind: 'email', to: ['ops@example.org', 'ada@example.org'] }),
      team: channel({ kind: 'slack', to: [] }),
    },
    { users: { ada: { contacts: { email: 'ada@example.org', slack: 'U1' } }, cy: { contacts: {} } } },
  );
  kit.voters = [
    { user: 'ada', email: null },
    { user: 'ben', email: 'ben@example.org' },
    { user: 'cy', email: 'cy@example.org' },
  ];
  await kit.turn();
  const held = await kit.act({
    action: 'deploy.production',
    tier: 'red',
    status: 'waiting_for_approval',
    parameters: { version: '1.2' },
  });
  const approvalId = await approvalFor(kit, held);
  await kit.write([
    {
      kind: 'action.held',
      agent: 'builder-1',
      actId: held,
      data: { action: 'deploy.production', tier: 'red' },
    },
  ]);
  await kit.turn();
  const told = kit.sent.map(({ to, user, link }) => `${to} ${user} ${link}`).toSorted();
  const page = `https://mandate.example/approvals/${approvalId}`;
  assert.deepEqual(told, [
    `U1 ada ${page}?t=secret-of-ada`,
    `ada@example.org ada ${page}?t=secret-of-ada`,
    `ben@example.org ben ${page}?t=secret-of-ben`,
    `ops@example.org null ${page}`,
  ]);
  await until('it is noted who was shown it', () => kit.shown.length === 3);
  assert.deepEqual(kit.shown.toSorted(), [
    `ada ${approvalId} mail`,
    `ada ${approvalId} slack`,
    `ben ${approvalId} mail`,
  ]);
  const [message] = kit.sent;
  assert.match(message?.text ?? '', /Waits for tech-lead, until 20 Nov 2026, 11:00\./);
  assert.match(message?.text ?? '', /Look at it and decide:\nhttps:/);
  const [rows] = await kit.database.admin<
    { all: string }[]
  >`select string_agg(d::text, '') as all from mandate.delivery d`;
  assert.doesNotMatch(rows?.all ?? '', /secret-of/); // I9

  // The next in line: only who has not been told yet, and those who are told everything.
  kit.sent.length = 0;
  kit.voters = [...kit.voters, { user: 'dan', email: 'dan@example.org' }];
  await kit.write([
    {
      kind: 'approval.escalated',
      agent: 'builder-1',
      actId: held,
      data: { approval: approvalId, to: ['user:dan'] },
    },
  ]);
  await kit.turn();
  assert.deepEqual(kit.sent.map(({ to }) => to).toSorted(), ['dan@example.org', 'ops@example.org']);
  assert.match(kit.sent[0]?.text ?? '', /it is your turn now/);
});

test('what was decided before anybody was told is no longer asked', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  const held = await kit.act({ action: 'deploy.production', tier: 'red', status: 'waiting_for_approval' });
  const approvalId = await approvalFor(kit, held);
  await kit.write([
    {
      kind: 'action.held',
      agent: 'builder-1',
      actId: held,
      data: { action: 'deploy.production', tier: 'red' },
    },
  ]);
  await kit.database.admin`update mandate.approval set status = 'approved' where id = ${approvalId}`;
  await kit.turn();
  assert.deepEqual(kit.sent, []);
});

test('a stop of everything is told to every tenant', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  await kit.write(
    [{ kind: 'stop.requested', actor: 'user:ada', data: { scope: 'global', reason: 'fire' } }],
    '*',
  );
  await kit.turn();
  await kit.turn();
  assert.deepEqual(subjects(kit), ['Mandate: user:ada stopped everything: fire']);
});

test('two processes that read and send at the same time tell everything once', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({
    now: channel({ tiers: { green: 'none', yellow: 'realtime', red: 'realtime', black: 'realtime' } }),
  });
  const other = kit.another();
  await kit.turn();
  for (let n = 0; n < 15; n += 1) await kit.ran({ action: 'git.merge', parameters: { source: `b${n}` } });
  for (let round = 0; round < 4; round += 1) await Promise.all([kit.turn(), other.schedule.turn()]);
  kit.clock.advance(HALF_HOUR);
  await Promise.all([kit.turn(), other.schedule.turn()]);
  await kit.turn();
  assert.equal(new Set(kit.sent.map(({ id }) => id)).size, kit.sent.length);
  assert.deepEqual(
    subjects(kit).toSorted(),
    Array.from({ length: 15 }, (_, n) => `Mandate: builder-1 merged b${n}`).toSorted(),
  );
});

test('a reader that breaks off in the middle of a batch has told nothing of it, and tells all of it the next time', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  const held = await kit.act({ action: 'deploy.production', tier: 'red', status: 'waiting_for_approval' });
  await approvalFor(kit, held);
  await kit.write([
    { kind: 'stop.requested', actor: 'user:ada', data: { scope: 'tenant', reason: 'one' } },
    {
      kind: 'action.held',
      agent: 'builder-1',
      actId: held,
      data: { action: 'deploy.production', tier: 'red' },
    },
  ]);
  Object.defineProperty(kit, 'voters', {
    configurable: true,
    get: () => {
      throw new Error('the database went away');
    },
  });
  await kit.turn();
  assert.deepEqual(kit.sent, []);
  assert.match(kit.failures.pop() ?? '', /the database went away/);
  Object.defineProperty(kit, 'voters', { value: [] });
  await kit.turn();
  assert.equal(kit.sent.length, 2);
});

test('a clock that jumps an hour, forwards or back, loses no digest and doubles none', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  await kit.ran({ parameters: {}, action: 'deploy.staging' });
  await kit.turn();
  kit.clock.jumpTo(TEN_MS + 3_600_000);
  await kit.turn();
  assert.equal(kit.sent.length, 1, 'forwards: it comes early');
  await kit.ran({ action: 'deploy.canary' });
  await kit.turn();
  kit.clock.jumpTo(TEN_MS);
  await kit.turn();
  assert.equal(kit.sent.length, 1);
  kit.clock.advance(HALF_HOUR);
  await kit.turn();
  await kit.turn();
  assert.deepEqual(subjects(kit), [
    'Mandate: builder-1 deployed to staging',
    'Mandate: builder-1 deployed to canary',
  ]);
});

test('a channel that the charter adds begins with what comes then; one that it drops is told no more', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  await kit.ran({ action: 'deploy.before' });
  await kit.turn();
  kit.charter = charterWith({ late: channel({ to: ['late'] }) });
  await kit.write([{ kind: 'charter.activated', actor: 'user:ada', data: { version: 'abcdef0123456789' } }]);
  await kit.ran({ action: 'deploy.after' });
  await kit.turn();
  kit.clock.advance(HALF_HOUR);
  await kit.turn();
  assert.deepEqual(
    kit.sent.map(({ to }) => to),
    ['late'],
  );
  assert.doesNotMatch(kit.sent[0]?.text ?? '', /before/);
  assert.match(kit.sent[0]?.text ?? '', /deployed to after[^]*put the charter abcdef012345 into force/);
});

test('a night with more than fits into one message becomes several, with everything yellow in them once', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  const ids = await Promise.all(
    Array.from({ length: 450 }, (_, n) =>
      kit.act({ action: 'git.merge', parameters: { source: `branch-${n}` } }),
    ),
  );
  await kit.write(
    ids.map((actId) => ({ kind: 'action.started', agent: 'builder-1', actId, data: { tier: 'yellow' } })),
  );
  await kit.turn();
  kit.clock.advance(HALF_HOUR);
  for (let n = 0; n < 5; n += 1) await kit.turn();
  const digests = kit.sent.map(({ content }) => content as DigestContent);
  assert.ok(digests.length > 1 && digests.length < 4, String(digests.length));
  assert.deepEqual(
    digests.map(({ continues }) => continues),
    [...digests.slice(1).map(() => true), false],
  );
  const words = digests.flatMap(({ agents }) =>
    agents.flatMap(({ lines }) => lines.map((line) => line.words)),
  );
  assert.equal(words.length, 450);
  assert.equal(new Set(words).size, 450);
});

test('the digest is made at once when somebody asks, green or not, and then nothing is left of it', async (t) => {
  const kit = await openKit(t, Date.parse('2026-11-20T23:00:00Z'));
  kit.charter = charterWith({
    ops: channel({ to: ['ops'], quiet: '22:00-07:00 UTC' }),
    other: channel({ to: ['other'] }),
    mute: channel({ to: ['mute'], tiers: { green: 'none', yellow: 'none', red: 'none', black: 'none' } }),
  });
  await kit.turn();
  await kit.ran({ action: 'test.run', tier: 'green' });
  const made = await kit.notifications.flush(TENANT, 'ops');
  assert.deepEqual(
    made?.map(({ to, status, kind }) => [to, status, kind]),
    [['ops', 'sent', 'digest']],
  );
  assert.deepEqual(subjects(kit), ['Mandate: builder-1 1 green']);
  assert.deepEqual(await kit.notifications.flush(TENANT, 'ops'), []);
  assert.equal(await kit.notifications.flush(TENANT, 'nobody'), null);
  assert.deepEqual(
    (await kit.notifications.flush(TENANT, null))?.map(({ to }) => to),
    ['other'],
    'never the mute one',
  );
});

test('what agents wrote is text in every message and never markup, a second line, or another direction of writing', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  await kit.ran({
    agent: 'eve\u202Egnp.exe',
    action: 'git.merge',
    parameters: { source: '<img src=x onerror=alert(1)>\r\nBcc: all@example.org' },
  });
  kit.clock.advance(HALF_HOUR);
  await kit.turn();
  kit.clock.advance(HALF_HOUR);
  await kit.turn();
  const [message] = kit.sent;
  assert.ok(message !== undefined);
  assert.doesNotMatch(message.subject, /[\r\n\u202E]/);
  assert.doesNotMatch(message.html, /<img/);
  assert.match(message.html, /&lt;img src=x/);
  assert.doesNotMatch(
    message.html,
    /https?:\/\/(?!mandate\.example)|<script|<link|<[^>]* src=/,
    'nothing is fetched from anywhere',
  );
});
