// The whole language of charters in the mission's own file shape: each word is loaded as people write it, and a
// decision shows that it counts. Where a word has two sides, both are asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, newTrust } from '@mandate/kernel';
import type { Action, Decision, Facts, Grant, Law } from '@mandate/kernel';
import { shippedCharters } from '../server/src/decide/charter/disk.ts';
import { renderError } from '../server/src/decide/charter/error.ts';
import { loadCharter } from '../server/src/decide/charter/load.ts';
import { actionOf, factsOf, NOON_MS } from '../test/plain.ts';

const CHARTER = `version: 1
extends: default
environment: production
agents:
  builder-1: { class: background }
  reviewer-1: { class: review }
users:
  ada:
    roles: [tech-lead]
    tiers:
      green: { actions: [mail.internal] }
      red: { quorum: 2, actions: [docs.publish] }
      black: { actions: [pay.salary] }
  ben: { scopes: ['pay:small'] }
actions:
  files.write_file: { paths: [target] }
  train.model: { severity: high }
sets:
  payments:
    enforcement: audit
    agentClass: background
    tiers:
      red: { actions: [pay.refund, { match: pay.large, enforcement: enforce }] }
tiers:
  green:
    actions:
      - files.*
      - { match: docs.publish }
      - { match: pay.small, requires: ['pay:small'], obligations: [keep the receipt] }
      - { match: secrets.list, final: true }
  yellow:
    actions:
      - mail.internal
      - train.model
      - { match: train.pinned, lift: false }
      - match: files.write_file
        except:
          - { paths: ['prod/**'] }
          - { when: "size(parameters.content) > 5", tier: black }
      - { match: cache.clear, when: "parameters.count <= 3" }
      - { match: cache.clear, agent: builder-1 }
      - { match: index.build, agentClass: [background] }
      - { match: index.drop, role: tech-lead }
      - { match: index.move, tenant: acme }
      - { match: index.warm, environment: staging }
      - { match: index.heat, environment: [staging, production] }
      - { match: index.cool, user: ada }
  red:
    actions:
      - { match: deploy.production, approvers: [tech-lead], quorum: 2, expires: 4h, fourEyes: true }
      - { match: 'ledger.*', final: true }
  black:
    actions:
      - 'vault.*'
      - { match: 'tape.*', final: false }
`;

/** Rules that others beat or replace, for what has to be seen beside the charter above. */
const OVER = `version: 1
extends: ./charter.yaml
sets: { payments: { enforcement: enforce } }
tiers:
  green:
    actions: [vault.open, tape.read, ledger.read, { match: audit.delete, user: ada }]
  yellow:
    actions: [deploy.production]
`;

async function lawOf(path: 'charter.yaml' | 'over.yaml'): Promise<Law> {
  const files: Readonly<Record<string, string>> = { 'charter.yaml': CHARTER, 'over.yaml': OVER };
  const loaded = await loadCharter({
    path,
    readFile: async (name) => files[name] ?? null,
    readShipped: shippedCharters,
  });
  return loaded.kind === 'loaded' ? loaded.law : assert.fail(loaded.problems.map(renderError).join('\n'));
}

interface Asked {
  readonly action?: Partial<Action>;
  readonly facts?: Partial<Facts>;
  readonly score?: number;
}

function decideBy(law: Law, name: string, { action = {}, facts = {}, score = 50 }: Asked = {}): Decision {
  const trust = { ...newTrust(law.charter.trust, NOON_MS), score };
  return decide(actionOf(name, action), {
    law,
    ...factsOf({
      revision: 1,
      trust,
      deployment: { testsPassed: true, openCriticalFindings: 0 },
      past: [],
      ...facts,
    }),
  });
}

const as = (id: string): Asked => ({ action: { user: { id, email: null } } });
const agent = (name: string): Asked => ({ action: { agent: name } });
const given = (parameters: Action['parameters']): Asked => ({ action: { parameters } });

/** What is asked, how, and what comes of it: tier and code. */
type Row = readonly [name: string, asked: Asked, outcome: string];

function check(law: Law, rows: readonly Row[]): void {
  const found = rows.map(([name, asked]): string => {
    const { tier, code } = decideBy(law, name, asked);
    return `${name} ${JSON.stringify(asked)} ${tier} ${code}`;
  });
  assert.deepEqual(
    found,
    rows.map(([name, asked, outcome]) => `${name} ${JSON.stringify(asked)} ${outcome}`),
  );
}

test('tiers, patterns and the rules that are inherited', async () => {
  check(await lawOf('charter.yaml'), [
    ['test.run_suite', {}, 'green allowed'],
    ['files.read_file', {}, 'green allowed'],
    ['git.create_pull_request', {}, 'yellow allowed'],
    ['deploy.production', {}, 'red approval_required'],
    ['audit.delete', {}, 'black denied'],
    ['nobody.wrote.this', {}, 'red approval_required'],
  ]);
});

test('exceptions, conditions, and what cannot be evaluated', async () => {
  check(await lawOf('charter.yaml'), [
    ['files.write_file', given({ target: 'a.md', content: 'x' }), 'yellow allowed'],
    ['files.write_file', given({ target: './x/../prod/a.md', content: 'x' }), 'red approval_required'],
    ['files.write_file', given({ target: 'a.md', content: 'longer' }), 'black denied'],
    // What cannot be asked counts as the exception itself: here the black one.
    ['files.write_file', given({ target: 'a.md' }), 'black denied'],
    ['cache.clear', { action: { agent: 'x', parameters: { count: 3 } } }, 'yellow allowed'],
    ['cache.clear', { action: { agent: 'x', parameters: { count: 4 } } }, 'red approval_required'],
    ['cache.clear', agent('x'), 'red approval_required'],
    // More selectors come first.
    ['cache.clear', given({ count: 4 }), 'yellow allowed'],
  ]);
});

