// What a charter says of phases: read as it is meant, and refused where a phase would be freer or tighter than it reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';

const DAY_MS = 86_400_000;

async function load(yaml: string) {
  return loadCharter({
    path: 'charter.yaml',
    readFile: async (file) => (file === 'charter.yaml' ? `version: 1\n${yaml}` : null),
    readShipped: () => Promise.resolve(null),
  });
}

test('a set with a prefix alone gets the ladder that ships, with whitelists that add up', async () => {
  const loaded = await load('phases: { roastery: { prefix: roaster., timezone: Europe/Berlin } }\n');
  assert.ok(loaded.kind === 'loaded', JSON.stringify(loaded));
  const [set] = loaded.charter.phases ?? [];
  assert.deepEqual(
    set?.phases.map(({ name, title, whitelist, validationMs, approvals }) => [
      name,
      title,
      whitelist.map((each) => each.replace('roaster.', '')).join(),
      validationMs / DAY_MS,
      approvals.join(),
    ]),
    [
      ['L3', 'Human in Loop', '', 0, ''],
      ['L3+', 'Extended Control', 'SET_POWER,SET_FAN', 14, 'tech-lead'],
      ['L4', 'High Automation', 'SET_POWER,SET_FAN,SET_DRUM,SET_AIRFLOW', 21, 'tech-lead,ops-lead'],
      [
        'L4+',
        'Advanced Autonomy',
        'SET_POWER,SET_FAN,SET_DRUM,SET_AIRFLOW,PREHEAT,COOLING_CYCLE',
        30,
        'tech-lead,ops-lead,product-lead',
      ],
      ['L5', 'Full Autonomy', '*', 60, 'tech-lead,ops-lead,product-lead,exec-sponsor'],
    ],
  );
  assert.deepEqual(
    { ...set, phases: null },
    {
      name: 'roastery',
      patterns: ['roaster.*'],
      phases: null,
      stabilizationMs: 30 * DAY_MS,
      firstStabilizationMs: 180 * DAY_MS,
      cycle: '0 17 * * fri',
      timeZone: 'Europe/Berlin',
      origin: 'charter.yaml:2:21 phases.roastery',
    },
  );
});

test('a ladder of one own, and names that leave out the prefix that all patterns share', async () => {
  const loaded = await load(`phases:
  shop:
    patterns: ['shop.price_*', shop.refund|cancel, shop.price_up]
    stabilization: 2d
    ladder:
      - { name: Watched, adds: [cancel] }
      - { name: Free, whitelist: ['price_*', shop.cancel], validation: 7d, approvals: [ops-lead] }
      - { name: All, adds: ['*'], validation: 12h, approvals: [exec-sponsor, exec-sponsor] }
  till:
    patterns: shop.refund
    ladder: [{ name: Only }]
`);
  assert.ok(loaded.kind === 'loaded', JSON.stringify(loaded));
  const [shop] = loaded.charter.phases ?? [];
  assert.deepEqual(shop?.patterns, ['shop.price_*', 'shop.refund', 'shop.cancel']);
  assert.deepEqual(
    shop?.phases.map(({ title, whitelist, validationMs, approvals }) => [
      title,
      whitelist,
      validationMs,
      approvals,
    ]),
    [
      ['Watched', ['shop.cancel'], 0, []],
      ['Free', ['shop.price_*', 'shop.cancel'], 7 * DAY_MS, ['ops-lead']],
      ['All', ['shop.price_*', 'shop.cancel', 'shop.refund'], DAY_MS / 2, ['exec-sponsor']],
    ],
  );
  assert.deepEqual(loaded.warnings.map(renderError), [
    'charter.yaml:11:5 phases.till: till and shop both govern shop.refund: such an action runs without asking only where the phases of both let it, and counts for both.',
  ]);
});

