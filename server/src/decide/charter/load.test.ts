// What a charter's author is promised: what is right loads as it is written, and every mistake is named with its
// file, line and column and a word on what to do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Charter } from '@mandate/kernel';
import { shippedCharters } from './disk.ts';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';
import type { LoadedCharter } from './load.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;

function load(files: Files, path = 'charter.yaml'): ReturnType<typeof loadCharter> {
  return loadCharter({
    path,
    readFile: async (name) => (Object.hasOwn(files, name) ? (files[name] ?? null) : null),
    readShipped: shippedCharters,
  });
}

async function loaded(files: Files): Promise<LoadedCharter> {
  const result = await load(files);
  if (result.kind === 'refused') assert.fail(result.problems.map(renderError).join('\n'));
  return result;
}

async function problems(files: Files): Promise<string[]> {
  const result = await load(files);
  assert.equal(result.kind, 'refused', 'the charter was taken');
  return result.kind === 'refused' ? result.problems.map(renderError) : [];
}

const domainExample = `# yaml-language-server: $schema=./charter.schema.json
version: 1
extends: default                     # charters/default.yaml
enforcement: enforce                 # or audit: everything but black and stop runs, what would have been held is recorded
agents:
  builder-1: { class: background, usdPerDay: 20 }
executors:
  files: { mcp: [npx, -y, '@modelcontextprotocol/server-filesystem', ./work] }
  tests: { command: [npm, test], cwd: ./work, timeout: 10m }
  ci: { http: 'https://ci.internal/run', secret: ci-token }
actions:
  files.write_file: { severity: medium, paths: [path], diff: content }
  test.run_suite: { executor: tests }
  deploy.*: { executor: ci, severity: high, compensate: deploy.rollback }
  roaster.EMERGENCY_SHUTDOWN: { safeState: true }
tiers:
  green:
    actions: ['test.run*', 'files.read_*', { match: code.write, except: { paths: [.env, 'secrets/**', '**/*.key', '**/*.pem'] } }]
  yellow:
    actions: [files.write_file, { match: git.merge, except: { when: "parameters.branch in ['main', 'master']" } }]
  red:
    actions: [{ match: deploy.production, approvers: [tech-lead], quorum: 1, expires: 4h }]
  black:
    actions: [audit.delete, secrets.expose]
limits: { concurrentAgents: 150, usdPerDay: 100 }
notify: { digest: 30m, quiet: '22:00-07:00 Europe/Berlin', to: ['email:ops@example.org'] }
`;

test('the example of the documentation loads as it is written, in the units of the kernel', async () => {
  const { charter, warnings, files } = await loaded({ 'charter.yaml': domainExample });
  assert.deepEqual(warnings.map(renderError), []);
  assert.deepEqual(files, ['charter.yaml', '<shipped>/default.yaml']);
  assert.deepEqual(charter.agents, { 'builder-1': { class: 'background', usdPerDayMicroUsd: 20_000_000 } });
  assert.deepEqual(charter.limits, {
    concurrentAgents: 150,
    usdPerDayMicroUsd: 100_000_000,
    actionsPerMinute: null,
  });
  assert.equal(charter.notify.digestMs, 1_800_000);
  assert.equal(charter.notify.channels['email:ops@example.org']?.quiet, '22:00-07:00 Europe/Berlin');
  assert.deepEqual(charter.executors['tests'], {
    kind: 'command',
    command: ['npm', 'test'],
    cwd: './work',
    timeoutMs: 600_000,
    env: {},
  });
  assert.deepEqual(charter.executors['ci'], {
    kind: 'http',
    url: 'https://ci.internal/run',
    method: 'POST',
    secret: 'ci-token',
    timeoutMs: 30_000,
    allowPrivate: false,
  });
  const production = charter.rules.find((rule) => rule.match === 'deploy.production');
  assert.deepEqual(production?.approvers, ['tech-lead']);
  assert.equal(production?.expiresMs, 14_400_000);
  assert.equal(production?.origin, 'charter.yaml:22:15 tiers.red.actions[0]');
  const merge = charter.rules.filter((rule) => rule.match === 'git.merge');
  assert.deepEqual(
    merge.map(({ tier, except }) => [tier, except.map((it) => [it.tier, it.when])]),
    [['yellow', [['red', "parameters.branch in ['main', 'master']"]]]],
  );
  assert.equal(charter.rules.find((rule) => rule.match === 'audit.delete')?.final, true);
});

