// GUARANTEES.md may only say that a test keeps a promise when that test exists and names the invariant.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

interface Guarantee {
  readonly invariant: string;
  readonly keptBy: string;
}

function guaranteesOf(text: string): readonly Guarantee[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      invariant: /^I\d+/.exec(section)?.[0] ?? '',
      keptBy: /^- Kept by: (.+)$/m.exec(section)?.[1] ?? '',
    }));
}

test('every invariant of ARCHITECTURE.md is a guarantee, in the same order', () => {
  const invariants = [...read('ARCHITECTURE.md').matchAll(/^- \*\*(I\d+)\*\*/gm)].map(([, name]) => name);
  assert.deepEqual(
    guaranteesOf(read('GUARANTEES.md')).map(({ invariant }) => invariant),
    invariants,
  );
});

test('every test that GUARANTEES.md names exists and names the invariant that it keeps', () => {
  const faults = guaranteesOf(read('GUARANTEES.md')).flatMap(({ invariant, keptBy }) => {
    if (keptBy === 'not yet') return [];
    const paths = [...keptBy.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
    if (paths.length === 0)
      return [`${invariant}: write "not yet" or the paths of tests in backticks after "Kept by:"`];
    return paths
      .filter((path) => !existsSync(`${root}${path}`) || !new RegExp(`\\b${invariant}\\b`).test(read(path)))
      .map(
        (path) =>
          `${invariant}: ${path} is missing or does not say ${invariant}. Name the invariant at the test that keeps it: // ${invariant}`,
      );
  });
  assert.deepEqual(faults, []);
});
