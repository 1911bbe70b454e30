import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from './action.ts';
import { actionOf, decideWith } from './fixtures.test.ts';
import type { Finding } from './finding.ts';
import { detectFindings } from './finding/detect.ts';
import type { FindingNeeds } from './finding/detect.ts';
import { DEFAULT_GUARDRAILS } from './finding/guardrail-settings.ts';
import { compileGuardrails } from './finding/guardrails.ts';

const PAT = 'ghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5';

function needsOf(action: string, parameters: JsonObject, more: Partial<FindingNeeds> = {}): FindingNeeds {
  return {
    action: actionOf(action, { agent: 'a', parameters }),
    setting: null,
    guardrails: compileGuardrails(DEFAULT_GUARDRAILS),
    deployment: null,
    costMicroUsd: 0,
    nowMs: 0,
    ...more,
  };
}

function found(needs: FindingNeeds): readonly string[] {
  return detectFindings(needs).map(
    ({ check, severity, pointer }) => `${check} ${severity} ${pointer ?? '-'}`,
  );
}

test('a harmless action has no findings', () => {
  assert.deepEqual(found(needsOf('test.run_suite', { suite: 'unit', seed: 7 })), []);
  assert.deepEqual(found(needsOf('git.push', { branch: 'main', message: 'Fix the login' })), []);
});

test('cost warns from 1, errs from 10 and is critical from 50 USD', () => {
  const cost = (usd: number): readonly string[] =>
    found(needsOf('x.y', {}, { costMicroUsd: usd * 1_000_000 }));
  assert.deepEqual(cost(0.999_999), []);
  assert.deepEqual(cost(1), ['cost warning -']);
  assert.deepEqual(cost(9.99), ['cost warning -']);
  assert.deepEqual(cost(10), ['cost error -']);
  assert.deepEqual(cost(50), ['cost critical -']);
  assert.deepEqual(cost(Number.NaN), ['cost critical -']);
  assert.deepEqual(cost(-1), ['cost critical -']);
  assert.deepEqual(cost(Infinity), ['cost critical -']);
});

test('what acts of today cost above their estimates counts with the next act of agent, user and chain', () => {
  const action = actionOf('x.y', {
    user: { id: 'ann', email: null },
    chain: ['lead'],
    costMicroUsd: 400_000,
  });
  const cost = (used: Readonly<Record<string, number>>): readonly string[] =>
    decideWith({ action, facts: { used } }).findings.map(({ check, severity }) => `${check} ${severity}`);
  assert.deepEqual(cost({}), []);
  assert.deepEqual(cost({ 'overrun/agent:builder-1': 599_999 }), []);
  assert.deepEqual(cost({ 'overrun/agent:builder-1': 600_000 }), ['cost warning']);
  assert.deepEqual(cost({ 'overrun/user:ann': 9_600_000 }), ['cost error']);
  assert.deepEqual(cost({ 'overrun/agent:lead': 49_600_000 }), ['cost critical']);
  assert.deepEqual(cost({ 'overrun/agent:other': 99_000_000, 'overrun/user:bob': 99_000_000 }), []);
  assert.deepEqual(cost({ 'overrun/agent:builder-1': Number.NaN }), ['cost critical']);
});

test('a secret in a value, in a key or in a nested list is critical, and its text is in no message', () => {
  const needs = needsOf('http.post', { body: `token is ${PAT}`, headers: [{ [PAT]: 'x' }] });
  assert.deepEqual(found(needs), [
    'secret_leak critical /parameters/body',
    'secret_leak critical /parameters/headers/0/[redacted:github_pat]',
  ]);
  assert.ok(!JSON.stringify(detectFindings(needs)).includes(PAT));
});

test('a guess only warns, once however many there are', () => {
  assert.deepEqual(
    found(needsOf('x.y', { password: 'Tr0ub4dor&3', a: { api_key: '9f8a7c6b5d4e3f2a1b0c' } })),
    ['secret_leak warning /parameters/password'],
  );
});

test('context, resource and the person named are searched for secrets as the parameters are', () => {
  // I9
  const needs = needsOf('x.y', {});
  const resource = { type: 'page', id: PAT };
  const action = { ...needs.action, context: { note: PAT }, resource, onBehalfOf: PAT };
  assert.deepEqual(found({ ...needs, action }), [
    'secret_leak critical /context/note',
    'secret_leak critical /resource/id',
    'secret_leak critical /onBehalfOf',
  ]);
  const plain = { ...needs.action, context: { n: 1 }, resource: { type: 'page', id: 'home' } };
  assert.deepEqual(found({ ...needs, action: plain }), []);
});

