// What happened to commands, for any window and any actions, from the acts themselves: nobody keeps a second book. Rollups
// make a window of years as quick as one of minutes; what they do not cover yet is read from the acts in the same breath.
import { NO_COMMANDS, ratesOf, settingOf } from '@mandate/kernel';
import type {
  CommandCounts,
  CommandTypeMetrics,
  GovernanceMetrics,
  Law,
  MonitorMetrics,
} from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { iso } from '../../platform/clock/iso.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { addCommands, commandsOf } from './counts.ts';
import type { ActionCounts, Window } from './counts.ts';
import type { CommandDbReading } from './command-db.ts';
import type { CommandSource, SourceNow } from './command-source.ts';
import { readCounts } from './rollup-store.ts';
import type { Classes } from './rollup-store.ts';
import { createRollups } from './rollups.ts';
import type { Rollups } from './rollups.ts';

/** Where the figures come from, said only where it is not the acts alone. */
export interface Source {
  readonly name: 'acts' | 'command_db';
  /** Commands of the second source in the window. */
  readonly commands?: number;
  /** Its rows that count nowhere: the type or the status says nothing, or (of the whole table) the time. */
  readonly unreadable?: number;
  /** Its rows that name the act of Mandate that they are, which counts already; left out where there are none. */
  readonly sameAsActs?: number;
  /** Why it cannot be read. Without `commands` nothing of it is counted here, with them what was read of it last. */
  readonly missing?: string;
}

export interface Metrics extends GovernanceMetrics {
  readonly sources?: readonly Source[];
}

/** A window of a governed set; the set matters to incidents, which may have been opened for one. */
export interface SetWindow extends Window {
  readonly set?: string | null;
}

/** Everything about one window that others make something of: the Prometheus series need more than the answer shows. */
export interface Detailed extends Metrics {
  readonly ended: {
    readonly succeeded: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly unknown: number;
  };
}

export interface CommandMetrics {
  /** Both ends of the window belong to it, so that what ended in this very millisecond is in a window that ends now. */
  of(tenant: string, window: SetWindow): Promise<Metrics>;
  detailed(tenant: string, window: SetWindow): Promise<Detailed>;
  /** Of every command type that had anything in the window, by name. */
  byType(tenant: string, window: Window): Promise<readonly CommandTypeMetrics[]>;
  /**
   * The same for whatever must not wait for somebody else's file: where the second source cannot be read, what was read
   * of it last is counted, or the acts alone, and `sources` says so. What raises or is shown as the whole takes the others,
   * which throw.
   */
  readonly atLeast: Pick<CommandMetrics, 'of' | 'detailed' | 'byType'>;
  /** Whether the second source could be read when it was last tried; null where there is none. */
  isCommandDbRead(): boolean | null;
  /** Counts everything again from the acts. */
  rebuild(tenant: string): Promise<void>;
  readonly rollups: Rollups;
}

export interface CommandMetricsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  /** The charter in force says which actions are safe states, which rules are constraints and who is of which class. */
  readonly lawOf: (tenant: string) => Promise<Law | null>;
  readonly incidentsIn: (
    tenant: string,
    window: {
      readonly set: string | null;
      readonly patterns: readonly string[];
      readonly startMs: number;
      readonly endMs: number;
    },
  ) => Promise<MonitorMetrics['incidents']>;
  readonly source: CommandSource | null;
  readonly failed: (error: unknown) => void;
}

/** What the second source says of a window; null where there is none. */
type ReadOther = (tenant: string, window: Window) => Promise<SourceNow | null>;

