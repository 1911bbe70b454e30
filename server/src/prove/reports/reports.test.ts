// What a report says, it says in every form alike; and whatever agents and people wrote into it stays text: no markup, no
// link, no second line, no other direction of writing, in Markdown as on the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GovernanceMetrics, GovernanceReport } from '@mandate/kernel';
import { formOf, renderReport } from './form.ts';
import { outlineReport } from './outline-report.ts';
import { textOf } from './outline.ts';
import type { Part } from './outline.ts';
import { changeText, percentText } from './words.ts';

function metrics(total: number, failed: number): GovernanceMetrics {
  const succeeded = total - failed;
  return {
    period: { start: '2026-11-13T16:00:00.000Z', end: '2026-11-20T16:00:00.000Z' },
    commands: { total, proposed: 40, approved: 39, rejected: 1, succeeded, failed, rolledBack: 0 },
    rates: {
      successRate: total === 0 ? null : succeeded / total,
      approvalRate: 39 / 40,
      rollbackRate: 0,
      errorRate: total === 0 ? null : failed / total,
    },
    incidents: { total: 1, critical: 0, fromAutonomousActions: 1 },
    safety: { constraintViolations: 2, emergencyAborts: 0, safetyGateTriggers: 5 },
  };
}

const HOSTILE =
  '<script>alert(1)</script> | **bold** [x](javascript:alert(1)) ![i](https://evil.example/i.png) &lt; \u202Egnp.exe\n# heading\n- item https://evil.example www.evil.example `code`';

export const REPORT: GovernanceReport = {
  id: '01990000-0000-7000-8000-000000000001',
  set: 'roastery',
  week: '2026-W47',
  timeZone: 'Europe/Berlin',
  period: { start: '2026-11-13T16:00:00.000Z', end: '2026-11-20T16:00:00.000Z' },
  createdAt: '2026-11-20T16:00:01.000Z',
  createdBy: 'schedule',
  phase: {
    name: 'L3',
    title: 'Human in Loop',
    step: 1,
    steps: 5,
    since: '2026-05-01T00:00:00.000Z',
    days: 203,
    validationUntil: null,
    stabilizationUntil: null,
    whitelist: [],
  },
  metrics: metrics(412, 1),
  previous: metrics(0, 0),
  commandTypes: [
    {
      commandType: 'roaster.SET_POWER',
      total: 300,
      proposed: 30,
      approved: 29,
      rejected: 1,
      succeeded: 299,
      failed: 1,
      rolledBack: 0,
    },
    {
      commandType: 'roaster.SET_FAN',
      total: 112,
      proposed: 10,
      approved: 10,
      rejected: 0,
      succeeded: 112,
      failed: 0,
      rolledBack: 0,
    },
  ],
  readiness: {
    score: 0.9625,
    points: 77,
    maxPoints: 80,
    ready: true,
    blockers: [],
    categories: [
      {
        name: 'technical',
        score: 35,
        maxScore: 35,
        items: [
          {
            name: 'success rate > 99.5 %',
            weight: 5,
            required: true,
            status: 'met',
            details: 'Success rate 99.8 % over 180 days.',
          },
        ],
      },
      {
        name: 'process',
        score: 22,
        maxScore: 25,
        items: [{ name: 'security review', weight: 3, required: false, status: 'unmet', details: HOSTILE }],
      },
      { name: 'organizational', score: 20, maxScore: 20, items: [] },
    ],
    recommendations: ['security review is worth 3 of 80 points: nobody has attested it.'],
    nextActions: [],
  },
  breakers: [
    {
      id: '01990000-0000-7000-8000-000000000002',
      rule: 'High Error Rate',
      action: 'revert_to_l3',
      severity: 'critical',
      commandType: null,
      at: '2026-11-17T03:12:00.000Z',
      resolvedAt: '2026-11-17T08:00:00.000Z',
      resolvedBy: 'user:ada',
    },
  ],
  incidents: [
    {
      id: '01990000-0000-7000-8000-000000000003',
      title: HOSTILE,
      severity: 'high',
      source: 'person',
      openedAt: '2026-11-17T03:12:01.000Z',
      resolvedAt: null,
    },
  ],
  omitted: { commandTypes: 3, breakers: 0, incidents: 0 },
  objectives: [{ name: 'Roasts succeed', target: 0.99, actual: 0.9976, budgetLeft: 0.76, status: 'ok' }],
  decision: { kind: 'propose', target: 'L3+' },
  proposal: {
    id: '01990000-0000-7000-8000-000000000004',
    from: 'L3',
    to: 'L3+',
    title: 'Extended Control',
    commands: [
      {
        pattern: 'roaster.SET_POWER',
        commandTypes: ['roaster.SET_POWER'],
        proposed: 900,
        approved: 890,
        succeeded: 889,
        failed: 1,
      },
    ],
    record: { start: '2026-05-24T16:00:00.000Z', end: '2026-11-20T16:00:00.000Z' },
    validationDays: 14,
    achievements: ['203 days at L3.', '889 of 890 commands succeeded (99.88 %).'],
    risk: {
      level: 'medium',
      reasons: ['roaster.SET_FAN ran only 12 times.'],
      mitigations: ['14 days of validation.'],
    },
    rollbackPlan: ['By a person: anybody who may write governance takes roastery back to L3.'],
    requiredApprovals: ['tech-lead'],
  },
  nextSteps: ['Approve or reject the proposal.', HOSTILE],
  audit: { root: 'ab'.repeat(32), entries: 4_711, firstPosition: 100, lastPosition: 4_810 },
};

