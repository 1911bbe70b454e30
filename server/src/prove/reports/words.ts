// How figures and times are written in reports. Rates are rounded against us: 99.996 % successes must not read as all of
// them, nor 0.001 % failures as none.
import type { GovernanceReport } from '@mandate/kernel';

/** What has no value: 0 of 0 is no rate. */
export const NOTHING = '–';

/** `99.96 %`; of something bad rounded up, of everything else down. */
export function percentText(rate: number | null, of: 'good' | 'bad' = 'good'): string {
  if (rate === null) return NOTHING;
  const hundredths = rate * 10_000;
  return `${(of === 'bad' ? Math.ceil(hundredths - 1e-6) : Math.floor(hundredths + 1e-6)) / 100} %`;
}

/** The change between two figures with its sign. */
export function changeText(now: number | null, before: number | null, of: 'count' | 'rate'): string {
  if (now === null || before === null) return NOTHING;
  if (now === before) return '0';
  const change = now - before;
  const sign = change > 0 ? '+' : '−';
  return of === 'count'
    ? `${sign}${Math.abs(change)}`
    : `${sign}${(Math.abs(change) * 100).toFixed(2).replace(/\.?0+$/, '')} points`;
}

/** `20 Nov 2026, 17:00` on the wall clocks of the report's time zone. */
export function momentText(iso: string | null, timeZone: string): string {
  if (iso === null) return NOTHING;
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
    .format(new Date(iso))
    .replace('Sept', 'Sep');
}

/** What the cycle decided, in a sentence. */
export function decisionText({
  decision,
  phase,
  set,
}: Pick<GovernanceReport, 'decision' | 'phase' | 'set'>): string {
  switch (decision.kind) {
    case 'propose':
      return `${decision.target} is proposed for ${set}, which is at ${phase.name}.`;
    case 'stay':
      return `${set} stays at ${phase.name}.`;
  }
}

/** What a person reads first, wherever they hear of the report. */
export function summaryText(report: GovernanceReport): string {
  const { readiness, metrics, breakers, incidents } = report;
  const { commands, rates } = metrics;
  const open = breakers.filter(({ resolvedAt }) => resolvedAt === null).length;
  return [
    decisionText(report),
    `Readiness ${readiness.points} of ${readiness.maxPoints} points.`,
    commands.total === 0
      ? 'No command ended in this period.'
      : `${counted(commands.total, 'command')}, ${percentText(rates.successRate)} succeeded.`,
    `${counted(breakers.length, 'breaker event')}${open === 0 ? '' : ` (${open} unresolved)`}, ${counted(incidents.length, 'incident')}.`,
  ].join(' ');
}

export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
