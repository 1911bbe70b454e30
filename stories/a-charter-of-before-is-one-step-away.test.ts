// What a person does with the law besides writing it: check it, test it, ask why, look at the versions, compare two, go
// back to one. Over HTTP, at the command line and from a program, against a real server.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { createMandate, MandateProblem } from '@mandate/sdk';
import type { Mandate } from '@mandate/sdk';
import { wholeFile } from '../test/closing.ts';
import { openCommandLine } from '../test/command-line.ts';
import type { CommandLine, Ran } from '../test/command-line.ts';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';

const FIRST = `# the first one
version: 1
extends: default
users: { ada: { roles: [tech-lead] } }
tiers:
  yellow:
    actions:
      - mail.send
      - { match: 'mail.*', role: tech-lead }
`;
const SECOND = FIRST.replace('      - mail.send\n', '').replace('# the first one', '# stricter');

const whole = wholeFile();
let door: Door;
let line: CommandLine;
let person: Mandate;
let versions: readonly [first: string, second: string];

before(async () => {
  door = await openDoor(whole);
  line = await openCommandLine();
  whole.after(() => line.close());
  person = createMandate({ url: door.url, apiKey: door.adminKey });
  versions = [await put(FIRST, 'the first'), await put(SECOND, 'mail waits')];
});

async function put(text: string, note: string): Promise<string> {
  const answer = await door.call('PUT', '/api/v1/charter', { body: { text, note } });
  assert.equal(answer.status, 200, answer.text);
  return String(answer.json?.['version']);
}

const run = (...args: readonly string[]): Promise<Ran> =>
  line.run(args, { MANDATE_URL: door.url, MANDATE_API_KEY: door.adminKey });

/** The last document on stdout. */
function json(ran: Ran): Record<string, unknown> {
  return JSON.parse(ran.stdout);
}

test('an explanation names every rule considered, over all three doors alike', async () => {
  const [first] = versions;
  const asked = { agent: 'writer-1', action: 'mail.send' };
  const answer = await door.call('POST', '/api/v1/decisions?explain=all', { body: asked });
  const { considered, meant } = answer.json as { considered: Record<string, unknown>[]; meant: unknown };
  assert.deepEqual(
    considered.map(({ pattern, standing, selectors }) => [pattern, standing, selectors]),
    [['mail.*', 'selectors', { role: ['tech-lead'] }]],
  );
  assert.equal(meant, null);
  const told = await person.policy.explain(asked);
  assert.deepEqual([told.decision.tier, told.considered, told.meant], ['red', considered, null]);
  assert.equal(
    (await person.policy.explain({ ...asked, action: 'deploy.prodution' })).meant,
    'deploy.production',
  );
  const shown = await run('policy', 'explain', 'mail.send', '--agent', 'writer-1');
  assert.match(shown.stdout, /^mail\.send by writer-1 would wait for a person/);
  assert.match(shown.stdout, /mail\.\*\s+yellow charter\.yaml:8:9 .*\n\s+It is only for role tech-lead/);

  // The same question to a file that is in force nowhere, and as somebody whom the file gives a role.
  const file = join(line.dataDir, 'first.yaml');
  await writeFile(file, FIRST);
  const offline = json(
    await run(
      'policy',
      'explain',
      'mail.send',
      '--charter',
      file,
      '--user',
      'ada',
      '--trust',
      '55',
      '--json',
    ),
  );
  const decision = offline['decision'] as Record<string, unknown>;
  assert.deepEqual(
    [decision['tier'], decision['rule'], decision['charterVersion']],
    ['yellow', 'mail.send', first],
  );
  const wrong = await run('policy', 'explain', 'mail.send', '--trust', '55');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--trust goes with --charter/);
});

test('a charter is checked with its warnings, and --strict makes them fail', async () => {
  const file = join(line.dataDir, 'vain.yaml');
  const text = `${FIRST}  black:\n    actions: ['mail.*']\n`;
  await writeFile(file, text);
  const checked = await run('policy', 'check', file, '--strict');
  assert.equal(checked.code, 1);
  assert.match(
    checked.stdout,
    /^warning vain\.yaml:8:9 tiers\.yellow\.actions\[0\]: This yellow rule for mail\.send never decides/,
  );
  const answer = await person.policy.check(text);
  assert.ok(answer.ok);
  assert.match(answer.warnings[0]?.text ?? '', /^charter\.yaml:8:9 tiers\.yellow\.actions\[0\]: /);
  const refused = await person.policy.check('version: 1\ntears: {}\n');
  assert.ok(!refused.ok);
  assert.match(refused.problems[0]?.text ?? '', /^charter\.yaml:2:1 tears: /);
});

