// Readiness as arithmetic: the points that ship, where each line lies to the point, and what no evidence can do to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileReadiness } from './readiness.ts';
import type { ReadinessReport } from './readiness.ts';
import { FACT_NAMES, READINESS_ROOTS, UNKNOWN_FACTS } from './readiness/facts.ts';
import type { FactName, ReadinessFacts } from './readiness/facts.ts';
import type { Attested, ReadinessGround } from './readiness/ground.ts';
import { READINESS_CATEGORIES } from './readiness/item.ts';
import type { ReadinessItem } from './readiness/item.ts';
import { DEFAULT_READINESS_ITEMS, DEFAULT_READINESS_TOTALS } from './readiness/items.ts';
import { wordEndMs, wordStatus } from './readiness/word.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 20);

/** Everything that the shipped items ask for, just so. */
const GOOD: ReadinessFacts = {
  ...UNKNOWN_FACTS,
  monthsAtPhase: 6,
  successRate: 0.9951,
  approvalRate: 0.81,
  rollbackRate: 0.0199,
  evalCoverage: 0.91,
  'incidents.criticalFromAutonomousActions': 0,
  breakersConfigured: 1,
  metricsScrapedWithinMs: 300_000,
  killSwitchDrillAgeDays: 90,
  chaosDrillAgeDays: 90,
  'auditVerification.ageDays': 90,
  'auditVerification.passed': true,
};

function wordFor(item: ReadinessItem, over: Partial<Attested> = {}): Attested {
  const role = item.kind === 'attested' ? (item.roles[0] ?? '') : '';
  const dateMs = NOW_MS - DAY_MS;
  const base = { item: item.name, by: 'ada', role, dateMs, expiresMs: NOW_MS + 60 * DAY_MS };
  return { ...base, evidence: 'runbook.md', withdrawn: null, ...over };
}

const WORDS: readonly Attested[] = DEFAULT_READINESS_ITEMS.filter(({ kind }) => kind === 'attested').map(
  (item) => wordFor(item),
);

function assess(
  ground: Partial<ReadinessGround>,
  items: readonly ReadinessItem[] = DEFAULT_READINESS_ITEMS,
): ReadinessReport {
  const compiled = compileReadiness(items);
  assert.ok(compiled.kind === 'compiled', JSON.stringify(compiled));
  return compiled.readiness.assess({ facts: GOOD, attested: WORDS, nowMs: NOW_MS, ...ground });
}

function itemOf(report: ReadinessReport, name: string) {
  const found = READINESS_CATEGORIES.flatMap((category) => report[category].items).find(
    (item) => item.name === name,
  );
  assert.ok(found, name);
  return found;
}

test('the points that ship are 35, 25 and 20, in the groups of the charter, and all of them can be earned', () => {
  const groups: Record<string, number> = {};
  for (const { group, weight } of DEFAULT_READINESS_ITEMS) groups[group] = (groups[group] ?? 0) + weight;
  assert.deepEqual(groups, {
    'command performance': 15,
    'safety and testing': 10,
    infrastructure: 10,
    documentation: 10,
    'approval workflow': 8,
    compliance: 7,
    'team readiness': 12,
    'stakeholder buy-in': 8,
  });
  const required = DEFAULT_READINESS_ITEMS.filter((item) => item.required);
  assert.equal(
    required.map(({ name, weight }) => `${name} ${weight}`).join('\n'),
    `6+ months at the current phase 5
success rate > 99.5 % 5
eval coverage > 90 % 5
zero critical incidents from autonomous actions 5
circuit breakers configured 3
monitoring in place 3
runbooks complete 5
clear escalation path 4
stakeholder sign-off 4
on-call rotation trained 6
team consensus 6
product approval 4
ops approval 4`,
  );
  const report = assess({});
  assert.deepEqual(
    [report.points, report.total, report.score, report.ready, report.verdict],
    [80, 80, 1, true, 'ready'],
  );
  assert.deepEqual([report.blockers, report.recommendations, report.nextActions], [[], [], []]);
  for (const category of READINESS_CATEGORIES)
    assert.equal(report[category].maxScore, DEFAULT_READINESS_TOTALS[category]);
});

