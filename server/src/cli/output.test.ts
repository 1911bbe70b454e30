// What a terminal is given: aligned, coloured only where a person looks, and never commanded by what others wrote.
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { createOutput, fields, harmless, table } from './output.ts';

const plain = (text: string): string => text;

test('whatever others wrote, no control character and no change of direction reaches the terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => !/[\p{Cc}\p{Bidi_Control}]/u.test(harmless(text))),
  );
  assert.equal(harmless('a\u001B[31mb\u202Ec\nd'), 'a\\u001b[31mb\\u202ec\\u000ad');
  assert.equal(harmless('Grüße, 世界 👋'), 'Grüße, 世界 👋');
});

test('columns are as wide as their widest cell, and lines end without spaces', () => {
  assert.equal(
    table(
      ['ID', 'NAME'],
      [
        ['1', 'first'],
        ['200', ''],
      ],
      plain,
    ),
    'ID   NAME\n1    first\n200',
  );
});

test('a label without a value is left out, further lines stand below the first', () => {
  const text = fields(
    [
      ['because', ['one', 'two']],
      ['found', []],
      ['next', 'go on'],
    ],
    plain,
  );
  assert.equal(text, '  because  one\n           two\n  next     go on');
});

test('colours are for terminals, and only where NO_COLOR does not forbid them', () => {
  const stream = (isTTY: boolean) => Object.assign(new Writable(), { isTTY });
  const tinted = (isTTY: boolean, env: Record<string, string>) =>
    createOutput({ stdin: { isTTY }, stdout: stream(isTTY), stderr: stream(isTTY), env }).tint('x', 'red');
  assert.equal(tinted(true, {}), '\u001B[31mx\u001B[0m');
  assert.equal(tinted(true, { NO_COLOR: '1' }), 'x');
  assert.equal(tinted(true, { TERM: 'dumb' }), 'x');
  assert.equal(tinted(false, {}), 'x');
});
