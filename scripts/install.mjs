// A fresh clone must start with one command, so every verb first sees to it that what package-lock.json names is
// installed. The common case costs one hash of the lockfile; npm is asked only when something really differs.
// The examples have packages of their own, which only their tests need.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} root the folder of package-lock.json. Ends the process when the installation fails. */
export function ensureInstalled(root) {
  if (!isInstalled(root, [])) process.exit(1);
}

/**
 * The agent frameworks that the examples govern, and in CI, where no test may be skipped, Claude Code as well, which is
 * as large as all of them together. Without them their tests say so; nothing else needs them.
 */
export function installExamples(root, { isCi }) {
  const folders = ['examples', ...(isCi ? ['examples/claude-code'] : [])];
  for (const folder of folders) isInstalled(join(root, folder), ['--ignore-scripts']);
}

function isInstalled(root, flags) {
  const lockfile = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lockfile).digest('hex');
  const stamp = join(root, 'node_modules/.mandate-lock');
  if (read(stamp) === wanted) return true;
  const release = waitForTurn(join(root, '.data'));
  try {
    if (read(stamp) === wanted) return true;
    const found = read(join(root, 'node_modules/.package-lock.json'));
    if (!isSame(JSON.parse(lockfile.toString()), found) && !runNpm(root, flags)) return false;
    writeStamp(stamp, wanted);
    return true;
  } finally {
    release();
  }
}

/** What `npm install` by hand left behind counts too: npm notes what it installed in a lockfile of its own. */
function isSame(lock, installedText) {
  if (installedText === undefined) return false;
  const installed = JSON.parse(installedText).packages;
  return Object.entries(lock.packages).every(([path, { version, optional, link, resolved }]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = installed[path];
    if (found === undefined) return optional === true;
    return link === true ? found.resolved === resolved : found.version === version;
  });
}

function runNpm(root, flags) {
  process.stderr.write(
    `Installing what ${join(root, 'package-lock.json')} names (about half a minute, once) …\n`,
  );
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  // Development dependencies and platform binaries are wanted whatever NODE_ENV or the user's npmrc leave out.
  const args = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    ...flags,
  ];
  const run = spawnSync(npm[0], [...npm.slice(1), ...args], {
    cwd: root,
    // stdout belongs to the verb that is about to run: `npm run -s mandate -- … --json` must stay readable.
    stdio: ['ignore', 2, 2],
    shell: npm.length === 1 && process.platform === 'win32',
  });
  if (run.status === 0) return true;
  const why = run.error?.message ?? `npm ci ended with ${run.status ?? run.signal}`;
  process.stderr.write(
    `The installation failed: ${why}.\nNext: check that the npm registry is reachable (npm ping), then run npm ci in ${root} and try again.\n` +
      'If npm says that package.json and package-lock.json are not in sync: node scripts/complete-lockfile.mjs\n',
  );
  return false;
}

/** Two terminals on a fresh clone: the second waits for the first instead of deleting its work. */
function waitForTurn(folder) {
  const path = join(folder, 'install.pid');
  for (let waits = 0; ; waits += 1) {
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      // A folder that cannot be written is no reason to refuse an installation that is complete.
      if (error.code !== 'EEXIST') return () => {};
    }
    if (!isAlive(Number(read(path)))) rmSync(path, { force: true });
    else if (waits === 0)
      process.stderr.write('Waiting for another installation in this folder to finish …\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function isAlive(pid) {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function writeStamp(path, hash) {
  try {
    writeFileSync(path, hash);
  } catch {
    // An image with a read-only node_modules compares the two lockfiles each time; slower, not wrong.
  }
}