test('each measured item stops to count exactly at its line', () => {
  const lines: readonly (readonly [FactName, number | boolean, string])[] = [
    ['monthsAtPhase', 5.999, '6+ months at the current phase'],
    ['successRate', 0.995, 'success rate > 99.5 %'],
    ['approvalRate', 0.8, 'approval rate > 80 %'],
    ['rollbackRate', 0.02, 'rollback rate < 2 %'],
    ['evalCoverage', 0.9, 'eval coverage > 90 %'],
    ['incidents.criticalFromAutonomousActions', 1, 'zero critical incidents from autonomous actions'],
    ['breakersConfigured', 0, 'circuit breakers configured'],
    ['metricsScrapedWithinMs', 300_001, 'monitoring in place'],
    ['killSwitchDrillAgeDays', 90.01, 'kill switch tested'],
    ['chaosDrillAgeDays', 90.01, 'chaos testing completed'],
    ['auditVerification.passed', false, 'audit trail'],
    ['auditVerification.ageDays', 90.01, 'audit trail'],
  ];
  for (const [fact, value, name] of lines) {
    const report = assess({ facts: { ...GOOD, [fact]: value } });
    const item = itemOf(report, name);
    assert.equal(item.status, 'unmet', name);
    assert.equal(report.points, 80 - item.weight, name);
    assert.equal(report.ready, !item.required, name);
    assert.ok(item.details !== '' && item.next !== null && item.next !== '', name);
    assert.equal(report.blockers.length, item.required ? 1 : 0, name);
    assert.equal(report.recommendations.length, item.required ? 0 : 1, name);
    assert.deepEqual(report.nextActions, [`${name}: ${item.next}`]);
  }
  assert.match(
    itemOf(assess({ facts: { ...GOOD, successRate: 0.99499 } }), 'success rate > 99.5 %').details,
    /^Success rate 99\.49 %; it takes successRate > 0\.995\.$/,
  );
});

test('ready begins at 76 of 80 with all that is required, almost ready at 72', () => {
  const without = (...facts: readonly FactName[]): ReadinessReport =>
    assess({ facts: { ...GOOD, ...Object.fromEntries(facts.map((fact) => [fact, null])) } });
  const at76 = without('killSwitchDrillAgeDays', 'chaosDrillAgeDays');
  assert.deepEqual([at76.points, at76.score, at76.verdict], [76, 0.95, 'ready']);
  const at75 = without('killSwitchDrillAgeDays', 'approvalRate');
  assert.deepEqual([at75.points, at75.verdict, at75.ready], [75, 'almost_ready', false]);
  const at72 = without(
    'killSwitchDrillAgeDays',
    'chaosDrillAgeDays',
    'rollbackRate',
    'auditVerification.passed',
  );
  assert.deepEqual([at72.points, at72.score, at72.verdict], [72, 0.9, 'almost_ready']);
  const at71 = without('killSwitchDrillAgeDays', 'chaosDrillAgeDays', 'rollbackRate', 'approvalRate');
  assert.deepEqual([at71.points, at71.verdict], [71, 'needs_work']);
  const blocked = without('metricsScrapedWithinMs');
  assert.deepEqual([blocked.points, blocked.ready, blocked.verdict], [77, false, 'almost_ready']);
  assert.deepEqual([assess({}, []).score, assess({}, []).ready], [0, false]);
});

