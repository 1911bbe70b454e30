// The first ten lines that somebody types are in the README. They are taken from there and run, on a copy of the charter
// and the project of examples/quickstart: what does not work as written there does not get past this test.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCommandLine } from '../test/command-line.ts';
import type { CommandLine, Ran } from '../test/command-line.ts';
import { commandLines } from '../test/docs/commands.ts';
import { root } from '../test/docs/page.ts';
import { until } from '../test/until.ts';

const MARK = '<!-- stories/the-readme-does-what-it-says.test.ts runs these lines -->';
/** Made by the project's own scripts, perhaps by whoever tried it in this clone. */
const MADE = ['build', 'production', 'production.previous', 'staging', 'staging.previous'];

/** The words after `npx mandate` of each line of the block below the mark. */
async function linesOfReadme(): Promise<readonly (readonly string[])[]> {
  const readme = await readFile(`${root}README.md`, 'utf8');
  const [, below, ...more] = readme.split(MARK);
  assert.ok(below !== undefined && more.length === 0, `README.md has ${MARK} once`);
  const [, script] = /^\n```sh\n(.*?)\n```\n/s.exec(below) ?? [];
  assert.ok(script !== undefined, 'the mark stands right above an sh block');
  const lines = commandLines(script);
  assert.equal(
    lines.length,
    script.split('\n').length,
    'every line of the block is a command line of mandate',
  );
  return lines;
}

interface MailServer {
  readonly url: string;
  /** What it has shown so far. */
  shown(): string;
  readonly process: ChildProcess;
}

