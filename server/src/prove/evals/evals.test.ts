// Evals through the real door: cases are held against the server as it stands, only what is declared safe really runs,
// and coverage follows from runs and from nothing else.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createMandate } from '@mandate/sdk';
import type { Mandate, MandateProblem } from '@mandate/sdk';
import { wholeFile } from '../../../../test/closing.ts';
import { openCommandLine } from '../../../../test/command-line.ts';
import { openDoor } from '../../../../test/door.ts';
import type { Door } from '../../../../test/door.ts';
import { ask, callerOf } from '../../../../test/road.ts';
import { until } from '../../../../test/until.ts';
import { measureCoverage, tallyOf, VALID_MS } from './coverage.ts';

const TRACE = join(tmpdir(), `mandate-evals-${process.pid}`);
const node = JSON.stringify(process.execPath);
const touch = (file: string): string =>
  `[${node}, -e, "require('node:fs').appendFileSync('${file}', 'x'); process.exit(require('node:fs').readFileSync(0, 'utf8').includes('\\"fail\\"') ? 1 : 0)"]`;

const charterWith = (note: string): string => `version: 1
environment: ${note}
executors:
  simulator: { command: ${touch(`${TRACE}-simulated`)}, evals: true }
  drum: { command: ${touch(`${TRACE}-real`)} }
actions:
  roaster.SET_POWER: { executor: simulator }
  roaster.SET_FAN: { executor: drum }
tiers:
  green: { actions: [{ match: roaster.SET_POWER, except: { when: 'parameters.percent > 80.0' } }, roaster.SET_FAN, oven.HEAT] }
  black: { actions: [roaster.BURN] }
phases:
  roastery:
    prefix: roaster.
    ladder:
      - { name: L3, adds: [roaster.SET_POWER, roaster.SET_FAN] }
      - { name: L4, adds: ['roaster.*'], validation: 14d, approvals: [tech-lead] }
  kitchen:
    prefix: oven.
    ladder: [{ name: watched }, { name: free, adds: [oven.HEAT], validation: 14d, approvals: [tech-lead] }]
`;

let door: Door;
let mandate: Mandate;
const whole = wholeFile();
before(async () => {
  door = await openDoor(whole, { charter: charterWith('first') });
  const { text } = await door.makeKey({ roles: ['operator'], agents: 'any', user: { id: 'otto' } });
  mandate = createMandate({ url: door.url, apiKey: text });
});
after(async () => {
  for (const left of [`${TRACE}-simulated`, `${TRACE}-real`, `${TRACE}.yaml`])
    await rm(left, { force: true });
});

const SECRET = 'ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5';
const CASE = '  - { name: a, action: b.c, expect: { tier: red } }\n';

const problemsOf = (run: { readonly results: readonly { readonly problems: readonly string[] }[] }) =>
  run.results.map(({ problems }) => problems.join(' '));

test('an eval set is read as strictly as a charter, and its version is what it says, not how it is written', async () => {
  const yaml =
    'name: strict # a comment\ncases:\n  - { name: a, action: roaster.SET_POWER, expect: { tier: green } }\n';
  const first = await mandate.evals.add(yaml);
  const again = await mandate.evals.add({
    name: 'strict',
    cases: [{ name: 'a', action: 'roaster.SET_POWER', expect: { tier: 'green' } }],
  });
  assert.deepEqual(again, first);
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['name: x\ncases: []\n', /cases/],
    ['name: x\ncases:\n  - { name: a, action: b.c, expect: {} }\n', /expects nothing/],
    [
      'name: x\ncases:\n  - { name: a, action: b.c, expect: { tier: red, efect: hold } }\n',
      /line 3.*efect is unknown\. Did you mean effect/,
    ],
    ['name: x\ncases:\n  - { name: a, action: b.c, expect: { outcome: success } }\n', /Write run: true/],
    [
      'name: x\ncases:\n  - { name: a, action: b.c, run: true, expect: { tier: green } }\n',
      /write expect\.outcome/,
    ],
    [
      'name: x\ncases:\n  - { name: a, action: b.c, run: true, trust: 90, expect: { outcome: success } }\n',
      /meets things as they are\. Remove trust/,
    ],
    [
      'name: x\ncases:\n  - { name: a, action: b.c, expect: { tier: red } }\n  - { name: a, action: b.c, expect: { tier: red } }\n',
      /Another case has this name/,
    ],
    ['name: coverage\ncases:\n  - { name: a, action: b.c, expect: { tier: red } }\n', /coverage is taken/],
    ['name: [\n', /line/],
    [`name: x\ncases:\n${'  - { name: a, action: b.c, expect: { tier: red } }\n'.repeat(501)}`, /cases.*500/],
    // It is kept as it is written, so there must be nothing in it that is hidden anywhere else.
    [
      'name: x\ncases:\n  - { name: a, action: b.c, parameters: { login: { password: tiger } }, expect: { tier: red } }\n',
      /line 3 cases\[0\]\.parameters\.login\.password: .*Write \[redacted:password\] in its place/,
    ],
    [`name: x\ndescription: the key ${SECRET}\ncases:\n${CASE}`, /line 2 description: .*secret/],
    [
      `name: x\ncases:\n  - { name: a, action: b.c, parameters: { "${SECRET}": 1 }, expect: { tier: red } }\n`,
      /cases\[0\]\.parameters: /,
    ],
  ];
  for (const [text, said] of refusals)
    await assert.rejects(mandate.evals.add(text), (error: MandateProblem) => {
      assert.equal(error.problem.status, 422);
      assert.match(error.message, said);
      assert.ok(!error.message.includes(SECRET));
      return true;
    });
  await mandate.evals.add(
    `name: strict\ncases:\n  - { name: a, action: b.c, parameters: { password: '[redacted:password]' }, expect: { tier: red } }\n`,
  );
  assert.deepEqual(
    (await mandate.evals.list()).map(({ name }) => name),
    ['strict'],
  );
  await assert.rejects(mandate.evals.run('nowhere'), /no eval set nowhere\. There are strict/);
});

