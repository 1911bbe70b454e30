// Writes the platform packages that npm left out back into package-lock.json. npm drops an optional dependency
// from the lockfile when the registry it asked did not have it, and then refuses its own lockfile: `npm ci`
// fails on every platform because of a binary that only one of them wants. Run it after changing a dependency;
// test/lockfile.test.ts says when.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const systems = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  openharmony: 'openharmony',
  win: 'win32',
  win32: 'win32',
  windows: 'win32',
};

/**
 * @param {Record<string, any>} packages the `packages` table of a lockfile of version 3.
 * @returns {{ key: string, wantedBy: string, entry: Record<string, unknown> }[]} entries that are missing, each with where it belongs.
 */
export function missingEntries(packages) {
  const missing = [];
  const known = new Map(Object.entries(packages).map(([path, { version }]) => [path, version]));
  for (const [path, owner] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
      if (isResolved(known, path, name, version)) continue;
      const key = `${siblings(path)}node_modules/${name}`;
      known.set(key, version);
      missing.push({
        key,
        wantedBy: path || 'package.json',
        entry: { version, ...(owner.dev ? { dev: true } : {}), optional: true, ...platformOf(name) },
      });
    }
  }
  return missing;
}

/** Node's own look-up: beside the package, then one node_modules further out, up to the root. */
function isResolved(known, path, name, version) {
  for (let at = path; ; at = siblings(at).replace(/\/$/, '')) {
    const found = known.get(`${at === '' ? '' : `${at}/`}node_modules/${name}`);
    // Platform packages are wanted in exactly one version; another one further out belongs to somebody else.
    if (found !== undefined) return found === version || !/^\d/.test(version);
    if (at === '') return false;
  }
}

/** `node_modules/a/node_modules/b` → `node_modules/a/`; a workspace and the root → ``. */
function siblings(path) {
  const cut = path.lastIndexOf('node_modules/');
  return cut < 0 ? '' : path.slice(0, cut);
}

/** Platform packages carry their platform in the name; without it npm would fetch them everywhere. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const at = words.findIndex((word) => Object.hasOwn(systems, word));
  if (at < 0) return words.includes('wasm32') ? { cpu: ['wasm32'] } : {};
  const [system, cpu = 'x64', abi = ''] = words.slice(at);
  const libc = abi.startsWith('gnu') ? ['glibc'] : ['musl'];
  return { os: [systems[system]], cpu: [cpu], ...(system === 'linux' && abi !== '' ? { libc } : {}) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2] ?? fileURLToPath(new URL('../package-lock.json', import.meta.url));
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingEntries(lock.packages);
  for (const { key, entry } of missing) lock.packages[key] = entry;
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')),
  );
  if (missing.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(
    missing.length === 0
      ? 'package-lock.json is complete.'
      : `Added ${missing.length} platform packages to package-lock.json.`,
  );
}
