import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { advance, compileAutomaton, nextStart } from './automaton.ts';

test('the automaton finds every word at every place that a plain search finds it', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é'), maxLength: 40 }),
      (words, text) => {
        const automaton = compileAutomaton(words);
        const found: string[] = [];
        let state = 0;
        for (let i = 0; i < text.length; i += 1) {
          state = advance(automaton, state, text.charCodeAt(i));
          for (const index of automaton.ends[state] ?? []) found.push(`${index}@${i}`);
        }
        const expected = words.flatMap((w, index) =>
          Array.from({ length: text.length }, (_, i) => i)
            .filter((i) => text.slice(0, i + 1).endsWith(w))
            .map((i) => `${index}@${i}`),
        );
        assert.deepEqual(found.toSorted(), expected.toSorted());
      },
    ),
  );
});

test('a short word is passed by where what follows it may not stand there, and nowhere else', () => {
  const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
  const automaton = compileAutomaton(['s.', 'key'], (_word, place, code) => place > 1 || isDigit(code));
  const text = 'this.is.s.a1 keys key, s.12345 key7..... end';
  const places: number[] = [];
  for (let at = nextStart(automaton, text, 0); at < text.length - 5; at = nextStart(automaton, text, at + 1))
    places.push(at);
  assert.deepEqual(
    places.map((at) => text.slice(at, at + 4)),
    ['s.12', 'key7'],
  );
});

test('from the start state, skipping ahead passes no place where a word stands', () => {
  const unit = fc.constantFrom('a', 'b', 'c', 'é');
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 3 }),
      fc.string({ unit, minLength: 1, maxLength: 40 }),
      fc.nat({ max: 39 }),
      (words, text, from) => {
        fc.pre(from < text.length);
        const next = nextStart(compileAutomaton(words), text, from);
        assert.ok(next >= from && next <= text.length);
        for (let at = from; at < next; at += 1) assert.ok(!words.some((each) => text.startsWith(each, at)));
      },
    ),
  );
});
