// What happened to commands, for any window and any actions, from the acts themselves: nobody keeps a second book. Rollups
// make a window of years as quick as one of minutes; what they do not cover yet is read from the acts in the same breath.
import { settingOf } from '@mandate/kernel';
import type { Law } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { iso } from '../../platform/clock/iso.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { addCommands, commandsOf, NO_COMMANDS, ratesOf } from './counts.ts';
import type { ActionCounts, Commands, Rates, Window } from './counts.ts';
import { CommandDbUnreadable } from './command-db-file.ts';
import type { CommandDb, CommandDbReading } from './command-db.ts';
import { readCounts } from './rollup-store.ts';
import type { Classes } from './rollup-store.ts';
import { createRollups } from './rollups.ts';
import type { Rollups } from './rollups.ts';

export interface Incidents {
  readonly total: number;
  readonly critical: number;
  readonly fromAutonomousActions: number;
}

export interface Safety {
  /** Acts held or refused because of a rule's condition or exception, a guardrail, a flow, or a black rule. */
  readonly constraintViolations: number;
  /** Safe-state acts that began, and acts that a stop broke off. */
  readonly emergencyAborts: number;
  /** Acts held or refused because of a finding, a restriction that is no phase, or a limit. */
  readonly safetyGateTriggers: number;
}

/** Where the figures come from, said only where it is not the acts alone. */
export interface Source {
  readonly name: 'acts' | 'command_db';
  /** Commands of the second source in the window. */
  readonly commands?: number;
  /** Its rows that count nowhere: the type or the status says nothing, or (of the whole table) the time. */
  readonly unreadable?: number;
  /** Its rows that name the act of Mandate that they are, which counts already; left out where there are none. */
  readonly sameAsActs?: number;
  /** Why nothing of it is counted here. */
  readonly missing?: string;
}

export interface Metrics {
  readonly period: { readonly start: string; readonly end: string };
  readonly commands: Commands;
  readonly rates: Rates;
  readonly incidents: Incidents;
  readonly safety: Safety;
  readonly sources?: readonly Source[];
}

export interface CommandType extends Commands {
  readonly commandType: string;
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
  byType(tenant: string, window: Window): Promise<readonly CommandType[]>;
  /**
   * The same for whatever must not wait for somebody else's file: where the second source cannot be read, the acts alone
   * are counted, and `sources` says so. What raises or is shown as the whole takes the others, which throw.
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
  ) => Promise<Incidents>;
  readonly commandDb: CommandDb | null;
  /** Told once when the second source can no longer be read, and anew after it could. */
  readonly unread: (error: CommandDbUnreadable) => void;
  readonly failed: (error: unknown) => void;
}

/** What the second source says of a window: null for none. */
type ReadOther = (window: Window) => Promise<CommandDbReading | CommandDbUnreadable | null>;

export function createCommandMetrics(needs: CommandMetricsNeeds): CommandMetrics {
  const { store, clock, lawOf, commandDb } = needs;
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

  let isRead: boolean | null = commandDb === null ? null : true;

  const whole = async (window: Window): Promise<CommandDbReading | null> => {
    try {
      const reading = (await commandDb?.read(window)) ?? null;
      if (reading !== null) isRead = true;
      return reading;
    } catch (error) {
      if (error instanceof CommandDbUnreadable && isRead === true) {
        isRead = false;
        needs.unread(error);
      }
      throw error;
    }
  };

  const ifReadable: ReadOther = async (window) => {
    try {
      return await whole(window);
    } catch (error) {
      if (error instanceof CommandDbUnreadable) return error;
      throw error;
    }
  };

  async function detailed(tenant: string, window: SetWindow, readOther: ReadOther): Promise<Detailed> {
    const law = await lawOf(tenant);
    const [counted, incidents, read] = await Promise.all([
      counts(tenant, window, law),
      needs.incidentsIn(tenant, { ...window, set: window.set ?? null }),
      readOther(window),
    ]);
    const other = read instanceof CommandDbUnreadable ? null : read;
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
      ...(read === null ? {} : { sources: sourcesOf(read) }),
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
      const [counted, read] = await Promise.all([counts(tenant, window, law), readOther(window)]);
      const byName = new Map<string, Commands>();
      const add = (name: string, commands: Commands): void =>
        void byName.set(name, addCommands(byName.get(name) ?? NO_COMMANDS, commands));
      for (const each of counted) add(each.action, commandsOf(each));
      for (const { commandType, begun: _begun, ...commands } of read !== null && 'types' in read
        ? read.types
        : [])
        add(commandType, commands);
      return [...byName]
        .filter(([, commands]) => Object.values(commands).some((count) => count > 0))
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([commandType, commands]) => ({ commandType, ...commands }));
    },
  });

  return {
    ...by(whole),
    atLeast: by(ifReadable),
    isCommandDbRead: () => isRead,
    rebuild: (tenant) => rollups.rebuild(tenant),
    rollups,
  };
}

function classesIn(law: Law | null): Classes {
  const agents = Object.entries(law?.charter.agents ?? {});
  return Object.fromEntries(
    agents.flatMap(([agent, setting]) => (setting.class === null ? [] : [[agent, setting.class]])),
  );
}

function safetyOf(counted: readonly ActionCounts[], law: Law | null): Safety {
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
function constraintRules(law: Law | null): ReadonlySet<string> {
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

function sourcesOf(read: CommandDbReading | CommandDbUnreadable): readonly Source[] {
  if (read instanceof CommandDbUnreadable)
    return [{ name: 'acts' }, { name: 'command_db', missing: read.message }];
  const { types, unreadable, ours } = read;
  const commands = types.reduce((sum, { proposed }) => sum + proposed, 0);
  return [
    { name: 'acts' },
    { name: 'command_db', commands, unreadable, ...(ours === 0 ? {} : { sameAsActs: ours }) },
  ];
}

function sumOf(counted: readonly ActionCounts[], key: 'cancelled' | 'unknown' | 'gates'): number {
  return counted.reduce((sum, each) => sum + each[key], 0);
}
