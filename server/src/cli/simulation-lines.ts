// What a replay came to, as a person reads it: the sentence, the groups, the actions by name, and what it cannot say.
import { harmless, table } from './output.ts';
import type { Output } from './output.ts';
import { entriesAt, listAt, numberAt, textAt, textOf, valueAt } from './read.ts';
import { tintOf } from './show.ts';

type Tinter = Output['tint'];

export interface Shown {
  /** Differences that are listed by name. */
  readonly most: number;
  readonly self: string;
}

export const FEW = 20;

/** Everything for stdout. */
export function simulationLines(report: unknown, tint: Tinter, { most, self }: Shown): readonly string[] {
  const groups = listAt(report, 'groups');
  const differences = listAt(report, 'differences');
  const listed = differences.slice(0, most);
  const left = differences.length - listed.length + (numberAt(report, 'differencesLeftOut') ?? 0);
  return [
    tint(harmless(textAt(report, 'summary')), 'bold'),
    ...(groups.length === 0 ? [] : ['', groupTable(groups, tint)]),
    ...(listed.length === 0 ? [] : ['', 'Action by action, the newest first:', actTable(listed, tint)]),
    ...(left === 0 ? [] : [tint(`and ${left} more: --all lists them, --json gives them as data`, 'dim')]),
    ...remarks(report, self),
  ];
}

export function groupTable(groups: readonly unknown[], tint: Tinter): string {
  return table(
    ['CHANGE', 'COUNT', 'ACTION', 'BEFORE', 'AFTER', 'FOR EXAMPLE'],
    groups.map((group) => [
      { text: textAt(group, 'change'), tint: changeTint(textAt(group, 'change')) },
      textAt(group, 'count'),
      textAt(group, 'action'),
      verdict(valueAt(group, 'before')),
      { text: verdict(valueAt(group, 'after')), tint: tintOf(textAt(group, 'after', 'tier')) },
      textAt(group, 'example') || textAt(group, 'last', 'id'),
    ]),
    tint,
  );
}

function actTable(differences: readonly unknown[], tint: Tinter): string {
  return table(
    ['ACT', 'WHEN', 'AGENT', 'ACTION', 'CHANGE', 'BEFORE → AFTER'],
    differences.map((it) => [
      textAt(it, 'id'),
      textAt(it, 'at'),
      textAt(it, 'agent'),
      textAt(it, 'action'),
      { text: textAt(it, 'change'), tint: changeTint(textAt(it, 'change')) },
      `${verdict(valueAt(it, 'before'))} → ${verdict(valueAt(it, 'after'))}`,
    ]),
    tint,
  );
}

/** `red, hold (deploy.*)`. */
function verdict(value: unknown): string {
  const rule = textAt(value, 'rule');
  return `${textAt(value, 'tier')}, ${textAt(value, 'effect')} (${rule === '' ? 'no rule' : rule})`;
}

function changeTint(change: string): 'red' | 'green' | 'yellow' | 'dim' {
  if (change === 'held' || change === 'denied' || change === 'throttled') return 'red';
  if (change === 'freed' || change === 'eased') return 'green';
  return change === 'reruled' ? 'dim' : 'yellow';
}

/** What the numbers do not cover. */
function remarks(report: unknown, self: string): readonly string[] {
  const unreadable = numberAt(report, 'notReplayed', 'unreadable') ?? 0;
  const refused = entriesAt(report, 'notReplayed', 'refused');
  const drifted = numberAt(report, 'drifted', 'count') ?? 0;
  const recorded = numberAt(report, 'baseline', 'recorded') ?? 0;
  const cutAt = textAt(report, 'cutAt');
  const all = refused.reduce((sum, [, count]) => sum + (typeof count === 'number' ? count : 0), 0);
  const lines = [
    ...(refused.length === 0
      ? []
      : [
          `${all} requests were refused before they were actions (${refused.map(([code, count]) => `${textOf(count)} ${code}`).join(', ')}); those cannot be replayed.`,
        ]),
    ...(unreadable === 0 ? [] : [`${unreadable} actions could not be opened and are not counted.`]),
    ...(drifted === 0
      ? []
      : [`${drifted} actions are decided otherwise today by their own charter: Mandate itself has changed.`]),
    ...(recorded === 0
      ? []
      : [`${recorded} actions were held against what was recorded: their charter cannot be read any more.`]),
    ...(cutAt === '' ? [] : [`Nothing older than ${cutAt} was looked at; ask ${self} for a shorter time.`]),
  ];
  return lines.length === 0 ? [] : ['', ...lines.map(harmless)];
}
