// Mandate inside a program: the same server without its socket, over an embedded Postgres, and the SDK in front of it.
// What runs here keeps every promise of the server (acts, journal, stop, approvals) and moves to one by changing a line.
import { readFile } from 'node:fs/promises';
import { createMandate } from '@mandate/sdk';
import type { Mandate, MandateOptions } from '@mandate/sdk';
import type { ExecutorFunction } from './act/executors/functions.ts';
import type { ChannelFunction } from './act/notifications/message.ts';
import { createApp } from './app.ts';
import type { App } from './app.ts';
import type { GuardrailFunction, GuardrailOptions } from './decide/guardrails/plugins.ts';
import { createAgentKeys } from './embedded-keys.ts';
import { openInfrastructure } from './infrastructure.ts';
import { loadConfig } from './platform/config/config.ts';
import type { Config } from './platform/config/config.ts';

export interface OpenMandateOptions {
  /** Database, keys and the sentinel file; by default where `mandate start` has them. Several processes may share it. */
  readonly dataDir?: string | undefined;
  /**
   * The path of a charter file, or the charter itself: as text (anything with a line break in it) or as an object.
   * Without one the active charter stays, at first the default one.
   */
  readonly charter?: string | Readonly<Record<string, unknown>> | undefined;
  readonly tenant?: string | undefined;
  /** Who asks, where an action does not say. */
  readonly agent?: string | undefined;
  /** A Postgres of one's own in place of the embedded one. */
  readonly databaseUrl?: string | undefined;
  /**
   * Also listen for others (dashboard, CLI, approvers) on this port of 127.0.0.1; 0 is any free one. Without one, people are
   * told by mail and the like only where MANDATE_PUBLIC_URL says where links lead; registered channels need nothing.
   */
  readonly port?: number | undefined;
  /** `warn` unless given. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent' | undefined;
  /** How long one attempt at an answer may take, in milliseconds (ten minutes: executors run inside it). */
  readonly timeoutMs?: number | undefined;
  /** Time and chance of the client, for tests that own them. */
  readonly machine?: MandateOptions['machine'];
}

/** The SDK's client, and what only the process that runs Mandate can do. */
export interface OpenMandate extends Mandate {
  /**
   * Has Mandate execute the actions that match with a function of this program: an exact name, a literal prefix with one
   * trailing `*`, or `*`. Throws on any other pattern and on one that is taken. The function gets the act's id, its
   * parameters and a signal that a stop aborts; it returns plain JSON, or exactly `{ result, costUsd }`.
   */
  readonly registerExecutor: (pattern: string, fn: ExecutorFunction) => void;
  /**
   * Has a function of this program look at every action that matches before it is judged. It is given the whole action
   * and answers with nothing, a finding `{ severity, message, pointer? }`, or a list of them. Late (250 ms unless
   * `timeoutMs` says otherwise), throwing or nonsensical means that it has failed, which holds the action. The name,
   * under which a charter may require it, is the function's own unless `name` is given.
   */
  readonly registerGuardrail: (pattern: string, fn: GuardrailFunction, options?: GuardrailOptions) => void;
  /**
   * Adds a channel that people are told over: one function that is given one message at a time. Returning means that the
   * message was taken; throwing, that nobody knows, and it is sent again under the same id. Throws for a name that is none
   * (a-z, 0-9, dash, underscore), or taken. What it is told the charter may say: `notify: { channels: { name: { function: true } } }`.
   */
  readonly registerChannel: (name: string, fn: ChannelFunction) => void;
  /** Where it listens; null unless `port` was given. */
  readonly url: string | null;
  /** The file with the admin key, for the command line and for people. */
  readonly adminKeyPath: string;
  /** Ends what runs (aborted, at most ten seconds), then the database. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Not reached over any network: the injected fetch takes the path alone. */
const ADDRESS = 'http://mandate.embedded';
const TIMEOUT_MS = 600_000;
const VERSION = '0.1.0';

/** Opens (on the first time: makes) the database, activates the charter and begins to work. Throws CharterRefused and ConfigInvalid. */
export async function openMandate(options: OpenMandateOptions = {}): Promise<OpenMandate> {
  const { charter, agent, machine, timeoutMs = TIMEOUT_MS } = options;
  const charterText =
    typeof charter === 'object' ? JSON.stringify(charter) : charter?.includes('\n') === true ? charter : null;
  const config = configOf(options, charterText !== null);
  const infrastructure = await openInfrastructure(config);
  const { chance } = infrastructure;
  let close = (): Promise<void> => infrastructure.close();
  try {
    // A debugger may hold a program that embeds Mandate for as long as it likes.
    const app = await createApp(infrastructure, { version: VERSION, watchdog: false, charterText });
    close = async () => {
      await app.close();
      await infrastructure.close();
    };
    const url = options.port === undefined ? null : (await app.start()).url;
    if (url === null) await app.work();
    const adminKey = await adminKeyOf(app);
    const { dataDir, tenant } = config;
    const keys = createAgentKeys({
      fetch: app.fetch,
      address: ADDRESS,
      adminKey,
      dataDir,
      tenant,
      uuid: () => chance.uuid(),
    });
    const apiKey = (of: string | null): string | Promise<string> => (of === null ? adminKey : keys.of(of));
    const client = createMandate({ url: ADDRESS, apiKey, agent, fetch: app.fetch, timeoutMs, machine });
    let closing: Promise<void> | null = null;
    const closeOnce = (): Promise<void> => (closing ??= close());
    return {
      ...client,
      registerExecutor: (pattern, fn) => app.registerExecutor(pattern, fn),
      registerGuardrail: (pattern, fn, given) => app.registerGuardrail(pattern, fn, given),
      registerChannel: (name, fn) => app.registerChannel(name, fn),
      url,
      adminKeyPath: app.adminKey.path,
      close: closeOnce,
      [Symbol.asyncDispose]: closeOnce,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Of the environment only what is Mandate's own: PORT, HOST, DATABASE_URL and LOG_LEVEL belong to the program around it,
 * whose database must not be migrated by accident.
 */
function configOf(
  { dataDir, charter, tenant, databaseUrl, port, logLevel = 'warn' }: OpenMandateOptions,
  isInline: boolean,
): Config {
  const own = Object.entries(process.env).filter(
    ([name]) => name.startsWith('MANDATE_') && !(isInline && name === 'MANDATE_CHARTER'),
  );
  const given = {
    MANDATE_DATA_DIR: dataDir,
    MANDATE_CHARTER: isInline || typeof charter !== 'string' ? undefined : charter,
    MANDATE_TENANT: tenant,
    DATABASE_URL: databaseUrl,
    PORT: port === undefined ? undefined : String(port),
    LOG_LEVEL: logLevel,
  };
  return loadConfig({
    env: {
      ...Object.fromEntries(own),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    },
  });
}

async function adminKeyOf({ adminKey }: App): Promise<string> {
  switch (adminKey.kind) {
    case 'created':
      return adminKey.text;
    case 'kept':
      return (await readFile(adminKey.path, 'utf8')).trim();
    case 'elsewhere':
      throw new Error(adminKey.detail);
  }
}
