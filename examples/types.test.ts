import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { frameworks, path } from './play.ts';

test('the examples fit the types of the real packages', { skip: frameworks }, () => {
  const tsc = path('../node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', path('tsconfig.json')]);
  assert.equal(status, 0, stdout.toString());
});