const SECOND = 'validation: 1d, approvals: [tech-lead]';
const MISTAKES: Readonly<Record<string, readonly [ladder: string, problem: RegExp]>> = {
  'two phases of one name': [
    `[{ name: A }, { name: A, ${SECOND} }]`,
    /^charter\.yaml:5:35 phases\.s\.ladder\[1\]\.name: There is a phase A in this ladder already/,
  ],
  'a whitelist entry outside the set': [
    `[{ name: A }, { name: B, adds: [s.x, other.y], ${SECOND} }]`,
    /^charter\.yaml:5:\d+ phases\.s\.ladder\[1\]\.adds\[1\]: other\.y is not within what the set governs \(s\.\*\)/,
  ],
  'a slip of the pen in the prefix': [
    `[{ name: A, adds: [ss.x] }]`,
    /phases\.s\.ladder\[0\]\.adds\[0\]: ss\.x is not within/,
  ],
  'a pattern wider than the set': [
    `[{ name: A, adds: ['s*'] }, { name: B, adds: ['s.*x'], ${SECOND} }]`,
    /phases\.s\.ladder\[1\]\.adds\[0\]: This is no action pattern/,
  ],
  'an approver that nobody is': [
    `[{ name: A }, { name: B, validation: 1d, approvals: [tech-leed] }]`,
    /phases\.s\.ladder\[1\]\.approvals\[0\]: The role tech-leed is unknown\. Did you mean tech-lead\?/,
  ],
  'an approver who approves nothing': [
    `[{ name: A }, { name: B, validation: 1d, approvals: [operator] }]`,
    /approvals\[0\]: The role operator approves nothing/,
  ],
  'an empty ladder': ['[]', /^charter\.yaml:5:13 phases\.s\.ladder: A ladder has at least one phase/],
  'a later phase that takes back': [
    `[{ name: A, adds: [x, y] }, { name: B, whitelist: [x, z], ${SECOND} }]`,
    /phases\.s\.ladder\[1\]\.whitelist: .* this leaves out s\.y\. Write adds/,
  ],
  'both ways to write a whitelist': [
    `[{ name: A, adds: [x], whitelist: [x] }]`,
    /phases\.s\.ladder\[0\]\.whitelist: A phase has either adds or whitelist/,
  ],
  'nobody who lets in': [
    `[{ name: A }, { name: B, validation: 1d }]`,
    /phases\.s\.ladder\[1\]: approvals is missing/,
  ],
  'no time on probation': [
    `[{ name: A }, { name: B, approvals: [tech-lead] }]`,
    /phases\.s\.ladder\[1\]: validation is missing/,
  ],
  'an approval of the first phase': [
    `[{ name: A, approvals: [tech-lead] }]`,
    /phases\.s\.ladder\[0\]\.approvals: A set begins in its first phase/,
  ],
  'a name that is a word of the commands': [
    '[{ name: first }]',
    /ladder\[0\]\.name: first and previous are words/,
  ],
  'an unknown key': ['[{ name: A, whitlist: [x] }]', /Did you mean whitelist\?/],
};

test('every mistake in a ladder is told with its place and what to write', async () => {
  for (const [what, [ladder, problem]] of Object.entries(MISTAKES)) {
    const loaded = await load(`phases:\n  s:\n    prefix: s.\n    ladder: ${ladder}\n`);
    const problems = loaded.kind === 'refused' ? loaded.problems.map(renderError) : ['it was loaded'];
    assert.ok(
      problems.some((each) => problem.test(each)),
      `${what}: ${problems.join('\n')}`,
    );
  }
});

test('a set says what it governs once, when its cycle runs, and nothing unknown', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{}', /^charter\.yaml:2:\d+ phases\.s: A set has either patterns or prefix/],
    ['{ prefix: s., patterns: [t.*] }', /A set has either patterns or prefix/],
    ['{ prefix: s }', /phases\.s\.prefix: Write a prefix with its dot/],
    ['{ patterns: [s.*, t.*] }', /phases\.s: SET_POWER is not within what the set governs/],
    ["{ prefix: s., cycle: 'fri 17:00' }", /phases\.s\.cycle/],
    ['{ prefix: s., timezone: Mars/Olympus }', /phases\.s\.timezone: The time zone is unknown/],
    ['{ prefix: s., stabilization: soon }', /phases\.s\.stabilization: This is no duration/],
    ['{ prefix: s., stabilisation: 1d }', /Did you mean stabilization\?/],
  ];
  for (const [written, problem] of cases) {
    const loaded = await load(`phases: { s: ${written} }\n`);
    const problems = loaded.kind === 'refused' ? loaded.problems.map(renderError) : ['it was loaded'];
    assert.ok(
      problems.some((each) => problem.test(each)),
      `${written}: ${problems.join('\n')}`,
    );
  }
  const loaded = await load('approvals: { proposal: { fourEyes: false } }\n');
  assert.equal(loaded.kind, 'refused', 'four eyes are not for the charter to close');
});
