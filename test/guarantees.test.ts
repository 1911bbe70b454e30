// GUARANTEES.md may only promise what a test keeps: the test exists under its name, every invariant is promised, and
// of the tests that keep an invariant at least one says so in its file.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

interface Keeper {
  readonly path: string;
  readonly name: string;
}

interface Promised {
  readonly promise: string;
  readonly invariants: readonly string[];
  readonly keptBy: readonly Keeper[];
}

/** The rows of all tables: `| **promise** | I1 | [path](path): name<br>[path](path): name |`. */
function promisesOf(text: string): readonly Promised[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| **'))
    .map((line) => {
      const [, promise = '', invariants = '', tests = ''] = line.split(/ ?\| /);
      const keptBy = tests
        .replace(/ \|$/, '')
        .split('<br>')
        .flatMap((each) => {
          const [, path, name] = /^\[([^\]]+)\]\(\1\): (.+)$/.exec(each) ?? [];
          return path === undefined || name === undefined ? [] : [{ path, name }];
        });
      return { promise: promise.replaceAll('**', ''), invariants: invariants.match(/I\d+/g) ?? [], keptBy };
    });
}

const guarantees = read('GUARANTEES.md');
const promises = promisesOf(guarantees);

test('every promise is kept by a test that exists under its name', () => {
  const faults = promises.flatMap(({ promise, keptBy }) => {
    if (keptBy.length === 0) return [`${promise}: name a test as [path](path): name of the test`];
    return keptBy
      .filter(({ path, name }) => !existsSync(`${root}${path}`) || !hasTest(read(path), name))
      .map(({ path, name }) => `${promise}: there is no test "${name}" in ${path}`);
  });
  assert.deepEqual(faults, []);
});

function hasTest(text: string, name: string): boolean {
  const titles = text.matchAll(/\btest\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs);
  return [...titles].some(([, , title = '']) => title.replaceAll(/\\(.)/g, '$1') === name);
}

test('every invariant of ARCHITECTURE.md is promised, and a test that keeps it names it', () => {
  const invariants = [...read('ARCHITECTURE.md').matchAll(/^- \*\*(I\d+)\*\*/gm)].map(
    ([, name = '']) => name,
  );
  assert.ok(invariants.length > 0);
  const faults = invariants.filter((invariant) => {
    const keepers = promises
      .filter((each) => each.invariants.includes(invariant))
      .flatMap(({ keptBy }) => keptBy);
    return !keepers.some(
      ({ path }) => existsSync(`${root}${path}`) && new RegExp(`// .*\\b${invariant}\\b`).test(read(path)),
    );
  });
  assert.deepEqual(faults, [], 'Name the invariant at the test that keeps it: // I4');
  const unknown = promises.flatMap((each) => each.invariants).filter((name) => !invariants.includes(name));
  assert.deepEqual(unknown, []);
});

test('below every table stands where its promises end', () => {
  const sections = guarantees.split(/^## /m).slice(1);
  const silent = sections.filter((section) => !/^Not promised:\n\n(?:- .+\n)+/m.test(section));
  assert.deepEqual(
    silent.map((section) => section.split('\n', 1)[0]),
    [],
  );
});
