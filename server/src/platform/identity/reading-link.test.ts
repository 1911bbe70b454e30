import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from '../clock/manual-clock.ts';
import { parseMasterKeys } from '../crypto/master-key.ts';
import { createReadingLinks } from './reading-link.ts';

const keyOf = (step: number) =>
  parseMasterKeys(Buffer.from(Array.from({ length: 32 }, (_, i) => i * step)).toString('base64'), 'test');

test('a link in a message shows one thing for thirty days, and what was changed or made elsewhere shows nothing', () => {
  const clock = manualClock();
  const publicUrl = (): string => 'https://mandate.example.org';
  const links = createReadingLinks({ masterKeys: keyOf(7), clock, publicUrl });
  const reading = { tenant: 'acme', kind: 'incident', id: 'i1' } as const;
  const link = links.linkFor(reading);
  assert.match(link, /^https:\/\/mandate\.example\.org\/incidents\/i1\?t=read\.v1\./);
  const token = new URL(link).searchParams.get('t') ?? '';
  clock.advance(30 * 86_400_000 - 1);
  assert.deepEqual(links.verify(token), reading);
  clock.advance(1);
  assert.equal(links.verify(token), 'ended');
  const stranger = createReadingLinks({ masterKeys: keyOf(5), clock, publicUrl });
  assert.equal(stranger.verify(token), null);
  const [head = '', payload = '', mac = ''] = token.split(/(?<=v1)\.|\.(?=[^.]*$)/);
  const other = Buffer.from(
    Buffer.from(payload, 'base64url').toString('utf8').replace('"i1"', '"i2"'),
  ).toString('base64url');
  assert.equal(links.verify(`${head}.${payload}.${mac}`), 'ended', 'put together again it is the same');
  assert.equal(links.verify(`${head}.${other}.${mac}`), null);
});
