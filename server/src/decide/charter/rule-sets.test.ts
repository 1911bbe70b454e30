// Rules for one person and rules that belong together are another way to write rules with selectors: they load, merge
// and are refused like them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Charter, Rule } from '@mandate/kernel';
import { shippedCharters } from './disk.ts';
import { renderError } from './error.ts';
import { judgeBy } from './case.ts';
import { loadCharter } from './load.ts';

type Files = Readonly<Record<string, string>>;

function load(files: Files): ReturnType<typeof loadCharter> {
  return loadCharter({
    path: 'charter.yaml',
    readFile: async (name) => (Object.hasOwn(files, name) ? (files[name] ?? null) : null),
    readShipped: shippedCharters,
  });
}

async function charterOf(files: Files): Promise<Charter> {
  const loaded = await load(files);
  if (loaded.kind === 'refused') assert.fail(loaded.problems.map(renderError).join('\n'));
  return loaded.charter;
}

const ASKED = {
  agent: 'builder-1',
  parameters: {},
  context: {},
  resource: null,
  roles: [],
  scopes: null,
  trust: null,
  costMicroUsd: null,
  tested: false,
  tenant: 'default',
  nowMs: 1_795_176_000_000,
};

async function problemsOf(yaml: string): Promise<readonly string[]> {
  const loaded = await load({ 'charter.yaml': `version: 1\n${yaml}` });
  return loaded.kind === 'refused' ? loaded.problems.map(renderError) : [];
}

const said = ({ tier, match, selectors, quorum, enforcement }: Rule): readonly unknown[] => [
  tier,
  match,
  selectors,
  quorum,
  enforcement,
];

test('what is written for one person is a rule with that person as selector, under the settings of its own tier', async () => {
  const { rules } = await charterOf({
    'charter.yaml': `version: 1
users:
  ada:
    roles: [tech-lead]
    tiers:
      green: { actions: [deploy.staging] }
      red: { quorum: 2, actions: [git.merge, { match: 'mail.*', role: tech-lead, quorum: 3 }] }
tiers:
  red: { quorum: 5, enforcement: audit, actions: [git.merge] }
`,
  });
  assert.deepEqual(rules.map(said), [
    ['red', 'git.merge', {}, 5, 'audit'],
    ['green', 'deploy.staging', { user: ['ada'] }, 1, null],
    ['red', 'git.merge', { user: ['ada'] }, 2, 'audit'],
    ['red', 'mail.*', { user: ['ada'], role: ['tech-lead'] }, 3, 'audit'],
  ]);
  assert.equal(rules[2]?.origin, 'charter.yaml:7:35 users.ada.tiers.red.actions[0]');
});

test('a set shares selectors and enforcement, and a charter above switches it without repeating its rules', async () => {
  const team = `version: 1
sets:
  payments:
    enforcement: audit
    agentClass: [finance]
    tiers: { red: { actions: [pay.send, { match: pay.refund, enforcement: enforce }] } }
agents: { cashier-1: { class: finance } }
`;
  const charter = 'version: 1\nextends: ./team.yaml\n';
  const enforcements = async (text: string): Promise<readonly unknown[]> =>
    (await charterOf({ 'team.yaml': team, 'charter.yaml': text })).rules.map(said);
  assert.deepEqual(await enforcements(charter), [
    ['red', 'pay.send', { agentClass: ['finance'] }, 1, 'audit'],
    ['red', 'pay.refund', { agentClass: ['finance'] }, 1, 'enforce'],
  ]);
  assert.deepEqual((await enforcements(`${charter}sets: { payments: { enforcement: enforce } }\n`))[0], [
    'red',
    'pay.send',
    { agentClass: ['finance'] },
    1,
    'enforce',
  ]);
});

test('a rule of one person replaces the inherited one with the same pattern and selectors, wherever each is written', async () => {
  const { rules } = await charterOf({
    'team.yaml': 'version: 1\ntiers: { red: { actions: [{ match: a.b, user: ada }] } }\n',
    'charter.yaml':
      'version: 1\nextends: ./team.yaml\nusers: { ada: { tiers: { green: { actions: [a.b] } } } }\n',
  });
  assert.deepEqual(rules.map(said), [['green', 'a.b', { user: ['ada'] }, 1, null]]);
});

