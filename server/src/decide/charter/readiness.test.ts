// What a charter says of readiness: read as it is meant, and refused with the place wherever a point could get lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Charter } from '@mandate/kernel';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';

type Files = Readonly<Record<string, string>>;

async function load(yaml: string, others: Files = {}): Promise<Charter | readonly string[]> {
  const files: Files = { 'charter.yaml': `version: 1\n${yaml}`, ...others };
  const loaded = await loadCharter({
    path: 'charter.yaml',
    readFile: (file) => Promise.resolve(files[file] ?? null),
    readShipped: () => Promise.resolve(null),
  });
  return loaded.kind === 'loaded' ? loaded.charter : loaded.problems.map(renderError);
}

const TWO = `readiness:
  total: { technical: 3, process: 2 }
  items:
    - { name: steady, category: technical, weight: 3, required: true, when: 'successRate > 0.9 && monthsAtPhase >= 1' }
    - { name: written down, category: process, group: documents, weight: 2, attest: { roles: [tech-lead, crew], expires: 30d }, next: Write it down. }
`;

test('items are read with their totals, their conditions and who may vouch for them', async () => {
  const charter = await load(`roles: [crew]\n${TWO}`);
  assert.ok('readiness' in charter, JSON.stringify(charter));
  assert.deepEqual(charter.readiness?.items, [
    {
      name: 'steady',
      category: 'technical',
      group: 'technical',
      weight: 3,
      required: true,
      next: null,
      kind: 'measured',
      when: 'successRate > 0.9 && monthsAtPhase >= 1',
    },
    {
      name: 'written down',
      category: 'process',
      group: 'documents',
      weight: 2,
      required: false,
      next: 'Write it down.',
      kind: 'attested',
      roles: ['tech-lead', 'crew'],
      expiresMs: 30 * 86_400_000,
    },
  ]);
  const without = await load('registration: open\n');
  assert.ok(!Array.isArray(without) && !('readiness' in without));
  const inherited = await load('extends: ./base.yaml\n', {
    'base.yaml': `version: 1\n${TWO.replace(', crew', '')}`,
  });
  assert.ok('readiness' in inherited, JSON.stringify(inherited));
  assert.equal(inherited.readiness?.items.length, 2);
  const shipped = await load('readiness: { total: 80 }\n');
  assert.ok('readiness' in shipped && shipped.readiness?.items.length === 22, JSON.stringify(shipped));
});

const ITEM = "name: steady, category: technical, weight: 3, when: 'errorRate < 0.1'";

test('whatever would move the line that a set has to reach is refused where it stands', async () => {
  const mistakes: readonly (readonly [string, RegExp])[] = [
    [
      `readiness:\n  items:\n    - { ${ITEM} }\n`,
      /^charter\.yaml:4:5 readiness\.items: The weights of the category technical add up to 3, not to 35\./,
    ],
    [
      `readiness:\n  total: 4\n  items:\n    - { ${ITEM} }\n`,
      /^charter\.yaml:3:10 readiness\.total: The weights add up to 3, not to 4\./,
    ],
    [
      `readiness:\n  total: { technical: 3, process: 1 }\n  items:\n    - { ${ITEM} }\n`,
      /^charter\.yaml:3:35 readiness\.total\.process: The weights of the category process add up to 0, not to 1\./,
    ],
    ['readiness: { total: 81 }\n', /readiness\.total: The weights add up to 80, not to 81\./],
    [
      `readiness:\n  total: 3\n  items:\n    - { ${ITEM.replace('errorRate', 'erorRate')} }\n`,
      /^charter\.yaml:5:62 readiness\.items\[0\]\.when: .*unknown name 'erorRate' \(did you mean 'errorRate'\?\)/,
    ],
    [
      `readiness:\n  total: 3\n  items:\n    - { ${ITEM.replace('errorRate < 0.1', 'incidents.critical')} }\n`,
      /readiness\.items\[0\]\.when: .*must be bool, this one is int/,
    ],
    [
      `readiness:\n  total: 6\n  items:\n    - { ${ITEM} }\n    - { ${ITEM.replace('steady', 'Steady')} }\n`,
      /^charter\.yaml:6:15 readiness\.items\[1\]\.name: There is an item Steady already\./,
    ],
    [
      'readiness:\n  total: 1\n  items:\n    - { name: said, category: process, weight: 1, attest: { roles: [tech-led], expires: 1d } }\n',
      /readiness\.items\[0\]\.attest\.roles\[0\]: The role tech-led is unknown\. Did you mean tech-lead\?/,
    ],
    [
      'readiness:\n  total: 1\n  items:\n    - { name: said, category: process, weight: 1, attest: { roles: [viewer], expires: 1d } }\n',
      /The role viewer approves nothing/,
    ],
    [
      'readiness:\n  total: 1\n  items:\n    - { name: both, category: process, weight: 1, when: "true", attest: { roles: [tech-lead], expires: 1d } }\n',
      /either measured \(when\) or attested \(attest\)/,
    ],
    [`readiness:\n  total: 3\n  items:\n    - { ${ITEM.replace('3', '0')} }\n`, /at least 1 point/],
    [`readiness:\n  total: 3\n  items:\n    - { ${ITEM.replace('3', '2.5')} }\n`, /whole number/],
    [`readiness:\n  total: 3\n  items:\n    - { ${ITEM}, wieght: 3 }\n`, /wieght/],
    ['readiness:\n  items: []\n', /There is no item\. Leave items out/],
  ];
  for (const [yaml, expected] of mistakes) {
    const told = await load(yaml);
    assert.ok(Array.isArray(told), yaml);
    assert.match(told.join('\n'), expected, yaml);
  }
});
