// The way to a stop that needs no server: the sentinel file, and the same protocol straight on the database. A stop
// that only works while everything works is none.
import { existsSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { agentClassOf } from '@mandate/kernel';
import type { Charter } from '@mandate/kernel';
import { createAgreement } from '../decide/approvals/agreement.ts';
import { liftAgreed } from '../decide/restrictions/resume.ts';
import { raiseSentinel, SENTINEL_FILE } from '../decide/restrictions/sentinel.ts';
import { createStops } from '../decide/restrictions/stop.ts';
import type { StopLevel, StopReport, Stops } from '../decide/restrictions/stop.ts';
import type { Config } from '../platform/config/config.ts';
import { principalId } from '../platform/identity/principal.ts';
import { isPermitted } from '../platform/identity/roles.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { Cli } from './command.ts';
import { CommandFailed, EXIT } from './exit.ts';
import type { Foundations } from './host.ts';

/** Longer than starting the embedded Postgres takes, crash recovery included, and short enough for somebody in a hurry. */
const DATABASE_MS = 20_000;

export interface OfflineStop {
  /** '*' is every tenant. */
  readonly tenant: string;
  readonly scope: string;
  readonly level: StopLevel;
  readonly reason: string;
}

export type DatabaseAnswer<T> =
  | { readonly kind: 'done'; readonly value: T; readonly database: string }
  | { readonly kind: 'unreachable'; readonly why: string };

/** Why this machine cannot stop anything without a server; null where it can. */
export function whyNoInstallation(config: Config): string | null {
  const has = (name: string): boolean => existsSync(join(config.dataDir, name));
  if (!existsSync(config.dataDir)) return `there is no data directory ${config.dataDir}`;
  // With a new master key the database's logins would be made anew, under the feet of the real server.
  if (config.masterKey === null && !has('master.key'))
    return `${config.dataDir} has no master.key (and MANDATE_MASTER_KEY is not set), so it is not a data directory that Mandate has run on`;
  if (config.databaseUrl === null && !has('postgres'))
    return `${config.dataDir} has no database yet (and DATABASE_URL is not set)`;
  return null;
}

/** Who stopped, where no key says it: the account of the operating system. */
function operatorName(): string {
  try {
    return `command-line:${userInfo().username}@${hostname()}`;
  } catch {
    return `command-line:${String(process.getuid?.() ?? 'somebody')}@${hostname()}`;
  }
}

/** Every process on the data directory obeys it within 100 ms. Answers with its path. */
export function raise(config: Config, reason: string, atMs: number): Promise<string> {
  return raiseSentinel(config.dataDir, { reason, by: operatorName(), at: new Date(atMs).toISOString() });
}

export function sentinelOf(config: Config): string | null {
  const path = join(config.dataDir, SENTINEL_FILE);
  return existsSync(path) ? path : null;
}

export function stopInDatabase(
  cli: Cli,
  config: Config,
  order: OfflineStop,
): Promise<DatabaseAnswer<StopReport>> {
  return inDatabase(cli, config, (foundations) =>
    stopsOf(foundations).stop({ ...order, by: operatorName(), traceId: null }),
  );
}

export interface OfflineResume {
  readonly scope: string;
  readonly reason: string;
  /** The key of the person, checked as the server would. */
  readonly key: string;
}

export type OfflineResumeReport =
  | { readonly kind: 'resumed'; readonly lifted: number; readonly sentinel: boolean }
  | { readonly kind: 'second_person_needed'; readonly requestedBy: string };

/** Lifts stops on the database's own word of who holds the key, and the sentinel file last. */
export function resumeInDatabase(
  cli: Cli,
  config: Config,
  order: OfflineResume,
): Promise<DatabaseAnswer<OfflineResumeReport>> {
  return inDatabase(cli, config, async (foundations) => {
    const by = await whoMayResume(foundations, order.key);
    const stops = stopsOf(foundations);
    const twoPersons = await needsTwoPersons(foundations);
    const isEverything = order.scope === 'tenant' || order.scope === 'global';
    const path = isEverything ? sentinelOf(config) : null;
    const fileSinceMs = path === null ? null : statSync(path).mtimeMs;
    const targets = [
      ...(order.scope === 'global' ? [] : [{ tenant: config.tenant, scope: order.scope, fileSinceMs: null }]),
      ...(isEverything ? [{ tenant: '*', scope: 'global', fileSinceMs }] : []),
    ];
    let lifted = 0;
    let waiting: string | null = null;
    for (const target of targets) {
      const { reason } = order;
      const report = await stops.resume({
        ...target,
        reason,
        by,
        roles: ['admin'],
        twoPersons,
        traceId: null,
      });
      if (report.kind === 'resumed') lifted += report.lifted;
      if (report.kind === 'second_person_needed') waiting = report.requestedBy;
      if (report.kind === 'no_person') throw refused(report.detail);
    }
    if (waiting !== null) return { kind: 'second_person_needed', requestedBy: waiting };
    if (path !== null) await rm(path, { force: true });
    return { kind: 'resumed', lifted, sentinel: path !== null };
  });
}

async function whoMayResume(
  { store, masterKeys, clock, chance, config }: Foundations,
  text: string,
): Promise<string> {
  const { createKeys } = await import('../platform/identity/keys.ts');
  const key = await createKeys({ app: store.app, masterKeys, clock, chance }).find(text);
  const stands =
    key !== null &&
    key.tenant === config.tenant &&
    key.revokedMs === null &&
    (key.expiresMs === null || key.expiresMs > clock.nowMs());
  if (!stands)
    throw refused(
      'The key is not valid in this database (unknown, revoked or expired), and only a key says who lifts a stop.',
    );
  // Without a server the whole installation is lifted, and that is for its administrators.
  if (!key.roles.includes('admin') || !isPermitted(key, 'resume'))
    throw refused(
      `The key ${key.id} (${key.roles.join(', ')}) may not lift a stop while the server is down; that takes the role admin.`,
    );
  return principalId({
    roles: key.roles,
    agents: key.agents,
    userId: key.user?.id ?? null,
    fallback: `key:${key.id}`,
  });
}

function refused(message: string): CommandFailed {
  return new CommandFailed(message, {
    exitCode: EXIT.denied,
    code: 'forbidden',
    steps: ['Set MANDATE_API_KEY to an admin key, or run this where admin.key lies (--data-dir).'],
  });
}

/** The same stops as the server's, on the charter that is in force. */
function stopsOf(foundations: Foundations): Stops {
  const { store, clock, chance } = foundations;
  return createStops({
    control: store.control,
    clock,
    chance,
    writeEntry,
    agree: createAgreement({
      clock,
      chance,
      writeEntry,
      lift: (tx, agreed) => liftAgreed(tx, agreed, writeEntry),
    }),
    classesOf: async (tenant) => {
      const charter = await charterOf(foundations, tenant);
      return charter === null ? null : (agent) => agentClassOf(charter, agent);
    },
  });
}

/** The charter says it; where it cannot be read, two are needed. */
async function needsTwoPersons(foundations: Foundations): Promise<boolean> {
  const charter = await charterOf(foundations, foundations.config.tenant);
  return charter === null || charter.resume.twoPersons;
}

async function charterOf({ store, clock, log }: Foundations, tenant: string): Promise<Charter | null> {
  const [{ createCharters }, { readCharterFile, shippedCharters }] = await Promise.all([
    import('../decide/charter/charter.ts'),
    import('../decide/charter/disk.ts'),
  ]);
  const active = await createCharters({
    store,
    clock,
    log,
    readFile: readCharterFile,
    readShipped: shippedCharters,
  }).active(tenant);
  return active?.law.charter ?? null;
}

/** Opens what a server stands on, works, and closes it again. What was refused ends the command; what failed is an answer. */
async function inDatabase<T>(
  cli: Cli,
  config: Config,
  work: (foundations: Foundations) => Promise<T>,
): Promise<DatabaseAnswer<T>> {
  const quiet: Config = config.origins.logLevel === 'default' ? { ...config, logLevel: 'error' } : config;
  const attempt = (async (): Promise<DatabaseAnswer<T>> => {
    const foundations = await cli.host.openFoundations(quiet);
    try {
      return { kind: 'done', value: await work(foundations), database: foundations.database };
    } finally {
      await foundations.close();
    }
  })();
  let cancel = (): void => {};
  // Kept alive by a timer of its own: the clock's keeps no process waiting.
  const alive = setInterval(() => {}, 1_000);
  const late = new Promise<DatabaseAnswer<T>>((resolve) => {
    cancel = cli.clock.after(DATABASE_MS, () =>
      resolve({ kind: 'unreachable', why: `it did not answer within ${DATABASE_MS / 1_000} s` }),
    );
  });
  try {
    return await Promise.race([attempt, late]);
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    return { kind: 'unreachable', why: error instanceof Error ? error.message : String(error) };
  } finally {
    cancel();
    clearInterval(alive);
    attempt.catch(() => {});
  }
}
