import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '@mandate/kernel';
import * as fc from 'fast-check';
import { manualClock } from '../clock/manual-clock.ts';
import { createLog, type Log, type LogNeeds } from './log.ts';
import { createScrubber } from './scrub.ts';

const scrubber = () =>
  createScrubber({ redact: (text) => text.replaceAll(/ghp_\w+/g, '[redacted github token]') });

function open(changes: Partial<LogNeeds> = {}): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLog({
    level: 'debug',
    scrubber: scrubber(),
    clock: manualClock(),
    traceId: () => null,
    destination,
    ...changes,
  });
  return { log, lines };
}

function only(lines: readonly string[]): Record<string, unknown> {
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

test('a line has time, level, message, fields and the trace it belongs to', () => {
  const { log, lines } = open({ traceId: () => 'ab'.repeat(16) });
  log.info({ agent: 'builder-1', waitMs: 12 }, 'act started');
  assert.deepEqual(only(lines), {
    level: 'info',
    time: '2026-01-01T00:00:00.000Z',
    traceId: 'ab'.repeat(16),
    agent: 'builder-1',
    waitMs: 12,
    msg: 'act started',
  });
});

test('secrets are masked by the name of their key, however deep and however it is written', () => {
  const names = [
    'password',
    'Authorization',
    'x-api-key',
    'apiKey',
    'api_key',
    'accessToken',
    'client_secret',
    'set-cookie',
    'privateKey',
    'DB_PASSWORD',
    'aws_secret_access_key',
    'permit',
    'credentials',
    'signature',
    'MANDATE_MASTER_KEY',
    'pin',
  ];
  for (const name of names) {
    const scrubbed = scrubber().value({
      a: [{ [name]: 'plain words', ok: 1 }],
      [name]: { nested: 'plain words' },
    });
    assert.doesNotMatch(JSON.stringify(scrubbed), /plain words/, name);
  }
});

test('what only looks like a secret by its name stays readable', () => {
  const harmless = {
    inputTokens: 1200,
    token: null,
    tokens: 3,
    keyId: 'key_1',
    secretFound: true,
    password: '',
    passwordless: 'yes',
    traceId: 'ab'.repeat(16),
    digest: 'cd'.repeat(32),
    action: 'secrets.rotate',
    pinned: 'v1',
  };
  assert.deepEqual(scrubber().value(harmless), harmless);
});

test('secrets and personal data are masked by their form, wherever they stand in a text', () => {
  const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
  const key = `mdt_${'a1'.repeat(21)}b_Zz09Aa`;
  const pem = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI\n-----END EC PRIVATE KEY-----';
  const table: readonly (readonly [string, string])[] = [
    ['connect postgres://m:hunter22@db:5432/x failed', 'connect postgres://m:[redacted]@db:5432/x failed'],
    ['Authorization: Bearer abcdefgh12345', 'Authorization: Bearer [redacted]'],
    [`key ${key} refused`, 'key [redacted] refused'],
    [`key ${key.slice(0, 30)} cut off`, 'key [redacted] cut off'],
    ['basic authentication of a bearer', 'basic authentication of a bearer'],
    ['secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'secret [redacted]'],
    [`token ${jwt}, again`, 'token [redacted], again'],
    [`pem ${pem} end`, 'pem [redacted] end'],
    ['pem -----BEGIN PRIVATE KEY-----\nMHcC', 'pem [redacted]'],
    ['url ?api_key=abc123&page=2', 'url ?api_key=[redacted]&page=2'],
    ['{"password": "abc 123"}', '{"password": "[redacted] 123"}'],
    ['pushed with ghp_abcdef', 'pushed with [redacted github token]'],
    ['mail ada.lovelace+x@example.co.uk now', 'mail [mail] now'],
    ['mail jürgen@müller.example now', 'mail [mail] now'],
    ['call +49 30 901820 or +1 (202) 456-1111.', 'call [phone] or [phone].'],
    ['call 202-456-1111 today', 'call [phone] today'],
    [
      '2026-01-01T00:00:00.000Z took 1767225600000 ms at 127.0.0.1:4007',
      '2026-01-01T00:00:00.000Z took 1767225600000 ms at 127.0.0.1:4007',
    ],
    ['0198f3c2-7b1e-7a3c-8000-0123456789ab', '0198f3c2-7b1e-7a3c-8000-0123456789ab'],
  ];
  for (const [text, expected] of table) assert.equal(scrubber().text(text), expected);
});

test('a known value is masked in every form it is usually written in', () => {
  const secret = 'p"ss w/rd+9';
  const scrub = scrubber();
  scrub.know(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret),
    Buffer.from(secret).toString('base64'),
  ];
  for (const form of forms) assert.match(scrub.text(`<${form}>`), /^<"?\[redacted\]=*"?>$/, form);
  assert.deepEqual(scrub.value({ [secret]: 1 }), { '[redacted]': 1 });
  scrub.know('abc');
  assert.equal(scrub.text('abcdef'), 'abcdef');
});

// I9
test('no field, message, error, child or key lets a known value out', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9$.*+()[\]]{6,20}$/);
  fc.assert(
    fc.property(secret, fc.jsonValue(), (value, around) => {
      fc.pre(!'[redacted]'.includes(value) && !JSON.stringify(around).includes(value));
      const scrub = scrubber();
      scrub.know(value);
      const { log, lines } = open({ scrubber: scrub, pretty: value.length % 2 === 0 });
      const error = new Error(`failed with ${value}`, { cause: new Error(value) });
      log
        .child({ child: value, around })
        .error({ err: error, deep: [{ [value]: value }], list: [value, around] }, `message ${value}`);
      log.warn(`only ${value}`);
      log.error(error);
      for (const line of lines) assert.ok(!line.includes(value), line);
      assert.equal(lines.length, 3);
    }),
    { numRuns: 50 },
  );
});

