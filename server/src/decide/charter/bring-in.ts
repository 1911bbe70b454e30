// The one way in which a charter comes into force, whoever asks for it: a file, a person, a vote or the way back. What
// follows from a charter, above all how the governed sets stand, cannot be left out by taking another one.
import type { GovernedSet } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Activation } from './activation.ts';
import { renderPath } from './error.ts';
import type { LoadedCharter } from './load.ts';
import { activate, raiseRevision } from './store.ts';
import type { NewCharter } from './store.ts';

/** Brings the governed sets in line with a charter in its transaction; says what it did, and whether anything changed. */
export type Adopt = (
  tx: Tx,
  order: {
    readonly tenant: string;
    readonly sets: readonly GovernedSet[];
    readonly by: string;
    readonly atMs: number;
  },
) => Promise<{
  readonly hasChanged: boolean;
  readonly notes: readonly { readonly set: string; readonly message: string }[];
}>;

export interface BringInNeeds {
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
  /** What a charter means for the governed sets. */
  readonly adopt?: Adopt;
}

/** In the caller's transaction, which holds the tenant's row. */
export interface BringIn {
  /** Brings it into force, with all that follows from it. */
  readonly bringIn: (tx: Tx, loaded: LoadedCharter, how: Bringing) => Promise<Activation>;
  /**
   * It is in force already. Should its sets not stand as it says, because rows are missing, they are put right, and
   * nothing begins by what stood before (I5).
   */
  readonly keep: (
    tx: Tx,
    loaded: LoadedCharter,
    who: Pick<Bringing, 'tenant' | 'author'>,
  ) => Promise<Activation>;
}

export type Bringing = Omit<NewCharter, 'version' | 'content' | 'nowMs'> & {
  readonly previous: string | null;
};

const HEALED =
  'the governed sets did not stand as the charter in force says and have been put right: see governance.phase_changed in the journal, and find out what changed their rows';

export function createBringIn({ clock, log, adopt }: BringInNeeds): BringIn {
  return {
    async bringIn(tx, loaded, how) {
      const { tenant, author, previous } = how;
      const { version, ownPaths } = loaded;
      const nowMs = clock.nowMs();
      const content = JSON.stringify(loaded.sources);
      const revision = await activate(tx, { ...how, version, content, nowMs }, previous);
      const adopted = await adopt?.(tx, { tenant, sets: setsOf(loaded), by: author, atMs: nowMs });
      const said = (adopted?.notes ?? []).map(({ set, message }) => ({
        file: 'charter.yaml',
        line: 1,
        column: 1,
        pointer: renderPath(['phases', set]),
        message,
      }));
      return {
        kind: 'activated',
        version,
        previous,
        revision,
        warnings: [...loaded.warnings, ...said],
        ownPaths,
      };
    },

    async keep(tx, loaded, { tenant, author }) {
      const order = { tenant, sets: setsOf(loaded), by: author, atMs: clock.nowMs() };
      const adopted = await adopt?.(tx, order);
      if (adopted?.hasChanged === true) {
        await raiseRevision(tx, tenant);
        log.error({ tenant, notes: adopted.notes }, HEALED);
      }
      return { kind: 'unchanged', version: loaded.version, ownPaths: loaded.ownPaths };
    },
  };
}

function setsOf({ law }: LoadedCharter): readonly GovernedSet[] {
  return law.charter.phases ?? [];
}
