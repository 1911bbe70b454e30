// Runs benchmarks/*.bench.ts one after the other, each in a process of its own: two at once would measure each other.
// The peers that they compare with are no dependency of the product, so they are installed here and only now.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'benchmarks');
const [pattern = '', ...rest] = process.argv.slice(2);
const files = globSync('benchmarks/*.bench.ts', { cwd: root })
  .filter((file) => file.includes(pattern))
  .toSorted();
if (files.length === 0) {
  process.stderr.write(
    `No benchmark${pattern === '' ? '' : ` matches "${pattern}"`}: they are benchmarks/*.bench.ts.\n`,
  );
  process.exit(2);
}
installPeers();
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

/** What npm has installed is older than the lockfile: install again, exactly what the lockfile says and no scripts. */
function installPeers() {
  const installed = join(folder, 'node_modules/.package-lock.json');
  const wanted = join(folder, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  process.stdout.write('Installing the peers into benchmarks/node_modules …\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { status } = spawnSync(npm, args, { cwd: folder, stdio: 'inherit', shell: npm.endsWith('.cmd') });
  if (status === 0) return;
  process.stderr.write(
    'The peers could not be installed. Run npm ci --ignore-scripts in benchmarks/ and see why.\n',
  );
  process.exit(1);
}