test('more text than is searched counts as a secret', () => {
  assert.deepEqual(found(needsOf('x.y', { a: 'b '.repeat(130_000) })), []);
  assert.deepEqual(found(needsOf('x.y', { a: 'b '.repeat(70_000), c: 'b '.repeat(70_000) })), [
    'secret_leak critical /parameters',
  ]);
});

test('guarded paths are critical for reading as well as for writing', () => {
  for (const action of ['files.read_file', 'files.write_file', 'files.delete']) {
    assert.deepEqual(
      found(needsOf(action, { path: 'app/../.env' })),
      ['protected_path critical /parameters/path'],
      action,
    );
  }
});

test('one finding for each guarded path, and no more than ten', () => {
  assert.equal(
    found(needsOf('x.y', { paths: Array.from({ length: 50 }, (_, i) => `secrets/${i}`) })).length,
    10,
  );
});

test('rewriting a guarded branch is critical', () => {
  assert.deepEqual(found(needsOf('git.force_push', { branch: 'main' })), ['branch_protection critical -']);
  assert.deepEqual(found(needsOf('git.force_push', { branch: 'feature/x' })), []);
});

test('one issue with a deployment warns, more err, and only deployments are asked', () => {
  const fine = { testsPassed: true, openCriticalFindings: 0 };
  assert.deepEqual(found(needsOf('deploy.production', {})), ['deployment_safety warning -']);
  assert.deepEqual(found(needsOf('deploy.production', {}, { deployment: fine })), []);
  assert.deepEqual(
    found(needsOf('deploy.production', {}, { deployment: { testsPassed: false, openCriticalFindings: 1 } })),
    ['deployment_safety error -'],
  );
  assert.deepEqual(found(needsOf('deployments.read', {})), []);
  const guardrails = compileGuardrails({
    ...DEFAULT_GUARDRAILS,
    deploymentWindow: 'Mon-Fri 09:00-17:00 Europe/Berlin',
  });
  assert.deepEqual(
    found(
      needsOf(
        'deploy.staging',
        {},
        { deployment: fine, guardrails, nowMs: Date.parse('2026-11-22T12:00:00Z') },
      ),
    ),
    ['deployment_safety warning -'],
  );
});

test('a diff warns over 500 and errs over 2,000 changed lines', () => {
  const diff = (lines: number): readonly string[] =>
    found(needsOf('code.write', { diff: `@@ -0,0 +1,${lines} @@\n${'+x\n'.repeat(lines)}` }));
  assert.deepEqual(
    [500, 501, 2000, 2001].map((lines) => diff(lines)[0] ?? 'none'),
    [
      'none',
      'diff_size warning /parameters/diff',
      'diff_size warning /parameters/diff',
      'diff_size error /parameters/diff',
    ],
  );
});

test('a guardrail that the charter turns off finds nothing', () => {
  const guardrails = compileGuardrails({
    ...DEFAULT_GUARDRAILS,
    secretLeak: false,
    protectedPaths: [],
    protectedBranches: [],
  });
  assert.deepEqual(
    found(needsOf('git.push', { path: '.env', note: PAT, branch: 'main', force: true }, { guardrails })),
    [],
  );
});

test('the same action and facts give the same findings, in the same order, for any parameters', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('.env', PAT, 'main', '+main', 'git push -f'),
  );
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('path', 'branch', 'args', 'diff', 'force', '__proto__', 'token'),
  );
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(key, tie('json'), { maxKeys: 4 }),
    ),
  }));
  const order = [
    'cost',
    'secret_leak',
    'protected_path',
    'branch_protection',
    'deployment_safety',
    'diff_size',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom('git.push', 'git.rebase', 'deploy.x', 'a.b'),
      fc.dictionary(key, json, { maxKeys: 5 }),
      (action, parameters) => {
        const once = detectFindings(needsOf(action, parameters));
        assert.deepEqual(detectFindings(needsOf(action, structuredClone(parameters))), once);
        const ranks = once.map(({ check }: Finding) => order.indexOf(check));
        assert.deepEqual(
          ranks,
          ranks.toSorted((a, b) => a - b),
        );
        assert.ok(!JSON.stringify(once).includes(PAT));
      },
    ),
    { numRuns: 300 },
  );
});