test('selectors: agent, class, user, role, tenant and environment', async () => {
  check(await lawOf('charter.yaml'), [
    ['index.build', {}, 'yellow allowed'],
    ['index.build', agent('reviewer-1'), 'red approval_required'],
    ['index.drop', as('ada'), 'yellow allowed'],
    ['index.drop', { ...as('ben'), facts: { userRoles: ['tech-lead'] } }, 'yellow allowed'],
    ['index.drop', as('ben'), 'red approval_required'],
    ['index.move', {}, 'yellow allowed'],
    ['index.move', { facts: { tenant: 'other' } }, 'red approval_required'],
    ['index.warm', {}, 'red approval_required'],
    ['index.heat', {}, 'yellow allowed'],
    ['index.cool', as('ada'), 'yellow allowed'],
    ['index.cool', as('ben'), 'red approval_required'],
    ['index.cool', {}, 'red approval_required'],
  ]);
});

test('what counts for one person loosens and tightens, and black stays final', async () => {
  check(await lawOf('charter.yaml'), [
    ['mail.internal', {}, 'yellow allowed'],
    ['mail.internal', as('ada'), 'green allowed'],
    ['docs.publish', as('ben'), 'green allowed'],
    ['docs.publish', as('ada'), 'red approval_required'],
    ['pay.salary', as('ada'), 'black denied'],
    ['pay.salary', as('ben'), 'red approval_required'],
  ]);
  const { approval } = decideBy(await lawOf('charter.yaml'), 'docs.publish', as('ada'));
  assert.equal(approval?.quorum, 2);
  // The charter's author wrote a green rule for ada, with one selector more; the black one is final.
  check(await lawOf('over.yaml'), [['audit.delete', as('ada'), 'black denied']]);
});

test('required scopes and obligations', async () => {
  const law = await lawOf('charter.yaml');
  check(law, [
    ['pay.small', { ...as('ada'), facts: { userScopes: ['pay:*'] } }, 'green allowed'],
    ['pay.small', { ...as('ada'), facts: { userScopes: ['mail:*'] } }, 'red scope_missing'],
    // The charter narrows what ben's key may.
    ['pay.small', { ...as('ben'), facts: { userScopes: ['pay:*'] } }, 'green allowed'],
    ['pay.small', {}, 'red scope_missing'],
  ]);
  assert.deepEqual(
    decideBy(law, 'pay.small', { ...as('ada'), facts: { userScopes: ['pay:*'] } }).obligations,
    ['keep the receipt'],
  );
});

test('a grant for a task narrows to its actions and its time, and to nothing more', async () => {
  const law = await lawOf('charter.yaml');
  const task = (more: Partial<Grant>): Asked => {
    const grant: Grant = {
      id: 'g1',
      kind: 'task',
      from: 'ada',
      to: 'builder-1',
      actions: ['files.*'],
      purpose: 'tidy the folder',
      expiresMs: NOON_MS + 60_000,
      revoked: false,
      ...more,
    };
    return { facts: { grants: [grant] } };
  };
  check(law, [
    ['files.read_file', task({}), 'green allowed'],
    ['test.run_suite', task({}), 'red scope_missing'],
    ['files.read_file', task({ expiresMs: NOON_MS }), 'red scope_missing'],
    ['files.read_file', task({ revoked: true }), 'red scope_missing'],
    ['vault.open', task({ actions: ['*'] }), 'black denied'],
  ]);
});

test('final rules beat more specific ones, and a black rule need not be final', async () => {
  check(await lawOf('over.yaml'), [
    ['vault.open', {}, 'black denied'],
    ['ledger.read', {}, 'red approval_required'],
    ['tape.read', {}, 'green allowed'],
    ['tape.write', {}, 'black denied'],
    // What is extended is replaced by pattern and selectors.
    ['deploy.production', {}, 'yellow allowed'],
  ]);
});

test('enforcement stands per rule set, and a charter above switches a set', async () => {
  check(await lawOf('charter.yaml'), [
    ['pay.refund', {}, 'red audited'],
    ['pay.large', {}, 'red approval_required'],
    ['deploy.production', {}, 'red approval_required'],
  ]);
  check(await lawOf('over.yaml'), [['pay.refund', {}, 'red approval_required']]);
});

test('lift, severity and who approves', async () => {
  const law = await lawOf('charter.yaml');
  check(law, [
    ['mail.internal', { score: 60 }, 'green allowed'],
    ['train.model', { score: 60 }, 'yellow allowed'],
    ['train.model', { score: 85 }, 'green allowed'],
    ['train.pinned', { score: 100 }, 'yellow allowed'],
    ['mail.internal', { score: 29 }, 'red approval_required'],
  ]);
  const { approval } = decideBy(law, 'deploy.production');
  assert.deepEqual(
    [approval?.requiredRoles, approval?.quorum, approval?.expiresMs, approval?.fourEyes],
    [['tech-lead'], 2, 14_400_000, true],
  );
});
