// Plain data as a jsonb parameter. The driver's type for it knows no interfaces, so the one assertion is made here.
import type { Sql, Tx, Json } from './sql.ts';

/** `value` must be plain data that we built ourselves: strangers' values are parsed at a door first. */
export function jsonb(db: Sql | Tx, value: object) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- plain data is JSON, only its type has no index signature
  return db.json(value as Json);
}