test('what was never measured is unmet and says why; a young phase is not held to figures that it cannot have yet', () => {
  const young = assess({
    facts: { ...GOOD, monthsAtPhase: 0, successRate: null, approvalRate: null, rollbackRate: null },
  });
  assert.deepEqual([young.points, young.validationScore], [65, 75 / 80]);
  const rate = itemOf(young, 'success rate > 99.5 %');
  assert.match(rate.details, /No command .* \(0 of 0\)\. It takes successRate > 0\.995\./);
  assert.deepEqual([rate.status, rate.waits], ['unmet', true]);
  const undrilled = assess({
    facts: { ...GOOD, killSwitchDrillAgeDays: null, evalCoverage: Number.NaN },
    why: { killSwitchDrillAgeDays: 'The last one did not pass.' },
  });
  assert.match(itemOf(undrilled, 'kill switch tested').details, /^The last one did not pass\./);
  assert.match(itemOf(undrilled, 'eval coverage > 90 %').details, /^No eval set of it has been run\./);
  assert.equal(undrilled.validationScore, undrilled.score);
});

test('a word counts from the right role, until it ends or is taken back, and the charter may shorten it', () => {
  const runbooks = DEFAULT_READINESS_ITEMS.find(({ name }) => name === 'runbooks complete');
  assert.ok(runbooks?.kind === 'attested');
  const others = WORDS.filter(({ item }) => item !== runbooks.name);
  const statusWith = (...words: readonly Attested[]) => {
    const { status, details } = itemOf(assess({ attested: [...others, ...words] }), runbooks.name);
    const listed = words.map((word) => wordStatus(DEFAULT_READINESS_ITEMS, word, NOW_MS));
    assert.equal(status === 'met', listed.includes('counts'), 'what is listed as counting is what counts');
    return `${status}: ${details}`;
  };
  assert.match(
    statusWith(wordFor(runbooks)),
    /^met: ada \(ops-lead\) attested it on 2026-11-19 with runbook\.md; it counts until 2027-01-19\.$/,
  );
  assert.match(statusWith(), /^unmet: Nobody has attested it\.$/);
  assert.match(statusWith(wordFor(runbooks, { expiresMs: NOW_MS })), /^unmet: .* expired on 2026-11-20\.$/);
  assert.match(
    statusWith(wordFor(runbooks, { withdrawn: { by: 'ben', atMs: NOW_MS } })),
    /^unmet: .* was withdrawn by ben on 2026-11-20\.$/,
  );
  assert.match(
    statusWith(wordFor(runbooks, { role: 'product-lead' })),
    /^unmet: .* now it takes the role ops-lead or tech-lead\.$/,
  );
  const old = wordFor(runbooks, { dateMs: NOW_MS - 180 * DAY_MS, expiresMs: NOW_MS + 400 * DAY_MS });
  assert.match(statusWith(old), /^unmet: .* expired on 2026-11-20\.$/);
  assert.match(statusWith(old, wordFor(runbooks, { by: 'ben' })), /^met: ben/);
  // Nobody can vouch for what is still to come; a clock that is a little ahead does no harm.
  const dated = (inMs: number) =>
    wordFor(runbooks, { dateMs: NOW_MS + inMs, expiresMs: NOW_MS + inMs + 90 * DAY_MS });
  assert.match(statusWith(dated(1_461 * DAY_MS)), /^unmet: .* on 2030-11-20 is still to come: /);
  assert.match(statusWith(dated(300_001)), /^unmet: /);
  assert.match(statusWith(dated(300_000)), /^met: /);
  const worth = (items: readonly ReadinessItem[], word: Attested) => [
    wordStatus(items, word, NOW_MS),
    wordEndMs(items, word) - NOW_MS,
  ];
  const lead = wordFor(runbooks, { role: 'product-lead' });
  assert.deepEqual(
    [
      worth([runbooks], old),
      worth([runbooks], lead)[0],
      worth([], old),
      worth([runbooks], dated(DAY_MS))[0],
      worth([runbooks], { ...old, withdrawn: { by: 'ben', atMs: NOW_MS } })[0],
    ],
    [['expired', 0], 'outgrown', ['outgrown', 400 * DAY_MS], 'early', 'withdrawn'],
  );
  const soon = assess({ attested: [...others, wordFor(runbooks, { expiresMs: NOW_MS + 13 * DAY_MS })] });
  assert.deepEqual([soon.ready, soon.recommendations.length], [true, 1]);
});

