// The real server process for tests of promises: spawned, asked over HTTP, killed without warning and started again.
// A restart keeps the data directory, the keys and the database, as a machine does that lost power.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Closing } from './closing.ts';
import { openTestDatabase } from './postgres.ts';
import type { TestDatabase } from './postgres.ts';

export interface TestServerOptions {
  /** The charter's text. Without one the server activates the default charter. */
  readonly charter?: string;
  /** Further environment, over what the helper sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** A database to share with another server; a clone of its own otherwise. */
  readonly database?: TestDatabase;
  readonly tenant?: string;
  /** Servers that share a database share the master key. */
  readonly masterKey?: string;
  /** The admin key of a tenant that another server has set up already. */
  readonly adminKey?: string;
}

export interface CallOptions {
  /** The admin key by default. */
  readonly key?: string;
  /** POST with a body, GET without one, by default. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface KeyOrder {
  readonly roles: readonly string[];
  readonly agents?: readonly string[] | 'any';
  readonly user?: { readonly id: string; readonly scopes?: readonly string[] };
  readonly scopes?: readonly string[];
  readonly label?: string;
}

export interface TestServer {
  /** Where it listens now; another port after every restart. */
  readonly url: string;
  readonly adminKey: string;
  readonly dataDir: string;
  readonly charterPath: string;
  readonly masterKey: string;
  readonly database: TestDatabase;
  /** Everything that this process and those before it wrote to standard output and error. */
  readonly log: () => string;
  /** One request. Rejects only when there was no answer at all. */
  readonly call: <Body = Record<string, unknown>>(
    path: string,
    body?: unknown,
    options?: CallOptions,
  ) => Promise<Reply<Body>>;
  /** The text of a new key. */
  readonly makeKey: (order: KeyOrder) => Promise<string>;
  /** Ends the process and waits until it is gone; SIGKILL by default. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
  /** Starts it again on the same data directory; kills it first where it still runs. */
  readonly restart: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const MAIN =
  process.env['MANDATE_TEST_MAIN'] ?? fileURLToPath(new URL('../server/src/main.ts', import.meta.url));
const START_MS = 30_000;
const END_MS = 15_000;

/** Starts a server and has the test context end it. */
export async function startServer(t: Closing, options: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mandate-server-'));
  const charterPath = join(dataDir, 'charter.yaml');
  if (options.charter !== undefined) await writeFile(charterPath, options.charter);
  if (options.adminKey !== undefined)
    await writeFile(join(dataDir, 'admin.key'), `${options.adminKey}\n`, { mode: 0o600 });
  const database = options.database ?? (await openTestDatabase());
  const masterKey = options.masterKey ?? randomBytes(32).toString('base64');
  const env = {
    ...inheritedEnvironment(),
    PORT: '0',
    HOST: '127.0.0.1',
    MANDATE_DATA_DIR: dataDir,
    MANDATE_MASTER_KEY: masterKey,
    MANDATE_TENANT: options.tenant ?? 'default',
    DATABASE_URL: database.adminUrl,
    MANDATE_APP_URL: database.logins.appUrl,
    MANDATE_SEQUENCER_URL: database.logins.sequencerUrl,
    MANDATE_CONTROL_URL: database.logins.controlUrl,
    ...(options.charter === undefined ? {} : { MANDATE_CHARTER: charterPath }),
    ...options.env,
  };
  const written: string[] = [];
  let child: ChildProcess | null = null;
  let url = '';
  let adminKey = '';

  async function start(): Promise<void> {
    const begun = spawn(process.execPath, ['--conditions=mandate-source', MAIN, 'start'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = begun;
    url = await announced(begun, written);
    adminKey = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (child === null) return;
    const ending = child;
    child = null;
    await end(ending, signal);
  }

  const call = async <Body>(path: string, body?: unknown, given: CallOptions = {}): Promise<Reply<Body>> => {
    const response = await fetch(url + path, {
      method: given.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        'x-api-key': given.key ?? adminKey,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...given.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? null : JSON.parse(text)) as Body,
    };
  };

  const close = async (): Promise<void> => {
    // Asked to end, as an operator would; a process that does not is a defect, yet nothing may stay behind.
    await kill('SIGTERM');
    if (options.database === undefined) await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  };
  t.after(close);
  await start();

  return {
    get url() {
      return url;
    },
    get adminKey() {
      return adminKey;
    },
    dataDir,
    charterPath,
    masterKey,
    database,
    log: () => written.join(''),
    call,
    async makeKey({ label = 'a key for a test', ...order }) {
      const made = await call<{ text: string; detail?: string }>('/api/v1/keys', { label, ...order });
      if (made.status !== 201) throw new Error(`no key was made: ${JSON.stringify(made.body)}`);
      return made.body.text;
    },
    kill,
    async restart() {
      await kill();
      await start();
    },
    close,
  };
}

/** What the machine needs, without the settings of whoever runs the tests. */
function inheritedEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(MANDATE_|NODE_TEST|NODE_OPTIONS|DATABASE_URL|PORT$|HOST$)/.test(entry[0]),
  );
  return Object.fromEntries(kept);
}

/** The first address that the process names. It listens by then. */
function announced(child: ChildProcess, written: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const refuse = (why: string): void => reject(new Error(`the server did not start: ${why}\n${text}`));
    const timer = setTimeout(() => refuse(`no address within ${START_MS} ms`), START_MS);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      refuse(`it ended with ${code ?? signal ?? 'nothing'}`);
    });
    const read = (chunk: Buffer): void => {
      text += chunk.toString('utf8');
      written.push(chunk.toString('utf8'));
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found[0]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await exited;
  clearTimeout(timer);
}
