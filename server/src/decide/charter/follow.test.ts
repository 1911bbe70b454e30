// Hot reload: driven by hand where only its decisions matter, and once by real files and the operating system's own
// notice of them.
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import type { Activation } from './activation.ts';
import type { Charters } from './charter.ts';
import { readCharterFile } from './disk.ts';
import { createFollower } from './follow.ts';
import { loadCharter } from './load.ts';
import { watchFiles } from './watch.ts';

const green = 'version: 1\ntiers: { green: { actions: [a.b] } }\n';
const black = 'version: 1\ntiers: { black: { actions: [a.b] } }\n';

async function temporaryFile(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-charter-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'charter.yaml');
  await writeFile(path, text);
  return path;
}

/** Real files and the real loader; in place of the database, the list of versions that it would have taken. */
function takeInto(taken: string[], before: () => void = () => {}): Pick<Charters, 'activateFile'> {
  return {
    async activateFile({ path }): Promise<Activation> {
      before();
      const loaded = await loadCharter({ path, readFile: readCharterFile, readShipped: async () => null });
      if (loaded.kind === 'refused') return loaded;
      const { version, ownPaths } = loaded;
      const previous = taken.at(-1) ?? null;
      if (previous === version) return { kind: 'unchanged', version, ownPaths };
      taken.push(version);
      return { kind: 'activated', version, previous, revision: taken.length, warnings: [], ownPaths };
    },
  };
}

function record(): {
  lines: string[];
  log: Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;
} {
  const lines: string[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  return { lines, log: { info: write('info'), warn: write('warn'), error: write('error') } };
}

const who = { tenant: 'acme', author: 'file' };

test('a file with a mistake leaves the last good charter in force, loudly, until the file is right again', async (t) => {
  const path = await temporaryFile(t, green);
  const clock = manualClock();
  const taken: string[] = [];
  const { lines, log } = record();
  const follower = createFollower({ ...who, charters: takeInto(taken), clock, log, path });
  assert.deepEqual(follower.status(), { kind: 'unread' });
  await follower.reload();
  const [version = ''] = taken;
  assert.deepEqual(follower.status(), { kind: 'current', version });

  await writeFile(path, 'version: 1\ntiers: { grene: {} }\n');
  const brokenMs = clock.nowMs();
  await follower.reload();
  clock.advance(60_000);
  await follower.reload();
  const problems = ['charter.yaml:2:10 tiers.grene: The key grene is unknown. Did you mean green?'];
  assert.deepEqual(follower.status(), { kind: 'behind', version, sinceMs: brokenMs, problems });
  assert.equal(
    lines.filter((line) => line.startsWith('error') && line.includes('charter.yaml:2:10')).length,
    2,
  );
  assert.deepEqual(taken, [version]);

  await rm(path);
  await follower.reload();
  assert.equal(follower.status().kind, 'behind');

  await writeFile(path, black);
  await follower.reload();
  assert.equal(taken.length, 2);
  assert.deepEqual(follower.status(), { kind: 'current', version: taken[1] });
});

test('reloads run one after the other, so that an older reading cannot overtake a newer one', async (t) => {
  const path = await temporaryFile(t, green);
  const taken: string[] = [];
  let running = 0;
  let most = 0;
  const inner = takeInto(taken);
  const charters: Pick<Charters, 'activateFile'> = {
    async activateFile(request) {
      most = Math.max(most, ++running);
      const activation = await inner.activateFile(request);
      running--;
      return activation;
    },
  };
  const follower = createFollower({ ...who, charters, clock: manualClock(), log: record().log, path });
  const kinds = await Promise.all([follower.reload(), follower.reload(), follower.reload()]);
  assert.deepEqual(
    kinds.map((it) => it.kind),
    ['activated', 'unchanged', 'unchanged'],
  );
  assert.equal(most, 1);
});

test('a change on disk is noticed by itself and taken', { timeout: 30_000 }, async (t) => {
  const path = await temporaryFile(t, green);
  const taken: string[] = [];
  const second = Promise.withResolvers<void>();
  const { log } = record();
  const told: typeof log = { ...log, info: () => void (taken.length === 2 && second.resolve()) };
  // So rare a look that only the notice of the operating system can be what is seen.
  const follower = createFollower({
    ...who,
    charters: takeInto(taken),
    clock: systemClock,
    log: told,
    path,
    settleMs: 5,
    pollMs: 3_600_000,
  });
  t.after(() => follower.stop());
  await follower.reload();
  await follower.start();
  // As editors save: a new file is moved over the old one.
  await writeFile(`${path}.new`, black);
  await rename(`${path}.new`, path);
  await second.promise;
  assert.equal(follower.status().kind, 'current');
});

test(
  'where the operating system says nothing, the next look sees the change',
  { timeout: 30_000 },
  async (t) => {
    const path = await temporaryFile(t, green);
    const clock = manualClock();
    const changed = Promise.withResolvers<void>();
    let calls = 0;
    const watch = await watchFiles({
      clock,
      log: record().log,
      paths: () => [path],
      onChange: async () => {
        calls++;
        changed.resolve();
      },
      // Never settles under a clock that is moved by the poll interval only.
      settleMs: 10_000_000,
      pollMs: 1_000,
    });
    t.after(() => watch.stop());
    await writeFile(path, black);
    clock.advance(1_000);
    await changed.promise;
    await watch.stop();
    clock.advance(10_000);
    assert.equal(calls, 1);
  },
);

test('when the database does not answer, the file is taken once it does', { timeout: 30_000 }, async (t) => {
  const path = await temporaryFile(t, green);
  const clock = manualClock();
  const taken: string[] = [];
  let isDown = false;
  const failed = Promise.withResolvers<void>();
  const recovered = Promise.withResolvers<void>();
  const { log } = record();
  const told: typeof log = {
    ...log,
    error: () => failed.resolve(),
    info: () => void (taken.length === 2 && recovered.resolve()),
  };
  const charters = takeInto(taken, () => {
    if (isDown) throw new Error('connection refused');
  });
  const follower = createFollower({ ...who, charters, clock, log: told, path, settleMs: 5, pollMs: 1_000 });
  t.after(() => follower.stop());
  await follower.reload();
  await follower.start();
  isDown = true;
  await writeFile(path, black);
  clock.advance(1_000);
  await failed.promise;
  assert.equal(follower.status().kind, 'behind');
  isDown = false;
  clock.advance(1_000);
  await recovered.promise;
  assert.equal(taken.length, 2);
});
