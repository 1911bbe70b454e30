// `mandate demo` is the first thing that many people see of Mandate. It must show a real session, fail when anything is
// not as promised, and leave the machine as it found it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../test/until.ts';

interface Move {
  readonly tried: string;
  readonly tier: string | null;
  readonly actionId: string | null;
  readonly reasons: readonly string[];
  readonly seen: Readonly<Record<string, unknown>>;
}

interface Told {
  readonly ok: boolean;
  readonly scenes: readonly {
    readonly name: string;
    readonly moves: readonly Move[];
    readonly journal: readonly {
      readonly position: number;
      readonly kind: string;
      readonly actionId: string | null;
    }[];
  }[];
  readonly agents: readonly { readonly agent: string; readonly before: number; readonly after: number }[];
}

const MAIN = fileURLToPath(new URL('../server/src/main.ts', import.meta.url));

/** The demo in a process of its own, with a temporary directory of its own to look into afterwards. */
async function startDemo(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const temporary = await mkdtemp(join(tmpdir(), 'story-demo-'));
  t.after(() => rm(temporary, { recursive: true, force: true }));
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(MANDATE_|NODE_|npm_|DATABASE_URL$|PORT$)/.test(name)),
  );
  const child = spawn(process.execPath, ['--conditions=mandate-source', MAIN, 'demo', ...args], {
    env: { ...inherited, TMPDIR: temporary, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await closed;
  });
  const talk = text(child.stderr);
  const ended = async () => {
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), talk, closed]);
    return { code, stdout, stderr };
  };
  return { child, temporary, ended };
}

/** Processes whose command line or directory names the place: the server, its Postgres, the upstream. */
async function processesIn(place: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return command.includes(place) ? command.replaceAll('\0', ' ') : null;
    }),
  );
  return found.filter((command) => command !== null);
}

async function leavesNothing(temporary: string): Promise<void> {
  assert.deepEqual(await readdir(temporary), []);
  assert.deepEqual(await processesIn(temporary), []);
}

test('a read runs, a change is noted, .env waits, the audit log stays, a leak is caught, a stop stops; nothing is left behind', async (t) => {
  // Settings of whoever runs it must not lead it to their server or their database.
  const { temporary, ended } = await startDemo(t, ['--json'], {
    MANDATE_URL: 'http://127.0.0.1:9',
    MANDATE_API_KEY: 'mdt_of_somebody',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:9/nothing',
  });
  const { code, stdout, stderr } = await ended();
  assert.equal(code, 0, stderr);
  const { ok, scenes, agents } = JSON.parse(stdout) as Told;
  assert.equal(ok, true);
  assert.deepEqual(
    scenes.map(({ name }) => name),
    ['read', 'change', 'env', 'audit', 'leak', 'stop'],
  );
  const seenIn = (name: string): readonly Move['seen'][] =>
    scenes.filter((scene) => scene.name === name).flatMap(({ moves }) => moves.map(({ seen }) => seen));

  assert.partialDeepStrictEqual(seenIn('read'), [
    { tier: 'green', status: 'success', answer: '# Greeter\n\nSays hello. Settings come from .env.\n' },
  ]);
  assert.partialDeepStrictEqual(seenIn('change'), [
    { tier: 'yellow', status: 'success', file: 'export const greet = (name) => `Welcome, ${name}`;\n' },
  ]);
  assert.partialDeepStrictEqual(seenIn('env'), [
    { tier: 'red', status: 'waiting_for_approval', file: null },
    { exitCode: 0, status: 'approved', file: null },
    { tier: 'red', status: 'success', code: 'approved', file: 'GREETING=Welcome\n' },
  ]);
  assert.partialDeepStrictEqual(seenIn('audit'), [{ tier: 'black', code: 'denied', httpStatus: 403 }]);
  assert.partialDeepStrictEqual(seenIn('leak'), [
    { tier: 'red', status: 'waiting_for_approval', finding: 'critical', isTokenShown: false, file: null },
    { exitCode: 0, status: 'denied', file: null, isTokenInJournal: false },
  ]);
  assert.doesNotMatch(stdout + stderr, /ghp_/);
  const [stopped, refused, resumed, again] = seenIn('stop');
  assert.partialDeepStrictEqual(
    [stopped, refused, resumed, again],
    [
      { exitCode: 0, confirmed: true },
      { tier: 'black', code: 'stopped', hasStarted: false },
      { exitCode: 0, resumed: true },
      { tier: 'green', status: 'success' },
    ],
  );
  assert.ok(Date.parse(String(stopped?.['confirmedAt'])) >= Date.parse(String(stopped?.['requestedAt'])));

  // Every move of the agent gives reasons and is on record; positions go up without a gap.
  const positions = scenes.flatMap(({ journal }) => journal.map(({ position }) => position));
  assert.deepEqual(
    positions,
    positions.map((_position, index) => (positions[0] ?? 0) + index),
  );
  for (const { moves, journal } of scenes) {
    for (const { tried, tier, actionId, reasons } of moves.filter((move) => move.tier !== null)) {
      assert.ok(reasons.length > 0, `${tried} (${tier}) gives no reason`);
      assert.ok(
        journal.some((entry) => entry.actionId === actionId),
        `${tried} is not in the journal`,
      );
    }
  }
  assert.deepEqual(agents, [{ agent: 'builder-1', before: 50, after: 55.2, level: 'standard' }]);
  await leavesNothing(temporary);
});

test('for people it tells each move in plain lines, and Ctrl-C in the middle leaves nothing behind', async (t) => {
  const { child, temporary, ended } = await startDemo(t, []);
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
  await until('the first scenes are told', () => told.includes('mandate approve '), { withinMs: 60_000 });
  assert.match(told, /builder-1 calls files\.read_text_file README\.md\n {3}green {3}It ran: # Greeter\n/);
  assert.match(told, /\n {3}yellow {2}It ran and is noted/);
  assert.ok(!told.includes('\u001B'), 'no colours where no terminal is');
  assert.ok((await processesIn(temporary)).length > 0, 'the server that has to end is there now');
  child.kill('SIGINT');
  const { code, stderr } = await ended();
  assert.equal(code, 1);
  assert.match(stderr, /The demo was ended; nothing of it was left behind\./);
  await leavesNothing(temporary);
});

test('it takes no server of somebody else', async (t) => {
  for (const args of [
    ['--url', 'http://127.0.0.1:4007'],
    ['--data-dir', '/somewhere'],
  ]) {
    const { ended } = await startDemo(t, args);
    const { code, stderr } = await ended();
    assert.equal(code, 2);
    assert.match(stderr, /brings a server of its own/);
  }
});
