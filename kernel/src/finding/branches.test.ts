import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ActionSetting } from '../action-setting.ts';
import type { Action, JsonObject } from '../action.ts';
import { actionOf, settingOfAction } from '../fixtures.test.ts';
import { branchThreats, foldBranches, meaningOfName } from './branches.ts';
import { readAction } from './reading.ts';
import { gitEffects, readRefspec, splitShell } from './git-args.ts';

const GUARDED = ['main', 'master', 'production', 'staging'];

function asked(action: string, parameters: JsonObject = {}, context: JsonObject = {}): Action {
  return actionOf(action, { parameters, context });
}

function threatsOn(names: readonly string[], action: Action, setting: ActionSetting | null = null) {
  const meaning = meaningOfName(action.action);
  const { hasCommand } = readAction(action, setting);
  return branchThreats({ action, setting, guarded: foldBranches(names), meaning, hasCommand });
}

function threats(action: Action, setting: ActionSetting | null = null): readonly string[] {
  return threatsOn(GUARDED, action, setting).map(({ operation, branch }) => `${operation} ${branch ?? '?'}`);
}

const DANGEROUS: readonly (readonly [action: string, parameters: JsonObject, threat: string])[] = [
  ['git.force_push', { branch: 'main' }, 'force_push main'],
  ['git.forcePush', { branch: 'main' }, 'force_push main'],
  ['git.force_push', {}, 'force_push ?'],
  ['git.rebase', { branch: 'production', onto: 'feature' }, 'rebase production'],
  ['git.rewrite_history', { branches: ['a', 'staging'] }, 'rewrite_history staging'],
  ['git.delete', { branch: 'master' }, 'delete master'],
  ['github.deleteBranch', { ref: 'refs/heads/main' }, 'delete refs/heads/main'],
  ['branch.delete', { name: 'main' }, 'delete main'],
  ['git.delete_branch', {}, 'delete ?'],
  ['git.push', { branch: 'main', force: true }, 'force_push main'],
  ['git.push', { branch: 'main', force: 'true' }, 'force_push main'],
  ['git.push', { branch: 'main', options: { forceWithLease: 1 }, force_with_lease: 1 }, 'force_push main'],
  ['git.push', { branch: '+main' }, 'force_push main'],
  ['git.push', { refspec: '+feature:main' }, 'force_push main'],
  ['git.push', { refspec: ':main' }, 'delete main'],
  ['git.run', { operation: 'force-push', branch: 'main' }, 'force_push main'],
  ['repo.branch', { method: 'delete', branch: 'main' }, 'delete main'],
  ['git.reset', { mode: 'hard', branch: 'main' }, 'rewrite_history main'],
  ['git.force_push', { branch: 'MAIN' }, 'force_push MAIN'],
  ['git.force_push', { branch: ' main ' }, 'force_push main'],
  ['git.force_push', { branch: 'm\u0430in' }, 'force_push m\u0430in'],
  ['git.force_push', { branch: 'ma\u0456n' }, 'force_push ma\u0456n'],
  ['git.force_push', { branch: 'refs%2Fheads%2Fmain' }, 'force_push refs%2Fheads%2Fmain'],
  ['git.force_push', { branch: 'origin/main' }, 'force_push origin/main'],
  ['git.force_push', { branch: 'ma\u200bin' }, 'force_push ma\u200bin'],
  ['git.force_push', { branch: '*' }, 'force_push *'],
  ['git.force_push', { branch: 'HEAD' }, 'force_push ?'],
  ['git.rebase', { args: ['feature', 'main'] }, 'rebase main'],
  ['git.push', { args: ['--force', 'origin', 'main'] }, 'force_push main'],
  ['git.run', { args: ['push', '-f', 'origin', 'main'] }, 'force_push main'],
  ['shell.run', { command: 'git push --force origin main' }, 'force_push main'],
  ['shell.run', { command: 'cd x && git -C repo push origin +HEAD:main' }, 'force_push main'],
  ['shell.run', { argv: ['/usr/bin/git', 'push', '--delete', 'origin', 'staging'] }, 'delete staging'],
  ['shell.run', { argv: ['sh', '-c', 'git push -f origin main'] }, 'force_push main'],
  ['shell.run', { command: `bash -c "git push -f origin 'main'"` }, 'force_push main'],
  ['shell.run', { input: { args: ['git', 'push', 'origin', ':main'] } }, 'delete main'],
];

test('every way to say it is a threat to a guarded branch', () => {
  for (const [action, parameters, threat] of DANGEROUS) {
    assert.ok(
      threats(asked(action, parameters)).includes(threat),
      `${action} ${JSON.stringify(parameters)}: ${threats(asked(action, parameters)).join()}`,
    );
  }
});

const HARMLESS: readonly (readonly [action: string, parameters: JsonObject])[] = [
  ['git.push', { branch: 'main' }],
  ['git.push', { branch: 'main', force: false, dryRun: true }],
  ['git.force_push', { branch: 'feature/main-menu' }],
  ['git.force_push', { branch: 'maintenance' }],
  ['git.force_push', { branch: 'staging/feature' }],
  ['git.rebase', { branch: 'feature', onto: 'main', base_branch: 'main' }],
  ['git.merge', { source: 'feature', branch: 'main' }],
  ['files.delete', { path: 'main' }],
  ['github.delete_file', { path: 'a', branch: 'main' }],
  ['git.checkout', { branch: 'main', force: true }],
  ['git.push', { args: ['origin', 'main'] }],
  [
    'shell.run',
    { command: 'git push origin main && git fetch --force && git commit -m "push --force to main"' },
  ],
  ['shell.run', { command: 'echo "do not git push" > main' }],
  ['shell.run', { command: 'git switch feature && git rebase main' }],
  ['shell.run', { argv: ['git', 'rebase', '--abort'] }],
  ['shell.run', { argv: ['git', 'reset', '--soft', 'HEAD~1'] }],
  ['shell.run', { argv: ['git', 'branch', '-D', 'feature'] }],
  ['shell.run', { argv: ['git', 'push', '-u', '--follow-tags', 'origin', 'feature'] }],
];

