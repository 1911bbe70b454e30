// What commands have come to, for programs: any window, the newest snapshot, each command type by itself.
import { fieldsOf, listOf, numberOf, optional, textOf, wordOf } from './guard.ts';
import type { Transport } from './transport.ts';
import type { CommandCounts, CommandTypeMetrics, GovernanceMetrics } from '@mandate/kernel';

export interface KeptMetrics extends GovernanceMetrics {
  readonly why: 'daily' | 'cycle';
  readonly takenAt: string;
}

export interface MetricsSet {
  /** Which governed set; needed where the charter has several. */
  readonly set?: string | undefined;
}

export interface MetricsQuery extends MetricsSet {
  /** ISO times. Without them: the last 24 hours, for command types the last seven days. */
  readonly start?: string | undefined;
  readonly end?: string | undefined;
}

export interface Metrics {
  current(query?: MetricsQuery): Promise<GovernanceMetrics>;
  /** The newest snapshot that was kept; what is measured now where there is none. */
  latest(query?: MetricsSet): Promise<GovernanceMetrics>;
  /** The last seven days. */
  weekly(query?: MetricsSet): Promise<GovernanceMetrics>;
  commandTypes(query?: MetricsQuery): Promise<readonly CommandTypeMetrics[]>;
  /** Newest first: one of each day, and one with each cycle. */
  history(query?: MetricsSet & { readonly limit?: number | undefined }): Promise<readonly KeptMetrics[]>;
}

export function createMetrics(transport: Transport): Metrics {
  const get = (
    name: string,
    query: Readonly<Record<string, string | number | undefined>>,
  ): Promise<unknown> => {
    const asked = Object.entries(query).flatMap(([key, value]) =>
      value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
    );
    const path = `/api/v1/metrics/${name}${asked.length === 0 ? '' : `?${asked.join('&')}`}`;
    return transport.read({ method: 'GET', path, agent: null, isRepeatable: true });
  };
  return {
    current: async (query = {}) => readMetrics(await get('current', { ...query }), 'the metrics'),
    latest: async (query = {}) => readMetrics(await get('latest', { ...query }), 'the metrics'),
    weekly: async (query = {}) => readMetrics(await get('weekly', { ...query }), 'the metrics'),
    async commandTypes(query = {}) {
      const answer = fieldsOf(await get('command-types', { ...query }), 'the answer');
      return listOf(answer['commandTypes'], readType, 'commandTypes');
    },
    async history(query = {}) {
      const answer = fieldsOf(await get('history', { ...query }), 'the answer');
      return listOf(answer['items'], readKept, 'items');
    },
  };
}

function readMetrics(value: unknown, where: string): GovernanceMetrics {
  const of = fieldsOf(value, where);
  const period = fieldsOf(of['period'], `${where}.period`);
  const rates = fieldsOf(of['rates'], `${where}.rates`);
  const rate = (name: string): number | null => optional(rates[name], numberOf, `${where}.rates.${name}`);
  return {
    period: {
      start: textOf(period['start'], `${where}.period.start`),
      end: textOf(period['end'], `${where}.period.end`),
    },
    commands: readCounts(of['commands'], `${where}.commands`),
    rates: {
      successRate: rate('successRate'),
      approvalRate: rate('approvalRate'),
      rollbackRate: rate('rollbackRate'),
      errorRate: rate('errorRate'),
    },
    incidents: numbersOf(
      of['incidents'],
      ['total', 'critical', 'fromAutonomousActions'],
      `${where}.incidents`,
    ),
    safety: numbersOf(
      of['safety'],
      ['constraintViolations', 'emergencyAborts', 'safetyGateTriggers'],
      `${where}.safety`,
    ),
  };
}

const COUNTS = ['total', 'proposed', 'approved', 'rejected', 'succeeded', 'failed', 'rolledBack'] as const;

function readCounts(value: unknown, where: string): CommandCounts {
  return numbersOf(value, COUNTS, where);
}

function readType(value: unknown, where: string): CommandTypeMetrics {
  return {
    commandType: textOf(fieldsOf(value, where)['commandType'], `${where}.commandType`),
    ...readCounts(value, where),
  };
}

function readKept(value: unknown, where: string): KeptMetrics {
  const of = fieldsOf(value, where);
  return {
    ...readMetrics(value, where),
    why: wordOf(of['why'], ['daily', 'cycle'], `${where}.why`),
    takenAt: textOf(of['takenAt'], `${where}.takenAt`),
  };
}

function numbersOf<Name extends string>(
  value: unknown,
  names: readonly Name[],
  where: string,
): Readonly<Record<Name, number>> {
  const of = fieldsOf(value, where);
  const read = names.map((name) => [name, numberOf(of[name], `${where}.${name}`)] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every name has just been read
  return Object.fromEntries(read) as Record<Name, number>;
}
