import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Charter } from '@mandate/kernel';
import { diffCharters, isSame, renderDiff } from './diff.ts';
import { shippedCharters } from './disk.ts';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';

async function charter(yaml: string): Promise<Charter> {
  const loaded = await loadCharter({
    path: 'charter.yaml',
    readFile: async () => `version: 1\n${yaml}`,
    readShipped: shippedCharters,
  });
  return loaded.kind === 'loaded' ? loaded.charter : assert.fail(loaded.problems.map(renderError).join('\n'));
}

async function lines(before: string, after: string): Promise<readonly string[]> {
  return renderDiff(diffCharters(await charter(before), await charter(after)));
}

test('a difference names rules added, removed and changed, and every setting that differs', async () => {
  assert.deepEqual(
    await lines(
      `tiers:
  green: { actions: [a.read, a.gone] }
  yellow: { actions: [{ match: a.merge, when: "parameters.x == 'y'" }, a.merge] }
  red: { actions: [{ match: a.deploy, approvers: [tech-lead], expires: 4h }] }
limits: { usdPerDay: 100 }
agents: { builder-1: { class: background } }
actions: { a.deploy: { severity: high } }
`,
      `tiers:
  green: { actions: [a.deploy] }
  yellow: { actions: [a.read, { match: a.merge, when: "parameters.x == 'y'", lift: false }] }
  red: { actions: [a.merge, { match: a.new, user: ada }] }
limits: { usdPerDay: 50, concurrentAgents: 5 }
agents: { builder-2: { usdPerDay: 2 } }
actions: { a.deploy: { severity: high, paths: [path] } }
`,
    ),
    [
      '+ rule a.new (user ada): red',
      '- rule a.gone: green',
      '~ rule a.read: tier green → yellow (stricter)',
      "~ rule a.merge (when parameters.x == 'y'): lift true → false",
      '~ rule a.merge: tier yellow → red (stricter)',
      '~ rule a.deploy: tier red → green; approvers ["tech-lead"] → []; expiresMs 14400000 → nothing (milder)',
      '~ actions[\'a.deploy\'].paths: [] → ["path"]',
      '~ agents.builder-1: {"class":"background"} → nothing',
      '~ agents.builder-2: nothing → {"usdPerDayMicroUsd":2000000}',
      '~ limits.concurrentAgents: nothing → 5',
      '~ limits.usdPerDayMicroUsd: 100000000 → 50000000',
    ],
  );
});

test('what is only written otherwise is no difference', async () => {
  const diff = diffCharters(
    await charter('extends: default\nlimits: { usdPerDay: 5 }\ntiers: { red: { actions: [a.b, a.c] } }\n'),
    await charter(
      '# again\ntiers:\n  red:\n    actions: [a.c, a.b]\nextends: default\nlimits: { usdPerDay: 5.0 }\n',
    ),
  );
  assert.ok(isSame(diff));
  assert.deepEqual(renderDiff(diff), ['They say the same.']);
});
