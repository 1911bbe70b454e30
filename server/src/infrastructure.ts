// What the parts stand on: data directory, master key, Postgres, store. Opened in the one order that works, closed in
// the other, by the server, by the command line when the server is down, and by openMandate().
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { redactText } from '@mandate/kernel';
import type { Chance, Clock } from './platform/clock/clock.ts';
import { createChance, systemClock } from './platform/clock/clock.ts';
import type { Config } from './platform/config/config.ts';
import { deriveKey } from './platform/crypto/derive.ts';
import { loadMasterKeys } from './platform/crypto/master-key.ts';
import type { MasterKeys } from './platform/crypto/master-key.ts';
import { createLog } from './platform/log/log.ts';
import type { Log } from './platform/log/log.ts';
import { createScrubber } from './platform/log/scrub.ts';
import type { Scrubber } from './platform/log/scrub.ts';
import { parseAddress } from './platform/postgres/connection.ts';
import { ensureDatabase, openDatabase } from './platform/postgres/database.ts';
import { startEmbedded } from './platform/postgres/launcher.ts';
import type { Store } from './platform/postgres/store.ts';
import { createTelemetry } from './platform/telemetry/telemetry.ts';
import type { Telemetry } from './platform/telemetry/telemetry.ts';

export interface Infrastructure {
  readonly config: Config;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly scrubber: Scrubber;
  readonly telemetry: Telemetry;
  readonly masterKeys: MasterKeys;
  readonly store: Store;
  /** Where the rows are, for people. */
  readonly database: string;
  /** The migrator's address and that of the control login, for what brings a driver of its own. */
  readonly addresses: { readonly adminUrl: string; readonly controlUrl: string };
  close(): Promise<void>;
}

export const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));

export interface OpenOptions {
  readonly clock?: Clock;
  readonly pretty?: boolean;
}

export async function openInfrastructure(
  config: Config,
  { clock = systemClock, pretty = false }: OpenOptions = {},
): Promise<Infrastructure> {
  const chance = createChance(clock);
  const scrubber = createScrubber({ redact: redactText });
  const exporter =
    config.otlpEndpoint === null
      ? ({ kind: 'none' } as const)
      : ({ kind: 'otlp', url: config.otlpEndpoint } as const);
  const telemetry = createTelemetry({
    exporter,
    clock,
    scrub: scrubber.text,
    serviceName: config.serviceName,
  });
  const log = createLog({ level: config.logLevel, scrubber, clock, traceId: telemetry.traceId, pretty });
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const masterKeys = await loadMasterKeys({
    fromEnvironment: config.masterKey,
    dataDir: config.dataDir,
    chance,
  });
  for (const key of masterKeys.all) scrubber.know(Buffer.from(key.bytes).toString('base64'));
  const embedded = config.databaseUrl === null ? await startEmbedded({ dataDir: config.dataDir, log }) : null;
  try {
    const adminUrl =
      embedded === null ? (config.databaseUrl ?? '') : await ensureDatabase(embedded.adminUrl, 'mandate');
    const { appUrl, sequencerUrl, controlUrl } = config;
    const { store, migrated, logins } = await openDatabase({
      adminUrl,
      migrationsDir: MIGRATIONS,
      secret: deriveKey(masterKeys.current, 'database-login').toString('base64'),
      supplied: {
        ...(appUrl === null ? {} : { appUrl }),
        ...(sequencerUrl === null ? {} : { sequencerUrl }),
        ...(controlUrl === null ? {} : { controlUrl }),
      },
    });
    if (migrated.length > 0) log.info({ migrated }, 'database migrated');
    const { host, database: name } = parseAddress(adminUrl);
    const database = embedded === null ? `${host}/${name}` : `${config.dataDir}/postgres`;
    return {
      config,
      clock,
      chance,
      log,
      scrubber,
      telemetry,
      masterKeys,
      store,
      database,
      addresses: { adminUrl, controlUrl: logins.controlUrl },
      async close() {
        await store.close();
        await embedded?.stop();
        await telemetry.close();
      },
    };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}
