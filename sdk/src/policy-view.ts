// What the server says of simulations, trials and enforcement, read from unknown JSON.
import type {
  Difference,
  DifferenceGroup,
  Drifted,
  Effect,
  PolicyChange,
  ShadowReport,
  SimulationReport,
  StillHeld,
  Suggestion,
  Tier,
  Verdict,
} from '@mandate/kernel';
import { countsOf, fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';

export interface EnforcementView {
  /** What counts now. */
  readonly enforcement: 'enforce' | 'audit';
  /** What the charter says. */
  readonly charter: 'enforce' | 'audit';
  /** `charter`: nothing overrides it. */
  readonly flag: 'enforce' | 'audit' | 'charter';
  /** Rules with an enforcement of their own, which no flag reaches. */
  readonly ownRules: readonly { readonly match: string; readonly enforcement: 'enforce' | 'audit' }[];
  /** What switching would have done; only where it was asked for. */
  readonly simulation: SimulationReport | null;
}

const TIERS = ['green', 'yellow', 'red', 'black'] as const satisfies readonly Tier[];
const CHANGES = [
  'held',
  'denied',
  'freed',
  'eased',
  'throttled',
  'approvers',
  'retiered',
  'reruled',
] as const satisfies readonly PolicyChange[];
const EFFECTS = ['execute', 'hold', 'deny', 'throttle', 'none'] as const satisfies readonly Effect[];
const ENFORCEMENTS = ['enforce', 'audit'] as const;

export function readSimulation(value: unknown): SimulationReport {
  const report = fieldsOf(value, 'the answer');
  const baseline = fieldsOf(report['baseline'], 'baseline');
  const drifted = fieldsOf(report['drifted'], 'drifted');
  const notReplayed = fieldsOf(report['notReplayed'], 'notReplayed');
  return {
    summary: textOf(report['summary'], 'summary'),
    from: textOf(report['from'], 'from'),
    to: textOf(report['to'], 'to'),
    acts: numberOf(report['acts'], 'acts'),
    counts: countsOf(report['counts'], 'counts'),
    differences: listOf(report['differences'], readDifference, 'differences'),
    differencesLeftOut: numberOf(report['differencesLeftOut'], 'differencesLeftOut'),
    groups: listOf(report['groups'], readGroup, 'groups'),
    groupsLeftOut: numberOf(report['groupsLeftOut'], 'groupsLeftOut'),
    baseline: {
      replayed: numberOf(baseline['replayed'], 'baseline.replayed'),
      recorded: numberOf(baseline['recorded'], 'baseline.recorded'),
    },
    drifted: {
      count: numberOf(drifted['count'], 'drifted.count'),
      acts: listOf(drifted['acts'], readDrifted, 'drifted.acts'),
    },
    notReplayed: {
      unreadable: numberOf(notReplayed['unreadable'], 'notReplayed.unreadable'),
      refused: countsOf(notReplayed['refused'], 'notReplayed.refused'),
    },
    cutAt: optional(report['cutAt'], textOf, 'cutAt'),
  };
}

function readVerdict(value: unknown, where: string): Verdict {
  const verdict = fieldsOf(value, where);
  return {
    tier: wordOf(verdict['tier'], TIERS, `${where}.tier`),
    effect: wordOf(verdict['effect'], EFFECTS, `${where}.effect`),
    code: textOf(verdict['code'], `${where}.code`),
    rule: optional(verdict['rule'], textOf, `${where}.rule`),
  };
}

function readChanged(
  value: unknown,
  where: string,
): Pick<DifferenceGroup, 'action' | 'change' | 'before' | 'after'> {
  const changed = fieldsOf(value, where);
  return {
    action: textOf(changed['action'], `${where}.action`),
    change: wordOf(changed['change'], CHANGES, `${where}.change`),
    before: readVerdict(changed['before'], `${where}.before`),
    after: readVerdict(changed['after'], `${where}.after`),
  };
}

function readDifference(value: unknown, where: string): Difference {
  const act = fieldsOf(value, where);
  return {
    ...readChanged(value, where),
    id: idOf(act['id'], `${where}.id`),
    agent: textOf(act['agent'], `${where}.agent`),
    at: textOf(act['at'], `${where}.at`),
    status: textOf(act['status'], `${where}.status`),
  };
}

function readGroup(value: unknown, where: string): DifferenceGroup {
  const group = fieldsOf(value, where);
  return {
    ...readChanged(value, where),
    count: numberOf(group['count'], `${where}.count`),
    example: textOf(group['example'], `${where}.example`),
  };
}

function readDrifted(value: unknown, where: string): Drifted {
  const act = fieldsOf(value, where);
  return {
    id: idOf(act['id'], `${where}.id`),
    action: textOf(act['action'], `${where}.action`),
    charterVersion: textOf(act['charterVersion'], `${where}.charterVersion`),
    recorded: readVerdict(act['recorded'], `${where}.recorded`),
    replayed: readVerdict(act['replayed'], `${where}.replayed`),
  };
}

export function readSuggestion(value: unknown): Suggestion {
  const suggestion = fieldsOf(value, 'the answer');
  return {
    text: textOf(suggestion['text'], 'text'),
    version: idOf(suggestion['version'], 'version'),
    from: textOf(suggestion['from'], 'from'),
    to: textOf(suggestion['to'], 'to'),
    acts: numberOf(suggestion['acts'], 'acts'),
    unreadable: numberOf(suggestion['unreadable'], 'unreadable'),
    cutAt: optional(suggestion['cutAt'], textOf, 'cutAt'),
    rules: listOf(
      suggestion['rules'],
      (item, where) => {
        const rule = fieldsOf(item, where);
        return {
          match: textOf(rule['match'], `${where}.match`),
          tier: wordOf(rule['tier'], TIERS, `${where}.tier`),
          actions: listOf(rule['actions'], textOf, `${where}.actions`),
        };
      },
      'rules',
    ),
    stillHeld: listOf(suggestion['stillHeld'], readHeld, 'stillHeld'),
  };
}

function readHeld(value: unknown, where: string): StillHeld {
  const held = fieldsOf(value, where);
  return {
    action: textOf(held['action'], `${where}.action`),
    causes: listOf(held['causes'], textOf, `${where}.causes`),
    count: numberOf(held['count'], `${where}.count`),
    example: idOf(held['example'], `${where}.example`),
  };
}

export function readShadowSet(value: unknown): { readonly version: string; readonly changed: boolean } {
  const set = fieldsOf(value, 'the answer');
  return { version: idOf(set['version'], 'version'), changed: truthOf(set['changed'], 'changed') };
}

export function readShadow(value: unknown): ShadowReport | null {
  return optional(fieldsOf(value, 'the answer')['shadow'], readShadowReport, 'shadow');
}

function readShadowReport(value: unknown, where: string): ShadowReport {
  const report = fieldsOf(value, where);
  return {
    summary: textOf(report['summary'], `${where}.summary`),
    version: idOf(report['version'], `${where}.version`),
    author: textOf(report['author'], `${where}.author`),
    note: optional(report['note'], textOf, `${where}.note`),
    since: textOf(report['since'], `${where}.since`),
    decided: numberOf(report['decided'], `${where}.decided`),
    differed: numberOf(report['differed'], `${where}.differed`),
    failed: numberOf(report['failed'], `${where}.failed`),
    skipped: numberOf(report['skipped'], `${where}.skipped`),
    counts: countsOf(report['counts'], `${where}.counts`),
    groups: listOf(
      report['groups'],
      (item, at) => ({
        ...readChanged(item, at),
        count: numberOf(fieldsOf(item, at)['count'], `${at}.count`),
        first: readSeen(fieldsOf(item, at)['first'], `${at}.first`),
        last: readSeen(fieldsOf(item, at)['last'], `${at}.last`),
      }),
      `${where}.groups`,
    ),
    ungrouped: numberOf(report['ungrouped'], `${where}.ungrouped`),
  };
}

function readSeen(value: unknown, where: string): { readonly id: string; readonly at: string } {
  const seen = fieldsOf(value, where);
  return { id: idOf(seen['id'], `${where}.id`), at: textOf(seen['at'], `${where}.at`) };
}

export function readEnforcement(value: unknown): EnforcementView {
  const view = fieldsOf(value, 'the answer');
  return {
    enforcement: wordOf(view['enforcement'], ENFORCEMENTS, 'enforcement'),
    charter: wordOf(view['charter'], ENFORCEMENTS, 'charter'),
    flag: wordOf(view['flag'], [...ENFORCEMENTS, 'charter'], 'flag'),
    ownRules: listOf(
      view['ownRules'],
      (item, where) => {
        const rule = fieldsOf(item, where);
        return {
          match: textOf(rule['match'], `${where}.match`),
          enforcement: wordOf(rule['enforcement'], ENFORCEMENTS, `${where}.enforcement`),
        };
      },
      'ownRules',
    ),
    simulation:
      view['simulation'] === undefined || view['simulation'] === null
        ? null
        : readSimulation(view['simulation']),
  };
}
