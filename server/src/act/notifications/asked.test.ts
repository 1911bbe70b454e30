import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { askedText, cut, cutLines } from './asked.ts';
import { ASKED } from './chat-kit.test.ts';

test('a question always fits, keeps its link and ids, and says whole only when all of it is there', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 500 });
  fc.assert(
    fc.property(
      text,
      fc.array(text, { maxLength: 9 }),
      fc.jsonValue(),
      fc.option(text),
      (title, why, display, decided) => {
        const asked = { ...ASKED, title, why, display: JSON.parse(JSON.stringify(display)), decided };
        const link = `https://mandate.example/approvals/x?t=${'t'.repeat(300)}`;
        for (const max of [1_000, 4_000]) {
          const { text: shown, isWhole } = askedText({ heading: title, asked, zone: 'UTC' }, { link, max });
          assert.ok(shown.length <= max, `${shown.length}`);
          assert.ok(shown.includes(link) && shown.endsWith(`approval ${ASKED.id}`));
          assert.equal(isWhole, !shown.includes('(not all of it fits here)'));
        }
      },
    ),
  );
});

test('nothing in what is to be approved can deceive the eye', () => {
  const asked = {
    ...ASKED,
    display: { parameters: { to: 'safe\u202eexe.txt', zero: 'a\u200bb', line: 'a\nb' } },
  };
  const { text } = askedText({ heading: 'x', asked, zone: 'UTC' }, { link: null, max: 4_000 });
  assert.match(text, /safe\\u\{202e\}exe\.txt/);
  assert.match(text, /a\\u\{200b\}b/);
  assert.match(text, /"line": "a\\nb"/);
});

test('what is cut ends with a whole character, and lines that are left out are counted', () => {
  assert.equal(cut('abc', 3), 'abc');
  assert.equal(cut('abcd', 3), 'ab…');
  assert.equal(cut('a😀b', 3), 'a…');
  assert.equal(cut('abc', 0), '');
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`).join('\n');
  const kept = cutLines(lines, 300);
  assert.ok(kept.length <= 300);
  const left = Number(/and (\d+) more lines/.exec(kept)?.[1]);
  assert.equal(kept.split('\n').length - 1 + left, 100);
});
