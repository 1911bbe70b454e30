// Where the server is and which key opens it. The address comes from MANDATE_URL, else from the note that a running
// server leaves in its data directory, else it is the default. The key of the data directory goes to no other machine.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../platform/config/config.ts';
import { CommandFailed, EXIT } from './exit.ts';
import type { CommonOptions } from './command.ts';
import { numberAt, textAt } from './read.ts';

export interface Location {
  readonly config: Config;
  readonly url: string;
  /** Whether the address is this machine's, so that the data directory may be the server's own. */
  readonly isThisMachine: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Everything that `mandate stop` must know; a typo elsewhere in the environment must not keep it from stopping. */
const ESSENTIAL = [
  'MANDATE_DATA_DIR',
  'MANDATE_URL',
  'MANDATE_API_KEY',
  'MANDATE_TENANT',
  'MANDATE_MASTER_KEY',
  'DATABASE_URL',
  'MANDATE_APP_URL',
  'MANDATE_SEQUENCER_URL',
  'MANDATE_CONTROL_URL',
  'XDG_STATE_HOME',
  'PORT',
  'HOST',
];

/** Reads the settings; wrong ones end the command with every problem at once. */
export async function readConfig(
  env: Env,
  options: CommonOptions,
  argv: readonly string[] = [],
): Promise<Config> {
  const { ConfigInvalid, loadConfig } = await import('../platform/config/config.ts');
  const dataDir = options.dataDir === undefined ? [] : ['--data-dir', options.dataDir];
  try {
    return loadConfig({
      env: options.url === undefined ? env : { ...env, MANDATE_URL: options.url },
      argv: [...argv, ...dataDir],
    });
  } catch (error) {
    if (!(error instanceof ConfigInvalid)) throw error;
    throw new CommandFailed(
      `The settings are wrong:\n${error.problems.map((problem) => `  ${problem}`).join('\n')}`,
      { exitCode: EXIT.usage, code: 'settings', document: { problems: error.problems } },
    );
  }
}

/** As readConfig, but a mistake in a setting that a stop does not need is only told. */
export async function readConfigForStop(
  env: Env,
  options: CommonOptions,
  tell: (text: string) => void,
): Promise<Config> {
  try {
    return await readConfig(env, options);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    const config = await readConfig(Object.fromEntries(ESSENTIAL.map((name) => [name, env[name]])), options);
    tell(`${error.message}\nNone of this keeps the stop from working.`);
    return config;
  }
}

export async function locate(config: Config): Promise<Location> {
  const isSet = config.origins.port !== 'default' || config.origins.host !== 'default';
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  const url =
    config.url ??
    (isSet && config.port !== 0
      ? urlOf(host, config.port)
      : ((await readNote(config.dataDir))?.url ?? urlOf(host, config.port)));
  const { hostname } = new URL(url);
  return {
    config,
    url: url.replace(/\/+$/, ''),
    isThisMachine: hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.'),
  };
}

export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The key to present; null where there is none. */
export async function readKey({ config, isThisMachine }: Location): Promise<string | null> {
  if (config.apiKey !== null) return config.apiKey;
  if (!isThisMachine) return null;
  const { readPrivateFile } = await import('../platform/crypto/master-key.ts');
  try {
    const text = await readPrivateFile(join(config.dataDir, 'admin.key'));
    return text === null ? null : text.trim();
  } catch (error) {
    const isForeign = error instanceof Error && 'code' in error && error.code === 'EACCES';
    if (isForeign) return null;
    throw new CommandFailed(error instanceof Error ? error.message : String(error), {
      exitCode: EXIT.denied,
      code: 'key_file',
    });
  }
}

const NOTE = 'server.json';
const ANSWERS_MS = 2_000;

interface Note {
  readonly url: string;
  readonly pid: number;
}

/**
 * Left by a running server, so that commands find it on whatever port it has. Of several on one data directory the first
 * keeps it: commands that went to another one without a word would seem to have lost what they spoke to. Answers with
 * the address of that first one, or null where the note is this server's.
 */
export async function writeNote(dataDir: string, note: Note): Promise<string | null> {
  const other = await readNote(dataDir);
  if (other !== null && other.pid !== note.pid && other.url !== note.url && (await isServing(other)))
    return other.url;
  await writeFile(join(dataDir, NOTE), `${JSON.stringify(note)}\n`, { mode: 0o600 });
  return null;
}

/** Takes back the note of this very process; that of another server stays. */
export async function removeNote(dataDir: string, pid: number): Promise<void> {
  if ((await readNote(dataDir))?.pid === pid) await rm(join(dataDir, NOTE), { force: true });
}

/** Only an address of this machine is believed: the key is sent there. */
async function readNote(dataDir: string): Promise<Note | null> {
  try {
    const note: unknown = JSON.parse(await readFile(join(dataDir, NOTE), 'utf8'));
    const url = textAt(note, 'url');
    const isHere = /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/.test(url);
    return isHere ? { url, pid: numberAt(note, 'pid') ?? 0 } : null;
  } catch {
    return null;
  }
}

/** A note may be left over from a crash, and its process id be another program's by now: only an answer counts. */
async function isServing({ url }: Note): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(ANSWERS_MS) });
    return textAt(await answer.json(), 'status') !== '';
  } catch {
    return false;
  }
}
