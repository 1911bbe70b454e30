// Builds what is published: dist/ of the three packages, and the charters and the licence beside the server,
// because a package can only ship what lies inside its own folder.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = ['kernel', 'sdk', 'server'];
for (const name of packages) {
  rmSync(join(root, name, 'dist'), { recursive: true, force: true });
  rmSync(join(root, name, 'tsconfig.build.tsbuildinfo'), { force: true });
}
const compile = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-b',
    ...packages.map((name) => join(root, name, 'tsconfig.build.json')),
  ],
  { cwd: root, stdio: 'inherit' },
);
if (compile.status !== 0) {
  process.stderr.write('The build failed: fix what tsc names above, then run npm run build again.\n');
  process.exit(1);
}
// Inside dist/, which git ignores: a copy in the sources would be edited by mistake one day.
if (existsSync(join(root, 'charters')))
  cpSync(join(root, 'charters'), join(root, 'server/dist/charters'), { recursive: true });
process.stdout.write(`Built ${packages.map((name) => `${name}/dist`).join(', ')}.\n`);
