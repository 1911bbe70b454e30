// What people may change at run time, each change with a reason. An operator may tighten; only an admin may widen.
import type { FlagValue, FlagView } from '@mandate/kernel';
import { fieldsOf, listOf, nonsense, optional, textOf } from './guard.ts';
import type { Transport } from './transport.ts';

export interface FlagOrder {
  readonly value: FlagValue;
  /** Stands in the journal. */
  readonly reason: string;
  /** For an authority flag: `agent:ID`, `class:NAME`, `action:PATTERN`, `user:ID` or `resource:TYPE/ID`. */
  readonly scope?: string | undefined;
}

export interface FlagChange {
  readonly key: string;
  readonly scope: string;
  readonly from: FlagValue;
  readonly to: FlagValue;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

export interface Flags {
  list(): Promise<readonly FlagView[]>;
  /** Answers with the flag as it is now. Every process decides by it within 100 ms. */
  set(key: string, order: FlagOrder): Promise<FlagView>;
  /** The newest 200, newest first. */
  changes(): Promise<readonly FlagChange[]>;
}

const PATH = '/api/v1/flags';

export function createFlags(transport: Transport): Flags {
  const items = async <T>(path: string, read: (item: unknown, where: string) => T): Promise<readonly T[]> =>
    listOf(
      fieldsOf(await transport.read({ method: 'GET', path, agent: null, isRepeatable: true }), 'the answer')[
        'items'
      ],
      read,
      'items',
    );
  return {
    list: () => items(PATH, readFlag),
    set: async (key, { value, reason, scope }) =>
      readFlag(
        await transport.read({
          method: 'PUT',
          path: `${PATH}/${encodeURIComponent(key)}`,
          body: { value, reason, ...(scope === undefined ? {} : { scope }) },
          agent: null,
          // Saying the same once more changes nothing.
          isRepeatable: true,
        }),
        'the answer',
      ),
    changes: () => items(`${PATH}/audit`, readChange),
  };
}

function readFlag(value: unknown, where: string): FlagView {
  const of = fieldsOf(value, where);
  return {
    key: textOf(of['key'], `${where}.key`),
    scope: textOf(of['scope'], `${where}.scope`),
    value: valueOf(of['value'], `${where}.value`),
    reason: textOf(of['reason'], `${where}.reason`),
    owner: textOf(of['owner'], `${where}.owner`),
    updatedAt: textOf(of['updatedAt'], `${where}.updatedAt`),
  };
}

function readChange(value: unknown, where: string): FlagChange {
  const entry = fieldsOf(value, where);
  const data = fieldsOf(entry['data'], `${where}.data`);
  return {
    key: textOf(data['key'], `${where}.data.key`),
    scope: optional(data['scope'], textOf, `${where}.data.scope`) ?? '',
    from: valueOf(data['from'], `${where}.data.from`),
    to: valueOf(data['to'], `${where}.data.to`),
    reason: textOf(data['reason'], `${where}.data.reason`),
    by: textOf(entry['actor'], `${where}.actor`),
    at: textOf(entry['at'], `${where}.at`),
  };
}

function valueOf(value: unknown, where: string): FlagValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : nonsense(where, 'a text, a number, true or false');
}
