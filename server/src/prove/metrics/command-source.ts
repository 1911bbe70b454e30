// The second source of one tenant, seen from any process: only a server of that tenant that was given the file counts it,
// for no other tenant, and all other servers know that what they see of this tenant is not all there is.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { CommandDbUnreadable } from './command-db-file.ts';
import type { CommandDb, CommandDbReading } from './command-db.ts';
import type { Window } from './counts.ts';

/** What a source says of a window; null where the tenant has none. */
export interface SourceNow {
  readonly reading: CommandDbReading | null;
  /** Why the reading is missing, or older than it should be. */
  readonly missing: string | null;
}

export interface CommandSource {
  /** Rejects with CommandDbUnreadable where the tenant has a source that is not to be had here and now. */
  readonly read: (tenant: string, window: Window) => Promise<CommandDbReading | null>;
  /** For whatever takes autonomy back: waits for nobody. */
  readonly readNow: (tenant: string, window: Window) => Promise<SourceNow | null>;
  /** Whether another process counts for this tenant, and better: it has the source, is alive, and this one has not. */
  readonly isElsewhere: (tenant: string) => Promise<boolean>;
  /** Whether the file of this tenant could be read here when it was last tried; null where there is none. */
  isRead(): boolean | null;
  /** Says who has the source. Once this process counts as alive. */
  begin(): Promise<void>;
  close(): Promise<void>;
}

export interface CommandSourceNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  /** The tenant of this process. */
  readonly tenant: string;
  /** As this process is known to others while it lives. */
  readonly worker: string;
  readonly commandDb: CommandDb | null;
  /** Told once when the file can no longer be read, and anew after it could. */
  readonly unread: (error: CommandDbUnreadable) => void;
  /** Told where another server of this tenant has a file and this one has none. */
  readonly isWithout: () => void;
}

type Standing = 'none' | 'alive' | 'away';

/** Whoever asks about ten windows in a row asks once. */
const KNOWN_MS = 1_000;
const NOT_YET = 'The command database is being read; until then the acts alone are counted.';

export function createCommandSource(needs: CommandSourceNeeds): CommandSource {
  const { store, clock, tenant: own, worker, commandDb } = needs;
  let isRead: boolean | null = commandDb === null ? null : true;
  const standings = new Map<string, { readonly standing: Standing; readonly untilMs: number }>();

  function note(problem: CommandDbUnreadable | null): void {
    if (problem !== null && isRead === true) needs.unread(problem);
    isRead = problem === null;
  }

  /** Of a source that this process does not have. */
  async function standingOf(tenant: string): Promise<Standing> {
    const known = standings.get(tenant);
    if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.standing;
    const standing = await store.withTenant(tenant, async (tx): Promise<Standing> => {
      const [row] = await tx<{ alive: boolean | null }[]>`
        select bool_or(w.id is not null) as alive from mandate.command_source s
          left join mandate.worker w on w.id = s.worker and w.lease_until > now()
        where s.tenant = ${tenant}`;
      return row?.alive == null ? 'none' : row.alive ? 'alive' : 'away';
    });
    standings.set(tenant, { standing, untilMs: clock.monotonicMs() + KNOWN_MS });
    return standing;
  }

  async function missingOf(tenant: string): Promise<CommandDbUnreadable | null> {
    if ((await standingOf(tenant)) === 'none') return null;
    return new CommandDbUnreadable(
      `Commands of ${tenant} are also counted in a command database that this server does not have. Ask a server of ${tenant} that has COMMAND_DB_PATH. Where there is no such file any more, start one without it.`,
    );
  }

  const isKnownElsewhere = (): boolean => (standings.get(own)?.standing ?? 'none') !== 'none';
  const ofOwn = (tenant: string): CommandDb | null => (tenant === own ? commandDb : null);

  return {
    async read(tenant, window) {
      const db = ofOwn(tenant);
      if (db === null) {
        const missing = await missingOf(tenant);
        if (missing !== null) throw missing;
        return null;
      }
      try {
        const reading = await db.read(window);
        note(null);
        return reading;
      } catch (error) {
        if (error instanceof CommandDbUnreadable) note(error);
        throw error;
      }
    },
    async readNow(tenant, window) {
      const db = ofOwn(tenant);
      if (db === null) {
        const missing = await missingOf(tenant);
        return missing === null ? null : { reading: null, missing: missing.message };
      }
      const { reading, problem } = await db.readNow(window);
      // That nothing was read yet is nobody's fault.
      if (reading !== null || problem !== null) note(problem);
      return { reading, missing: problem?.message ?? (reading === null ? NOT_YET : null) };
    },
    isElsewhere: async (tenant) => ofOwn(tenant) === null && (await standingOf(tenant)) === 'alive',
    isRead: () => (commandDb === null && isKnownElsewhere() ? false : isRead),
    async begin() {
      await store.withTenant(own, async (tx) => {
        await tx`
          delete from mandate.command_source s where tenant = ${own}
            and not exists (select 1 from mandate.worker w where w.id = s.worker and w.lease_until > now())`;
        if (commandDb !== null)
          await tx`
            insert into mandate.command_source (tenant, worker, since) values (${own}, ${worker}, ${new Date(clock.nowMs())})
            on conflict do nothing`;
      });
      standings.delete(own);
      if (commandDb === null && (await standingOf(own)) === 'alive') needs.isWithout();
    },
    async close() {
      await commandDb?.close();
    },
  };
}
