// The three doors to the database, one per role, and the only way to the rows of a tenant. A tenant is set for one
// transaction and gone with it: a setting on a pooled session would leak into whatever request comes next.
import { connect } from './connection.ts';
import type { Sql, Tx } from './sql.ts';

export type { Queryable, Sql, Tx } from './sql.ts';

/** What the process uses to reach Postgres. */
export interface Store {
  /** Member of mandate_app. Outside `withTenant` it sees no tenant's rows. */
  readonly app: Sql;
  /** Member of mandate_sequencer: numbers the journal of all tenants. */
  readonly sequencer: Sql;
  /** Member of mandate_control: stops, and ends the sessions of hung holders. */
  readonly control: Sql;
  /** Runs `fn` in a READ COMMITTED transaction that sees and writes rows of this tenant only. Throws on ''. */
  withTenant<T>(tenant: string, fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** Waits up to 5 s for running queries, then closes every connection. */
  close(): Promise<void>;
}

/** Addresses of the three logins (`ensureLogins` makes them, or the operator supplies them). */
export interface Logins {
  readonly appUrl: string;
  readonly sequencerUrl: string;
  readonly controlUrl: string;
}

export interface StoreOptions extends Logins {
  /** The app's connections for single statements, and as many again for transactions (default 10; the embedded server takes 100 in all, of several processes). */
  readonly max?: number;
  /** The same for the sequencer and for control (default 2 and 3). */
  readonly maxSequencer?: number;
  readonly maxControl?: number;
  /** The app's longest statement, in ms (default 15,000). */
  readonly statementTimeoutMs?: number;
  /** How long the app may hold a transaction without a statement, in ms (default 5,000): bounds a hung holder. */
  readonly idleInTransactionMs?: number;
  /** How long the app waits for a lock, in ms (default 5,000). */
  readonly lockTimeoutMs?: number;
  /** Shown before the role in pg_stat_activity (default `mandate`). */
  readonly name?: string;
}

/** Opens the three pools. Nothing connects before the first query. */
export function openStore(options: StoreOptions): Store {
  const name = options.name ?? 'mandate';
  const app = connect(options.appUrl, {
    max: options.max ?? 10,
    applicationName: `${name} app`,
    session: {
      statement_timeout: options.statementTimeoutMs ?? 15_000,
      idle_in_transaction_session_timeout: options.idleInTransactionMs ?? 5_000,
      lock_timeout: options.lockTimeoutMs ?? 5_000,
    },
  });
  const sequencer = connect(options.sequencerUrl, {
    max: options.maxSequencer ?? 2,
    applicationName: `${name} sequencer`,
    session: { statement_timeout: 30_000, idle_in_transaction_session_timeout: 15_000 },
  });
  // A stop must not fail for want of patience, but neither may it hang: the barrier has its own lock_timeout.
  const control = connect(options.controlUrl, {
    max: options.maxControl ?? 3,
    applicationName: `${name} control`,
    session: { statement_timeout: 30_000, idle_in_transaction_session_timeout: 15_000 },
  });
  return {
    app,
    sequencer,
    control,
    withTenant: (tenant, fn) => withTenant(app, tenant, fn),
    async close() {
      await Promise.all([app, sequencer, control].map((sql) => sql.end({ timeout: 5 })));
    },
  };
}

async function withTenant<T>(app: Sql, tenant: string, fn: (tx: Tx) => Promise<T>): Promise<T> {
  if (tenant === '') throw new Error('withTenant() needs a tenant. An empty one would see nothing.');
  // Wrapped, because begin() is typed to await the elements of an array that fn returns.
  const { value } = await app.begin('isolation level read committed', async (tx) => {
    // Sent but not awaited: the first statement of fn travels behind it in the same packet, and the server runs
    // them in order. Should it fail, the transaction is aborted and no statement after it does anything.
    const ready = tx`select set_config('app.tenant', ${tenant}, true)`.execute();
    ready.catch(() => {});
    try {
      return { value: await fn(tx) };
    } finally {
      await ready;
    }
  });
  return value;
}
