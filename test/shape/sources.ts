// The sources whose shape is kept: everything of the three packages that is not a test or a test's fixture.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Source } from './source.ts';
import { readSource } from './source.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export function readSources(): readonly Source[] {
  return globSync('{kernel,sdk,server}/src/**/*.{ts,mts,cts,js,mjs,cjs,tsx}', { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !/\.test\.[a-z]+$|\/fixtures\//.test(path))
    .toSorted()
    .map((path) => readSource(path, readFileSync(`${root}${path}`, 'utf8')));
}

export function readArchitecture(): string {
  return readFileSync(`${root}ARCHITECTURE.md`, 'utf8');
}