interface Mistake {
  readonly yaml: string;
  /** The whole rendered problem, or several. */
  readonly says: readonly string[];
}

const mistakes: Readonly<Record<string, Mistake>> = {
  'a method that carries no body': {
    yaml: "version: 1\nexecutors:\n  a: { http: 'https://a.example', method: GET }\n",
    says: [
      'charter.yaml:3:43 executors.a.method: What the agent wants is sent as a body, which no other method carries. Write POST, PUT, PATCH or DELETE.',
    ],
  },
  'an unknown key': {
    yaml: 'version: 1\ntiers:\n  green:\n    actions:\n      - { match: a.b, exept: { paths: [x] } }\n',
    says: ['charter.yaml:5:23 tiers.green.actions[0].exept: The key exept is unknown. Did you mean except?'],
  },
  'an unknown section': {
    yaml: 'version: 1\nlimit: { usdPerDay: 1 }\n',
    says: ['charter.yaml:2:1 limit: The key limit is unknown. Did you mean limits?'],
  },
  'a section of a later version': {
    yaml: 'version: 1\nretention: []\n',
    says: [
      'charter.yaml:2:1 retention: The section retention is not supported yet by this version. Remove it: nothing in a charter is silently ignored.',
    ],
  },
  'a tier of a channel that there is not': {
    yaml: 'version: 1\nnotify: { channels: { d: { email: [a@b.co], tiers: { purple: none } } } }\n',
    says: [
      'charter.yaml:2:54 notify.channels.d.tiers.purple: The key purple is unknown. Known here: black, green, red, yellow.',
    ],
  },
  'a bad tier': {
    yaml: 'version: 1\ntiers:\n  orange: { actions: [a.b] }\n  green:\n    actions: [{ match: a.c, except: { tier: ret, paths: [x] } }]\n',
    says: [
      'charter.yaml:3:3 tiers.orange: The key orange is unknown. Known here: black, green, red, yellow.',
      "charter.yaml:5:45 tiers.green.actions[0].except.tier: Expected one of green, yellow, red, black, found the text 'ret'. Did you mean red?",
    ],
  },
  'a bad pattern': {
    yaml: "version: 1\ntiers:\n  green:\n    actions: ['git.*push', 'code.{a,b}']\n",
    says: [
      'charter.yaml:4:15 tiers.green.actions[0]: This is no action pattern. Write an exact name (git.merge), a prefix with one * at its end (git.read*), or alternatives for the last part (code.read|lint).',
      'charter.yaml:4:28 tiers.green.actions[1]: This is no action pattern. Write an exact name (git.merge), a prefix with one * at its end (git.read*), or alternatives for the last part (code.read|lint).',
    ],
  },
  'a bad duration': {
    yaml: 'version: 1\ntiers:\n  red:\n    expires: 4 hours\n    actions: [{ match: a.b, expires: 30 }]\n',
    says: [
      'charter.yaml:4:14 tiers.red.expires: This is no duration. Write a number and a unit: 30s, 30m, 4h or 14d.',
      'charter.yaml:5:38 tiers.red.actions[0].expires: Write a duration as a number and a unit: 30s, 30m, 4h or 14d.',
    ],
  },
  'bad money': {
    yaml: "version: 1\nlimits: { usdPerDay: 0.1234567 }\nagents: { a: { usdPerDay: '20 USD' }, b: { usdPerDay: -1 } }\n",
    says: [
      'charter.yaml:2:22 limits.usdPerDay: Money is counted in millionths of a USD. Write at most 6 decimals.',
      'charter.yaml:3:27 agents.a.usdPerDay: Write an amount in USD as a number, without currency sign or quotes: 20 or 0.5.',
      'charter.yaml:3:55 agents.b.usdPerDay: An amount of money cannot be negative. Write 0 or more USD.',
    ],
  },
  'a wrong type': {
    yaml: 'version: 1\nlimits: { concurrentAgents: many }\ntiers: { green: { actions: [12] } }\nactions:\n',
    says: [
      "charter.yaml:2:29 limits.concurrentAgents: Expected a number, found the text 'many'. Write a number here.",
      'charter.yaml:3:29 tiers.green.actions[0]: Expected text or a map, found the number 12. Write text or a map here.',
      'charter.yaml:4:1 actions: Expected a map, found nothing. Write a map here.',
    ],
  },
  'a bad quorum': {
    yaml: 'version: 1\ntiers:\n  red:\n    actions: [{ match: a.b, quorum: 0 }, { match: a.c, quorum: 1.5 }]\n',
    says: [
      'charter.yaml:4:37 tiers.red.actions[0].quorum: The number 0 is too small. Write 1 or more.',
      'charter.yaml:4:64 tiers.red.actions[1].quorum: Expected a whole number, found the number 1.5. Write a whole number here.',
    ],
  },
  'an unknown executor': {
    yaml: 'version: 1\nexecutors: { tests: { command: [npm, test] } }\nactions:\n  a.b: { executor: test }\n  a.c: { executor: tests }\n',
    says: ["charter.yaml:4:20 actions['a.b'].executor: There is no executor test. Did you mean tests?"],
  },
  'an executor of two kinds, and a key that nothing reads': {
    yaml: 'version: 1\nexecutors:\n  a: { command: [x], http: "https://x" }\n  b: { command: [x], secret: s }\n',
    says: [
      'charter.yaml:3:6 executors.a: The executor has command and http. Write exactly one of command, http and mcp.',
      'charter.yaml:4:30 executors.b.secret: secret has no effect beside command. Remove it; known here are command, cwd, env, timeout, evals.',
    ],
  },
  'an unknown role': {
    yaml: 'version: 1\ntiers:\n  red:\n    approvers: [operator]\n    actions: [{ match: a.b, approvers: [tech-leed] }]\n',
    says: [
      'charter.yaml:4:17 tiers.red.approvers[0]: The role operator approves nothing. Name one of tech-lead, ops-lead, product-lead, exec-sponsor, admin.',
      'charter.yaml:5:41 tiers.red.actions[0].approvers[0]: The role tech-leed is unknown. Did you mean tech-lead?',
    ],
  },
  'a duplicate rule': {
    yaml: 'version: 1\ntiers:\n  green: { actions: [a.b] }\n  red:\n    actions:\n      - a.b\n',
    says: [
      'charter.yaml:6:9 tiers.red.actions[0]: A rule for a.b with the same selectors is already written at tiers.green.actions[0] on line 3. Keep one of the two, or tell them apart by a selector or a condition.',
    ],
  },
  'an exception that is no stricter, and one with two heads': {
    yaml: 'version: 1\ntiers:\n  red:\n    actions: [{ match: a.b, except: { tier: green, paths: [x] } }]\n  green:\n    actions: [{ match: a.c, except: { when: "true", paths: [x] } }]\n',
    says: [
      'charter.yaml:4:45 tiers.red.actions[0].except.tier: The exception falls to green, which is not stricter than red. Name a stricter tier, or write a rule of its own in tier green.',
      'charter.yaml:6:37 tiers.green.actions[0].except: An exception has either paths or when. For both, write a list of two exceptions.',
    ],
  },
  'approvers of what never runs': {
    yaml: 'version: 1\ntiers:\n  black: { quorum: 2, actions: [{ match: a.b, enforcement: audit }] }\n',
    says: [
      'charter.yaml:3:20 tiers.black.quorum: quorum has no effect in tier black: nothing here ever runs. Remove it, or move the rule to tier red.',
      'charter.yaml:3:60 tiers.black.actions[0].enforcement: Black is enforced always, in audit too. Remove this, or move the rule to tier red.',
    ],
  },
  'thresholds out of order': {
    yaml: 'version: 1\nguardrails: { cost: { warningUsd: 20 } }\ntrust: { levels: { trusted: 20 } }\n',
    says: [
      'charter.yaml:2:21 guardrails.cost: The thresholds must ascend: warningUsd 20, errorUsd 10, criticalUsd 50. Correct their order.',
      'charter.yaml:3:18 trust.levels: The levels must ascend: standard 30, trusted 20, autonomous 85. Correct their order.',
    ],
  },
  'an unknown time zone': {
    yaml: "version: 1\nnotify: { quiet: '22:00-07:00 Mars/Olympus' }\n",
    says: [
      "charter.yaml:2:18 notify.quiet: The time zone is unknown. Write an IANA name, like '22:00-07:00 Europe/Berlin'.",
    ],
  },
  'a missing version': {
    yaml: 'tiers: {}\n',
    says: [
      'charter.yaml:1:1: version is missing. Write version: 1, the only version of the format that there is.',
    ],
  },
  'a duplicate key': {
    yaml: 'version: 1\nlimits: { usdPerDay: 1 }\nlimits: { usdPerDay: 2 }\n',
    says: ['charter.yaml:3:1 limits: The key limits is already written on line 2. Keep one of the two.'],
  },
  'keys that would reach a prototype': {
    yaml: 'version: 1\nagents:\n  __proto__: { class: x }\n  constructor: { class: x }\n',
    says: [
      'charter.yaml:3:3 agents.__proto__: The key __proto__ is reserved. Choose another name.',
      'charter.yaml:4:3 agents.constructor: The key constructor is reserved. Choose another name.',
    ],
  },
  'a tab': {
    yaml: 'version: 1\nenforcement: "en\tforce"\n',
    says: ['charter.yaml:2:17: There is a tab here. Use spaces; inside double quotes write \\t.'],
  },
  'a right-to-left override in a comment': {
    yaml: 'version: 1 # \u202Eneerg\n',
    says: [
      'charter.yaml:1:14: The invisible character U+202E may make the file look different from what it says. Remove it.',
    ],
  },
  'a second document': {
    yaml: 'version: 1\n---\nversion: 1\n',
    says: [
      'charter.yaml:2:1: A second YAML document begins here. Keep one document in a file and name others under extends.',
    ],
  },
  'a directive that makes YAML read yes as true': {
    yaml: '%YAML 1.1\n---\nversion: 1\n',
    says: [
      'charter.yaml:1:1: The directive %YAML 1.1 changes how YAML is read. Remove it: charters are YAML 1.2.',
    ],
  },
  'a tag': {
    yaml: 'version: !js/eval 1\n',
    says: ['charter.yaml:1:10: Unresolved tag: !js/eval. Correct the YAML.'],
  },
  'a merge key': {
    yaml: 'version: 1\nagents:\n  a: &a { class: x }\n  b: { <<: *a }\n',
    says: [
      "charter.yaml:4:8 agents.b['<<']: Merge keys are not part of YAML 1.2. Name a base charter under extends.",
    ],
  },
  'an extended file that is not there': {
    yaml: 'version: 1\nextends: [default, ./bases/team.yaml]\n',
    says: [
      'charter.yaml:2:20 extends[1]: bases/team.yaml does not exist, reached by charter.yaml → bases/team.yaml. Create the file, or correct the path.',
    ],
  },
  'an absolute path, and a shipped charter that nobody ships': {
    yaml: 'version: 1\nextends: [/etc/base.yaml, defualt]\n',
    says: [
      'charter.yaml:2:11 extends[0]: /etc/base.yaml is not a relative path. Write a path relative to this file, with forward slashes: ./base.yaml.',
      'charter.yaml:2:27 extends[1]: <shipped>/defualt.yaml does not exist, reached by charter.yaml → <shipped>/defualt.yaml. Write default for the shipped rules, or ./defualt.yaml for a file beside this one.',
    ],
  },
};

