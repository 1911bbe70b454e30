// `npm ci` is the first thing that runs on a fresh clone, and it refuses a lockfile that lacks a platform.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { missingEntries } from '../scripts/complete-lockfile.mjs';

test('package-lock.json names every platform package, so that npm ci accepts it everywhere', () => {
  for (const folder of ['', 'examples/', 'examples/claude-code/']) {
    const file = `${folder}package-lock.json`;
    const lock = JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
    const names = missingEntries(lock.packages).map(({ key, wantedBy }) => `${key} (wanted by ${wantedBy})`);
    assert.deepEqual(names, [], `npm ci will fail. Run: node scripts/complete-lockfile.mjs ${file}`);
  }
});

test('a platform package that is missing is found, with the platform that its name tells', () => {
  const missing = missingEntries({
    '': {},
    'node_modules/tool': {
      dev: true,
      optionalDependencies: { '@tool/binding-linux-arm64-musl': '2.0.0', '@tool/darwin-x64': '2.0.0' },
    },
    'node_modules/@tool/darwin-x64': { version: '2.0.0' },
    'node_modules/a/node_modules/tool': {
      optionalDependencies: { '@tool/binding-linux-arm64-musl': '1.0.0' },
    },
  });
  assert.deepEqual(missing, [
    {
      key: 'node_modules/@tool/binding-linux-arm64-musl',
      wantedBy: 'node_modules/tool',
      entry: { version: '2.0.0', dev: true, optional: true, os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
    },
    {
      key: 'node_modules/a/node_modules/@tool/binding-linux-arm64-musl',
      wantedBy: 'node_modules/a/node_modules/tool',
      entry: { version: '1.0.0', optional: true, os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
    },
  ]);
});
