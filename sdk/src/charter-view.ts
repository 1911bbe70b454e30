// What the server says of charters, read from unknown JSON.
import type { Tier } from '@mandate/kernel';
import { readDecision } from './act-view.ts';
import { fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { Fields } from './guard.ts';
import type {
  CaseResult,
  CharterActivation,
  CharterDiff,
  CharterMessage,
  CharterVersion,
  CharterVersions,
  Considered,
  DiffedRule,
  Explanation,
  FieldChange,
  PolicyCheck,
  PolicyTest,
  RollbackReport,
  WrittenVersion,
} from './charter.ts';

const TIERS = ['green', 'yellow', 'red', 'black'] as const satisfies readonly Tier[];

export function readCheck(value: unknown): PolicyCheck {
  const check = fieldsOf(value, 'the answer');
  if (!truthOf(check['ok'], 'ok')) return refused(check);
  return {
    ok: true,
    version: idOf(check['version'], 'version'),
    warnings: listOf(check['warnings'], readMessage, 'warnings'),
  };
}

function refused(answer: Fields): { readonly ok: false; readonly problems: readonly CharterMessage[] } {
  return { ok: false, problems: listOf(answer['problems'], readMessage, 'problems') };
}

function readMessage(value: unknown, where: string): CharterMessage {
  const message = fieldsOf(value, where);
  return {
    file: textOf(message['file'], `${where}.file`),
    line: numberOf(message['line'], `${where}.line`),
    column: numberOf(message['column'], `${where}.column`),
    pointer: textOf(message['pointer'], `${where}.pointer`),
    message: textOf(message['message'], `${where}.message`),
    text: textOf(message['text'], `${where}.text`),
  };
}

export function readExplanation(value: unknown): Explanation {
  const answer = fieldsOf(value, 'the answer');
  return {
    decision: readDecision(answer['decision'], 'decision'),
    considered: listOf(answer['considered'], readConsidered, 'considered'),
    meant: optional(answer['meant'], textOf, 'meant'),
  };
}

function readConsidered(value: unknown, where: string): Considered {
  const rule = fieldsOf(value, where);
  return {
    pattern: textOf(rule['pattern'], `${where}.pattern`),
    tier: wordOf(rule['tier'], TIERS, `${where}.tier`),
    origin: textOf(rule['origin'], `${where}.origin`),
    final: truthOf(rule['final'], `${where}.final`),
    selectors: readSelectors(rule['selectors'], `${where}.selectors`),
    when: optional(rule['when'], textOf, `${where}.when`),
    standing: textOf(rule['standing'], `${where}.standing`),
    why: textOf(rule['why'], `${where}.why`),
  };
}

function readSelectors(value: unknown, where: string): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value, where)).map(([field, values]) => [
      field,
      listOf(values, textOf, `${where}.${field}`),
    ]),
  );
}

export function readTest(value: unknown): PolicyTest {
  const test = fieldsOf(value, 'the answer');
  const ok = truthOf(test['ok'], 'ok');
  if (!ok && test['problems'] !== undefined) return refused(test);
  return {
    ok,
    version: idOf(test['version'], 'version'),
    passed: numberOf(test['passed'], 'passed'),
    failed: numberOf(test['failed'], 'failed'),
    results: listOf(test['results'], readResult, 'results'),
  };
}

function readResult(value: unknown, where: string): CaseResult {
  const result = fieldsOf(value, where);
  const decision = fieldsOf(result['decision'], `${where}.decision`);
  return {
    name: textOf(result['name'], `${where}.name`),
    ok: truthOf(result['ok'], `${where}.ok`),
    problems: listOf(result['problems'], textOf, `${where}.problems`),
    decision: {
      tier: wordOf(decision['tier'], TIERS, `${where}.decision.tier`),
      effect: textOf(decision['effect'], `${where}.decision.effect`),
      code: textOf(decision['code'], `${where}.decision.code`),
      rule: optional(decision['rule'], textOf, `${where}.decision.rule`),
      reasons: listOf(decision['reasons'], textOf, `${where}.decision.reasons`),
    },
  };
}