test('every kind of mistake is told with its place and a remedy', async () => {
  for (const [name, { yaml, says }] of Object.entries(mistakes)) {
    assert.deepEqual(await problems({ 'charter.yaml': yaml }), says, name);
  }
});

const conditions: Readonly<
  Record<string, { readonly yaml: string; readonly at: string; readonly says: RegExp }>
> = {
  'bad syntax': {
    yaml: '      - { match: a.b, when: "parameters.x ==" }',
    at: '5:45',
    says: /expected a value/,
  },
  'an unknown root name': {
    yaml: "      - { match: a.b, when: 'paramters.x == 1' }",
    at: '5:30',
    says: /did you mean 'parameters'/,
  },
  'a type error in a plain scalar': {
    yaml: '      - match: a.b\n        when: true && now > 1',
    at: '6:27',
    says: /timestamp/,
  },
  'a type error behind an escape': {
    yaml: "      - match: a.b\n        when: \"'\\u0041' == '' && now > 1\"",
    at: '6:38',
    says: /timestamp/,
  },
  'a type error behind a doubled quote': {
    yaml: "      - match: a.b\n        when: '''a'' == ''b'' && now > 1'",
    at: '6:38',
    says: /timestamp/,
  },
  'a type error in a folded block': {
    yaml: '      - match: a.b\n        when: >-\n          true\n          && now > 1',
    at: '8:18',
    says: /timestamp/,
  },
  'a type error in a literal block': {
    yaml: '      - match: a.b\n        when: |\n          true\n            && now > 1',
    at: '8:20',
    says: /timestamp/,
  },
  'an exception of a list': {
    yaml: '      - match: a.b\n        except: [{ paths: [x] }, { when: nope }]',
    at: '6:42',
    says: /unknown name 'nope'/,
  },
};

