// Words that the code knows as types only, read from its text: a page that lists them must list all of them.
import { globSync, readFileSync } from 'node:fs';
import { root } from './page.ts';

export function readSource(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8');
}

/** The members of an exported union of texts. */
export function unionOf(path: string, name: string): readonly string[] {
  const found = new RegExp(`^export type ${name} =([^;]+);`, 'm').exec(readSource(path))?.[1];
  if (found === undefined) throw new Error(`${path} exports no type ${name}`);
  return [...found.matchAll(/'([^']+)'/g)].map(([, member = '']) => member);
}

/** What stands in the first group of the pattern anywhere in these files, tests aside; each once, sorted. */
export function wordsIn(glob: string, pattern: RegExp): readonly string[] {
  const files = globSync(glob, { cwd: root, exclude: ['**/*.test.ts'] });
  const words = files.flatMap((file) => [...readSource(file).matchAll(pattern)].map(([, word = '']) => word));
  return [...new Set(words)].toSorted();
}
