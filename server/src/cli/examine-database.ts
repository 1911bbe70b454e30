// Whether the database answers and has the shape that this version expects, without changing it.
import { withDatabase, connect } from '../platform/postgres/connection.ts';
import type { Config } from '../platform/config/config.ts';
import { startEmbedded } from '../platform/postgres/launcher.ts';
import { readMigrations } from '../platform/postgres/migrate.ts';
import type { Cli } from './command.ts';
import { fail, ok, warn } from './check.ts';
import type { Check } from './check.ts';

const SKEW_MS = 1_000;

export async function examineDatabase(cli: Cli, config: Config): Promise<readonly Check[]> {
  const silent = { info: () => {}, warn: () => {} };
  const started = { stop: async (): Promise<void> => {} };
  try {
    let adminUrl = config.databaseUrl;
    if (adminUrl === null) {
      const embedded = await startEmbedded({ dataDir: config.dataDir, log: silent });
      started.stop = () => embedded.stop();
      adminUrl = withDatabase(embedded.adminUrl, 'mandate');
    }
    return await look(cli, adminUrl);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [
      fail(
        'postgres',
        message,
        config.databaseUrl === null
          ? `Look at ${config.dataDir}/postgres/server.log.`
          : 'Check DATABASE_URL, and that the database accepts connections from here.',
      ),
    ];
  } finally {
    await started.stop();
  }
}

async function look(cli: Cli, adminUrl: string): Promise<readonly Check[]> {
  const sql = connect(adminUrl, { max: 1, applicationName: 'mandate doctor', connectSeconds: 5 });
  try {
    const [row] = await sql<{ readonly version: string; readonly now: number; readonly ready: boolean }[]>`
      select current_setting('server_version') as version, now() as now, to_regclass('mandate.migrations') is not null as ready`;
    const skewMs = Math.abs(cli.clock.nowMs() - (row?.now ?? 0));
    const applied =
      row?.ready === true
        ? await sql<{ readonly name: string }[]>`select name from mandate.migrations order by number`
        : [];
    return [
      ok('postgres', `version ${row?.version ?? ''} answers`),
      await compareMigrations(
        cli,
        applied.map(({ name }) => name),
      ),
      skewMs <= SKEW_MS
        ? ok('clock', 'agrees with the database')
        : warn(
            'clock',
            `${Math.round(skewMs)} ms apart from the database`,
            'Synchronise both clocks (NTP): expiry and windows are measured in wall time.',
          ),
    ];
  } finally {
    await sql.end({ timeout: 2 });
  }
}

async function compareMigrations(cli: Cli, applied: readonly string[]): Promise<Check> {
  const known = (await readMigrations(await cli.host.migrationsDir())).map(({ name }) => name);
  const foreign = applied.filter((name) => !known.includes(name));
  if (foreign.length > 0)
    return fail(
      'migrations',
      `${foreign.join(', ')} came from a newer version of Mandate`,
      'Run that version, or restore a backup from before.',
    );
  const waiting = known.filter((name) => !applied.includes(name));
  return waiting.length === 0
    ? ok('migrations', `all ${known.length} are applied`)
    : warn(
        'migrations',
        `${waiting.length} wait (${waiting.join(', ')})`,
        `The next start applies them: ${cli.self} start`,
      );
}