test('a mistake in a condition is told at its own character, however the scalar is written', async () => {
  for (const [name, { yaml, at, says }] of Object.entries(conditions)) {
    const [problem = '', ...others] = await problems({
      'charter.yaml': `version: 1\ntiers:\n  green:\n    actions:\n${yaml}\n`,
    });
    assert.deepEqual(others, [], name);
    assert.equal(
      problem.slice(0, `charter.yaml:${at} `.length),
      `charter.yaml:${at} `,
      `${name}: ${problem}`,
    );
    assert.match(problem, says, name);
  }
});

test('the mistakes of all files come in one answer, sorted', async () => {
  const files = {
    'charter.yaml':
      'version: 1\nextends: ./base.yaml\nlimits: { usdPerDay: x }\ntiers:\n  green:\n    actions: [{ match: a.b, when: nope }, a.c, a.c, 12]\n',
    'base.yaml': 'version: 1\nzeal: 1\nagents: { a: { klass: x } }\n',
  };
  assert.deepEqual(
    (await problems(files)).map((it) => it.split(' ')[0]),
    [
      'charter.yaml:3:22',
      'charter.yaml:6:35',
      'charter.yaml:6:48',
      'charter.yaml:6:53',
      'base.yaml:2:1',
      'base.yaml:3:16',
    ],
  );
});

