// A whole server behind its real HTTP door, on a database of its own: for the tests that try to break the door. It
// keeps the log, because an error line means that somebody is woken, and bad input must never wake anybody.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Closing } from './closing.ts';
import { createApp } from '../server/src/app.ts';
import type { App } from '../server/src/app.ts';
import { openInfrastructure } from '../server/src/infrastructure.ts';
import type { Infrastructure } from '../server/src/infrastructure.ts';
import type { Clock } from '../server/src/platform/clock/clock.ts';
import { systemClock } from '../server/src/platform/clock/clock.ts';
import { loadConfig } from '../server/src/platform/config/config.ts';
import { createLog } from '../server/src/platform/log/log.ts';
import type { Role } from '../server/src/platform/identity/roles.ts';
import { openTestDatabase } from './postgres.ts';
import type { TestDatabase } from './postgres.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; null where it is no JSON object. */
  readonly json: Record<string, unknown> | null;
}

export interface CallOptions {
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array;
}

export interface Door {
  readonly url: string;
  readonly port: number;
  readonly adminKey: string;
  readonly app: App;
  readonly infrastructure: Infrastructure;
  readonly database: TestDatabase;
  readonly masterKey: string;
  /** Closed before this one: another server on its database. */
  leaveFirst(leave: () => Promise<void>): void;
  /** Log lines of level error or above. */
  errors(): readonly string[];
  call(method: string, path: string, options?: CallOptions): Promise<Answered>;
  /** Makes a key and answers with its text and more. */
  makeKey(wanted: Readonly<Record<string, unknown>> & { readonly roles: readonly Role[] }): Promise<MadeKey>;
  /** Bytes as they are over a connection of their own; answers with all that came until the server closed it. */
  send(bytes: string | Uint8Array): Promise<string>;
}

export interface MadeKey {
  readonly id: string;
  readonly text: string;
  readonly signingSecret: string;
}

export interface DoorOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  /** Text of the charter; the default one without it. */
  readonly charter?: string;
  /** Another server on the database of this one: the same tenant, keys and time. */
  readonly beside?: Door;
}

export async function openDoor(
  t: Closing,
  { env = {}, clock: wanted, charter, beside }: DoorOptions = {},
): Promise<Door> {
  const clock = wanted ?? beside?.infrastructure.clock ?? systemClock;
  const database = beside?.database ?? (await openTestDatabase());
  const masterKey = beside?.masterKey ?? randomBytes(32).toString('base64');
  const dataDir = await mkdtemp(join(tmpdir(), 'mandate-door-'));
  const charterPath = join(dataDir, 'charter.yaml');
  if (charter !== undefined) await writeFile(charterPath, charter);
  const config = loadConfig({
    env: {
      PORT: '0',
      MANDATE_DATA_DIR: dataDir,
      MANDATE_MASTER_KEY: masterKey,
      DATABASE_URL: database.adminUrl,
      MANDATE_APP_URL: database.logins.appUrl,
      MANDATE_SEQUENCER_URL: database.logins.sequencerUrl,
      MANDATE_CONTROL_URL: database.logins.controlUrl,
      ...(charter === undefined ? {} : { MANDATE_CHARTER: charterPath }),
      ...env,
    },
    argv: [],
  });
  const opened = await openInfrastructure(config, { clock });
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLog({
    level: 'error',
    scrubber: opened.scrubber,
    clock,
    traceId: () => opened.telemetry.traceId(),
    destination,
  });
  const infrastructure = { ...opened, log };
  const app = await createApp(infrastructure, { version: '0.0.0', watchdog: false });
  const { url } = await app.start();
  const guests: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const leave of guests) await leave();
    await app.close();
    await opened.close();
    if (beside === undefined) await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  };
  // Hooks run in the order in which they were made, and a database must outlive everybody on it.
  if (beside === undefined) t.after(close);
  else beside.leaveFirst(close);
  const adminKey = app.adminKey.kind === 'created' ? app.adminKey.text : (beside?.adminKey ?? '');
  const port = Number(new URL(url).port);
  const call: Door['call'] = (method, path, options = {}) =>
    fetchDoor(url + path, method, { key: adminKey, ...options });
  return {
    url,
    port,
    adminKey,
    app,
    infrastructure,
    database,
    masterKey,
    leaveFirst: (leave) => void guests.push(leave),
    errors: () => lines,
    call,
    async makeKey(wanted) {
      const made = await call('POST', '/api/v1/keys', { body: { label: 'test', ...wanted } });
      if (made.status !== 201) throw new Error(made.text);
      return {
        id: String(made.json?.['id']),
        text: String(made.json?.['text']),
        signingSecret: String(made.json?.['signingSecret']),
      };
    },
    send: (bytes) => sendBytes(port, bytes),
  };
}

async function fetchDoor(
  url: string,
  method: string,
  { key, headers = {}, body, raw }: CallOptions,
): Promise<Answered> {
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(key === null || key === undefined ? {} : { 'x-api-key': key }),
      ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(content === undefined ? {} : { body: content }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: readObject(text) };
}

function readObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function sendBytes(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connectTcp(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk: string | Buffer) => chunks.push(Buffer.from(chunk)));
    // A reset after the answer was sent is how a server ends a connection that still has bytes for it.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}
