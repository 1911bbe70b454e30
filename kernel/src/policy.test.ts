// The default policy as a table: what an agent may do on the first day, before anybody has written a charter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from './action.ts';
import type { Rule } from './charter.ts';
import { decide } from './decide.ts';
import { actionOf, exceptionOf, lawOf, ruleOf, snapshotOf } from './fixtures.test.ts';
import { newTrust, DEFAULT_TRUST, moveTrust } from './trust.ts';
import { NOON_MS } from './fixtures.test.ts';

const intoMain = "parameters.branch in ['main', 'master']";
const major = "parameters.update == 'major'";

const GREEN = [
  'git.read*',
  'test.run*',
  'test.generate*',
  'code.read',
  'code.analyze',
  'code.review',
  'code.lint',
  'docs.*',
  'research.*',
  'analyze.*',
  'monitor.*',
];
const RED = ['deploy.production', 'git.force_push', 'secrets.rotate', 'infrastructure.modify'];
const BLACK = ['secrets.expose', 'data.exfiltrate', 'audit.delete', 'audit.modify'];

const DEFAULT_RULES: readonly Rule[] = [
  ...GREEN.map((pattern) => ruleOf('green', pattern)),
  ruleOf('green', 'code.write', {
    except: [exceptionOf({ paths: ['.env', 'secrets/**', '**/*.key', '**/*.pem'] })],
  }),
  ...['git.create_pull_request', 'deploy.staging', 'scan.security'].map((name) => ruleOf('yellow', name)),
  ruleOf('yellow', 'git.merge', { except: [exceptionOf({ when: intoMain })] }),
  ruleOf('yellow', 'dependency.update', { except: [exceptionOf({ when: major })] }),
  ...RED.map((name) => ruleOf('red', name)),
  ...BLACK.map((name) => ruleOf('black', name)),
];

const law = lawOf(DEFAULT_RULES);

function tierOf(name: string, parameters: Action['parameters'] = {}): string {
  return decide(
    actionOf(name, { parameters }),
    snapshotOf(law, { deployment: { testsPassed: true, openCriticalFindings: 0 } }),
  ).tier;
}

const TABLE: readonly (readonly [tier: string, name: string, parameters?: Action['parameters']])[] = [
  ['green', 'git.read'],
  ['green', 'git.read_log'],
  ['green', 'test.run_suite', { directory: '.' }],
  ['green', 'test.generate_unit'],
  ['green', 'code.read'],
  ['green', 'code.analyze'],
  ['green', 'code.review'],
  ['green', 'code.lint'],
  ['red', 'code.execute'],
  ['green', 'code.write', { path: 'src/index.ts' }],
  ['red', 'code.write', { path: '.env' }],
  ['red', 'code.write', { path: 'secrets/db.json' }],
  ['red', 'code.write', { path: 'src/../secrets/db.json' }],
  ['red', 'code.write', { path: 'certs/tls.key' }],
  ['red', 'code.write', { path: 'certs/tls.PEM' }],
  ['green', 'docs.write'],
  ['green', 'research.web.search'],
  ['green', 'analyze.cost'],
  ['green', 'monitor.uptime'],
  ['yellow', 'git.create_pull_request'],
  ['yellow', 'git.merge', { branch: 'feature/x' }],
  ['red', 'git.merge', { branch: 'main' }],
  ['red', 'git.merge', { branch: 'master' }],
  ['red', 'git.merge', {}],
  ['yellow', 'deploy.staging'],
  ['yellow', 'scan.security'],
  ['yellow', 'dependency.update', { update: 'minor' }],
  ['red', 'dependency.update', { update: 'major' }],
  ['red', 'deploy.production'],
  ['red', 'git.force_push'],
  ['red', 'secrets.rotate'],
  ['red', 'infrastructure.modify'],
  ['black', 'secrets.expose'],
  ['black', 'data.exfiltrate'],
  ['black', 'audit.delete'],
  ['black', 'audit.modify'],
  ['red', 'email.send'],
  ['red', 'AUDIT.delete'],
];

test('the default policy gives every listed action its tier, and red to all others', () => {
  for (const [tier, name, parameters] of TABLE) {
    assert.equal(tierOf(name, parameters), tier, `${name} ${JSON.stringify(parameters ?? {})}`);
  }
});

test('the first executed test run is green and moves trust from 50 to 51', () => {
  const decision = decide(actionOf('test.run_suite', { parameters: { directory: '.' } }), snapshotOf(law));
  assert.deepEqual(
    [decision.tier, decision.code, decision.rule, decision.trust.score],
    ['green', 'allowed', 'test.run*', 50],
  );
  const event = { kind: 'success', severity: decision.earnedSeverity, counts: true, nowMs: NOON_MS } as const;
  assert.equal(moveTrust(newTrust(DEFAULT_TRUST, NOON_MS), event, DEFAULT_TRUST).state.score, 51);
});
