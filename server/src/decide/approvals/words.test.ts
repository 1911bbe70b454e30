import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causesInWords } from './words.ts';

test('people read why something waits, in the words of the charter, and of one guardrail the gravest alone', () => {
  const causes = [
    'critical:scan',
    "error:deploy.*: context.env == 'prod'",
    'error:name',
    "exception:deploy.*: findings.exists(f, f.check == 'x: y')",
    'exception:code.write: .env',
    'exception:old.one',
    'finding:cost',
    'finding:scan',
    'rule:deploy.*',
    'warning:cost',
    'warning:scan',
    'warning:tainted',
  ];
  assert.deepEqual(causesInWords(causes), [
    'The guardrail scan found something critical.',
    "The rule deploy.* (context.env == 'prod') could not be evaluated, so people decide.",
    'The name of the action is one that no rule could spell.',
    "An exception of the rule deploy.* (findings.exists(f, f.check == 'x: y')) applies.",
    'An exception of the rule code.write (.env) applies.',
    'An exception of the rule old.one applies.',
    'The guardrail cost found something.',
    'The rule deploy.* asks for approval.',
    'The guardrail tainted warns, and so do others.',
  ]);
  const id = '01a1f8c9-ce80-7768-81c7-0323a7d4cc4e';
  const standing = [{ id, kind: 'freeze', cause: 'three failures in a row' }];
  assert.deepEqual(causesInWords([`restriction:${id}`], standing), [
    'The agent is frozen: three failures in a row',
  ]);
  assert.ok(
    !causesInWords([`restriction:${id}`])
      .join()
      .includes(id),
    'an id says nothing to people',
  );
});
