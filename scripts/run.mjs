// The one entry of package.json's scripts: whatever Node runs it (20 or newer) and whatever is installed yet, the
// verb ends up running the sources on Node 24. Nothing is imported here that does not come with Node.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { handOver, SERVER_FLAGS, stays } from '../server/bin/node24.mjs';
import { ensureInstalled } from './install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [verb = '', ...rest] = process.argv.slice(2);
const mandate = (...args) => [
  ...(stays(args) ? SERVER_FLAGS : []),
  '--conditions=mandate-source',
  join(root, 'server/src/main.ts'),
  ...args,
];
const script = (name, ...args) => [join(root, 'scripts', name), ...args];

const verbs = {
  start: () => mandate('start', ...rest),
  mandate: () => mandate(...rest),
  test: () => ['--conditions=mandate-source', ...script('test.mjs', ...rest)],
  check: () => script('check.mjs', ...rest),
  format: () => [join(root, 'node_modules/oxfmt/bin/oxfmt'), ...(rest.length > 0 ? rest : [root])],
  build: () => script('build.mjs', ...rest),
  bench: () => script('bench.mjs', ...rest),
  monitoring: () => ['--conditions=mandate-source', join(root, 'monitoring/write.ts'), ...rest],
};

if (!Object.hasOwn(verbs, verb)) {
  process.stderr.write(`There is no "${verb}" here. One of: ${Object.keys(verbs).join(', ')}.\n`);
  process.exit(2);
}
ensureInstalled(root);
// Stripping types of the same files again is half of what a process takes to start; the tests start hundreds.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/compiled');
const quickstart = join(root, 'examples/quickstart/charter.yaml');
if (verb === 'start' && existsSync(quickstart)) {
  // What the quickstart tells people goes to the mail server that it brings along, if that runs.
  if (process.env.MANDATE_CHARTER === undefined) process.env.MANDATE_SMTP_URL ??= 'smtp://127.0.0.1:4025';
  process.env.MANDATE_CHARTER ??= quickstart;
}
handOver(verbs[verb]());