test('a decision is previewed as things stand or under supposed circumstances, and nothing is recorded', async () => {
  const acts = async () => (await door.call('GET', '/api/v1/actions?limit=200')).text;
  const before_ = await acts();
  const { name } = await mandate.evals.add(`name: decisions
cases:
  - { name: power runs, action: roaster.SET_POWER, parameters: { percent: 50 }, expect: { effect: execute, rule: roaster.SET_POWER } }
  - { name: too much power waits, action: roaster.SET_POWER, parameters: { percent: 90 }, expect: { tier: red, effect: hold } }
  - { name: nothing burns, action: roaster.BURN, expect: { tier: black, outcome: denied } }
  - { name: heat waits in the first phase, action: oven.HEAT, expect: { outcome: waiting_for_approval } }
  - { name: heat runs in the phase after it, action: oven.HEAT, phase: free, expect: { effect: execute } }
  - { name: this one is wrong, action: oven.HEAT, expect: { effect: execute } }
  - { name: there is no such phase, action: oven.HEAT, phase: fre, expect: { effect: hold } }
`);
  const run = await mandate.evals.run(name);
  assert.deepEqual([run.passed, run.failed], [5, 2], JSON.stringify(run));
  assert.deepEqual(problemsOf(run), [
    '',
    '',
    '',
    '',
    '',
    'effect: expected execute, is hold.',
    'phase: there is no phase fre; there are watched, free.',
  ]);
  assert.equal(await acts(), before_);
  await until('the journal tells of the run', async () => {
    const { items } = (await door.call('GET', '/api/v1/audit/entries?kind=evals.ran')).json as {
      items: { data: { run: string } }[];
    };
    return items.some(({ data }) => data.run === run.id);
  });
});

test('a case really runs only where its executor is declared for it, and an agent registers and runs nothing', async () => {
  const text = `name: outcomes
cases:
  - { name: the simulator heats, agent: sim-1, action: roaster.SET_POWER, parameters: { percent: 10 }, run: true, expect: { outcome: success } }
  - { name: it fails when told to, agent: sim-1, action: roaster.SET_POWER, parameters: { percent: 10, mode: fail }, run: true, expect: { effect: execute, outcome: failed } }
  - { name: the drum is not touched, agent: sim-1, action: roaster.SET_FAN, run: true, expect: { outcome: success } }
  - { name: what would wait is not asked for, agent: sim-1, action: oven.HEAT, run: true, expect: { outcome: waiting_for_approval } }
`;
  await mandate.evals.add(text);
  const run = await mandate.evals.run('outcomes');
  assert.deepEqual(problemsOf(run), [
    '',
    '',
    'outcome: expected success, but it was not run: The executor drum does not say evals: true. Say so only where it changes nothing outside, as a simulator.',
    '',
  ]);
  assert.ok(existsSync(`${TRACE}-simulated`));
  assert.ok(!existsSync(`${TRACE}-real`));
  const { body: act } = await callerOf(door).call<{ status: string; agent: string }>(
    `/api/v1/actions/${run.results[0]?.actId ?? ''}`,
  );
  assert.deepEqual([act.status, act.agent], ['success', 'sim-1']);
  assert.equal(run.results[3]?.actId, null);
  const agent = (await door.makeKey({ roles: ['agent'], agents: ['sim-1'] })).text;
  for (const path of ['evals', 'evals/outcomes/run'])
    assert.equal((await door.call('POST', `/api/v1/${path}`, { key: agent, body: { text } })).status, 403);
});

