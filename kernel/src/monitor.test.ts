// What monitors say of figures: conditions and what is wrong with them, windows, episodes, error budgets. Tables of cases,
// and properties for whatever happens in any order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileBreaker, DEFAULT_MIN_SAMPLES, NO_COMMANDS, plainMetrics, ratesOf } from './monitor.ts';
import type { BreakerRule, CommandCounts, MonitorFacts } from './monitor.ts';
import { DEFAULT_BREAKERS } from './monitor/defaults.ts';
import { stepEpisode } from './monitor/episode.ts';
import type { Episode } from './monitor/episode.ts';
import { burnRate, burnsOf, errorBudget, sloProblems } from './monitor/slo.ts';
import { readMonitorWindow } from './monitor/window.ts';

const RULE: BreakerRule = {
  name: 'a rule',
  enabled: true,
  condition: 'errorRate > 0.05',
  window: '5m',
  action: 'alert_only',
  alertSeverity: 'warning',
  minSamples: DEFAULT_MIN_SAMPLES,
};

function counts(some: Partial<CommandCounts>): CommandCounts {
  return { ...NO_COMMANDS, ...some };
}

interface Some {
  readonly commands?: Partial<CommandCounts>;
  readonly type?: Partial<CommandCounts>;
  readonly critical?: number;
}

function facts({ commands = {}, type, critical = 0 }: Some): MonitorFacts {
  const all = counts(commands);
  return {
    metrics: {
      commands: all,
      rates: ratesOf(all),
      incidents: { total: critical, critical, fromAutonomousActions: 0 },
      safety: { constraintViolations: 0, emergencyAborts: 0, safetyGateTriggers: 0 },
    },
    type: type === undefined ? null : { commandType: 'roaster.SET_POWER', ...counts(type) },
  };
}

function compiled(changed: Partial<BreakerRule>) {
  const made = compileBreaker({ ...RULE, ...changed });
  assert.equal(made.kind, 'compiled');
  return made.breaker;
}

test('the four rules that ship hold where they should, and not a step before', () => {
  const cases: readonly (readonly [string, Some, boolean])[] = [
    ['High Error Rate', { commands: { total: 20, succeeded: 18, failed: 2 } }, true],
    ['High Error Rate', { commands: { total: 20, succeeded: 19, failed: 1 } }, false],
    // A single failure must not be an error rate of 1.
    ['High Error Rate', { commands: { total: 19, failed: 19 } }, false],
    ['High Error Rate', {}, false],
    ['Repeated Command Failures', { type: { failed: 3 } }, true],
    ['Repeated Command Failures', { type: { failed: 2 } }, false],
    ['Critical Incident', { critical: 1 }, true],
    ['Critical Incident', {}, false],
    ['High Rollback Rate', { commands: { succeeded: 20, rolledBack: 3 } }, true],
    ['High Rollback Rate', { commands: { succeeded: 20, rolledBack: 2 } }, false],
    ['High Rollback Rate', { commands: { succeeded: 19, rolledBack: 19 } }, false],
  ];
  for (const [name, some, holds] of cases) {
    const rule = DEFAULT_BREAKERS.find((each) => each.name === name);
    assert.ok(rule !== undefined);
    const met = compiled(rule).evaluate(facts(some));
    assert.equal(met.kind, holds ? 'holds' : 'holds_not', `${name}: ${JSON.stringify(some)}`);
  }
});

test('a condition on a rate that is unknown is false, and so is its opposite; what else it says still counts', () => {
  const nothing = facts({});
  for (const condition of [
    'errorRate > 0.05',
    '!(errorRate > 0.05)',
    'errorRate != 0.5',
    'errorRate <= 1.0 && commands.total == 0',
    'successRate < 0.9 || rollbackRate > 0.1',
  ])
    assert.equal(compiled({ condition }).evaluate(nothing).kind, 'holds_not', condition);
  assert.equal(
    compiled({ condition: 'errorRate > 0.05 || commands.total == 0' }).evaluate(nothing).kind,
    'holds',
  );
});

test('what cannot be answered is an error with its reason, never silence', () => {
  assert.deepEqual(compiled({ condition: '1 / commands.total > 0' }).evaluate(facts({})), {
    kind: 'error',
    message: 'division by zero',
  });
});

test('the figures that a condition names are told, and no others', () => {
  const breaker = compiled({ condition: 'errorRate > 0.05 && commands.total > 3' });
  assert.equal(
    breaker.describe(facts({ commands: { total: 30, failed: 10, succeeded: 20 } })),
    'errorRate 0.3333, commands.total 30',
  );
});