test('files that extend each other are refused with the whole chain', async () => {
  const files = {
    'charter.yaml': 'version: 1\nextends: ./a/one.yaml\n',
    'a/one.yaml': 'version: 1\nextends: two.yaml\n',
    'a/two.yaml': 'version: 1\nextends: [../charter.yaml]\n',
  };
  assert.deepEqual(await problems(files), [
    'a/two.yaml:2:11 extends[0]: The files extend each other in a circle: charter.yaml → a/one.yaml → a/two.yaml → charter.yaml. Remove one of these extends.',
  ]);
});

test('a charter that does not exist or cannot be read is refused, not replaced by an empty one', async () => {
  assert.deepEqual(await problems({}), [
    'charter.yaml:1:1: charter.yaml does not exist. Create the file, or correct the path.',
  ]);
  const denied = await loadCharter({
    path: 'charter.yaml',
    readFile: () => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' })),
    readShipped: shippedCharters,
  });
  assert.equal(
    denied.kind === 'refused' &&
      denied.problems[0]?.message.startsWith('charter.yaml cannot be read (EACCES).'),
    true,
  );
  assert.deepEqual(await problems({ 'charter.yaml': '' }), [
    'charter.yaml:1:1: Expected a map, found nothing. Write a map here.',
  ]);
});

