// What runs statements, in our own words: a pool, an open transaction, or either. Beside the connections, because lanes
// lend what the connection opens, and both speak of it.
import type postgres from 'postgres';

/** What a column or parameter may be beyond the driver's own types. */
export interface ValueTypes extends Record<string, unknown> {
  readonly bigint: number | bigint;
  readonly instant: number;
}

/**
 * A pool. Every query on it stands alone; rows of tenants are visible only inside `Store.withTenant`. Its `begin`
 * and `reserve` are ours (see lanes.ts).
 */
export type Sql = postgres.Sql<ValueTypes>;

/** An open transaction; the first argument of every function that runs SQL. */
export type Tx = postgres.TransactionSql<ValueTypes>;

/** A pool or an open transaction, for statements that do not care. */
export type Queryable = postgres.ISql<ValueTypes>;

/** What may be written to a jsonb column, as `sql.json(value)`. */
export type Json = postgres.JSONValue;
