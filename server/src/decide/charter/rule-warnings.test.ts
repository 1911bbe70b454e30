// A warning must be worth reading: each is shown at its place, and what is meant as it stands is left in peace.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readCharterFile, shippedCharters } from './disk.ts';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';

async function warnings(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const loaded = await loadCharter({
    path: 'charter.yaml',
    readFile: async (name) => (Object.hasOwn(files, name) ? (files[name] ?? null) : null),
    readShipped: shippedCharters,
  });
  if (loaded.kind === 'refused') assert.fail(loaded.problems.map(renderError).join('\n'));
  return loaded.warnings.map(renderError);
}

const of = (yaml: string): Promise<readonly string[]> => warnings({ 'charter.yaml': `version: 1\n${yaml}` });

test('a rule behind a final one, and one behind a stricter one of the same pattern, are told where they stand', async () => {
  assert.deepEqual(
    await of(`tiers:
  green:
    actions: [audit.read, 'git.read*']
  yellow:
    actions:
      - { match: git.merge, when: "parameters.branch == 'x'" }
  red:
    actions: [git.merge]
  black:
    actions: ['audit.*']
`),
    [
      'charter.yaml:4:15 tiers.green.actions[0]: This green rule for audit.read never decides: the black rule audit.* at charter.yaml:11:15 tiers.black.actions[0] is final and covers all of it. Remove this rule, or write final: false there.',
      'charter.yaml:7:9 tiers.yellow.actions[0]: This yellow rule for git.merge never decides: the red rule for the same pattern at charter.yaml:9:15 tiers.red.actions[0] always holds and comes first. Remove one of the two, or tell them apart by a selector or a condition.',
    ],
  );
});

test('a condition that tells nothing apart and an exception that never applies are told at the condition itself', async () => {
  assert.deepEqual(
    await of(`tiers:
  green:
    actions:
      - { match: a.b, when: "parameters.b != 'main' || parameters.b != 'master'" }
      - match: a.c
        when: "parameters.n > 3"
        except:
          - { paths: [x] }
          - { when: "parameters.n < 2" }
      - { match: a.d, except: { when: "true" } }
      - { match: a.e, when: "has(parameters.x) && !has(parameters.x)" }
`),
    [
      'charter.yaml:5:29 tiers.green.actions[0].when: The condition is true for every action that it can be evaluated for, so it tells nothing apart. Leave it out, or correct it.',
      'charter.yaml:10:21 tiers.green.actions[1].except[1].when: The exception never applies: its condition is never true where that of the rule is. Correct it, or remove the exception.',
      'charter.yaml:11:39 tiers.green.actions[2].except.when: The exception applies to every action that it can be evaluated for, so the rule is never green. Write the rule in tier red, or correct the condition.',
      'charter.yaml:12:29 tiers.green.actions[3].when: The condition is true for no action that it can be evaluated for. Correct it, or remove the rule.',
    ],
  );
});

test('a name that is nearly one of the charter’s own is told, and any other is somebody who may come', async () => {
  const charter = (selector: string): string => `environment: production
agents: { builder-1: {} }
users: { marianne: {} }
tiers: { red: { actions: [{ match: a.b, ${selector} }] } }
`;
  assert.deepEqual(await of(charter('agent: bulider-1')), [
    'charter.yaml:5:48 tiers.red.actions[0].agent: The charter names no agent bulider-1. Did you mean builder-1? If not, add bulider-1 under agents.',
  ]);
  assert.deepEqual(await of(charter('user: marianna')), [
    'charter.yaml:5:47 tiers.red.actions[0].user: The charter names no user marianna. Did you mean marianne? If not, add marianna under users.',
  ]);
  assert.deepEqual(await of(charter('environment: prodution')), [
    'charter.yaml:5:54 tiers.red.actions[0].environment: The environment of this charter is production. Did you mean production?',
  ]);
  assert.deepEqual(await of(charter('environment: staging')), [
    'charter.yaml:5:54 tiers.red.actions[0].environment: The environment of this charter is production, so a rule for staging never decides. Correct it, or remove the rule.',
  ]);
  for (const fine of [
    'agent: builder-2',
    'agent: nightly',
    'user: bob',
    'environment: [staging, production]',
  ])
    assert.deepEqual(await of(charter(fine)), [], fine);
  assert.deepEqual(await of('tiers: { red: { actions: [{ match: a.b, environment: staging }] } }\n'), [
    'charter.yaml:2:54 tiers.red.actions[0].environment: The charter has no environment, so a rule for staging never decides. Write environment: staging, or remove the selector.',
  ]);
});

