// The burden of proof is on addition: a dependency without a paragraph in decisions/ has no reason on record.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');
const decisions = globSync('decisions/*.md', { cwd: root }).toSorted();
const manifests = globSync(['package.json', '*/package.json'], { cwd: root, exclude: ['node_modules'] });

function dependenciesOf(manifest: string): readonly string[] {
  const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = JSON.parse(read(manifest));
  return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
}

test('every dependency has its reason in decisions/', () => {
  const text = decisions.map(read).join('\n');
  const missing = manifests.flatMap((manifest) =>
    dependenciesOf(manifest)
      .filter((name) => !text.includes(`\`${name}\``))
      .map((name) => `${manifest}: ${name}`),
  );
  assert.deepEqual(
    missing,
    [],
    'Write down why, what was refused and when to revisit it: decisions/NNNN-title.md, with the name in backticks',
  );
});

test('every decision says what, why, what was refused and when to revisit it', () => {
  assert.ok(decisions.length > 0);
  for (const path of decisions) {
    const text = read(path);
    assert.match(path, /^decisions\/\d{4}-[a-z0-9-]+\.md$/);
    for (const part of ['**What.**', '**Why.**', '**Refused.**', '**Revisit when**'])
      assert.ok(text.includes(part), `${path} lacks ${part}`);
  }
});

test('no two decisions have the same number', () => {
  const numbers = decisions.map((path) => path.slice('decisions/'.length, 'decisions/'.length + 4));
  assert.deepEqual(numbers, [...new Set(numbers)]);
});