test('a rule that guards nothing is refused, with the field and the place', () => {
  const cases: readonly (readonly [Partial<BreakerRule>, string, RegExp, number | null])[] = [
    [{ condition: 'errorRat > 0.05' }, 'condition', /'errorRat' \(did you mean 'errorRate'\?\)/, 0],
    [{ condition: '1 > 0 && commands.fail > 1' }, 'condition', /'commands.fail' \(did you mean/, 9],
    [{ condition: 'errorRate >' }, 'condition', /expected a value/, 11],
    [{ condition: 'errorRate' }, 'condition', /must be bool, this one is double/, 0],
    [{ condition: 'errorRate > "a lot"' }, 'condition', /'>' does not take double and string/, 10],
    [{ condition: 'parameters.x == 1' }, 'condition', /unknown name 'parameters.x'/, 0],
    [{ condition: '' }, 'condition', /./, 0],
    [{ action: 'pause_command_type' }, 'condition', /which one should be paused/, 0],
    [{ window: '0m' }, 'window', /too short/, null],
    [{ window: '99y' }, 'window', /no window/, null],
    [{ minSamples: 0 }, 'minSamples', /whole number from 1/, null],
    // By SQL, past whatever else stands in the way.
    [{ action: 'explode' as 'alert_only' }, 'action', /no action/, null],
    [{ alertSeverity: 'loud' as 'info' }, 'alertSeverity', /no severity/, null],
  ];
  for (const [changed, field, message, offset] of cases) {
    const made = compileBreaker({ ...RULE, ...changed });
    assert.equal(made.kind, 'refused', JSON.stringify(changed));
    const [problem] = made.problems;
    assert.deepEqual([problem?.field, problem?.offset], [field, offset], JSON.stringify(changed));
    assert.match(problem?.message ?? '', message);
  }
});

test('figures are told as plain data, without what their source added', () => {
  const { metrics } = facts({ commands: { total: 1 } });
  const more = { ...metrics, incidents: { ...metrics.incidents, bySeverity: { low: 1 } } };
  assert.deepEqual(plainMetrics(more), JSON.parse(JSON.stringify(metrics)));
});

test('windows are read where they mean something, and refused where not', () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['10s', 10_000],
    ['180d', 15_552_000_000],
    ['0m', null],
    ['9s', null],
    ['181d', null],
    ['99y', null],
    ['', null],
    ['5', null],
    ['-5m', null],
    ['5 m', null],
    ['1.5h', null],
    ['9999999d', null],
    ['99999999999999999999s', null],
  ];
  for (const [text, ms] of cases) {
    const read = readMonitorWindow(text);
    assert.equal(read.kind === 'window' ? read.ms : null, ms, text);
  }
});

test('an episode begins once and ends once, and a clock that goes back does neither', () => {
  const goesOn: Episode = { seenMs: 100, resolvedMs: null, endedMs: null };
  const resolved: Episode = { seenMs: 100, resolvedMs: 150, endedMs: null };
  const over: Episode = { seenMs: 100, resolvedMs: null, endedMs: 200 };
  const cases: readonly (readonly [Episode | null, boolean, number, boolean, string])[] = [
    [null, true, 100, false, 'open'],
    [null, false, 100, false, 'none'],
    [goesOn, true, 110, true, 'seen'],
    [goesOn, false, 110, false, 'end'],
    // The failure is still to come, by this clock.
    [goesOn, false, 50, false, 'none'],
    [resolved, true, 160, false, 'none'],
    [resolved, true, 160, true, 'open'],
    [resolved, true, 50, true, 'open'],
    [resolved, false, 160, false, 'end'],
    [resolved, false, 50, false, 'none'],
    [over, true, 210, false, 'open'],
    [over, true, 150, false, 'none'],
    [over, true, 150, true, 'open'],
    [over, false, 210, false, 'none'],
  ];
  for (const [episode, holds, nowMs, isNewTrouble, step] of cases)
    assert.equal(
      stepEpisode(episode, { holds, nowMs, isNewTrouble, isChanged: false }),
      step,
      JSON.stringify({ episode, holds, nowMs, isNewTrouble }),
    );
  // A rule that was changed while it went on is answered as it stands now; what is over or does not hold is not.
  const changed = { isNewTrouble: false, isChanged: true };
  assert.deepEqual(
    [goesOn, resolved].map((episode) => [
      stepEpisode(episode, { ...changed, holds: true, nowMs: 160 }),
      stepEpisode(episode, { ...changed, holds: false, nowMs: 160 }),
    ]),
    [
      ['open', 'end'],
      ['open', 'end'],
    ],
  );
  assert.equal(stepEpisode(over, { ...changed, holds: true, nowMs: 150 }), 'none');
});

