// What the server says of the charters of before, what set them apart and the way back to one, read from unknown JSON.
import type { Tier } from '@mandate/kernel';
import { readSelectors } from './charter-view.ts';
import { fieldsOf, idOf, listOf, numberOf, optional, textOf, truthOf, wordOf } from './guard.ts';
import type { Fields } from './guard.ts';

export interface CharterVersion {
  /** SHA-256 (hex) of what it says. */
  readonly version: string;
  readonly author: string;
  readonly note: string | null;
  readonly createdAt: string;
  readonly active: boolean;
}

export interface CharterActivation {
  readonly number: number;
  readonly version: string;
  readonly previous: string | null;
  /** `activated`, `rolled_back` or `renewed` (the same files, read by another version of Mandate). */
  readonly kind: string;
  readonly author: string;
  readonly note: string | null;
  readonly at: string;
}

export interface CharterVersions {
  /** The one that last came into force first. */
  readonly items: readonly (CharterVersion & {
    readonly activatedAt: string;
    readonly activatedBy: string;
  })[];
  /** Every time one came into force, newest first. */
  readonly history: readonly CharterActivation[];
}

export interface WrittenVersion extends CharterVersion {
  /** As it was written, the charter itself last. */
  readonly sources: readonly { readonly kind: string; readonly name: string; readonly text: string }[];
}

export interface DiffedRule {
  readonly match: string;
  readonly tier: Tier;
  readonly selectors: Readonly<Record<string, readonly string[]>>;
  readonly when: string | null;
  readonly origin: string;
}

export interface FieldChange {
  readonly path: string;
  /** null: not written. */
  readonly before: unknown;
  readonly after: unknown;
}

export interface CharterDiff {
  readonly from: string;
  readonly to: string;
  readonly rules: {
    readonly added: readonly DiffedRule[];
    readonly removed: readonly DiffedRule[];
    readonly changed: readonly (DiffedRule & {
      readonly fields: readonly FieldChange[];
      /** `stricter` or `milder` where the tier changes. */
      readonly direction: string | null;
    })[];
  };
  readonly settings: readonly FieldChange[];
  /** For people, one line for each change. */
  readonly lines: readonly string[];
}

export interface RollbackReport {
  /** What is in force now. */
  readonly version: string;
  readonly previous: string | null;
  readonly changed: boolean;
  /** What people have to agree to first, where the charter asks for it; null: done, or nothing to do. */
  readonly approval: { readonly id: string; readonly digest: string; readonly expiresAt: string } | null;
}

const TIERS = ['green', 'yellow', 'red', 'black'] as const satisfies readonly Tier[];

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