const FILED = { report: REPORT, sha256: 'cd'.repeat(32) };

function textsOf(part: Part): readonly string[] {
  switch (part.kind) {
    case 'heading':
    case 'subheading':
    case 'text':
      return [part.text];
    case 'note':
      return [part.text, ...part.more];
    case 'facts':
      return part.facts.flat();
    case 'list':
      return part.items;
    case 'table':
      return [...part.head.map(({ text }) => text), ...part.rows.flat().map(textOf)];
  }
}

test('every form of a report says the same: the decision, the figures, why, and by what it can be checked', () => {
  const outline = outlineReport(FILED);
  const said = outline.parts.flatMap(textsOf).filter((text) => text !== HOSTILE);
  const page = renderReport(FILED, 'html').body.replaceAll('&gt;', '>').replaceAll('&#39;', "'");
  const markdown = renderReport(FILED, 'markdown').body;
  for (const text of said) {
    assert.ok(page.includes(text), `the page has: ${text}`);
    assert.ok(markdown.replaceAll('\\', '').includes(text), `the Markdown has: ${text}`);
  }
  assert.match(
    markdown,
    /^# Governance report 2026-W47: roastery\n\n13 Nov 2026, 17:00 to 20 Nov 2026, 17:00/,
  );
  assert.match(markdown, /\*\*L3\+ is proposed for roastery, which is at L3\.\*\*/);
  assert.match(markdown, /\| Commands ended \| 412 \| 0 \| \+412 \|/);
  assert.match(markdown, /\| Success rate \| 99\.75 % \| – \| – \|/, 'nothing of nothing is no rate');
  assert.match(markdown, /\| roaster\.SET_POWER \| 300 \| 30 \|/, 'names stay readable');
  assert.match(markdown, /3 more types of command are not listed\./);
  assert.match(markdown, /\| Roasts succeed \| 99 % \| 99\.76 % \| 76 % \| ok \|/);
  assert.deepEqual(
    [percentText(0.999_96), percentText(0.000_01, 'bad'), percentText(0.29), changeText(0.9, 0.95, 'rate')],
    ['99.99 %', '0.01 %', '29 %', '−5 points'],
  );
});

test('what agents and people wrote is text in both forms and never markup, a link, a line, or another direction', () => {
  const { body: page, headers } = renderReport(FILED, 'html');
  assert.doesNotMatch(page, /<(script|img|a|link|iframe|object|base|form)\b/i);
  assert.doesNotMatch(page, /\u202e/i);
  assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;'));
  assert.ok(page.includes('\\u{202e}gnp.exe'), 'what turns the direction is shown as what it is');
  assert.doesNotMatch(page, /\b(src|href|url\()/i, 'nothing is fetched from anywhere');
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; form-action 'none'/);
  assert.doesNotMatch(policy, /unsafe/);

  const { body: markdown } = renderReport(FILED, 'markdown');
  assert.doesNotMatch(markdown, /\u202e/i);
  assert.doesNotMatch(markdown, /</, 'no HTML');
  assert.ok(markdown.includes('&lt;script>'));
  assert.ok(markdown.includes('\\&lt;'), 'what was written as an entity stays as it was written');
  assert.doesNotMatch(markdown, /(?<!\\)\[x|(?<!\\)\*\*bold|(?<!\\)`code|[^\\]\| \*\*/);
  assert.doesNotMatch(markdown, /https:\/\/|www\.evil/, 'an address is no link');
  assert.doesNotMatch(markdown, /^(# heading|- item)/m);
  const rows = markdown.split('\n').filter((line) => line.startsWith('| security review'));
  assert.equal(rows.length, 1);
  assert.equal(rows[0]?.replaceAll('\\|', '').split('|').length, 6, 'a bar in a cell makes no cell');
});

test('the form is the one that the reader prefers, and data where nobody says', () => {
  const cases: readonly (readonly [string | null, string])[] = [
    [null, 'json'],
    ['*/*', 'json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
    ['application/json, text/html;q=0.5', 'json'],
    ['text/markdown', 'markdown'],
    ['text/html;q=0, text/markdown;q=0.2', 'markdown'],
    ['image/png;q=1, nonsense', 'json'],
  ];
  for (const [accept, form] of cases) assert.equal(formOf(accept), form, String(accept));
});