test('approvers whom no user is are told once, where the charter says of its users who approves', async () => {
  const charter = (roles: string): string => `users: { ada: { roles: [${roles}] } }
tiers:
  red:
    approvers: [ops-lead]
    actions: [a.b, { match: a.c, approvers: [tech-lead] }]
`;
  assert.deepEqual(await of(charter('tech-lead')), [
    'charter.yaml:5:17 tiers.red.approvers[0]: None of the users that the charter names has the role ops-lead, so nobody it knows can approve. Give it to one of them, or correct the role.',
  ]);
  assert.deepEqual(await of(charter('tech-lead, admin')), []);
  assert.deepEqual(await of(charter('viewer')), [], 'the charter says of nobody that they approve');
});

test('overruling what is extended is no mistake, and neither is what a shared file says for others', async () => {
  const team = `version: 1
extends: default
tiers:
  green:
    actions: [mail.read, { match: mail.move, environment: staging }]
`;
  assert.deepEqual(
    await warnings({
      'team.yaml': team,
      'charter.yaml': `version: 1
extends: ./team.yaml
environment: production
tiers: { red: { actions: [{ match: 'deploy.*', final: true }] }, black: { actions: ['mail.*', 'code.*'] } }
`,
    }),
    [],
  );
  assert.deepEqual(
    await warnings({
      'team.yaml': `version: 1\ntiers: { black: { actions: ['mail.*'] } }\n`,
      'charter.yaml': `version: 1\nextends: ./team.yaml\ntiers: { green: { actions: [mail.read] } }\n`,
    }),
    [
      'charter.yaml:3:29 tiers.green.actions[0]: This green rule for mail.read never decides: the black rule mail.* at team.yaml:2:29 tiers.black.actions[0] is final and covers all of it. Remove this rule, or write final: false there.',
    ],
  );
});

const root = fileURLToPath(new URL('../../../../', import.meta.url));

test('no charter that comes with the product gives a false alarm', async () => {
  for (const path of [
    'charters/default.yaml',
    'examples/quickstart/charter.yaml',
    'examples/govern-plain-functions/charter.yaml',
  ]) {
    await readFile(root + path);
    const loaded = await loadCharter({
      path: root + path,
      readFile: readCharterFile,
      readShipped: shippedCharters,
    });
    assert.deepEqual(loaded.kind === 'loaded' ? loaded.warnings.map(renderError) : loaded.problems, [], path);
  }
});

test('a final rule that beats a black one is told where it can be put right, and so is final: false for inherited black rules', async () => {
  assert.deepEqual(
    await of(`extends: default
tiers: { green: { final: true, actions: [{ match: secrets.expose, user: ada }] } }
`),
    [
      'charter.yaml:3:42 tiers.green.actions[0]: The green rule secrets.expose at charter.yaml:3:42 tiers.green.actions[0] is final and is tried before the black rule secrets.expose at <shipped>/default.yaml:62:9 tiers.black.actions[0], so what both cover is not black. Take final away there, unless that is meant.',
    ],
  );
  const [inherited, ...more] = await warnings({
    'team.yaml': 'version: 1\ntiers: { green: { actions: [{ match: pay.send, final: true }] } }\n',
    'charter.yaml': "version: 1\nextends: ./team.yaml\ntiers: { black: { actions: ['pay.*'] } }\n",
  });
  assert.match(
    inherited ?? '',
    /^charter\.yaml:3:29 tiers\.black\.actions\[0\]: The green rule pay\.send at team\.yaml/,
  );
  assert.deepEqual(more, []);
  assert.deepEqual(await of('extends: default\ntiers: { black: { final: false } }\n'), [
    'charter.yaml:3:26 tiers.black.final: final: false for the tier holds for the 4 inherited black rules too (secrets.expose at <shipped>/default.yaml:62:9 tiers.black.actions[0]), so any more specific rule lets some of it run. Write it at the rules that are meant.',
  ]);
});
