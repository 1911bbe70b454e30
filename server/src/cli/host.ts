// What only the composition root can give: a running server, and what a server stands on. The command line asks for
// these as functions, because it stands below the root and most commands need neither.
import type { CharterOrigin } from '../decide/charter/origin.ts';
import type { Chance, Clock } from '../platform/clock/clock.ts';
import type { Config } from '../platform/config/config.ts';
import type { MasterKeys } from '../platform/crypto/master-key.ts';
import type { AdminKey } from '../platform/identity/admin-key.ts';
import type { Log } from '../platform/log/log.ts';
import type { Store } from '../platform/postgres/store.ts';

export interface Serving {
  readonly url: string;
  readonly adminKey: AdminKey;
  /** What it goes by; null where none is in force that this process can read. */
  readonly charter: CharterOrigin | null;
  /** Where the rows are, for people. */
  readonly database: string;
  /** Ends what runs, then everything else. */
  close(): Promise<void>;
}

/** - `charter_refused`: every mistake as `file:line:column pointer: message` */
export type ServeAnswer =
  | { readonly kind: 'serving'; readonly serving: Serving }
  | { readonly kind: 'charter_refused'; readonly problems: readonly string[] };

export interface Foundations {
  readonly config: Config;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly masterKeys: MasterKeys;
  readonly store: Store;
  readonly database: string;
  close(): Promise<void>;
}

export interface Host {
  readonly version: string;
  /** With `listen: false` it carries runs and begins approved acts without answering anybody. */
  serve(
    config: Config,
    options: { readonly pretty: boolean; readonly listen?: boolean },
  ): Promise<ServeAnswer>;
  /** Data directory, keys, Postgres and store, without a server. */
  openFoundations(config: Config): Promise<Foundations>;
  /** Where the migrations lie. */
  migrationsDir(): Promise<string>;
}
