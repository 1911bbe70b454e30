// `actions.NAME.resource`: a slip in it would leave an agent believed where its charter says otherwise, so every one is
// told with its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';

async function read(actions: string, resources = '{ portal: [tms], site: [] }') {
  const text = `version: 1\nresources: ${resources}\nactions:\n${actions}`;
  const result = await loadCharter({
    path: 'charter.yaml',
    readFile: (name) => Promise.resolve(name === 'charter.yaml' ? text : null),
    readShipped: () => Promise.resolve(null),
  });
  return result.kind === 'loaded'
    ? { charter: result.charter, told: result.warnings.map(renderError) }
    : { charter: null, told: result.problems.map(renderError) };
}

test('where a resource is read is a type that the charter declares and a parameter', async () => {
  const { charter, told } = await read(
    '  portal.*: { resource: { type: portal, from: portal } }\n  site.*: { resource: { type: site, from: target.site } }\n',
  );
  assert.deepEqual(told, []);
  assert.deepEqual(
    charter?.actions.map(({ resource }) => resource),
    [
      { type: 'portal', from: 'portal' },
      { type: 'site', from: 'target.site' },
    ],
  );
});

test('a slip in where a resource is read is a load error with its place', async () => {
  const slips: readonly (readonly [written: string, told: RegExp])[] = [
    [
      '{ type: protal, from: portal }',
      /^charter\.yaml:4:20 actions\.pay\.resource: There are no resources of the type `protal` \(did you mean 'portal'\?\); add it under resources\.$/,
    ],
    ["{ type: portal, from: '.' }", /^charter\.yaml:4:20 actions\.pay\.resource: `\.` is no parameter/],
    ['{ type: portal, form: portal }', /resource.*(form.*from|from.*form)/],
    ['{ type: portal }', /actions\.pay\.resource.*from/],
    ['portal', /^charter\.yaml:4:\d+ actions\.pay\.resource: .*\{ type: portal, from: portal \}/],
  ];
  for (const [written, expected] of slips) {
    const { charter, told } = await read(`  pay: { resource: ${written} }\n`);
    assert.equal(charter, null, written);
    assert.match(told.join('\n'), expected);
  }
  const undeclared = await read('  pay: { resource: { type: portal, from: portal } }\n', '{}');
  assert.match(undeclared.told.join('\n'), /no resources of the type `portal`; add it under resources/);
});

test('a pattern that leaves out what a wider one reads is told, because agents are believed there', async () => {
  const { charter, told } = await read(
    '  portal.*: { resource: { type: portal, from: portal } }\n  portal.update: { severity: high }\n  other.run: { severity: high }\n',
  );
  assert.notEqual(charter, null);
  assert.equal(told.length, 1);
  assert.match(
    told[0] ?? '',
    /^charter\.yaml:5:\d+ actions\['portal\.update'\].*The resource of portal\.\* is not read for/,
  );
});
