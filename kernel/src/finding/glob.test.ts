import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileGlobs, matchesGlob, matchesWildcard } from './glob.ts';
import { pathSegments } from './paths.ts';
import { plainText } from './plain-text.ts';

const GLOBS: readonly (readonly [glob: string, path: string, holds: boolean])[] = [
  ['.env', 'a/b/.env', true],
  ['.env', '.env.local', false],
  ['.env', 'a/.env/b', true],
  ['secrets/**', 'secrets', true],
  ['secrets/**', 'x/secrets/y/z', true],
  ['secrets/*.txt', 'a/secrets/b.txt', true],
  ['secrets/*.txt', 'secrets/a/b.txt', false],
  ['/etc/passwd', 'etc/passwd', true],
  ['/etc/passwd', 'x/etc/passwd', false],
  ['a/**/b', 'a/b', true],
  ['a/**/b', 'a/x/y/b', true],
  ['a/**/b', 'a/x/c', false],
  ['**', 'anything/at/all', true],
  ['**/*.key', 'x.key', true],
  ['?.ts', 'ab.ts', false],
  ['?.ts', 'a.ts', true],
  ['SECRETS/*', 'secrets/a', true],
  ['s\u0435crets/*', 'secrets/a', true],
];

test('globs hold at any depth, a leading slash anchors, and * stays within a segment', () => {
  for (const [source, path, holds] of GLOBS) {
    const [glob] = compileGlobs([source]);
    assert.ok(glob !== undefined && glob.problem === null, source);
    assert.equal(matchesGlob(glob, pathSegments(plainText(path) ?? '')), holds, `${source} on ${path}`);
  }
});

test('a glob that cannot be used says so and matches everything', () => {
  const bad = [
    '',
    ' ',
    'a/[b]',
    '{a,b}',
    '!a',
    'a**b',
    '../x',
    'a'.repeat(300),
    '/',
    'a\\b',
    'x/'.repeat(40),
  ];
  for (const glob of compileGlobs(bad)) {
    assert.ok(glob.problem !== null, glob.source);
    assert.equal(matchesGlob(glob, ['x']), true);
  }
});

test('a wildcard agrees with the regular expression that it stands for', () => {
  const unit = fc.constantFrom('a', 'b', '*', '?');
  fc.assert(
    fc.property(
      fc.string({ unit, maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }),
      (pattern, text) => {
        const source = pattern.replaceAll('*', '.*').replaceAll('?', '.');
        assert.equal(matchesWildcard(pattern, text), new RegExp(`^${source}$`).test(text));
      },
    ),
    { numRuns: 1000 },
  );
});

test('a glob of one segment holds where a segment matches its wildcards, however it is told', () => {
  const unit = fc.constantFrom('a', 'b', '.', '*', '?');
  const segment = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      fc
        .string({ unit, minLength: 1, maxLength: 5 })
        .filter((text) => !text.includes('**') && !/^\.+$/.test(text)),
      fc.array(segment, { maxLength: 4 }),
      (source, path) => {
        const [glob] = compileGlobs([source]);
        assert.equal(glob?.problem, null, source);
        if (glob === undefined) return;
        assert.equal(
          matchesGlob(glob, path),
          path.some((each) => matchesWildcard(source, each)),
          `${source} on ${path.join('/')}`,
        );
      },
    ),
    { numRuns: 2_000 },
  );
});
