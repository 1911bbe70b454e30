// From an address to a database that is safe to use: roles, schema, logins and the catalogue lint, in the one order
// that works. A process that gets a Store from here may rely on every rule of tenancy; anything less does not boot.
import { connect, withDatabase } from './connection.ts';
import { lintCatalogue } from './lint.ts';
import { verifyLogins } from './login-check.ts';
import { migrate, readMigrations } from './migrate.ts';
import { ensureGroups, ensureLogins, quoteName } from './roles.ts';
import { openStore } from './store.ts';
import type { Logins, Store, StoreOptions } from './store.ts';

/** Creates a database unless it exists, closed to everybody but its owner and the logins; answers with its URL. */
export async function ensureDatabase(adminUrl: string, database: string): Promise<string> {
  const sql = connect(adminUrl, { max: 1, applicationName: 'mandate setup' });
  try {
    const [found] = await sql`select 1 from pg_database where datname = ${database}`;
    if (found === undefined) {
      try {
        await sql.unsafe(`create database ${quoteName(database)}`);
        await sql.unsafe(`revoke all on database ${quoteName(database)} from public`);
      } catch (error) {
        // Two processes that start at once: the other one was first (42P04, or 23505 in the same instant).
        if (!(error instanceof Error && 'code' in error && ['42P04', '23505'].includes(String(error.code))))
          throw error;
      }
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
  return withDatabase(adminUrl, database);
}

export interface DatabaseNeeds {
  /** The migrator: owner of the database (or superuser) that may create roles, or was given them. */
  readonly adminUrl: string;
  /** Directory of the migration files. */
  readonly migrationsDir: string;
  /** What login passwords are derived from; at least 16 characters, the same in every process. */
  readonly secret: string;
  /** Logins that the operator made (MANDATE_APP_URL, …). Those not supplied are derived and created. */
  readonly supplied?: Partial<Logins>;
  /** Distinguishes the logins of several databases in one cluster (default: the database's name). */
  readonly loginScope?: string;
  readonly store?: Omit<StoreOptions, keyof Logins>;
}

export interface Database {
  readonly store: Store;
  readonly logins: Logins;
  /** Names of the migrations that this call applied. */
  readonly migrated: readonly string[];
}

/** Migrates, makes or checks the logins, lints the catalogue and opens the store. Throws with every problem found. */
export async function openDatabase(needs: DatabaseNeeds): Promise<Database> {
  const sql = connect(needs.adminUrl, { max: 2, applicationName: 'mandate migrator' });
  let logins: Logins;
  let migrated: readonly string[];
  try {
    await ensureGroups(sql);
    migrated = await migrate(sql, await readMigrations(needs.migrationsDir));
    logins = await chooseLogins(needs, () =>
      ensureLogins(sql, {
        adminUrl: needs.adminUrl,
        secret: needs.secret,
        ...(needs.loginScope === undefined ? {} : { scope: needs.loginScope }),
      }),
    );
    const problems = await lintCatalogue(sql);
    if (problems.length > 0)
      throw new Error(
        `The database does not keep tenants apart, so Mandate does not start:\n- ${problems.join('\n- ')}`,
      );
  } finally {
    await sql.end({ timeout: 5 });
  }
  const store = openStore({ ...logins, ...needs.store });
  try {
    await verifyLogins(store, logins);
  } catch (error) {
    await store.close();
    throw error;
  }
  return { store, logins, migrated };
}

async function chooseLogins(
  { supplied = {} }: DatabaseNeeds,
  derive: () => Promise<Logins>,
): Promise<Logins> {
  const { appUrl, sequencerUrl, controlUrl } = supplied;
  if (appUrl !== undefined && sequencerUrl !== undefined && controlUrl !== undefined)
    return { appUrl, sequencerUrl, controlUrl };
  return {
    ...(await derive()),
    ...Object.fromEntries(Object.entries(supplied).filter(([, url]) => url !== undefined)),
  };
}