export function readVersions(value: unknown): CharterVersions {
  const answer = fieldsOf(value, 'the answer');
  return {
    items: listOf(
      answer['items'],
      (item, where) => {
        const version = fieldsOf(item, where);
        return {
          ...versionOf(version, where),
          activatedAt: textOf(version['activatedAt'], `${where}.activatedAt`),
          activatedBy: textOf(version['activatedBy'], `${where}.activatedBy`),
        };
      },
      'items',
    ),
    history: listOf(answer['history'], readActivation, 'history'),
  };
}

function versionOf(version: Fields, where: string): CharterVersion {
  return {
    version: idOf(version['version'], `${where}.version`),
    author: textOf(version['author'], `${where}.author`),
    note: optional(version['note'], textOf, `${where}.note`),
    createdAt: textOf(version['createdAt'], `${where}.createdAt`),
    active: truthOf(version['active'], `${where}.active`),
  };
}

function readActivation(value: unknown, where: string): CharterActivation {
  const row = fieldsOf(value, where);
  return {
    number: numberOf(row['number'], `${where}.number`),
    version: idOf(row['version'], `${where}.version`),
    previous: optional(row['previous'], textOf, `${where}.previous`),
    kind: textOf(row['kind'], `${where}.kind`),
    author: textOf(row['author'], `${where}.author`),
    note: optional(row['note'], textOf, `${where}.note`),
    at: textOf(row['at'], `${where}.at`),
  };
}

export function readVersion(value: unknown): WrittenVersion {
  const version = fieldsOf(value, 'the answer');
  return {
    ...versionOf(version, 'the answer'),
    sources: listOf(
      version['sources'],
      (item, where) => {
        const source = fieldsOf(item, where);
        return {
          kind: textOf(source['kind'], `${where}.kind`),
          name: textOf(source['name'], `${where}.name`),
          text: textOf(source['text'], `${where}.text`),
        };
      },
      'sources',
    ),
  };
}

export function readDiff(value: unknown): CharterDiff {
  const diff = fieldsOf(value, 'the answer');
  const rules = fieldsOf(diff['rules'], 'rules');
  return {
    from: idOf(diff['from'], 'from'),
    to: idOf(diff['to'], 'to'),
    rules: {
      added: listOf(rules['added'], readRule, 'rules.added'),
      removed: listOf(rules['removed'], readRule, 'rules.removed'),
      changed: listOf(
        rules['changed'],
        (item, where) => ({
          ...readRule(item, where),
          fields: listOf(fieldsOf(item, where)['fields'], readChange, `${where}.fields`),
          direction: optional(fieldsOf(item, where)['direction'], textOf, `${where}.direction`),
        }),
        'rules.changed',
      ),
    },
    settings: listOf(diff['settings'], readChange, 'settings'),
    lines: listOf(diff['lines'], textOf, 'lines'),
  };
}

function readRule(value: unknown, where: string): DiffedRule {
  const rule = fieldsOf(value, where);
  return {
    match: textOf(rule['match'], `${where}.match`),
    tier: wordOf(rule['tier'], TIERS, `${where}.tier`),
    selectors: readSelectors(rule['selectors'], `${where}.selectors`),
    when: optional(rule['when'], textOf, `${where}.when`),
    origin: textOf(rule['origin'], `${where}.origin`),
  };
}

function readChange(value: unknown, where: string): FieldChange {
  const change = fieldsOf(value, where);
  return {
    path: textOf(change['path'], `${where}.path`),
    before: change['before'] ?? null,
    after: change['after'] ?? null,
  };
}

export function readRollback(value: unknown): RollbackReport {
  const report = fieldsOf(value, 'the answer');
  return {
    version: idOf(report['version'], 'version'),
    previous: optional(report['previous'], textOf, 'previous'),
    changed: truthOf(report['changed'], 'changed'),
    approval: optional(
      report['approval'],
      (value, where) => {
        const approval = fieldsOf(value, where);
        return {
          id: idOf(approval['id'], `${where}.id`),
          digest: idOf(approval['digest'], `${where}.digest`),
          expiresAt: textOf(approval['expiresAt'], `${where}.expiresAt`),
        };
      },
      'approval',
    ),
  };
}