test('bytes that are no text, files that are too large and values that are too deep or too many are refused', async () => {
  const bad = Uint8Array.from([...Buffer.from('version: 1\n# caf'), 0xe9, 0x0a]);
  assert.deepEqual(await problems({ 'charter.yaml': bad }), [
    'charter.yaml:2:6: This is not UTF-8 text. Save the file in the encoding UTF-8.',
  ]);
  const [large] = await problems({ 'charter.yaml': `version: 1\n#${'x'.repeat(1_048_576)}` });
  assert.match(large ?? '', /more than 1048576 bytes/);
  const [deep] = await problems({
    'charter.yaml': `version: 1\nagents: ${'['.repeat(200)}${']'.repeat(200)}\n`,
  });
  assert.match(deep ?? '', /^charter\.yaml:2:\d+ agents\[0\]\[0\]: Values are nested more than 64 deep/);
  const bomb = ['version: 1', 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let n = 1; n < 9; n++)
    bomb.push(`a${n}: &a${n} [${Array.from({ length: 10 }, () => `*a${n - 1}`).join(', ')}]`);
  const [many] = await problems({ 'charter.yaml': bomb.join('\n') });
  assert.match(many ?? '', /^charter\.yaml:\d+:\d+ .*The file unfolds into more than 100000 values/);
});

test('an honest alias repeats its value', async () => {
  const { charter } = await loaded({
    'charter.yaml': 'version: 1\nagents:\n  a: &a { class: x, usdPerDay: 0.5 }\n  b: *a\n',
  });
  assert.deepEqual(charter.agents['b'], { class: 'x', usdPerDayMicroUsd: 500_000 });
});

test('a rule replaces the inherited one of the same match and selectors, and stands beside any other', async () => {
  const base = 'version: 1\ntiers:\n  green: { actions: [a.b, { match: a.b, agent: x }, a.c] }\n';
  const over =
    'version: 1\nextends: base.yaml\ntiers:\n  black: { actions: [a.b] }\n  red: { actions: [{ match: a.b, agent: [x, y] }] }\n';
  const { charter } = await loaded({ 'base.yaml': base, 'charter.yaml': over });
  assert.deepEqual(
    charter.rules.map(({ tier, match, selectors }) => [tier, match, selectors.agent ?? []]),
    [
      ['green', 'a.b', ['x']],
      ['green', 'a.c', []],
      ['red', 'a.b', ['x', 'y']],
      ['black', 'a.b', []],
    ],
  );
});

test('maps merge by key, lists and executors replace, and the defaults of a tier reach inherited rules', async () => {
  const base = `version: 1
executors: { run: { command: [x], cwd: ./a } }
actions: { 'deploy.*': { severity: high, paths: [p] }, 'code.read|lint': { costUsd: 1 } }
guardrails: { cost: { warningUsd: 2 }, protectedBranches: [main, next] }
tiers: { red: { actions: [a.b, { match: a.c, quorum: 3 }] } }
`;
  const over = `version: 1
extends: base.yaml
executors: { run: { http: 'https://x' } }
actions: { 'deploy.*': { executor: run }, code.lint: { severity: low } }
guardrails: { protectedBranches: [prod] }
tiers: { red: { quorum: 2, approvers: [ops-lead] } }
`;
  const { charter } = await loaded({ 'base.yaml': base, 'charter.yaml': over });
  const action = (match: string): Charter['actions'][number] | undefined =>
    charter.actions.find((it) => it.match === match);
  assert.equal(charter.executors['run']?.kind, 'http');
  assert.deepEqual(
    [action('deploy.*')?.severity, action('deploy.*')?.executor, action('deploy.*')?.paths],
    ['high', 'run', ['p']],
  );
  assert.deepEqual([action('code.lint')?.severity, action('code.lint')?.costMicroUsd], ['low', 1_000_000]);
  assert.deepEqual([action('code.read')?.severity, action('code.read')?.costMicroUsd], [null, 1_000_000]);
  assert.equal(charter.guardrails.cost.warningMicroUsd, 2_000_000);
  assert.deepEqual(charter.guardrails.protectedBranches, ['prod']);
  assert.deepEqual(
    charter.rules.map(({ match, quorum, approvers }) => [match, quorum, approvers]),
    [
      ['a.b', 2, ['ops-lead']],
      ['a.c', 3, ['ops-lead']],
    ],
  );
});

