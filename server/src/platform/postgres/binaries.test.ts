// The npm package as it lands where install scripts are blocked and where only root may look.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { chooseAccount, findBarrier, parsePasswd } from './account.ts';
import { findPackage, prepareBinaries } from './binaries.ts';
import type { BinaryPackage } from './binaries.ts';

const run = promisify(execFile);

test('binaries whose symlinks are missing and which only the owner may read are mirrored, and the package stays as it was', async (t) => {
  const { source, home } = await hiddenPackage(t);
  const account = await chooseAccount();
  const binaries = await prepareBinaries(source, home, account);
  assert.ok(binaries.postgres.startsWith(home));
  const identity = account === null ? {} : { uid: account.uid, gid: account.gid };
  const { stdout } = await run(binaries.postgres, ['--version'], { ...identity, cwd: home, env: {} });
  assert.match(stdout, /^postgres \(PostgreSQL\) 18/);
  const { stdout: help } = await run(binaries.initdb, ['--version'], { ...identity, cwd: home, env: {} });
  assert.match(help, /^initdb/);
  assert.equal((await stat(binaries.postgres)).ino, (await stat(join(source.native, 'bin', 'postgres'))).ino);
  const libraries = await readdir(join(source.native, 'lib'), { withFileTypes: true });
  assert.deepEqual(
    libraries.filter((entry) => entry.isSymbolicLink()),
    [],
  );
});

test('a mirror that was interrupted is made anew, and a whole one is used again', async (t) => {
  const { source, home } = await hiddenPackage(t);
  const first = await prepareBinaries(source, home, null);
  const made = (await lstat(first.postgres)).ctimeMs;
  await cp(join(source.native, 'bin'), join(home, `binaries-${source.version}.new`), { recursive: true });
  const second = await prepareBinaries(source, home, null);
  assert.equal((await lstat(second.postgres)).ctimeMs, made);
  await rm(join(home, `binaries-${source.version}`), { recursive: true });
  await run((await prepareBinaries(source, home, null)).postgres, ['--version'], { env: {} });
});

test(
  'a file that the account may not read is copied with a mode of its own instead of linked',
  { skip: process.getuid?.() === 0 ? false : 'needs root' },
  async (t) => {
    const { source, home } = await hiddenPackage(t);
    const library = join(source.native, 'lib', 'libssl.so.1.1');
    await chmod(library, 0o600);
    await chmod(join(source.native, 'bin', 'postgres'), 0o700);
    const account = await chooseAccount('nobody');
    assert.ok(account !== null);
    const binaries = await prepareBinaries(source, home, account);
    await run(binaries.postgres, ['--version'], { uid: account.uid, gid: account.gid, cwd: home, env: {} });
    assert.equal((await stat(library)).mode & 0o777, 0o600);
  },
);

test('an account is found by its line in passwd, and a directory that shuts it out by its mode', async (t) => {
  const accounts = parsePasswd('root:x:0:0::/root:/bin/sh\nnobody:*:-2:-2::/:/bin/false\nbroken\n');
  assert.deepEqual(accounts.get('nobody'), { name: 'nobody', uid: 4_294_967_294, gid: 4_294_967_294 });
  assert.equal(accounts.size, 2);
  const { source } = await hiddenPackage(t);
  const stranger = { name: 'stranger', uid: 987_654, gid: 987_654 };
  assert.equal(await findBarrier(join(source.native, 'bin'), stranger), join(source.native, '..'));
  assert.equal(await findBarrier(tmpdir(), stranger), null);
});

async function hiddenPackage(
  t: TestContext,
): Promise<{ readonly source: BinaryPackage; readonly home: string }> {
  const real = await findPackage();
  const directory = await mkdtemp(join(tmpdir(), 'mandate-binaries-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  const hidden = await mkdtemp(join(directory, 'hidden-'));
  const native = join(hidden, 'native');
  const isNeeded = async (path: string): Promise<boolean> =>
    !/\.a$|timezone$|extension$|tsearch_data$/.test(path) && !(await lstat(path)).isSymbolicLink();
  await cp(real.native, native, { recursive: true, filter: isNeeded });
  const home = await mkdtemp(join(directory, 'home-'));
  await chmod(home, 0o755);
  return { source: { native, version: real.version }, home };
}
