import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  actionNameField,
  agentNameField,
  idempotencyKeyField,
  limitField,
  lineField,
  momentField,
  nameField,
  reasonField,
} from './fields.ts';

test('a name shows as what it is', () => {
  for (const name of ['a', 'x'.repeat(256), 'données', '名前', '👩‍💻', 'a b', "o'neil"]) {
    assert.ok(nameField.safeParse(name).success, name);
  }
  const bad = [
    '',
    'x'.repeat(257),
    'a\0',
    'a\nb',
    'a\r\nset-cookie: x',
    'a\u202eb',
    'a\u2066b',
    'a\u2028b',
    'a\u0085b',
    '\u001b[2J',
  ];
  for (const name of bad) assert.ok(!nameField.safeParse(name).success, JSON.stringify(name));
});

// I9
test('no name holds a token, whose format gives it away; what only looks like one may be a name', () => {
  const secret = 'ghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5';
  for (const field of [nameField, agentNameField, actionNameField, idempotencyKeyField]) {
    const { error } = field.safeParse(secret);
    assert.match(error?.issues[0]?.message ?? '', /holds a token or a password/);
    assert.ok(!JSON.stringify(error?.issues).includes(secret), 'the answer does not say it again');
    assert.ok(!field.safeParse(`work.${secret}`).success);
  }
  assert.ok(!nameField.safeParse('https://ada:tiger-7@example.org').success);
  assert.ok(lineField.safeParse(secret).success, 'what is hidden before it is kept');
  for (const name of [
    'task-3f2b8a1c-0d4e-4f6a-9b7c-1d2e3f4a5b6c',
    'a'.repeat(64),
    'password.reset',
    'sk-learn',
  ])
    for (const field of [nameField, agentNameField, actionNameField, idempotencyKeyField])
      assert.ok(field.safeParse(name).success, name);
});

test('an agent and an action are called what a rule, a log and a command take as it is', () => {
  for (const agent of ['a', 'builder-1', 'user:ada@example.org'])
    assert.ok(agentNameField.safeParse(agent).success);
  for (const agent of ['', '-a', 'a b', 'a/b', 'ä', 'a\ud800'])
    assert.ok(!agentNameField.safeParse(agent).success, agent);
  for (const action of ['git.merge', 'a', 'http:/x@y'])
    assert.ok(actionNameField.safeParse(action).success, action);
  for (const action of ['a..b', '.a', 'a b', 'a*'])
    assert.ok(!actionNameField.safeParse(action).success, action);
});

test('a reason may have lines but nothing that a terminal obeys', () => {
  assert.ok(reasonField.safeParse('first\nsecond\tthird\r\n').success);
  for (const reason of ['', 'a\0', '\u001b[2J', 'a\u202eb', 'x'.repeat(2_001)])
    assert.ok(!reasonField.safeParse(reason).success, JSON.stringify(reason));
});

test('a reason keeps no secret that was pasted into it', () => {
  // I9
  const secret = 'ghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5';
  for (const field of [reasonField, reasonField.max(1_000).optional()])
    assert.match(field.parse(`leaked ${secret}`) ?? '', /^leaked \[redacted:\w+\]$/);
});

test('a moment is one that Postgres can hold', () => {
  assert.equal(momentField.parse('2026-01-01T00:00:00Z'), Date.UTC(2026, 0, 1));
  assert.equal(momentField.parse('2026-01-01T02:00:00+02:00'), Date.UTC(2026, 0, 1));
  const bad = [
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-23:59',
    '2026-02-30T00:00:00Z',
    '2026-01-01',
    'now',
    '',
    '1969-12-31T23:59:59Z',
  ];
  for (const moment of bad) assert.ok(!momentField.safeParse(moment).success, moment);
});

test('a limit is a number within its bounds and is never bent into them', () => {
  const field = limitField(200);
  assert.equal(field.parse('1'), 1);
  assert.equal(field.parse('200'), 200);
  for (const limit of ['0', '201', '-1', '1e2', ' 1', '1.5', '', '99999999999', 'all', '٣'])
    assert.ok(!field.safeParse(limit).success, limit);
});

test('an idempotency key is one that a header can carry', () => {
  for (const key of ['a', 'order 17', '~'.repeat(256)]) assert.ok(idempotencyKeyField.safeParse(key).success);
  for (const key of ['', 'a\n', 'é', 'x'.repeat(257)]) assert.ok(!idempotencyKeyField.safeParse(key).success);
});
