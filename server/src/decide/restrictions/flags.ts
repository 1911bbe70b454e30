// Flags are rows that people may change at run time; an authority flag that is off is a restriction with floor red
// in its scope. The emergency stop is only mirrored here: it has its own path (stop.ts).
import type { FlagValue, FlagView, Mode, Restriction } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { iso } from '../../platform/clock/iso.ts';

/** What a new tenant starts with. Portals and website flags are added from the charter's resources. */
export const FLAG_DEFAULTS: Readonly<Record<string, FlagValue>> = {
  'autonomy.emergencyStop': false,
  'autonomy.mode': 'FULL',
  'agents.autonomousEnabled': true,
  enforcement: 'charter',
  'obs.otelEnabled': true,
  'budget.agents.maxConcurrent': 150,
  'budget.replay.maxBatch': 50,
  'budget.replay.maxPayloadMB': 2,
  'rate.replay.per5m': 3,
};

/** What may be set for a part of the tenant. Everything else has one value, or a second row would contradict the first. */
const SCOPED: ReadonlySet<string> = new Set(['agents.autonomousEnabled']);

const MODES: readonly Mode[] = ['FULL', 'SUPERVISED', 'DRY_RUN'];

/** From wide to strict. `charter`: whatever the charter says counts. */
const ENFORCEMENTS = ['audit', 'charter', 'enforce'] as const;

/** Pure: what the flags mean for a decision. A value nobody understands counts as off, and of several rows the strictest binds. */
export function readFlags(
  flags: readonly { readonly key: string; readonly scope: string; readonly value: unknown }[],
): {
  readonly mode: Mode;
  readonly restrictions: readonly Restriction[];
  /** What counts instead of the charter's own `enforcement`; null: the charter's. */
  readonly enforcement: 'enforce' | 'audit' | null;
  /** `budget.agents.maxConcurrent`; null where it is not set. */
  readonly maxConcurrent: number | null;
} {
  let mode: Mode = 'FULL';
  let enforcement: 'enforce' | 'audit' | null = null;
  let maxConcurrent: number | null = null;
  const restrictions: Restriction[] = [];
  for (const flag of flags) {
    if (flag.key === 'autonomy.mode') {
      const read = MODES.find((known) => known === flag.value) ?? 'SUPERVISED';
      if (strictness(read) > strictness(mode)) mode = read;
      continue;
    }
    if (flag.key === 'budget.agents.maxConcurrent') {
      const read = typeof flag.value === 'number' ? flag.value : 0;
      maxConcurrent = maxConcurrent === null ? read : Math.min(maxConcurrent, read);
      continue;
    }
    if (flag.key === 'enforcement') {
      if (flag.value === 'charter') continue;
      // A value that nobody understands enforces.
      enforcement = flag.value === 'audit' && enforcement !== 'enforce' ? 'audit' : 'enforce';
      continue;
    }
    const scope = restrictedScope(flag.key, flag.scope);
    if (scope === null || flag.value === true) continue;
    restrictions.push({
      id: flag.scope === '' ? `flag:${flag.key}` : `flag:${flag.key}@${flag.scope}`,
      kind: 'flag',
      scope,
      floor: 'red',
      except: [],
      cause: `the flag ${flag.key} is off`,
      by: 'flag',
      sinceMs: 0,
      untilMs: null,
    });
  }
  return { mode, enforcement, restrictions, maxConcurrent };
}

/** The scope that an authority flag governs; null for settings. */
function restrictedScope(key: string, scope: string): string | null {
  if (key === 'agents.autonomousEnabled') return scope === '' ? 'tenant' : scope;
  const resource = /^([^.]+)\.(.+)\.autonomous$/.exec(key);
  return resource === null ? null : `resource:${resource[1] ?? ''}/${resource[2] ?? ''}`;
}

export interface FlagChange {
  readonly tenant: string;
  readonly key: string;
  readonly scope: string;
  readonly value: FlagValue;
  readonly reason: string;
  readonly by: string;
  /** Operators may tighten; only an admin may widen. */
  readonly mayWiden: boolean;
  readonly traceId: string | null;
}

export type FlagAnswer =
  | { readonly kind: 'changed'; readonly flag: FlagView }
  | {
      readonly kind: 'refused';
      readonly code: 'not_found' | 'invalid' | 'forbidden';
      readonly detail: string;
    };

export interface Flags {
  seed(
    tenant: string,
    charter: {
      readonly resources: Readonly<Record<string, readonly string[]>>;
      readonly concurrentAgents: number | null;
    },
  ): Promise<void>;
  list(tenant: string): Promise<readonly FlagView[]>;
  set(change: FlagChange): Promise<FlagAnswer>;
}

export interface FlagsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly writeEntry: WriteEntry;
}

