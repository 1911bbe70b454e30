// What a charter says of how people decide: read as it is meant, and refused where nobody could ever decide by it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Charter } from '@mandate/kernel';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';

async function load(yaml: string): Promise<Charter | readonly string[]> {
  const loaded = await loadCharter({
    path: 'charter.yaml',
    readFile: async (file) => (file === 'charter.yaml' ? `version: 1\n${yaml}` : null),
    readShipped: () => Promise.resolve(null),
  });
  return loaded.kind === 'loaded' ? loaded.charter : loaded.problems.map(renderError);
}

test('the section is read into what votes are counted by', async () => {
  const charter = await load(`approvals:
  unfreeze: { approvers: [ops-lead], expires: 2h }
  charter: { quorum: 2, fourEyes: false, escalate: [{ after: 1h, to: exec-sponsor }] }
  standIns:
    - { user: ben, for: tech-lead, of: ada, from: '2026-12-20', until: '2027-01-06T08:00:00+01:00' }
    - { user: sue, for: security-lead }
  escalate: [{ after: 2h, to: 'user:cleo' }, { after: 30m, to: ops-lead }]
  rememberMax: 8h
  fatigue: { perHour: 30, minReadingTime: 2s }
roles: [security-lead]
tiers:
  red:
    escalate: [{ after: 5m, to: tech-lead }]
    actions: [deploy.production, { match: git.force_push, escalate: [{ after: 1m, to: ops-lead }] }]
`);
  assert.ok('approvals' in charter, JSON.stringify(charter));
  assert.deepEqual(charter.approvals, {
    subjects: {
      unfreeze: { requiredRoles: ['ops-lead'], quorum: 1, expiresMs: 7_200_000, fourEyes: true },
      charter: {
        requiredRoles: [],
        quorum: 2,
        expiresMs: 86_400_000,
        fourEyes: false,
        escalate: [{ afterMs: 3_600_000, to: 'exec-sponsor' }],
      },
    },
    standIns: [
      {
        user: 'ben',
        for: 'tech-lead',
        of: 'ada',
        fromMs: Date.UTC(2026, 11, 20),
        untilMs: Date.UTC(2027, 0, 6, 7),
      },
      { user: 'sue', for: 'security-lead', of: null, fromMs: null, untilMs: null },
    ],
    escalate: [
      { afterMs: 1_800_000, to: 'ops-lead' },
      { afterMs: 7_200_000, to: 'user:cleo' },
    ],
    rememberMaxMs: 28_800_000,
    fatigue: { perHour: 30, minReadingMs: 2_000 },
  });
  assert.deepEqual(
    charter.rules.map(({ escalate }) => escalate?.map(({ to }) => to)),
    [['tech-lead'], ['ops-lead']],
  );
});

test('never means never, and what is left out takes the default', async () => {
  const charter = await load('approvals: { rememberMax: never }\n');
  assert.ok('approvals' in charter);
  assert.equal(charter.approvals?.rememberMaxMs, 0);
  assert.deepEqual(charter.approvals?.fatigue, { perHour: null, minReadingMs: null });
});

test('a role that nobody has, a time that ends before it begins and a step to nobody are named where they stand', async () => {
  const problems = await load(`approvals:
  unfreeze: { approvers: [tech-leed] }
  standIns:
    - { user: ben, for: viewer }
    - { user: ben, for: tech-lead, from: '2027-01-01', until: '2026-01-01' }
  escalate: [{ after: 30m, to: nobody }]
tiers:
  red: { actions: [{ match: deploy.production, escalate: [{ after: 1m, to: opslead }] }] }
`);
  assert.ok(Array.isArray(problems));
  const expected = [
    /^charter\.yaml:9:\d+ tiers\.red\.actions\[0\]\.escalate\[0\]\.to: The role opslead is unknown\. Did you mean ops-lead\?/,
    /^charter\.yaml:3:\d+ approvals\.unfreeze\.approvers\[0\]: The role tech-leed is unknown\. Did you mean tech-lead\?/,
    /^charter\.yaml:7:\d+ approvals\.escalate\[0\]\.to: The role nobody is unknown/,
    /^charter\.yaml:5:\d+ approvals\.standIns\[0\]\.for: The role viewer approves nothing/,
    /^charter\.yaml:6:\d+ approvals\.standIns\[1\]\.until: It ends \(2026-01-01\) before it begins/,
  ];
  for (const pattern of expected)
    assert.ok(
      problems.some((problem) => pattern.test(problem)),
      `${pattern.source}\n${problems.join('\n')}`,
    );
});

test('what is no day, no duration or no known key is refused', async () => {
  const problems = await load(`approvals:
  standIns: [{ user: ben, for: tech-lead, from: '2026-02-30' }]
  fatigue: { perHour: 0, minReadingTime: soon }
  remeberMax: 1h
`);
  assert.ok(Array.isArray(problems));
  const text = problems.join('\n');
  assert.match(text, /approvals\.standIns\[0\]\.from: This is no day/);
  assert.match(text, /approvals\.fatigue\.minReadingTime: This is no duration/);
  assert.match(text, /approvals\.fatigue\.perHour/);
  assert.match(text, /remeberMax/);
});