test('a base that is reached by two roads stands below both', async () => {
  const { charter } = await loaded({
    'charter.yaml': 'version: 1\nextends: [strict.yaml, other.yaml]\n',
    'strict.yaml': 'version: 1\nextends: base.yaml\ntiers: { black: { actions: [a.b] } }\n',
    'other.yaml': 'version: 1\nextends: base.yaml\n',
    'base.yaml': 'version: 1\ntiers: { green: { actions: [a.b] } }\n',
  });
  assert.deepEqual(
    charter.rules.map((rule) => rule.tier),
    ['black'],
  );
});

test('the version says what a charter means: layout does not change it, a single word does', async () => {
  const plain =
    'version: 1\nlimits: { usdPerDay: 1, concurrentAgents: 2 }\ntiers: { red: { actions: [a.b] } }\n';
  const relaid =
    '# a comment\nversion: 1\ntiers:\n  red:\n    actions:\n      - match: a.b\nlimits:\n  concurrentAgents: 2\n  usdPerDay: 1.0\n';
  const { version } = await loaded({ 'charter.yaml': plain });
  assert.match(version, /^[0-9a-f]{64}$/);
  assert.equal((await loaded({ 'charter.yaml': relaid })).version, version);
  assert.notEqual((await loaded({ 'charter.yaml': plain.replace('red', 'yellow') })).version, version);
  assert.notEqual(
    (await loaded({ 'charter.yaml': plain.replace('usdPerDay: 1', 'usdPerDay: 1.000001') })).version,
    version,
  );
});

test('what is sound but idle is told as a warning', async () => {
  const { warnings } = await loaded({ 'charter.yaml': 'version: 1\nexecutors:\n  a: { command: [x] }\n' });
  assert.deepEqual(warnings.map(renderError), [
    'charter.yaml:3:6 executors.a: No action uses the executor a. Name it under actions, or remove it.',
  ]);
});

test('a key that this version keeps without acting on it is told as a warning, where it is written', async () => {
  // I5
  const { warnings, charter } = await loaded({
    'charter.yaml': `version: 1
extends: ./base.yaml
roles: [release, auditor, tech-lead, finance]
users: { ada: { roles: [release] }, bob: { scopes: [] } }
actions:
  pay.*: { amounts: [sum] }
tiers:
  red: { actions: [{ match: pay.out, approvers: [finance] }] }
`,
    'base.yaml': 'version: 1\nactions:\n  pay.*: { amounts: [sum], idempotent: true }\n',
  });
  assert.deepEqual(warnings.map(renderError), [
    'charter.yaml:3:18 roles[1]: The role auditor is kept for a later version and has no effect yet: no key can carry it, and no user of this charter has it.',
    'charter.yaml:3:38 roles[3]: No key can carry the role finance yet, so only admin can approve for it.',
    "charter.yaml:6:21 actions['pay.*'].amounts: amounts is kept for a later version and has no effect yet.",
  ]);
  assert.deepEqual([charter.users['ada']?.scopes, charter.users['bob']?.scopes], [null, []]);
});

test('of thousands of names that nobody has, the first are compared with all that there are, and all are told', async () => {
  const lines = (row: (n: number) => string): string =>
    Array.from({ length: 3_000 }, (_, n) => row(n)).join('\n');
  const text = `version: 1\nexecutors:\n${lines((n) => `  run${n}: { command: [x] }`)}\nactions:\n${lines((n) => `  a${n}: { executor: ran${n} }`)}\n`;
  const loaded = await loadCharter({
    path: 'charter.yaml',
    readFile: () => Promise.resolve(text),
    readShipped: () => Promise.resolve(null),
  });
  assert.ok(loaded.kind === 'refused');
  const guessed = loaded.problems.filter(({ message }) => message.includes('Did you mean'));
  assert.deepEqual([loaded.problems.length, guessed.length], [3_000, 50]);
});
