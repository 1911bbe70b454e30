// Cases are read as strictly as the charter that they are about, and each says what is not as it was expected.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testCharter } from './cases.ts';
import type { CaseReport } from './cases.ts';
import { readCharterFile, shippedCharters } from './disk.ts';
import { renderError } from './error.ts';

type Files = Readonly<Record<string, string>>;

function run(
  files: Files,
  path = 'charter.yaml',
  caseFiles: readonly string[] = [],
): ReturnType<typeof testCharter> {
  return testCharter({
    path,
    caseFiles,
    readFile: async (name) => (Object.hasOwn(files, name) ? (files[name] ?? null) : null),
    readShipped: shippedCharters,
  });
}

async function report(files: Files, path?: string, caseFiles?: readonly string[]): Promise<CaseReport> {
  const done = await run(files, path, caseFiles);
  return done.kind === 'tested' ? done : assert.fail(done.problems.map(renderError).join('\n'));
}

async function problems(files: Files, path?: string): Promise<readonly string[]> {
  const done = await run(files, path);
  return done.kind === 'refused' ? done.problems.map(renderError) : assert.fail('the cases were taken');
}

const charter = 'version: 1\nextends: default\n';
const cases = (expect: string, more = 'action: git.merge, parameters: { branch: x }'): string =>
  `cases:\n  - { name: merges, ${more}, expect: ${expect} }\n`;

test('a case that holds is said to, and one that does not says what is otherwise', async () => {
  const files = (expect: string): Files => ({ 'charter.yaml': charter, 'charter.cases.yaml': cases(expect) });
  const good = await report(
    files('{ tier: yellow, effect: execute, code: allowed, rule: git.merge, findings: [], obligations: [] }'),
  );
  assert.deepEqual(
    [good.passed, good.failed, good.results.map(({ ok, problems: told }) => [ok, told])],
    [1, 0, [[true, []]]],
  );
  const bad = await report(files('{ tier: red, effect: hold, rule: git.merg, approvers: [tech-lead] }'));
  assert.deepEqual(bad.results, [
    {
      name: 'merges',
      ok: false,
      problems: [
        'tier: expected red, is yellow.',
        'effect: expected hold, is execute.',
        'rule: expected git.merg, is git.merge.',
        'approvers: expected [tech-lead], is [].',
        'No rule of the charter has the pattern git.merg. Did you mean git.merge?',
      ],
      decision: {
        tier: 'yellow',
        effect: 'execute',
        code: 'allowed',
        rule: 'git.merge',
        reasons: [
          'The rule git.merge (<shipped>/default.yaml:35:9 tiers.yellow.actions[1]) says yellow.',
          'It runs, and people are told of it in the next digest.',
        ],
      },
      place: { file: 'charter.cases.yaml', line: 2, column: 5 },
    },
  ]);
});

test('everything that a decision depends on in a charter can be said in a case', async () => {
  const file = `version: 1
environment: production
users: { ada: { roles: [tech-lead], scopes: ['deploy:*'] } }
actions: { pay.send: { severity: high } }
guardrails: { deploymentWindow: 'Mon-Fri 09:00-17:00 UTC' }
tiers:
  green:
    actions:
      - { match: a.role, role: tech-lead }
      - { match: a.scope, requires: ['deploy:prod'], obligations: [tell ops] }
      - { match: a.context, when: "!(has(context.loud) && context.loud)" }
      - { match: a.resource, when: "resource.id == 'shop'" }
      - { match: a.tenant, tenant: acme }
      - deploy.staging
  yellow: { actions: [pay.send] }
`;
  const asked: Readonly<Record<string, string>> = {
    'action: a.role, user: ada': 'green',
    'action: a.role, user: ben, roles: [tech-lead]': 'green',
    'action: a.role, user: ben': 'red',
    'action: a.context': 'green',
    'action: a.context, context: { loud: true }': 'red',
    'action: a.resource, resource: repository/shop': 'green',
    'action: a.resource, resource: repository/other': 'red',
    'action: a.tenant, tenant: acme': 'green',
    'action: a.tenant': 'red',
    'action: pay.send, trust: 70': 'yellow',
    'action: pay.send, trust: 90': 'green',
    'action: pay.send, trust: 20': 'red',
    'action: pay.send, trust: 90, costUsd: 20': 'red',
  };
  const listed = Object.entries(asked).map(
    ([words, tier], index) =>
      `  - { name: '${index} ${words.replaceAll("'", '')}', ${words}, expect: { tier: ${tier} } }`,
  );
  const more = [
    "  - { name: scope, action: a.scope, user: ada, scopes: ['deploy:*'], expect: { code: allowed, obligations: [tell ops] } }",
    '  - { name: no scope, action: a.scope, user: ada, scopes: [read], expect: { code: scope_missing } }',
    "  - { name: at night, action: deploy.staging, at: '2026-11-20T23:00:00Z', expect: { findings: [deployment_safety], tier: red } }",
    "  - { name: by day, action: deploy.staging, tested: true, at: '2026-11-20T12:00:00Z', expect: { findings: [], tier: green } }",
  ];
  const done = await report({
    'charter.yaml': file,
    'charter.cases.yaml': `cases:\n${[...listed, ...more].join('\n')}\n`,
  });
  assert.deepEqual(
    done.results.filter(({ ok }) => !ok).map(({ name, problems: told }) => `${name}: ${told.join(' ')}`),
    [],
  );
  assert.equal(done.passed, 17);
});

