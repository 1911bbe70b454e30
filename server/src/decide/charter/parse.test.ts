// The way back from a value to its place in the file is what every error message stands on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDocument, Scalar, stringify } from 'yaml';
import type { Place } from './error.ts';
import { parseYaml } from './parse.ts';

const styles = [
  Scalar.PLAIN,
  Scalar.QUOTE_SINGLE,
  Scalar.QUOTE_DOUBLE,
  Scalar.BLOCK_LITERAL,
  Scalar.BLOCK_FOLDED,
] as const;
const letters = fc.constantFrom('a', 'b', "'", '"', '\\', ' ', '\n', '#', ':', '&', '[', 'é', '😀');

test('every visible character of a value is found again where it is written, in every style of scalar', () => {
  fc.assert(
    fc.property(
      fc.array(letters, { minLength: 1, maxLength: 120 }),
      fc.constantFrom(...styles),
      (parts, style) => {
        const value = parts.join('');
        const scalar = new Scalar(value);
        scalar.type = style;
        const text = `first: 1\n${stringify({ list: [{ when: scalar }] }, { lineWidth: 40 })}`;
        // A few texts the library's writer does not write so that its own reader finds them again: not ours to find.
        const again = parseDocument(text);
        fc.pre(again.errors.length === 0 && again.getIn(['list', 0, 'when']) === value);
        const parsed = parseYaml('f.yaml', text);
        if (parsed.kind === 'refused') assert.fail(`${JSON.stringify(text)}: ${parsed.errors[0]?.message}`);
        const lines = text.split('\n');
        for (let offset = 0; offset < value.length; offset++) {
          const wanted = value.charAt(offset);
          if (/\s/.test(wanted)) continue;
          const place: Place = parsed.yaml.placeWithin(['list', 0, 'when'], offset);
          const found = lines[place.line - 1]?.slice(place.column - 1) ?? '';
          const isFound = found.startsWith(wanted) || found.startsWith(`\\${wanted}`);
          assert.equal(isFound, true, JSON.stringify({ text, offset, wanted, place }));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('whatever bytes come, reading them ends with a file or with an answer that has a place', () => {
  const yamlish = fc.array(
    fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '-',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '|',
      '>',
      "'",
      '"',
      '!',
      '%',
      '?',
      ',',
      '\t',
      '\r',
      '#',
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        yamlish.map((it) => it.join('')),
        fc.uint8Array({ maxLength: 60 }),
      ),
      (input) => {
        const parsed = parseYaml('f.yaml', input);
        if (parsed.kind === 'parsed') return;
        assert.ok(parsed.errors.length > 0);
        for (const { line, column, message } of parsed.errors)
          assert.ok(line >= 1 && column >= 1 && /[.]$/.test(message), message);
      },
    ),
    { numRuns: 500 },
  );
});