/** The mail server of the quick start, which is a real one. */
async function startMail(): Promise<MailServer> {
  const child = spawn(process.execPath, [`${root}examples/quickstart/mail.mjs`], {
    env: { ...process.env, MAIL_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString('utf8')));
  const url = await until('the mail server listens', () => /smtp:\/\/[\d.:]+/.exec(shown)?.[0]);
  return { url, shown: () => shown, process: child };
}

describe('the lines of the README', () => {
  let line: CommandLine;
  let mail: MailServer;
  let folder: string;
  const ran: { readonly typed: string; readonly result: Ran }[] = [];

  /** What came of a line; words with a blank at the end are its beginning. */
  function outcome(words: string, code: number): Ran {
    const found = ran.find(({ typed }) => (words.endsWith(' ') ? typed.startsWith(words) : typed === words));
    assert.ok(found !== undefined, `README.md has no line "npx mandate ${words}"`);
    const { result, typed } = found;
    assert.equal(result.code, code, `npx mandate ${typed}\n${result.stdout}${result.stderr}`);
    return result;
  }

  async function journalHas(what: string, kind: string, action: string): Promise<void> {
    await until(what, async () => {
      const { stdout } = await line.run(['audit', 'search', '--kind', kind, '--json']);
      const { items } = JSON.parse(stdout) as { items: readonly { data: { action?: string } }[] };
      return items.some(({ data }) => (data.action ?? '') === action);
    });
  }

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'mandate-readme-')));
    await cp(`${root}examples/quickstart`, folder, {
      recursive: true,
      filter: (source) => !MADE.some((name) => source.endsWith(`/project/${name}`)),
    });
    line = await openCommandLine();
    mail = await startMail();
    await line.start(['--charter', join(folder, 'charter.yaml')], { MANDATE_SMTP_URL: mail.url });
    let approvalId = '';
    for (const words of await linesOfReadme()) {
      const typed = words.map((word) => (word === '<id>' ? approvalId : word));
      const result = await line.run(typed);
      ran.push({ typed: typed.join(' '), result });
      // As a person reads it: the inbox shows the command that approves.
      if (words[0] === 'inbox') approvalId = /approve ([0-9a-f-]{36})/.exec(result.stderr)?.[1] ?? '';
      // Nobody types as fast as this: the stop further down would reach a deployment that still runs.
      if (words[0] === 'approve' && result.code === 0)
        await journalHas('the approved deployment has run', 'action.succeeded', 'deploy.production');
    }
  });
  after(async () => {
    await line.close();
    mail.process.kill();
    await once(mail.process, 'exit');
    await rm(folder, { recursive: true, force: true });
  });

  test('green: the tests of the project really run, and the first success moves trust from 50 to 51', () => {
    const { stdout } = outcome('request builder-1 test.run_suite {"directory":"."}', 0);
    assert.match(stdout, /^success {2}test\.run_suite by builder-1/);
    assert.match(stdout, /pass [1-9]/, 'the report of the test runner is in the result');
    assert.match(stdout, /fail 0/);
    assert.match(stdout, /trust +50 → 51\b/);
  });

  test('red: a deployment waits, is in the inbox, and runs once a person has approved it', () => {
    outcome('request builder-1 deploy.production', 4);
    assert.match(outcome('inbox', 0).stdout, /deploy\.production by builder-1/);
    assert.match(outcome('approve ', 0).stdout, /^approved/);
    assert.ok(existsSync(join(folder, 'project/production/index.html')));
  });

  test('yellow: it runs at once, and the digest of the day reaches an inbox by a real mail server', async () => {
    assert.match(
      outcome('request builder-1 deploy.staging', 0).stdout,
      /^success {2}deploy\.staging by builder-1/,
    );
    assert.ok(existsSync(join(folder, 'project/staging/index.html')));
    assert.match(outcome('notify now', 0).stdout, /^sent {2}digest to ops@example\.org/);
    const shown = await until('both mails are shown', () =>
      mail.shown().includes('Green: test.run_suite') ? mail.shown() : null,
    );
    // What waits is told at once, what ran yellow in the digest.
    assert.match(
      shown,
      /To: ops@example\.org\nSubject: Mandate: approval needed \(builder-1\): deploy to production\n/,
    );
    assert.match(
      shown,
      /Subject: Mandate: builder-1 deployed to staging, deployed to production; 1 green; trust 50 → /,
    );
    assert.match(
      shown,
      /\nYellow\n\n- \d\d:\d\d deployed to staging: done\n {2}deploy\.staging, yellow · trace [0-9a-f]{32}\n/,
    );
    assert.match(shown, /\nRed\n\n- \d\d:\d\d deployed to production: done\n/);
    assert.match(shown, /\nTrust 50 → [\d.]+: /);
  });

  test('black: exposing secrets is denied', () => {
    assert.match(outcome('request builder-1 secrets.expose', 3).stderr, /never allowed/);
  });

  test('the agent shows its trust and how it came about', () => {
    assert.match(outcome('agent show builder-1', 0).stdout, /50 → 51/);
  });

  test('a stop is confirmed, stops the next call, and is lifted with a reason', () => {
    assert.match(outcome('stop ', 0).stdout, /^Stopped\./);
    outcome('request builder-1 test.run_suite', 5);
    assert.match(outcome('resume ', 0).stdout, /^Resumed\./);
  });

  test('every step of it is in the journal', async () => {
    assert.match(outcome('audit search', 0).stdout, /action\.succeeded +builder-1 +action=test\.run_suite/);
    for (const [kind, action] of [
      ['action.succeeded', 'deploy.production'],
      ['action.held', 'deploy.production'],
      ['approval.approved', ''],
      ['action.denied', 'secrets.expose'],
      ['action.denied', 'test.run_suite'],
      ['trust.moved', ''],
      ['stop.confirmed', ''],
      ['stop.resumed', ''],
    ] as const)
      await journalHas(`${kind} ${action} is in the journal`, kind, action);
  });

  test('the agent, with its own key, can neither approve nor resume nor unfreeze nor speak for another', async () => {
    const made = await line.run(['key', 'create', '--role', 'agent', '--agent', 'builder-1']);
    assert.equal(made.code, 0, made.stderr);
    const asAgent = (...words: readonly string[]): Promise<Ran> =>
      line.run(words, { MANDATE_API_KEY: made.stdout.trim() });
    const held = await asAgent('request', 'builder-1', 'deploy.production', '{"again":true}', '--json');
    assert.equal(held.code, 4, held.stderr);
    const { approval } = JSON.parse(held.stdout) as { approval: { id: string } };
    const refused = async (...words: readonly string[]): Promise<void> => {
      const { code, stdout, stderr } = await asAgent(...words);
      assert.equal(code, 3, `${words.join(' ')}\n${stdout}${stderr}`);
    };
    await refused('approve', approval.id);
    const inbox = await line.run(['inbox', '--json']);
    assert.match(inbox.stdout, new RegExp(approval.id), 'it still waits');

    assert.equal((await line.run(['agent', 'freeze', 'builder-1', '--reason', 'looking'])).code, 0);
    await refused('agent', 'unfreeze', 'builder-1', '--reason', 'it was not me');
    assert.equal((await line.run(['agent', 'unfreeze', 'builder-1', '--reason', 'all is well'])).code, 0);

    assert.equal((await line.run(['stop', '--reason', 'looking'])).code, 0);
    await refused('resume', '--reason', 'let me go on');
    assert.equal((await asAgent('request', 'builder-1', 'test.run_suite')).code, 5, 'it is still stopped');
    assert.equal((await line.run(['resume', '--reason', 'all is well'])).code, 0);

    await refused('request', 'builder-2', 'test.run_suite');
    assert.equal((await line.run(['agent', 'show', 'builder-2'])).code, 1, 'nobody has heard of builder-2');
  });
});
