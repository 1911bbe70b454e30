// The everyday commands as somebody at a shell meets them: real processes against a real server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCommandLine } from '../../../test/command-line.ts';
import type { CommandLine, Ran, RunningServer } from '../../../test/command-line.ts';
import { openPeer } from '../../../test/peer.ts';
import type { CharterOrigin } from '../decide/charter/origin.ts';
import { loadConfig } from '../platform/config/config.ts';
import { SETTINGS } from '../platform/config/settings.ts';
import { EXIT } from './exit.ts';
import { greeting } from './greeting.ts';
import { locate, removeNote, writeNote } from './location.ts';
import { START_FLAGS } from './start.ts';

const CHARTER = `version: 1
extends: default
executors:
  say: { command: [${JSON.stringify(process.execPath)}, -e, "console.log('said')"] }
actions:
  test.run_suite: { executor: say }
  deploy.production: { executor: say }
`;

function json(ran: Ran): Record<string, unknown> {
  return JSON.parse(ran.stdout);
}

/** `decision.tier` of a document. */
function at(document: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], document);
}

describe('with a server', () => {
  let line: CommandLine;
  let server: RunningServer;
  let agentKey: string;

  before(async () => {
    line = await openCommandLine();
    const charter = join(line.dataDir, 'charter.yaml');
    await writeFile(charter, CHARTER);
    server = await line.start(['--charter', charter]);
    const made = await line.run(['key', 'create', '--role', 'agent', '--agent', 'builder-1']);
    assert.equal(made.code, EXIT.ok, made.stderr);
    agentKey = made.stdout.trim();
  });
  after(() => line.close());

  const asAgent = (...args: readonly string[]): Promise<Ran> => line.run(args, { MANDATE_API_KEY: agentKey });

  test('the greeting tells where everything is, and the key this once', () => {
    const greeting = server.stderr();
    for (const expected of [
      server.url,
      `${server.url}/reference`,
      line.dataDir,
      'charter.yaml (version ',
      'mdt_',
      '/#key=mdt_',
      'mandate stop',
      'mandate request',
    ]) {
      assert.ok(greeting.includes(expected), `${expected} is missing in\n${greeting}`);
    }
    assert.deepEqual(at(server.greeting, 'adminKey'), {
      kind: 'created',
      path: join(line.dataDir, 'admin.key'),
    });
  });

  test('an allowed action is done, with exit code 0 and its result on stdout', async () => {
    const ran = await asAgent('request', 'builder-1', 'test.run_suite', '{}', '--json');
    assert.equal(ran.code, EXIT.ok, ran.stderr);
    assert.equal(at(json(ran), 'status'), 'success');
    assert.equal(at(json(ran), 'trust.after'), 51);
    const forPeople = await asAgent('request', 'builder-1', 'test.run_suite');
    assert.match(forPeople.stdout, /^success {2}test\.run_suite by builder-1/);
    assert.ok(!forPeople.stdout.includes('\u001B'), 'no colours where no terminal is');
  });

  test('a denied action ends with exit code 3, its reason and what to do next on stderr', async () => {
    const ran = await asAgent('request', 'builder-1', 'audit.delete');
    assert.equal(ran.code, EXIT.denied);
    assert.equal(ran.stdout, '');
    assert.match(ran.stderr, /because +The rule audit\.delete .* says black/);
    assert.match(ran.stderr, /next +The charter forbids this action/);
    const asJson = await asAgent('request', 'builder-1', 'audit.delete', '--json');
    assert.equal(asJson.code, EXIT.denied);
    assert.equal(at(json(asJson), 'code'), 'denied');
  });

  test('a held action ends with exit code 4; approved exactly as shown it runs', async () => {
    const waiting = asAgent(
      'request',
      'builder-1',
      'deploy.production',
      '{"commit":"a1"}',
      '--wait',
      '30',
      '--json',
    );
    const held = await asAgent('request', 'builder-1', 'deploy.production', '{"commit":"a2"}', '--json');
    assert.equal(held.code, EXIT.held, held.stderr);
    const items = (await inbox(2)).toSorted((a, b) =>
      String(at(a, 'display.parameters.commit')).localeCompare(String(at(b, 'display.parameters.commit'))),
    );
    const [first, second] = items.map((item) => String(at(item, 'id')));
    const other = await line.run(['approve', first ?? '', '--digest', '0123456789']);
    assert.equal(other.code, EXIT.failure, 'a digest that was not shown decides nothing');
    const approved = await line.run(['approve', first ?? '', '--reason', 'reviewed']);
    assert.equal(approved.code, EXIT.ok, approved.stderr);
    assert.match(approved.stderr, /commit: a1/, 'what is approved is shown');
    const done = await waiting;
    assert.equal(done.code, EXIT.ok, done.stderr);
    assert.equal(at(json(done), 'status'), 'success');
    // The id of the act is as good as that of its approval.
    const denied = await line.run(['deny', String(at(json(held), 'id')), '--reason', 'not today', '--json']);
    assert.equal(at(json(denied), 'id'), second);
    assert.equal(at(json(denied), 'status'), 'denied');
  });

  /** Asks until so many wait: one of the requests runs beside this. */
  async function inbox(count: number): Promise<readonly unknown[]> {
    for (let looks = 0; looks < 20; looks += 1) {
      const items = json(await line.run(['inbox', '--json']))['items'];
      if (Array.isArray(items) && items.length === count) return items;
    }
    throw new Error(`there were never ${count} in the inbox`);
  }

  test('a stop is confirmed, requests then end with exit code 5, until it is lifted with a reason', async () => {
    const stopped = await line.run(['stop', '--reason', 'drill', '--json']);
    assert.equal(stopped.code, EXIT.ok, stopped.stderr);
    assert.equal(at(json(stopped), 'via'), 'server');
    assert.equal(at(json(stopped), 'confirmed'), true);
    assert.equal((await asAgent('request', 'builder-1', 'test.run_suite')).code, EXIT.stopped);
    assert.match((await line.run(['status'])).stdout, /stopped\n.*tenant \(stop\).*drill/);
    assert.equal((await line.run(['resume'])).code, EXIT.usage, 'without a reason nothing is lifted');
    assert.equal(
      (await line.run(['resume', '--reason', 'mine'], { MANDATE_API_KEY: agentKey })).code,
      EXIT.denied,
    );
    const resumed = await line.run(['resume', '--reason', 'the drill is over', '--json']);
    assert.equal(resumed.code, EXIT.ok, resumed.stderr);
    assert.equal((await asAgent('request', 'builder-1', 'test.run_suite')).code, EXIT.ok);
  });

  test('the same idempotency key gives the same act', async () => {
    const [one, two] = [
      await asAgent('request', 'builder-1', 'test.run_suite', '--idempotency-key', 'k1', '--json'),
      await asAgent('request', 'builder-1', 'test.run_suite', '--idempotency-key', 'k1', '--json'),
    ];
    assert.equal(at(json(one), 'id'), at(json(two), 'id'));
  });

  test('every command that reads prints one JSON document with --json, and something for people without', async () => {
    const commands = [
      ['status'],
      ['doctor'],
      ['inbox'],
      ['agent', 'list'],
      ['agent', 'show', 'builder-1'],
      ['agent', 'trust', 'builder-1', '--from', '1h'],
      ['trust', 'simulate', '--all'],
      ['flag', 'get'],
      ['flag', 'get', 'autonomy.mode'],
      ['grant', 'list'],
      ['key', 'list'],
      ['incident', 'list', '--status', 'open', '--limit', '5'],
      ['notify', 'list', '--status', 'sent'],
      ['audit', 'search', '--limit', '5'],
      ['config', 'show', '--origin'],
      ['policy', 'explain', 'deploy.production'],
    ];
    for (const command of commands) {
      const [document, people] = await Promise.all([line.run([...command, '--json']), line.run(command)]);
      assert.equal(document.code, EXIT.ok, `${command.join(' ')}: ${document.stderr}`);
      assert.doesNotThrow(() => json(document), command.join(' '));
      assert.equal(people.code, EXIT.ok, command.join(' '));
      assert.ok(people.stdout.length + people.stderr.length > 0, command.join(' '));
    }
  });

  test('settings of trust are read from a file and tried out; a file without any is a usage error', async () => {
    const file = join(line.dataDir, 'settings.yaml');
    await writeFile(file, 'trust: { success: { medium: 40 }, gainPerDay: 100 }\n');
    const ran = await line.run(['trust', 'simulate', file, '--against', '1d']);
    assert.equal(ran.code, EXIT.ok, ran.stderr);
    assert.match(ran.stdout, /builder-1 .*\(standard\) .*\(autonomous\) .*level/);
    assert.match(ran.stderr, /of 1 agent 1 would differ/);
    await writeFile(file, '[1, 2]\n');
    assert.equal((await line.run(['trust', 'simulate', file])).code, EXIT.usage);
    const wrong = await line.run(['trust', 'simulate', '--against', 'long']);
    assert.equal(wrong.code, EXIT.usage, wrong.stderr);
  });

  test('an explanation lists the rules considered, in order, and why each did or did not decide', async () => {
    const told = await line.run(['policy', 'explain', 'git.merge', '{"branch":"main"}', '--json']);
    const considered = json(told)['considered'];
    assert.ok(Array.isArray(considered) && considered.length > 0, told.stdout);
    assert.deepEqual(
      considered.map((rule) => [at(rule, 'pattern'), at(rule, 'standing')]),
      [['git.merge', 'matched']],
    );
    assert.match((await line.run(['policy', 'explain', 'git.merge'])).stdout, /→ git\.merge/);
    const none = await line.run(['policy', 'explain', 'never.heard']);
    assert.match(none.stdout, /None names this action\./);
  });

  test('agents are frozen and let go, flags set, grants given and revoked, keys revoked', async () => {
    const frozen = await line.run(['agent', 'freeze', 'builder-1', '--reason', 'odd', '--json']);
    assert.equal(at(json(frozen), 'frozen'), true);
    assert.notEqual((await asAgent('request', 'builder-1', 'test.run_suite')).code, EXIT.ok);
    assert.equal((await line.run(['agent', 'unfreeze', 'builder-1', '--reason', 'looked at'])).code, EXIT.ok);
    assert.equal(
      (await line.run(['flag', 'set', 'autonomy.mode', 'SUPERVISED', '--reason', 'visitors'])).code,
      EXIT.ok,
    );
    assert.equal((await line.run(['flag', 'get', 'autonomy.mode'])).stdout, 'SUPERVISED\n');
    assert.equal(
      (await line.run(['flag', 'set', 'autonomy.mode', 'FULL', '--reason', 'gone'])).code,
      EXIT.ok,
    );
    const grant = json(
      await line.run([
        'grant',
        'create',
        'helper-1',
        'test.*',
        '--purpose',
        'tests',
        '--expires',
        '2h',
        '--json',
      ]),
    );
    assert.equal((await line.run(['grant', 'revoke', String(grant['id'])])).code, EXIT.ok);
    const key = json(await line.run(['key', 'create', '--role', 'viewer', '--label', 'anna', '--json']));
    assert.equal((await line.run(['key', 'revoke', String(key['id'])])).code, EXIT.ok);
    assert.equal(
      (await line.run(['status'], { MANDATE_API_KEY: String(key['text']) })).code,
      EXIT.denied,
      'a revoked key opens nothing',
    );
    const examined = await line.run(['doctor', '--json'], { MANDATE_API_KEY: String(key['text']) });
    assert.equal(examined.code, EXIT.failure, 'nor does the doctor call it well');
    const checks = at(json(examined), 'checks') as { name: string; state: string }[];
    assert.deepEqual(
      checks.filter(({ state }) => state === 'fail').map(({ name }) => name),
      ['key'],
    );

    // The last one that can make others stays.
    const { items } = json(await line.run(['key', 'list', '--json'])) as {
      items: readonly { id: string; roles: readonly string[] }[];
    };
    const [first] = items.filter(({ roles }) => roles.includes('admin'));
    const last = await line.run(['key', 'revoke', first?.id ?? '']);
    assert.equal(last.code, EXIT.failure);
    assert.match(last.stderr, /last admin key that stands.*key create --role admin/);
    assert.equal((await line.run(['status'])).code, EXIT.ok);
  });

  test('a second server on the same port is told so, before anything is opened', async () => {
    const ran = await line.run(['start', '--port', new URL(server.url).port]);
    assert.equal(ran.code, EXIT.failure);
    assert.match(ran.stderr, /Port \d+ on 127\.0\.0\.1 is in use\.[\s\S]*--port/);
    const barred = await line.run(['start', '--port', '4190']);
    assert.equal(barred.code, EXIT.usage);
    assert.match(barred.stderr, /Port 4190 .*refuse to open[\s\S]*--port/);
  });

  test('control characters in what an agent sends cannot command the terminal of an approver', async () => {
    await asAgent(
      'request',
      'builder-1',
      'deploy.production',
      JSON.stringify({ note: '\u001B[2Jcleared\u202Egnp.exe' }),
    );
    const shown = await line.run(['inbox']);
    assert.match(shown.stdout, /note: \\u001b\[2Jcleared\\u202egnp\.exe/);
    assert.doesNotMatch(shown.stdout, /(?!\n)\p{Cc}|\p{Bidi_Control}/u);
  });
});

describe('without a server', () => {
  let line: CommandLine;
  before(async () => {
    line = await openCommandLine();
  });
  after(() => line.close());

  /** An address where nothing listens: it was free a moment ago. */
  async function nowhere(): Promise<string> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    probe.close();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 1}`;
  }

  test('a server that cannot be reached is exit code 69, with what to do', async () => {
    const MANDATE_URL = await nowhere();
    for (const command of [['status'], ['inbox'], ['request', 'a', 'b.c']]) {
      const ran = await line.run([...command, '--json'], { MANDATE_URL });
      assert.equal(ran.code, EXIT.unreachable, ran.stderr);
      assert.equal(at(json(ran), 'code'), 'unreachable');
      assert.match(ran.stderr, /connection refused[\s\S]*mandate start/);
    }
  });

  test('the first server on a data directory is the one that commands find, as long as it answers', async (t) => {
    const dataDir = join(line.dataDir, 'shared');
    await mkdir(dataDir);
    const found = async (): Promise<string> =>
      (await locate(loadConfig({ env: { MANDATE_DATA_DIR: dataDir } }))).url;
    const peer = await openPeer(t, (_request, response) => response.end('{"status":"healthy"}'));
    const one = { url: peer.url, pid: 1 };
    const two = { url: await nowhere(), pid: 2 };
    assert.equal(await writeNote(dataDir, one), null);
    assert.equal(await writeNote(dataDir, two), one.url);
    await removeNote(dataDir, two.pid);
    assert.equal(await found(), one.url, 'the second takes nothing away with it');
    // The note of one that has crashed keeps nobody from writing theirs.
    await removeNote(dataDir, one.pid);
    assert.equal(await writeNote(dataDir, two), null);
    assert.equal(await writeNote(dataDir, one), null);
    assert.equal(await found(), one.url);
  });

  test('the greeting names the charter that counts, also where that is not the file', () => {
    const charter = (kind: CharterOrigin['kind'] | null): string =>
      greeting(
        {
          config: loadConfig({ env: { MANDATE_CHARTER: join(line.dataDir, 'nope.yaml') } }),
          serving: {
            url: 'http://127.0.0.1:1',
            adminKey: { kind: 'kept', path: 'admin.key' },
            charter: kind === null ? null : { kind, version: 'e37b'.repeat(16), by: 'user:ada', atMs: 0 },
            database: '',
            close: () => Promise.resolve(),
          },
          version: '0',
          self: 'mandate',
          tookMs: 0,
          isStopped: false,
        },
        (text) => text,
      );
    assert.match(charter('file'), /nope\.yaml \(version e37be37be37b\)/);
    assert.match(
      charter('refused'),
      /nope\.yaml was not taken: .*\s+in force is version e37b\w+, from user:ada/,
    );
    assert.match(
      charter('elsewhere'),
      /in force is version e37b\w+, from user:ada at .*\s.*nope\.yaml is older/,
    );
    assert.match(charter(null), /nothing is decided/);
  });

  test('a stop of a server on another machine never touches what lies here', async () => {
    const ran = await line.run(['stop'], { MANDATE_URL: 'http://mandate.invalid:4007' });
    assert.equal(ran.code, EXIT.unreachable);
    assert.match(ran.stderr, /Nothing was stopped/);
  });

  test('whatever is typed wrong is exit code 2, told on stderr', async () => {
    for (const command of [
      ['nonsense'],
      ['request', 'only-agent'],
      ['request', 'a', 'b.c', '{bad'],
      ['request', 'a', 'b.c', '[]'],
      ['stop', '--level', 'hard'],
      ['stop', '--scope', 'everything'],
      ['approve', '123'],
      ['flag', 'set', 'x', 'y'],
      ['start', '--port', 'http'],
      ['completion', 'nosh'],
      ['audit', 'search', '--from', 'yesterday-ish'],
      ['agent'],
    ]) {
      const ran = await line.run(command);
      assert.equal(ran.code, EXIT.usage, `${command.join(' ')}: ${ran.stderr}`);
      assert.equal(ran.stdout, '', command.join(' '));
      assert.notEqual(ran.stderr, '', command.join(' '));
    }
  });

  test('an unknown setting is refused with the name that was probably meant', async () => {
    const ran = await line.run(['status'], { MANDATE_CHARTR: 'x' });
    assert.equal(ran.code, EXIT.usage);
    assert.match(ran.stderr, /MANDATE_CHARTR is not known. Did you mean MANDATE_CHARTER/);
  });

  test('a charter is checked with every mistake at its line and column', async () => {
    const good = join(line.dataDir, 'good.yaml');
    const bad = join(line.dataDir, 'bad.yaml');
    await writeFile(good, CHARTER);
    await writeFile(
      bad,
      'version: 1\nextends: default\ncolour: red\ntiers:\n  green:\n    actions: [{ match: git.read, when: "paramters.x == 1" }]\n',
    );
    assert.equal((await line.run(['policy', 'check', good])).code, EXIT.ok);
    const ran = await line.run(['policy', 'check', bad]);
    assert.equal(ran.code, EXIT.failure);
    assert.match(ran.stdout, /bad\.yaml:3:\d+ colour: /);
    assert.match(ran.stdout, /bad\.yaml:6:\d+ tiers\.green\.actions\[0\]/);
    await writeFile(bad, 'a: [1\n'.repeat(200));
    const many = await line.run(['policy', 'check', bad]);
    assert.ok(many.stdout.trim().split('\n').length <= 21, many.stdout);
    await writeFile(
      bad,
      'version: 1\nextends: default\ncolour: red\ntiers: { green: { actions: [{ mach: a.b }] } }\n',
    );
    const started = await line.run(['start', '--port', '0', '--charter', bad]);
    assert.equal(started.code, EXIT.failure);
    assert.match(started.stderr, /bad\.yaml:3:\d+[\s\S]*bad\.yaml:4:\d+/);
  });

  test('completion prints a script for the shell, and the commands to complete with', async () => {
    for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
      const ran = await line.run(['completion', shell]);
      assert.equal(ran.code, EXIT.ok, ran.stderr);
      assert.match(ran.stdout, /mandate/);
    }
    assert.match((await line.run(['complete', '--', 'agent', 'unf'])).stdout, /^unfreeze/);
  });

  test('the help names every exit code, and starts with nothing heavy', async () => {
    const ran = await line.run(['--help']);
    assert.equal(ran.code, EXIT.ok);
    for (const code of Object.values(EXIT)) assert.match(ran.stdout, new RegExp(`\\b${code}\\b`));
  });

  test('start has a flag for every setting that has one', () => {
    const flags = Object.values(SETTINGS).flatMap(({ flag }) => flag ?? []);
    assert.deepEqual([...START_FLAGS, 'data-dir'].toSorted(), flags.toSorted());
  });
});
