import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Action, JsonObject } from '../action.ts';
import { actionOf, settingOfAction } from '../fixtures.test.ts';
import { countDiff, countLines, countText, diffSize } from './diff.ts';

const HAS_GIT = spawnSync('git', ['--version']).status === 0;

function editing(parameters: JsonObject): Action {
  return actionOf('files.edit', { parameters });
}

function gitDiff(
  folder: string,
  before: string,
  after: string,
  options: readonly string[],
): { readonly diff: string; readonly counts: readonly [number, number] } {
  writeFileSync(join(folder, 'a'), before);
  writeFileSync(join(folder, 'b'), after);
  const run = (...extra: readonly string[]): string =>
    spawnSync(
      'git',
      ['-c', 'core.autocrlf=false', 'diff', '--no-index', '--no-color', ...options, ...extra, 'a', 'b'],
      { cwd: folder, encoding: 'utf8' },
    ).stdout;
  const [added = '0', deleted = '0'] = run('--numstat').split('\t');
  return { diff: run(), counts: [Number(added || 0), Number(deleted || 0)] };
}

test(
  'changed lines are counted as git diff --numstat counts them',
  { skip: HAS_GIT ? false : 'git is not installed' },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'mandate-diff-'));
    // Lines that look like the syntax of diffs are what naive counters get wrong.
    const line = fc.constantFrom(
      'a',
      'b',
      '',
      '-- x',
      '++ y',
      '--- a/x',
      '+++ b/y',
      '@@ -1 +1 @@',
      'diff --git a b',
      '\\ No newline',
      ' z',
      '-',
      '+',
      '\r',
    );
    const content = fc
      .tuple(fc.array(line, { maxLength: 25 }), fc.boolean())
      .map(([lines, ends]) => lines.join('\n') + (ends ? '\n' : ''));
    const options = fc.constantFrom<readonly string[]>(
      [],
      ['-U0'],
      ['-U10'],
      ['--histogram'],
      ['--function-context'],
    );
    try {
      fc.assert(
        fc.property(content, content, options, (before, after, flags) => {
          const { diff, counts } = gitDiff(folder, before, after, flags);
          if (diff === '') return;
          assert.deepEqual(countDiff(diff), { added: counts[0], deleted: counts[1], foreign: 0 }, diff);
        }),
        { numRuns: 25 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

const DIFF =
  'diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ fn\n a\n--- gone\n+++ come\n c\n\\ No newline at end of file\n';

test('lines that look like file headers are counted where the hunk says they are lines', () => {
  assert.deepEqual(countDiff(DIFF), { added: 1, deleted: 1, foreign: 0 });
});

test('renames, modes and binary files change no lines', () => {
  const text =
    'diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\ndiff --git a/i b/i\nold mode 100644\nnew mode 100755\nBinary files a/i and b/i differ\ndiff --git a/p b/p\nGIT binary patch\nliteral 3\nzcmZ\n\n';
  assert.deepEqual(countDiff(text), { added: 0, deleted: 0, foreign: 0 });
});

test('content cannot hide behind one hunk header', () => {
  const smuggled = `@@ -1 +1 @@\n-a\n+b\n${'evil\n'.repeat(3000)}`;
  assert.equal(countText(smuggled), 3002);
  assert.equal(countText(`@@ -1 +1 @@\n-a\n+b\n${'+evil\n'.repeat(3000)}`), 3002);
});

test('what is no diff counts all its lines', () => {
  assert.equal(countText('a\nb\nc'), 3);
  assert.equal(countText('a\nb\n'), 2);
  assert.equal(countText(''), 0);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\r') }), (text) => {
      assert.equal(countLines(text), text.split('\n').length - (text === '' || text.endsWith('\n') ? 1 : 0));
    }),
  );
});

test('the charter says which parameter is the diff; otherwise every diff or patch counts', () => {
  const parameters = { content: 'a\nb\n', diff: DIFF, nested: { patch: 'x\ny\nz\n' } };
  assert.deepEqual(diffSize(editing(parameters), null), { lines: 5, pointer: '/parameters/nested/patch' });
  assert.deepEqual(diffSize(editing(parameters), settingOfAction('*', { diff: null })), {
    lines: 5,
    pointer: '/parameters/nested/patch',
  });
  assert.deepEqual(diffSize(editing(parameters), settingOfAction('*', { diff: 'content' })), {
    lines: 2,
    pointer: '/parameters/content',
  });
  assert.deepEqual(diffSize(editing(parameters), settingOfAction('*', { diff: 'nested.patch' })), {
    lines: 3,
    pointer: '/parameters/nested/patch',
  });
  assert.deepEqual(
    diffSize(
      editing({ edits: [{ newText: 'a\nb' }, { newText: 'c' }] }),
      settingOfAction('*', { diff: 'edits' }),
    ),
    { lines: 3, pointer: '/parameters/edits/0/newText' },
  );
  assert.deepEqual(diffSize(editing({ deep: { content: 'a' } }), settingOfAction('*', { diff: 'content' })), {
    lines: 1,
    pointer: '/parameters/deep/content',
  });
  assert.deepEqual(diffSize(editing({ diff: 7 }), null), { lines: 0, pointer: null });
});
