// Texts that an attacker would write to make the scanner slow: all of them almost something, over and over. What is
// held against the length is counted work, since a clock would tell of the machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../action.ts';
import { findLeaks } from './leaks.ts';
import { textLeaves } from './leaves.ts';
import { SCAN_LIMIT } from './redact.ts';
import { NAMED_SECRET_FORMATS } from './secret-formats-named.ts';
import { SECRET_FORMATS } from './secret-formats.ts';
import { scanSecrets } from './secrets.ts';
import { readName } from './traits.ts';

const PROVIDERS = NAMED_SECRET_FORMATS.slice(0, 40)
  .map(({ words }) => words.replaceAll(/[ |]/g, '_'))
  .join('_');

const HOSTILE: readonly (readonly [string, (n: number) => string])[] = [
  ['one letter', (n) => 'a'.repeat(n)],
  ['prefixes of JWTs', (n) => '-eyJ'.repeat(n / 4)],
  ['halves of JWTs', (n) => 'eyJaaaaaaaaaa.'.repeat(n / 14)],
  ['JWTs up to the last part', (n) => `${'-eyJaaaaaaaa'.repeat(n / 12)}.eyJ`],
  ['labels', (n) => 'access_token='.repeat(n / 13)],
  ['bearers', (n) => 'Bearer '.repeat(n / 7)],
  ['assignments', (n) => 'password="'.repeat(n / 10)],
  ['signs', (n) => '='.repeat(n)],
  ['URLs', (n) => 'a://'.repeat(n / 4)],
  ['user names', (n) => 'a://b:'.repeat(n / 6)],
  ['PEM heads', (n) => '-----BEGIN '.repeat(n / 11)],
  ['private key heads', (n) => '-----BEGIN PRIVATE KEY-----'.repeat(n / 27)],
  ['prefixes of many', (n) => 'sk-ant-api03-sk-proj-'.repeat(n / 21)],
  ['base64 of a token', (n) => 'AKIA'.repeat(n / 4)],
  ['commands', (n) => 'curl '.repeat(n / 5)],
  ['commands with options', (n) => 'curl -u a:'.repeat(n / 10)],
  ['netrc entries', (n) => 'machine a login '.repeat(n / 16)],
  ['closing tags', (n) => '</key>'.repeat(n / 6)],
  ['elements', (n) => `<key>${'a1'.repeat(100)}</key>`.repeat(n / 211)],
  ['calls', (n) => 'key("'.repeat(n / 5)],
  ['lists', (n) => 'token,a1,'.repeat(n / 9)],
  ['pairs', (n) => `key="",'`.repeat(n / 8)],
  ['values of names', (n) => `name: key value: `.repeat(n / 17)],
  ['YAML blocks', (n) => 'token: |\n '.repeat(n / 10)],
  ['long values', (n) => `token='a1${'b'.repeat(520)}`.repeat(n / 529)],
  ['names of every provider', (n) => `${PROVIDERS}_key=a1b2c3 `.repeat(n / (PROVIDERS.length + 12))],
];

test('the work grows with the length of the text and with nothing else', () => {
  for (const [name, text] of HOSTILE) {
    const stepsFor = (length: number): number => {
      const work = { steps: 0 };
      scanSecrets(text(length), work);
      return work.steps;
    };
    const [small, large] = [stepsFor(8_000), stepsFor(64_000)];
    assert.ok(
      large <= small * 8 * 1.2 + 1000,
      `${name}: ${small} steps for 8,000 characters, ${large} for 64,000`,
    );
    assert.ok(large <= 64_000 * 130, `${name}: ${large} steps for 64,000 characters`);
  }
});

test('no prefix of any format, repeated, costs more than its share', () => {
  for (const { kind, prefixes } of SECRET_FORMATS) {
    for (const prefix of prefixes) {
      const stepsFor = (length: number): number => {
        const work = { steps: 0 };
        scanSecrets(`${prefix}a1`.repeat(length / (prefix.length + 2)), work);
        return work.steps;
      };
      const [small, large] = [stepsFor(4_000), stepsFor(16_000)];
      assert.ok(large <= small * 4 * 1.2 + 1000, `${kind}, ${prefix}: ${small} steps, then ${large}`);
    }
  }
});

test('more text than is searched counts as a secret, and what stands before is searched all the same', () => {
  const token = 'AKIAQ3EGRWZ5LKD2XYT7';
  const look = (text: Json) => findLeaks(textLeaves({ note: `id ${token}`, text }), readName);
  const under = look('a '.repeat(SCAN_LIMIT / 2 - 100));
  assert.deepEqual([under.certain.length, under.isOver], [1, false]);
  const over = look('a '.repeat(SCAN_LIMIT / 2));
  assert.deepEqual([over.certain.length, over.isOver], [1, true]);
});