const factsArbitrary = fc
  .record(
    Object.fromEntries(
      FACT_NAMES.map((name) => [
        name,
        READINESS_ROOTS[name] === 'bool'
          ? fc.option(fc.boolean())
          : READINESS_ROOTS[name] === 'int'
            ? fc.option(fc.nat(3))
            : fc.option(fc.double({ min: 0, max: 200 })),
      ]),
    ),
  )
  .map((facts): ReadinessFacts => ({ ...UNKNOWN_FACTS, ...facts }));
const NAMES = FACT_NAMES.filter((name) => READINESS_ROOTS[name] !== 'bool');
/** Conditions that nobody would write: negations, alternatives, choices. */
const conditionArbitrary = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES), fc.nat(3), fc.nat(5))
  .map(([a, b, line, form]) => {
    const [x, y] = [`${a} > ${line}`, `${b} <= ${line}`];
    return (
      [x, `!(${x})`, `${x} || ${y}`, `${x} && !(${y})`, `${x} ? ${y} : !(${y})`, `${a} >= ${b} || !(${y})`][
        form
      ] ?? x
    );
  });
const itemsArbitrary = fc
  .array(
    fc.record({ when: conditionArbitrary, weight: fc.integer({ min: 1, max: 9 }), required: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((drafts): readonly ReadinessItem[] => [
    ...drafts.map((draft, index): ReadinessItem => ({
      ...draft,
      kind: 'measured',
      name: `item ${index}`,
      category: READINESS_CATEGORIES[index % 3] ?? 'process',
      group: 'made up',
      next: null,
    })),
    ...DEFAULT_READINESS_ITEMS,
  ]);

// I5
test('whatever is taken away from the evidence, the score never rises, and it is never above 1', () => {
  fc.assert(
    fc.property(
      itemsArbitrary,
      factsArbitrary,
      fc.constantFrom(...FACT_NAMES),
      fc.nat(WORDS.length - 1),
      (items, facts, lost, unsaid) => {
        const before = assess({ facts }, items);
        const less = assess(
          { facts: { ...facts, [lost]: null }, attested: WORDS.toSpliced(unsaid, 1) },
          items,
        );
        assert.ok(less.points <= before.points && less.score <= before.score);
        assert.ok(!less.ready || before.ready);
        assert.ok(before.score >= 0 && before.score <= before.validationScore && before.validationScore <= 1);
      },
    ),
    { numRuns: 100 },
  );
});

test('the order of items and of words changes nothing of what people are told', () => {
  fc.assert(
    fc.property(itemsArbitrary, factsArbitrary, fc.nat(), (items, facts, seed) => {
      const turned = <T>(list: readonly T[]): readonly T[] => {
        const at = seed % list.length;
        return [...list.slice(at), ...list.slice(0, at)].toReversed();
      };
      const one = assess({ facts }, items);
      const other = assess({ facts, attested: turned(WORDS) }, turned(items));
      const { technical: _a, process: _b, organizational: _c, ...told } = one;
      const { technical, process, organizational, ...toldToo } = other;
      assert.deepEqual(toldToo, told);
      assert.deepEqual(
        [technical.score, process.score, organizational.score],
        READINESS_CATEGORIES.map((category) => one[category].score),
      );
    }),
    { numRuns: 100 },
  );
});

test('a condition over what nobody measures is refused where it stands', () => {
  const [first] = DEFAULT_READINESS_ITEMS;
  assert.ok(first?.kind === 'measured');
  const refused = compileReadiness([first, { ...first, when: 'monthsAtPhase >= 6 && sucessRate > 0.9' }]);
  assert.ok(refused.kind === 'refused');
  const [problem] = refused.problems;
  assert.deepEqual([problem?.item, problem?.offset], [1, 22]);
  assert.match(problem?.message ?? '', /did you mean 'successRate'/);
});