test('what is black for everybody stays black for one person and in a set, whatever tiers say for all their rules', async () => {
  const people = `users:
  ada: { tiers: { green: { actions: [secrets.expose] } } }
sets:
  night: { agent: builder-1, tiers: { yellow: { actions: [data.exfiltrate] } } }
`;
  const finals = 'tiers: { green: { final: true, actions: [docs.write] }, yellow: { final: true } }\n';
  for (const files of [
    { 'charter.yaml': `version: 1\nextends: default\n${finals}${people}` },
    {
      'team.yaml': `version: 1\nextends: default\n${finals}`,
      'charter.yaml': `version: 1\nextends: ./team.yaml\n${people}`,
    },
    {
      'team.yaml': `version: 1\nextends: default\n${people}`,
      'charter.yaml': `version: 1\nextends: ./team.yaml\n${finals}`,
    },
  ] satisfies readonly Files[]) {
    const loaded = await load(files);
    if (loaded.kind === 'refused') assert.fail(loaded.problems.map(renderError).join('\n'));
    const tierOf = (action: string, user: string | null): string =>
      judgeBy(loaded.law, { ...ASKED, action, user }).decision.tier;
    assert.equal(tierOf('secrets.expose', 'ada'), 'black');
    assert.equal(tierOf('data.exfiltrate', null), 'black');
    assert.equal(loaded.charter.rules.find(({ match }) => match === 'docs.write')?.final, true);
    assert.deepEqual(
      loaded.warnings.map(({ pointer, message }) => [pointer, message.includes('never decides')]),
      [
        ['users.ada.tiers.green.actions[0]', true],
        ['sets.night.tiers.yellow.actions[0]', true],
      ],
    );
  }
});

test('every mistake in how they are put together is told with its place', async () => {
  assert.deepEqual(
    await problemsOf(`users:
  ada:
    tiers:
      green: { final: true, actions: [{ match: a.b, final: true }] }
      black: { actions: [{ match: a.c, final: true }] }
sets:
  night:
    agent: builder-1
    tiers: { red: { actions: [{ match: a.d, agent: builder-2 }, { match: a.e, lift: true }] } }
  day:
    tiers:
      green: { final: true, actions: [a.f] }
      red: { actions: [{ match: a.g, final: true }] }
      black: { final: true, actions: [a.h] }
`),
    [
      'charter.yaml:5:23 users.ada.tiers.green.final: What counts for one person is never final, because it would beat the black rules for everybody. Remove it, or write a rule under tiers with user: ada.',
      'charter.yaml:5:60 users.ada.tiers.green.actions[0].final: What counts for one person is never final, because it would beat the black rules for everybody. Remove it, or write a rule under tiers with user: ada.',
      'charter.yaml:10:52 sets.night.tiers.red.actions[0].agent: The set night selects by agent for all its rules. Remove it here or there.',
      'charter.yaml:10:85 sets.night.tiers.red.actions[1].lift: lift has no effect in tier red: trust lifts yellow only. Remove it.',
      'charter.yaml:13:23 sets.day.tiers.green.final: What a set says is never final, because it would beat the black rules that are for everybody. Remove it, or write the rule under tiers with the selectors of day.',
      'charter.yaml:14:45 sets.day.tiers.red.actions[0].final: What a set says is never final, because it would beat the black rules that are for everybody. Remove it, or write the rule under tiers with the selectors of day.',
    ],
  );
  const [unknown] = await problemsOf(
    'users: { ada: { tiers: { green: { actions: [{ match: a.b, user: bob }] } } } }\n',
  );
  assert.match(
    unknown ?? '',
    /^charter\.yaml:2:59 users\.ada\.tiers\.green\.actions\[0\]\.user: The key user is unknown/,
  );
  const twice = await problemsOf(
    'users: { ada: { tiers: { green: { actions: [a.b] } } } }\ntiers: { red: { actions: [{ match: a.b, user: ada }] } }\n',
  );
  assert.match(
    twice[0] ?? '',
    /A rule for a\.b with the same selectors is already written at tiers\.red\.actions\[0\]/,
  );
});