test('what counts as new trouble is what adds to the figures that the condition names', () => {
  const about = (condition: string): readonly string[] => compiled({ condition }).about.toSorted();
  assert.deepEqual(about('commandType.failures >= 3 && errorRate > 0.1'), ['failures']);
  assert.deepEqual(about('rollbackRate > 0.1 || commands.rejected > 2'), ['rejections', 'rollbacks']);
  assert.deepEqual(about('approvalRate < 0.5'), ['proposals', 'rejections']);
  assert.deepEqual(about('incidents . critical > 0'), ['critical']);
  assert.deepEqual(about('incidents.total > 2 || incidents.fromAutonomousActions > 0'), [
    'autonomous',
    'incidents',
  ]);
  assert.deepEqual(about('safety.safetyGateTriggers + safety.emergencyAborts > 3'), ['aborts', 'gates']);
  assert.deepEqual(about('commands.total > 100'), ['ends']);
});

/** The store in small: what the steps make of the newest episode. Answers with how many were opened. */
function walk(checks: readonly { readonly holds: boolean; readonly nowMs: number }[]): number {
  const start: { readonly newest: Episode | null; readonly opened: number } = { newest: null, opened: 0 };
  return checks.reduce(({ newest, opened }, { holds, nowMs }) => {
    const step = stepEpisode(newest, { holds, nowMs, isNewTrouble: false, isChanged: false });
    if (step === 'open')
      return { newest: { seenMs: nowMs, resolvedMs: null, endedMs: null }, opened: opened + 1 };
    if (newest === null || step === 'none') return { newest, opened };
    const after =
      step === 'end' ? { ...newest, endedMs: nowMs } : { ...newest, seenMs: Math.max(newest.seenMs, nowMs) };
    return { newest: after, opened };
  }, start).opened;
}

test('looking more often, or over again with the clock set back, opens nothing more', () => {
  const checks = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(checks, fc.integer({ min: 1, max: 5 }), (held, times) => {
      const once = held.map((holds, at) => ({ holds, nowMs: at * 10 }));
      const opened = walk(once);
      const rises = held.filter((holds, at) => holds && (at === 0 || held[at - 1] === false)).length;
      assert.equal(opened, rises, 'one for each time that it began to hold');
      assert.equal(walk(once.flatMap((check) => Array.from({ length: times }, () => check))), opened);
      assert.equal(walk([...once, ...once]), opened, 'the same hours once more');
    }),
  );
});

test('an error budget burns as fast as it is used up', () => {
  assert.equal(burnRate({ good: 0, total: 0 }, 0.99), null);
  assert.equal(burnRate({ good: 100, total: 100 }, 0.99), 0);
  assert.ok(Math.abs((burnRate({ good: 99, total: 100 }, 0.99) ?? 0) - 1) < 1e-9);
  assert.deepEqual(errorBudget({ good: 0, total: 0 }, 0.99), { allowed: 0, used: 0, remaining: null });
  const half = errorBudget({ good: 995, total: 1_000 }, 0.99);
  assert.ok(Math.abs((half.remaining ?? 0) - 0.5) < 1e-9 && half.used === 5);
});

test('an alert needs its long and its short window, and enough acts', () => {
  const slo = { target: 0.99, minSamples: 20 };
  const all = (good: number, total: number) => () => ({ good, total });
  const burning = (of: (windowMs: number) => { good: number; total: number }): string =>
    burnsOf(slo, of)
      .filter(({ burns }) => burns)
      .map(({ name }) => name)
      .join();
  assert.equal(burning(all(80, 100)), 'fast,slow');
  assert.equal(burning(all(90, 100)), 'slow');
  assert.equal(burning(all(95, 100)), '');
  assert.equal(burning(all(0, 19)), '', 'too few acts');
  // It was bad, and is over: the short windows are clean.
  assert.equal(
    burning((ms) => ({ good: ms >= 3_600_000 ? 50 : 100, total: 100 })),
    '',
  );
});

test('an objective that no failure could miss, or every one would, is refused', () => {
  const day = 86_400_000;
  assert.deepEqual(sloProblems({ target: 0.99, windowMs: 30 * day }), []);
  for (const target of [1, 0, 0.8, 1.5, Number.NaN])
    assert.equal(sloProblems({ target, windowMs: 30 * day })[0]?.field, 'target', String(target));
  for (const windowMs of [day - 1, 91 * day, Number.NaN])
    assert.equal(sloProblems({ target: 0.99, windowMs })[0]?.field, 'window', String(windowMs));
});