test('ordinary work on and around guarded branches is no threat', () => {
  for (const [action, parameters] of HARMLESS)
    assert.deepEqual(threats(asked(action, parameters)), [], `${action} ${JSON.stringify(parameters)}`);
});

test('a branch that the charter names counts, and what the agent claims of its context only adds', () => {
  const action = asked('vcs.overwrite_history_rewrite', { line: 'main' });
  assert.deepEqual(threats(action, settingOfAction('*', { branches: ['line'] })), ['rewrite_history main']);
  assert.deepEqual(
    threats(asked('x.rebase', { at: { here: 'main' } }), settingOfAction('*', { branches: ['at.here'] })),
    ['rebase main'],
  );
  assert.deepEqual(threats(asked('git.rebase', { branch: 'feature' }, { branch: 'main' })), ['rebase main']);
  assert.deepEqual(threats(asked('git.rebase', { branch: 'main' }, { branch: 'feature' })), ['rebase main']);
  assert.deepEqual(threats({ ...asked('git.rebase'), resource: { type: 'branch', id: 'main' } }), [
    'rebase main',
  ]);
});

test('guarded branches may be wildcards', () => {
  const on = (branch: string): number => threatsOn(['release/*'], asked('git.force_push', { branch })).length;
  assert.deepEqual(
    [on('release/1.0'), on('Release/1.0'), on('refs/heads/release/x'), on('main')],
    [1, 1, 1, 0],
  );
});

const COMMANDS: readonly (readonly [command: string, effects: readonly string[]])[] = [
  ['git push --force', ['force_push:?']],
  ['git push -f origin HEAD', ['force_push:?']],
  ['git push --force-with-lease=main:abc origin main', ['force_push:main']],
  ['git push -uf origin a b', ['force_push:a,b']],
  ['git push --mirror backup', ['force_push:*']],
  ['git push --force --all', ['force_push:*']],
  ['git push origin +refs/heads/*:refs/heads/*', ['force_push:*']],
  ['git push -o ci.skip origin +a', ['force_push:a']],
  ['git push -d origin a', ['delete:a']],
  ['git push origin :a', ['delete:a']],
  ['git rebase main', ['rebase:?']],
  ['git rebase --onto x main feature', ['rebase:feature']],
  ['git rebase -i HEAD~3', ['rebase:?']],
  ['git reset --hard origin/main', ['rewrite_history:?']],
  ['git checkout main; git reset --hard HEAD~2', ['rewrite_history:main']],
  ['git filter-branch --all', ['rewrite_history:*']],
  ['git filter-repo --path x', ['rewrite_history:*']],
  ['git branch -D main', ['delete:main']],
  ['git branch -M old new', ['delete:old,new']],
  ['git branch -f main HEAD~1', ['rewrite_history:main']],
  ['git checkout -B main other', ['rewrite_history:main']],
  ['git update-ref -d refs/heads/main', ['delete:refs/heads/main']],
  ["git -c alias.p='push -f origin main' p", ['force_push:main']],
  ['git -c core.editor=x --no-pager push -f origin a', ['force_push:a']],
  ['C:\\\\Git\\\\git.exe push -f origin a', ['force_push:a']],
  ['git status && git log', []],
];

test('the argument list of git is read as git reads it', () => {
  for (const [command, effects] of COMMANDS) {
    const read = gitEffects(command).map(
      ({ operation, branches }) => `${operation}:${branches.map((b) => b ?? '?').join()}`,
    );
    assert.deepEqual(read, effects, command);
  }
});

test('a shell line falls into the words that a shell would hand on', () => {
  assert.deepEqual(splitShell(`a "b c" d\\ e 'f "g"' && h;i | j\nk "" l`), [
    ['a', 'b c', 'd e', 'f "g"'],
    ['h'],
    ['i'],
    ['j'],
    ['k', '', 'l'],
  ]);
});

test('a refspec says what it forces and deletes', () => {
  assert.deepEqual(readRefspec('+a:b'), { target: 'b', forces: true, deletes: false });
  assert.deepEqual(readRefspec(':b'), { target: 'b', forces: false, deletes: true });
  assert.deepEqual(readRefspec('a'), { target: 'a', forces: false, deletes: false });
  assert.deepEqual(readRefspec('@'), { target: null, forces: false, deletes: false });
});

test('whatever a command line says, reading it comes to an end without an error', () => {
  const word = fc.constantFrom(
    'git',
    'push',
    '-f',
    '--force',
    ':',
    '+',
    'main',
    '"',
    "'",
    '\\',
    '&&',
    '$(',
    ')',
    'alias.x=',
    '-c',
    ' ',
    '\n',
    'sh -c "git push -f"',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), fc.string(), (words, tail) => {
      gitEffects(words.join(' ') + tail, ['git', 'push']);
      gitEffects([...words, tail]);
    }),
  );
});