test('coverage is what passed under the charter in force: a failure, an edit and another charter take it away', async () => {
  const server = callerOf(door);
  const why = async () =>
    Object.fromEntries(
      (await mandate.evals.coverage('roastery')).types.map((type) => [type.commandType, type.why]),
    );
  await assert.rejects(mandate.evals.coverage(), /several sets; say which with set: roastery, kitchen/);
  await assert.rejects(
    mandate.evals.coverage('bakery'),
    /no governed set bakery; there is roastery, kitchen/,
  );
  // What agents did beside the listed commands has to be covered too.
  await ask(server, { action: 'roaster.SET_FAN' });
  await mandate.evals.add(`name: cover
cases:
  - { name: fan runs, action: roaster.SET_FAN, expect: { effect: execute } }
  - { name: fan is no toy, action: roaster.SET_FAN, expect: { tier: black } }
`);
  assert.deepEqual(await why(), {
    'roaster.SET_FAN': 'No case of it passed in the latest run. Look at what came instead.',
    'roaster.SET_POWER': null,
  });
  await mandate.evals.run('cover');
  const covered = await mandate.evals.coverage('roastery');
  assert.deepEqual([covered.covered, covered.total, covered.ratio, covered.passed], [2, 2, 1, false]);
  assert.equal((await mandate.evals.coverage('kitchen')).ratio, 1);

  // Another text is another version: its runs do not count before they were made.
  await mandate.evals.add(
    'name: cover\ncases:\n  - { name: fan runs, action: roaster.SET_FAN, expect: { tier: green } }\n',
  );
  assert.match((await why())['roaster.SET_FAN'] ?? '', /No case of it passed/);
  const line = await openCommandLine();
  const env = { MANDATE_URL: door.url, MANDATE_API_KEY: door.adminKey };
  const file = `${TRACE}.yaml`;
  await writeFile(
    file,
    'name: cover\ncases:\n  - { name: fan runs, action: roaster.SET_FAN, expect: { teir: green } }\n',
  );
  const wrong = await line.run(['eval', 'add', file], env);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /yaml:3:\d+ cases\[0\]\.expect\.teir: The key teir is unknown/);
  const ran = await line.run(['eval', 'run', 'cover'], env);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal((await why())['roaster.SET_FAN'], null);
  const put = await door.call('PUT', '/api/v1/charter', { body: { text: charterWith('second') } });
  assert.equal(put.status, 200, put.text);
  assert.deepEqual(await why(), {
    'roaster.SET_FAN': 'Its last run was by another charter. Run the eval set again.',
    'roaster.SET_POWER': 'Its last run was by another charter. Run the eval set again.',
  });
  await line.close();
  assert.deepEqual(door.errors(), []);
});

test('a run counts for thirty days, and a charter that cannot be read covers nothing', () => {
  const result = {
    name: 'a',
    action: 'roaster.SET_FAN',
    ok: true,
    problems: [],
    decision: null,
    outcome: null,
    actId: null,
    charterVersion: 'c',
  };
  const tallies = tallyOf([result]).map((tally) => ({ ...tally, startedMs: 0 }));
  const measure = (nowMs: number, charterVersion: string | null = 'c', commandTypes = ['roaster.SET_FAN']) =>
    measureCoverage({ commandTypes, isGoverned: () => true, tallies, charterVersion, nowMs });
  assert.deepEqual([measure(VALID_MS).ratio, measure(VALID_MS).passed], [1, true]);
  assert.deepEqual([measure(VALID_MS + 1).ratio, measure(VALID_MS + 1).passed], [0, false]);
  assert.match(measure(VALID_MS + 1).types[0]?.why ?? '', /more than 30 days old/);
  assert.equal(measure(0, null).ratio, 0);
  assert.equal(measure(0, 'c', []).ratio, null);
  assert.deepEqual(tallyOf([result, { ...result, ok: false }, { ...result, charterVersion: null }, result]), [
    { action: 'roaster.SET_FAN', charterVersion: 'c', passed: 2, failed: 1 },
    { action: 'roaster.SET_FAN', charterVersion: null, passed: 1, failed: 0 },
  ]);
});

test('there are two hundred eval sets at most; one more is refused, and one of them can still be changed', async () => {
  await door.database.admin`
    insert into mandate.eval_set (tenant, name, version, updated_at, updated_by)
    select ${door.app.tenant}, 'filler-' || n, 'v', now(), 'test'
    from generate_series(1, 200 - (select count(*) from mandate.eval_set where tenant = ${door.app.tenant})) n`;
  await assert.rejects(mandate.evals.add(`name: one-more\ncases:\n${CASE}`), (error: MandateProblem) => {
    assert.equal(error.problem.status, 422);
    assert.match(error.message, /There are 200 eval sets, and there is no room for more\. Add the cases/);
    return true;
  });
  assert.equal((await mandate.evals.add(`name: filler-1\ncases:\n${CASE}`)).name, 'filler-1');
  assert.equal((await mandate.evals.list()).length, 200);
});