export function createCommandMetrics(needs: CommandMetricsNeeds): CommandMetrics {
  const { store, clock, lawOf, source } = needs;
  const rollups = createRollups({
    store,
    clock,
    classesOf: async (tenant) => classesIn(await lawOf(tenant)),
    failed: needs.failed,
  });

  async function counts(tenant: string, window: Window, law: Law | null): Promise<readonly ActionCounts[]> {
    const classes = classesIn(law);
    return store.withTenant(tenant, (tx) => readCounts(tx, tenant, window, classes));
  }

  const whole: ReadOther = async (tenant, window) => {
    const reading = (await source?.read(tenant, window)) ?? null;
    return reading === null ? null : { reading, missing: null };
  };

  const withoutWaiting: ReadOther = async (tenant, window) => (await source?.readNow(tenant, window)) ?? null;

  async function detailed(tenant: string, window: SetWindow, readOther: ReadOther): Promise<Detailed> {
    const law = await lawOf(tenant);
    const [counted, incidents, second] = await Promise.all([
      counts(tenant, window, law),
      needs.incidentsIn(tenant, { ...window, set: window.set ?? null }),
      readOther(tenant, window),
    ]);
    const other = second?.reading ?? null;
    const commands = addCommands(
      counted.reduce((sum, each) => addCommands(sum, commandsOf(each)), NO_COMMANDS),
      (other?.types ?? []).reduce((sum, each) => addCommands(sum, each), NO_COMMANDS),
    );
    const own = safetyOf(counted, law);
    return {
      period: { start: iso(window.startMs), end: iso(window.endMs) },
      commands,
      rates: ratesOf(commands),
      // Whoever counts them may know more about them than is shown here.
      incidents: {
        total: incidents.total,
        critical: incidents.critical,
        fromAutonomousActions: incidents.fromAutonomousActions,
      },
      safety: {
        constraintViolations: own.constraintViolations + (other?.constraintViolations ?? 0),
        emergencyAborts: own.emergencyAborts + begunSafeStates(other, law),
        safetyGateTriggers: own.safetyGateTriggers + (other?.safetyGateTriggers ?? 0),
      },
      ...(second === null ? {} : { sources: sourcesOf(second) }),
      ended: {
        succeeded: commands.succeeded,
        failed: commands.failed,
        cancelled: sumOf(counted, 'cancelled'),
        unknown: sumOf(counted, 'unknown'),
      },
    };
  }

  const by = (readOther: ReadOther): CommandMetrics['atLeast'] => ({
    detailed: (tenant, window) => detailed(tenant, window, readOther),
    async of(tenant, window) {
      const { ended: _ended, ...metrics } = await detailed(tenant, window, readOther);
      return metrics;
    },
    async byType(tenant, window) {
      const law = await lawOf(tenant);
      const [counted, second] = await Promise.all([counts(tenant, window, law), readOther(tenant, window)]);
      const byName = new Map<string, CommandCounts>();
      const add = (name: string, commands: CommandCounts): void =>
        void byName.set(name, addCommands(byName.get(name) ?? NO_COMMANDS, commands));
      for (const each of counted) add(each.action, commandsOf(each));
      for (const { commandType, begun: _begun, ...commands } of second?.reading?.types ?? [])
        add(commandType, commands);
      return [...byName]
        .filter(([, commands]) => Object.values(commands).some((count) => count > 0))
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([commandType, commands]) => ({ commandType, ...commands }));
    },
  });

  return {
    ...by(whole),
    atLeast: by(withoutWaiting),
    isCommandDbRead: () => source?.isRead() ?? null,
    rebuild: (tenant) => rollups.rebuild(tenant),
    rollups,
  };
}

export function classesIn(law: Law | null): Classes {
  const agents = Object.entries(law?.charter.agents ?? {});
  return Object.fromEntries(
    agents.flatMap(([agent, setting]) => (setting.class === null ? [] : [[agent, setting.class]])),
  );
}

function safetyOf(counted: readonly ActionCounts[], law: Law | null): MonitorMetrics['safety'] {
  const isSafe = (action: string): boolean => law !== null && settingOf(law, action)?.safeState === true;
  const constraints = constraintRules(law);
  let constraintViolations = 0;
  let emergencyAborts = 0;
  for (const each of counted) {
    constraintViolations += each.violations + (constraints.has(each.rule) ? each.heldByRule : 0);
    emergencyAborts += isSafe(each.action) ? each.begun : each.stopped;
  }
  return { constraintViolations, emergencyAborts, safetyGateTriggers: sumOf(counted, 'gates') };
}

/** Patterns whose every rule asks for a condition: what such a rule holds, its condition holds. */
export function constraintRules(law: Law | null): ReadonlySet<string> {
  const conditional = new Set<string>();
  for (const { match, when } of law?.charter.rules ?? []) if (when !== null) conditional.add(match);
  for (const { match, when } of law?.charter.rules ?? []) if (when === null) conditional.delete(match);
  return conditional;
}

function begunSafeStates(other: CommandDbReading | null, law: Law | null): number {
  if (other === null || law === null) return 0;
  return other.types.reduce(
    (sum, { commandType, begun }) => (settingOf(law, commandType)?.safeState === true ? sum + begun : sum),
    0,
  );
}

function sourcesOf({ reading, missing }: SourceNow): readonly Source[] {
  const why = missing === null ? {} : { missing };
  if (reading === null) return [{ name: 'acts' }, { name: 'command_db', ...why }];
  const { types, unreadable, ours } = reading;
  const commands = types.reduce((sum, { proposed }) => sum + proposed, 0);
  return [
    { name: 'acts' },
    { name: 'command_db', commands, unreadable, ...(ours === 0 ? {} : { sameAsActs: ours }), ...why },
  ];
}

function sumOf(counted: readonly ActionCounts[], key: 'cancelled' | 'unknown' | 'gates'): number {
  return counted.reduce((sum, each) => sum + each[key], 0);
}