export function createFlags({ store, clock, writeEntry }: FlagsNeeds): Flags {
  return {
    async seed(tenant, { resources, concurrentAgents }) {
      const seeds: Record<string, FlagValue> = { ...FLAG_DEFAULTS };
      if (concurrentAgents !== null) seeds['budget.agents.maxConcurrent'] = concurrentAgents;
      for (const [type, names] of Object.entries(resources))
        for (const name of names) seeds[`${type}.${name}.autonomous`] = true;
      const now = new Date(clock.nowMs());
      await store.withTenant(tenant, async (tx) => {
        for (const [key, value] of Object.entries(seeds)) {
          await tx`
            insert into mandate.flag (tenant, key, value, reason, owner, updated_at)
            values (${tenant}, ${key}, ${tx.json(value)}, 'seeded from the charter', 'charter', ${now}) on conflict do nothing`;
        }
      });
    },

    list: (tenant) =>
      store.withTenant(tenant, async (tx) =>
        (
          await tx<
            StoredFlag[]
          >`select key, scope, value, reason, owner, updated_at from mandate.flag where tenant = ${tenant} order by key, scope`
        ).map(flagOf),
      ),

    set: (change) =>
      store.withTenant(change.tenant, async (tx): Promise<FlagAnswer> => {
        if (change.key === 'autonomy.emergencyStop') {
          return {
            kind: 'refused',
            code: 'invalid',
            detail: 'autonomy.emergencyStop only mirrors the stop; use mandate stop or mandate resume.',
          };
        }
        if (change.scope !== '' && !SCOPED.has(change.key)) {
          return {
            kind: 'refused',
            code: 'invalid',
            detail: `${change.key} is one for the whole tenant and takes no scope; only ${[...SCOPED].join(', ')} does.`,
          };
        }
        // Changes of one flag come one after the other, or two of them at once would be measured against the same value;
        // and the row of the scope is read in a statement of its own, which sees what the one before has written.
        await tx`select 1 from mandate.flag where tenant = ${change.tenant} and key = ${change.key} and scope = '' for update`;
        const [before] = await tx<StoredFlag[]>`
          select key, scope, value, reason, owner, updated_at from mandate.flag
          where tenant = ${change.tenant} and key = ${change.key} and scope in (${change.scope}, '') order by scope desc limit 1 for update`;
        if (before === undefined)
          return {
            kind: 'refused',
            code: 'not_found',
            detail: `There is no flag ${change.key}; mandate flag get lists them.`,
          };
        const bad = unfit(change.key, before.value, change.value);
        if (bad !== null) return { kind: 'refused', code: 'invalid', detail: bad };
        if (!change.mayWiden && widens(change.key, before.value, change.value)) {
          return {
            kind: 'refused',
            code: 'forbidden',
            detail: `Setting ${change.key} to ${String(change.value)} widens what agents may do; that takes the role admin.`,
          };
        }
        const nowMs = clock.nowMs();
        const [row] = await tx<StoredFlag[]>`
          insert into mandate.flag (tenant, key, scope, value, reason, owner, updated_at)
          values (${change.tenant}, ${change.key}, ${change.scope}, ${tx.json(change.value)}, ${change.reason}, ${change.by}, ${new Date(nowMs)})
          on conflict (tenant, key, scope) do update set value = excluded.value, reason = excluded.reason, owner = excluded.owner, updated_at = excluded.updated_at
          returning key, scope, value, reason, owner, updated_at`;
        await tx`select mandate.raise_revision(${change.tenant})`;
        await writeEntry(tx, change.tenant, {
          kind: 'flag.changed',
          actor: change.by,
          atMs: nowMs,
          traceId: change.traceId,
          data: {
            key: change.key,
            scope: change.scope,
            from: before.value,
            to: change.value,
            reason: change.reason,
          },
        });
        if (row === undefined) throw new Error('the flag was not written');
        return { kind: 'changed', flag: flagOf(row) };
      }),
  };
}

interface StoredFlag {
  readonly key: string;
  readonly scope: string;
  readonly value: FlagValue;
  readonly reason: string;
  readonly owner: string;
  readonly updated_at: number;
}

function flagOf(row: StoredFlag): FlagView {
  return {
    key: row.key,
    scope: row.scope,
    value: row.value,
    reason: row.reason,
    owner: row.owner,
    updatedAt: iso(row.updated_at),
  };
}

function unfit(key: string, before: FlagValue, value: FlagValue): string | null {
  if (key === 'autonomy.mode' && !MODES.some((mode) => mode === value))
    return `autonomy.mode is one of ${MODES.join(', ')}, not ${JSON.stringify(value)}.`;
  if (key === 'enforcement' && !ENFORCEMENTS.some((known) => known === value))
    return `enforcement is one of ${ENFORCEMENTS.join(', ')}, not ${JSON.stringify(value)}.`;
  if (typeof value !== typeof before) return `${key} takes a ${typeof before}, not ${JSON.stringify(value)}.`;
  if (typeof value === 'number' && !(Number.isFinite(value) && value >= 0))
    return `${key} takes a number of 0 or more.`;
  return null;
}

/** Whether the change lets agents do more than before. What cannot be compared counts as wider. */
function widens(key: string, before: FlagValue, value: FlagValue): boolean {
  if (key === 'autonomy.mode') return strictness(value) < strictness(before);
  if (key === 'enforcement') return rankOfEnforcement(value) < rankOfEnforcement(before);
  if (typeof before === 'boolean') return value === true && !before;
  if (typeof before === 'number' && typeof value === 'number') return value > before;
  return value !== before;
}

/** How strict a mode is; what is no mode is strictest. */
function strictness(mode: FlagValue): number {
  const at = MODES.findIndex((known) => known === mode);
  return at < 0 ? MODES.length : at;
}

function rankOfEnforcement(value: FlagValue): number {
  const at = ENFORCEMENTS.findIndex((known) => known === value);
  return at < 0 ? ENFORCEMENTS.length : at;
}
