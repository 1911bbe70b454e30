import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentIssues, isWithin, parseWindow } from './deployment.ts';

function within(window: string, iso: string): boolean {
  const parsed = parseWindow(window);
  assert.ok(typeof parsed !== 'string', window);
  return isWithin(parsed, Date.parse(iso));
}

const MOMENTS: readonly (readonly [window: string, moment: string, open: boolean])[] = [
  ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-11-20T08:00:00Z', true],
  ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-11-20T07:59:59Z', false],
  ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-11-20T16:00:00Z', false],
  ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-11-21T10:00:00Z', false],
  // Summer time: nine o'clock in Berlin is seven o'clock UTC.
  ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-07-20T07:00:00Z', true],
  ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-07-20T15:00:00Z', false],
  ['09:00-17:00', '2026-11-22T09:00:00Z', true],
  ['Sat-Mon 00:00-24:00 UTC', '2026-11-22T23:59:59Z', true],
  ['Sat-Mon 00:00-24:00 UTC', '2026-11-24T00:00:00Z', false],
  ['Mon,Wed 10:00-11:00', '2026-11-18T10:30:00Z', true],
  ['Mon,Wed 10:00-11:00', '2026-11-19T10:30:00Z', false],
  ['Fri 22:00-06:00', '2026-11-21T05:59:00Z', true],
  ['Fri 22:00-06:00', '2026-11-20T05:59:00Z', false],
  ['Fri 22:00-06:00', '2026-11-20T22:00:00Z', true],
];

test('a window is open in its own time zone, over midnight and over the change of clocks', () => {
  for (const [window, moment, open] of MOMENTS)
    assert.equal(within(window, moment), open, `${window} at ${moment}`);
});

test('a window that cannot be read says what is wrong and what to write', () => {
  for (const text of [
    '',
    'always',
    'Mon-Fri',
    'Mon-Fri 9-17',
    'Foo 09:00-17:00',
    'Mon-Tue-Wed 09:00-17:00',
    'Mon 25:00-26:00',
    'Mon 09:60-10:00',
    'Mon 09:00-09:00',
    'Mon 09:00-10:00 Mars/Base',
  ]) {
    const parsed = parseWindow(text);
    assert.ok(typeof parsed === 'string' && parsed.includes('write'), text);
  }
});

test('each thing that speaks against a deployment is said, and what nobody gathered counts as missing', () => {
  const noon = Date.parse('2026-11-20T12:00:00Z');
  const fine = { testsPassed: true, openCriticalFindings: 0 };
  const counts = [
    deploymentIssues(fine, null, noon),
    deploymentIssues(fine, parseWindow('Mon-Fri 09:00-17:00'), noon),
    deploymentIssues(fine, parseWindow('Mon-Fri 09:00-17:00'), 1e300),
    deploymentIssues(null, null, noon),
    deploymentIssues({ ...fine, testsPassed: false }, null, noon),
    deploymentIssues({ testsPassed: false, openCriticalFindings: 2 }, null, noon),
    deploymentIssues(null, parseWindow('Sat 09:00-17:00'), noon),
    deploymentIssues(fine, parseWindow('nonsense'), noon),
    deploymentIssues({ testsPassed: false, openCriticalFindings: 1 }, parseWindow('Sat 09:00-17:00'), noon),
  ].map((issues) => issues.length);
  assert.deepEqual(counts, [0, 0, 1, 1, 1, 2, 2, 1, 3]);
});
