// All tests in one count. The kernel is pure, so its files share one process; the rest get a process each, two for
// each core (they wait for their servers half of the time), around one Postgres that test/postgres-setup.ts starts. Runs on Node 24 with --conditions=mandate-source.
import { existsSync, globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, matchesGlob, relative, sep } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installExamples } from './install.mjs';
import { createReport } from './report.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const homes = [
  'kernel/src',
  'sdk/src',
  'server/src',
  'server/bin',
  'test',
  'scripts',
  'stories',
  'examples',
  'benchmarks',
  'monitoring',
  'dashboard/src',
];
// These look at the sources only; waiting for Postgres would take longer than they do.
const aboutSources =
  /^(kernel|scripts|monitoring\/alerts|test\/(shape|decisions|guarantees|lockfile)\.test\.ts)/;
// A file that leaves something open would otherwise keep the whole run waiting, in silence.
const fileTimeoutMs = 180_000;

const patterns = process.argv.slice(2);
const all = homes
  .flatMap((home) =>
    globSync('**/*.test.{ts,mjs}', {
      cwd: join(root, home),
      exclude: ['**/node_modules', '**/dist', 'quickstart/project'],
    }).map((file) => join(home, file)),
  )
  .map((file) => file.split(sep).join('/'))
  .toSorted();
const named =
  patterns.length === 0 ? all : all.filter((file) => patterns.some((pattern) => isMeant(file, pattern)));
// A pattern that no path contains is looked for in the names of the tests.
const byName = named.length === 0 && patterns.length > 0;
const chosen = byName ? all : named;

/** A part of the path, the path as the shell completed it, or a glob. */
function isMeant(file, pattern) {
  const path = relative(root, join(process.cwd(), pattern)).split(sep).join('/');
  return file.includes(pattern) || file === path || (pattern.includes('*') && matchesGlob(file, pattern));
}

if (chosen.some((file) => file.startsWith('examples/')))
  installExamples(root, { isCi: !['', '0', 'false', undefined].includes(process.env.CI) });

const report = createReport({ root, files: chosen, write: (text) => process.stdout.write(text) });
const startedAt = performance.now();

async function runGroup(files, options) {
  if (files.length === 0) return;
  const names = byName
    ? { testNamePatterns: patterns.map((pattern) => new RegExp(escape(pattern), 'i')) }
    : {};
  const events = run({
    files: files.map((file) => join(root, file)),
    cwd: root,
    timeout: fileTimeoutMs,
    ...names,
    ...options,
  });
  for await (const event of events) report.take(event);
}

function escape(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

const setup = join(root, 'test/postgres-setup.ts');
// More than four would want more connections than the one Postgres has.
const concurrency = Math.min(4, 2 * availableParallelism());
const kernel = chosen.filter((file) => file.startsWith('kernel/'));
const sources = chosen.filter((file) => aboutSources.test(file) && !kernel.includes(file));
const rest = chosen.filter((file) => !aboutSources.test(file));
await runGroup(kernel, { isolation: 'none' });
await runGroup(sources, { isolation: 'process', concurrency: 2 });
await runGroup(rest, {
  isolation: 'process',
  concurrency,
  ...(existsSync(setup) ? { globalSetupPath: setup } : {}),
});

const { passed, failed, skipped } = report.end();
if (chosen.length === 0 || passed + failed === 0) {
  process.stdout.write(
    `No test ran${patterns.length > 0 ? ` for ${patterns.join(' ')}: give a part of a file's path or of a test's name` : ''}.\n`,
  );
}
if (skipped > 0) process.stdout.write(`${skipped} skipped (each says why above)\n`);
process.stdout.write(
  `${chosen.length} files in ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n${passed} passed, ${failed} failed\n`,
);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
