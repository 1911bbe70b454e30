import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCapture } from './capture.ts';

const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 });

test('what fits is kept byte for byte, however it arrives', () => {
  fc.assert(
    fc.property(chunks, (parts) => {
      const all = Buffer.concat(parts);
      const capture = createCapture(Math.max(1, all.length));
      for (const part of parts) capture.add(part);
      return capture.whole() === all.toString('utf8') && capture.seenBytes() === all.length;
    }),
  );
});

test('of what does not fit the first and the last part are kept, and the number of missing bytes is told', () => {
  const ascii = fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 40 }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(ascii, fc.integer({ min: 2, max: 50 }), (parts, maxBytes) => {
      const all = parts.join('');
      fc.pre(all.length > maxBytes);
      const capture = createCapture(maxBytes);
      for (const part of parts) capture.add(Buffer.from(part));
      const head = Math.ceil(maxBytes / 2);
      const tail = maxBytes - head;
      assert.equal(capture.whole(), null);
      assert.equal(
        capture.text(),
        `${all.slice(0, head)}\n… [${all.length - maxBytes} bytes left out] …\n${all.slice(all.length - tail)}`,
      );
    }),
  );
});