test('cases are found beside the charter, where it names them, where the command names them, and from their own file', async () => {
  const named = (name: string): string => cases('{ tier: yellow }').replace('merges', name);
  const files = {
    'law/charter.yaml': `${charter}tests: [./more.yaml]\n`,
    'law/charter.cases.yaml': named('beside'),
    'law/more.yaml': named('named'),
    'given.yaml': named('given'),
    'law/other.cases.yaml': `charter: ./charter.yaml\n${named('own')}`,
  };
  const names = async (path: string, given: readonly string[] = []): Promise<readonly string[]> =>
    (await report(files, path, given)).results.map(({ name }) => name);
  assert.deepEqual(await names('law/charter.yaml', ['given.yaml']), ['beside', 'named', 'given']);
  assert.deepEqual(await names('law/charter.cases.yaml'), ['beside']);
  assert.deepEqual(await names('law/other.cases.yaml'), ['own']);
});

test('a charter or a case with a mistake is refused with its place, and so is a charter without any case', async () => {
  const refusedFor = (text: string): Promise<readonly string[]> =>
    problems({ 'charter.yaml': charter, 'charter.cases.yaml': text });
  assert.deepEqual(await refusedFor(cases('{ effect: hold, teir: red }')), [
    'charter.cases.yaml:2:91 cases[0].expect.teir: The key teir is unknown. Did you mean tier?',
  ]);
  assert.deepEqual(await refusedFor(cases('{}')), [
    'charter.cases.yaml:2:75 cases[0].expect: A case that expects nothing cannot fail. Write at least one of tier, effect, code and rule.',
  ]);
  assert.deepEqual(await refusedFor(cases('{ tier: red }', "action: a.b, at: 'noon'")), [
    'charter.cases.yaml:2:38 cases[0].at: Write a moment such as 2026-01-07T12:00:00Z, in quotes.',
  ]);
  assert.deepEqual(await refusedFor(`${cases('{ tier: red }')}${cases('{ tier: red }').slice(7)}`), [
    'charter.cases.yaml:3:13 cases[1].name: Another case has this name. Give each a name of its own, so that a failure is found.',
  ]);
  assert.deepEqual(await problems({ 'charter.yaml': charter }), [
    'charter.yaml:1:1: There are no cases for this charter. Write charter.cases.yaml beside it, or name files under tests.',
  ]);
  assert.deepEqual(await problems({ 'charter.yaml': `${charter}tests: ./gone.yaml\n` }), [
    'gone.yaml:1:1: This file of cases does not exist. Create it, or correct the path.',
  ]);
  const broken = await problems({
    'charter.yaml': 'version: 2\n',
    'charter.cases.yaml': cases('{ tier: red }'),
  });
  assert.match(broken[0] ?? '', /^charter\.yaml:1:10 version: /);
});

test('the cases of the quick start hold', async () => {
  const path = fileURLToPath(new URL('../../../../examples/quickstart/charter.yaml', import.meta.url));
  const done = await testCharter({
    path,
    caseFiles: [],
    readFile: readCharterFile,
    readShipped: shippedCharters,
  });
  assert.ok(done.kind === 'tested' && done.passed >= 10);
  assert.deepEqual(
    done.results.filter(({ ok }) => !ok),
    [],
  );
});
