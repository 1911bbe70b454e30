// Everything that can be wrong without running the product, in seconds: as many steps at once as there are cores,
// the long ones first. Each step says how long it took, and only a failing one says more.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tool = (path, ...args) => [join(root, 'node_modules', path), ...args];
const tests = (...patterns) => ['--conditions=mandate-source', join(root, 'scripts/test.mjs'), ...patterns];

const steps = [
  { name: 'types', args: tool('typescript/bin/tsc', '-p', 'tsconfig.json'), next: 'fix what tsc names' },
  {
    name: 'lint',
    args: tool('oxlint/bin/oxlint'),
    next: 'fix what oxlint names (npx oxlint --fix does some of it)',
  },
  { name: 'kernel tests', args: tests('kernel/src/'), next: 'npm test -- kernel/src/' },
  {
    name: 'dead code',
    args: tool('knip/bin/knip.js', '--no-progress'),
    next: 'delete what nobody uses, or import it where it is needed',
  },
  {
    name: 'shape',
    args: tests(
      'test/shape.test.ts',
      'test/decisions.test.ts',
      'test/lockfile.test.ts',
      'test/guarantees.test.ts',
    ),
    next: 'each message above names the line to change',
  },
  { name: 'format', args: tool('oxfmt/bin/oxfmt', '--check'), next: 'npm run format' },
];

async function runStep({ name, args, next }) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  const { promise, resolve } = Promise.withResolvers();
  child.on('close', (code) => resolve(code === 0));
  child.on('error', (error) => resolve(output.push(Buffer.from(`${error.message}\n`)) === 0));
  const isOk = await promise;
  const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  const text = Buffer.concat(output).toString().trimEnd();
  // A step that passes may still have a warning to give; the tests mark theirs with an exclamation mark.
  const said = isOk
    ? text
        .split('\n')
        .filter((line) => line.startsWith('! '))
        .join('\n')
    : `\n${text}`;
  if (said !== '') process.stdout.write(`${said}\n`);
  process.stdout.write(
    `${isOk ? '✓' : '✗'} ${name.padEnd(14)}${seconds.padStart(8)}${isOk ? '' : `   next: ${next}`}\n`,
  );
  return isOk;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `No step is called ${unknown.join(', ')}. The steps: ${steps.map(({ name }) => name).join(', ')}.\n`,
  );
  process.exit(2);
}
const startedAt = performance.now();
const queue = steps.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const total = queue.length;
let passed = 0;
async function work() {
  for (let step = queue.shift(); step !== undefined; step = queue.shift())
    if (await runStep(step)) passed += 1;
}
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
process.stdout.write(
  `all in ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n${passed} passed, ${total - passed} failed\n`,
);
process.exitCode = passed === total ? 0 : 1;
