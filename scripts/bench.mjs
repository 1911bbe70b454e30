// Runs benchmarks/*.bench.ts one after the other, each in a process of its own: two at once would measure each other.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [pattern = '', ...rest] = process.argv.slice(2);
const files = globSync('benchmarks/**/*.bench.ts', { cwd: root })
  .filter((file) => file.includes(pattern))
  .toSorted();
if (files.length === 0) {
  process.stderr.write(
    `No benchmark${pattern === '' ? '' : ` matches "${pattern}"`}: they are benchmarks/*.bench.ts.\n`,
  );
  process.exit(2);
}
const failed = files.filter((file) => {
  process.stdout.write(`\n${file}\n`);
  return (
    spawnSync(process.execPath, ['--conditions=mandate-source', join(root, file), ...rest], {
      cwd: root,
      stdio: 'inherit',
    }).status !== 0
  );
});
process.stdout.write(failed.length === 0 ? '' : `\nFailed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
