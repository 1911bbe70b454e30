// The barrier separates starts from whatever must come before the next of them: every start holds it shared for
// milliseconds, so whoever has held it alone knows that no start of before is still under way. Stops and freezes take
// it in the same way, because a hung start must hold up neither them nor the starts of others that queue behind.
import type { Sql } from '../../platform/postgres/store.ts';

/** False when hung sessions kept it all the same; then nothing is confirmed. */
export type TakeBarrier = (tenant: string) => Promise<boolean>;

const WAIT_MS = 750;
/** How often hung holders are ended before it is given up. */
const ROUNDS = 4;

/** `control` is the control login, which may end hung sessions. */
export function createBarrier(control: Sql): TakeBarrier {
  return async (tenant) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      try {
        await control.begin(async (tx) => {
          await tx`select set_config('lock_timeout', ${`${WAIT_MS}ms`}, true)`;
          await tx`select pg_advisory_xact_lock(mandate.barrier_key(${tenant}))`;
        });
        return true;
      } catch (error) {
        if (!isLockTimeout(error)) throw error;
        await endHolders(control, tenant);
      }
    }
    return false;
  };
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}

/** A start holds the barrier for milliseconds; whoever still holds it after the wait hangs, and is ended. */
async function endHolders(control: Sql, tenant: string): Promise<void> {
  await control`
    select pg_terminate_backend(l.pid) from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.mode = 'ShareLock' and l.pid <> pg_backend_pid()
      and l.database = (select oid from pg_database where datname = current_database())
      and ((l.classid::bigint << 32) | l.objid::bigint) = mandate.barrier_key(${tenant})::bigint`;
}