test('cases hold or fail at the command line, over HTTP and from a program', async () => {
  const file = join(line.dataDir, 'tested.yaml');
  await writeFile(file, FIRST);
  const cases = `cases:
  - { name: mail is told of, action: mail.send, expect: { tier: yellow } }
  - { name: mail waits, action: mail.send, expect: { tier: red } }
`;
  const none = await run('policy', 'test', file);
  assert.equal(none.code, 1);
  assert.match(none.stdout, /There are no cases for this charter\. Write tested\.cases\.yaml beside it/);
  await writeFile(join(line.dataDir, 'tested.cases.yaml'), cases);
  const tested = await run('policy', 'test', file);
  assert.equal(tested.code, 1);
  assert.match(
    tested.stdout,
    /^ok {5}mail is told of\nfailed mail waits \(tested\.cases\.yaml:3:5\)\n\s+tier: expected red, is yellow\.\n/,
  );
  assert.match(tested.stderr, /1 of 2 cases hold\. 1 do not\./);
  const one = { name: 'mail waits', action: 'mail.send', expect: { tier: 'red' } } as const;
  const inForce = await person.policy.test([one]);
  assert.deepEqual([inForce.ok, 'passed' in inForce && inForce.passed], [true, 1]);
  const proposed = await person.policy.test([one], { charter: FIRST });
  assert.ok('results' in proposed);
  assert.deepEqual([proposed.ok, proposed.results[0]?.problems], [false, ['tier: expected red, is yellow.']]);
  assert.ok(!(await person.policy.test([one], { charter: 'version: 2\n' })).ok);
});

test('versions are listed with author, note and time, shown as written, and compared', async () => {
  const [first, second] = versions;
  const { items, history } = await person.policy.versions();
  assert.deepEqual(
    items.slice(0, 2).map(({ version, note, active }) => [version, note, active]),
    [
      [second, 'mail waits', true],
      [first, 'the first', false],
    ],
  );
  assert.equal(history[0]?.previous, first);
  assert.match(history[0]?.at ?? '', /^\d{4}-\d{2}-\d{2}T/);
  assert.ok(history[0]?.author.startsWith('key:'), history[0]?.author);
  const shown = await run('policy', 'show', first.slice(0, 8));
  assert.equal(shown.stdout.trimEnd(), FIRST.trimEnd());
  assert.match(shown.stderr, /the first/);
  assert.equal((await person.policy.version(first)).sources.at(-1)?.text, FIRST);
  const diff = await run('policy', 'diff-versions', first.slice(0, 12));
  assert.equal(diff.stdout, '- rule mail.send: yellow\n');
  const told = await person.policy.diffVersions(second, first);
  assert.deepEqual(
    told.rules.added.map(({ match, tier }) => [match, tier]),
    [['mail.send', 'yellow']],
  );
  const listed = await run('policy', 'versions');
  assert.match(listed.stdout, new RegExp(`→\\s+${second.slice(0, 12)}.*activated.*mail waits`));
});

test('an administrator goes back with a reason, decisions change at once, and nobody else goes anywhere', async () => {
  const [first, second] = versions;
  const tier = async (): Promise<string> =>
    (await person.decide({ agent: 'writer-1', action: 'mail.send' })).tier;
  assert.equal(await tier(), 'red');
  const reason = 'it held every mail';
  const operator = await door.makeKey({ roles: ['operator'] });
  const refused = await door.call('POST', '/api/v1/charter/rollback', {
    key: operator.text,
    body: { version: first, reason },
  });
  assert.equal(refused.status, 403);
  const silent = await door.call('POST', '/api/v1/charter/rollback', { body: { version: first } });
  assert.equal(silent.status, 422);
  assert.equal((await run('policy', 'rollback', first)).code, 2, 'without a reason');

  const back = await run('policy', 'rollback', first.slice(0, 8), '--reason', reason);
  assert.equal(back.code, 0, back.stderr);
  assert.equal(back.stdout, `${first.slice(0, 12)} is in force; before it was ${second.slice(0, 12)}.\n`);
  assert.equal(await tier(), 'yellow');
  const forth = await person.policy.rollback({ version: second, reason: 'after all' });
  assert.deepEqual(forth, { version: second, previous: first, changed: true, approval: null });
  assert.equal(await tier(), 'red');
  assert.equal((await person.policy.rollback({ version: second, reason: 'again' })).changed, false);

  const { history } = await person.policy.versions();
  assert.deepEqual(
    history.slice(0, 2).map(({ kind, version, note }) => [kind, version, note]),
    [
      ['rolled_back', second, 'after all'],
      ['rolled_back', first, reason],
    ],
  );
  await assert.rejects(
    person.policy.rollback({ version: 'f'.repeat(64), reason }),
    (error: unknown) => error instanceof MandateProblem && error.problem.code === 'not_found',
  );
  const odd = await door.call('GET', '/api/v1/charter/versions/main');
  assert.deepEqual([odd.status, odd.json?.['code']], [404, 'not_found']);
});

test('where the charter asks people first, going back waits for them as any change does', async () => {
  const [first] = versions;
  const guarded = await put(
    `${FIRST}approvals: { charter: { approvers: [tech-lead] } }\n`,
    'two pairs of eyes',
  );
  const asked = await run('policy', 'rollback', first, '--reason', 'too slow', '--json');
  assert.equal(asked.code, 4, asked.stderr);
  const { version, changed, approval } = json(asked) as {
    version: string;
    changed: boolean;
    approval: { id: string; digest: string };
  };
  assert.deepEqual([version, changed], [guarded, false]);
  const lead = await door.makeKey({ roles: ['tech-lead'], user: { id: 'ada' } });
  const voted = await door.call('POST', `/api/v1/approvals/${approval.id}/decision`, {
    key: lead.text,
    body: { decision: 'approve', digest: approval.digest },
  });
  assert.equal(voted.status, 200, voted.text);
  const { history } = await person.policy.versions();
  assert.deepEqual(
    [history[0]?.version, history[0]?.kind, history[0]?.previous],
    [first, 'rolled_back', guarded],
  );
});