test('an error tells its kind, code, stack and cause, and not what a database driver hangs on it', () => {
  const { log, lines } = open();
  const error = Object.assign(new TypeError('no such row', { cause: new Error('below') }), {
    code: '42501',
    query: 'select 1',
    parameters: ['private'],
  });
  log.error({ err: error, other: new Error('second'), nested: [{ error }] }, 'failed');
  const line = only(lines);
  log.child({ err: error }).warn('again');
  assert.doesNotMatch(lines[1] ?? '', /private|select 1/);
  assert.doesNotMatch(JSON.stringify(line), /private|select 1/);
  assert.match(
    JSON.stringify(line),
    /"type":"TypeError","message":"no such row","code":"42501","stack":"TypeError: no such row/,
  );
  assert.match(JSON.stringify(line), /"cause":\{"type":"Error","message":"below"/);
  assert.match(JSON.stringify(line), /"other":\{"type":"Error","message":"second"/);
});

test('on a terminal a line is for people, and cannot send the terminal commands', () => {
  const { log, lines } = open({ pretty: true });
  log.warn({ agent: 'builder-1', note: 'two words' }, 'careful \u001B[2J\u202E');
  assert.equal(lines[0], '00:00:00.000 WARN  careful \\u001b[2J\\u202e agent=builder-1 note="two words"\n');
});

test('a long text is cut, and is scrubbed in no more than a moment', () => {
  const started = performance.now();
  const hostile = [
    'a'.repeat(200_000),
    '+1 '.repeat(60_000),
    'x@'.repeat(100_000),
    '-----BEGIN PRIVATE KEY-----'.repeat(8000),
    '1-'.repeat(90_000),
  ];
  for (const text of hostile) assert.ok(scrubber().text(text).length < 9000);
  assert.ok(performance.now() - started < 2000, `${performance.now() - started} ms`);
});

test('levels below the chosen one write nothing', () => {
  const { log, lines } = open({ level: 'warn' });
  log.info('not this');
  log.warn('this');
  assert.equal(lines.length, 1);
});

test('with the redaction of the law, token formats go and the ids of a line stay', () => {
  const scrub = createScrubber({ redact: (text) => JSON.stringify(redact(text)) });
  // In two parts, so that scanners of this repository do not take it for a real one.
  const token = ['ghp_aB3dE6gH9jK2mN5pQ8sT', 'vW1xY4zA7bC0dE3f'].join('');
  assert.doesNotMatch(scrub.text(`pushed with ${token}`), /ghp_aB3/);
  const line = {
    id: '0198f3c2-7b1e-7a3c-8000-0123456789ab',
    traceId: 'ab'.repeat(16),
    digest: '0f'.repeat(32),
    msg: 'act 0198f3c2-7b1e-7a3c-8000-0123456789ab started',
  };
  assert.match(
    JSON.stringify(scrub.value(line)),
    /"id":"0198f3c2-7b1e[^"]*","traceId":"(ab){16}","digest":"(0f){32}","msg":".*act 0198f3c2-7b1e-7a3c-8000-0123456789ab started/,
  );
});
