// What the tests of this folder share: time that moves when a test says so, runs with sensible defaults, and a wire on
// which a process reports that it lives, so that its death is an event and never a matter of waiting.
import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { After, Execution, ExecutorLog } from './execution.ts';

export interface ManualTime {
  readonly after: After;
  /** Resolves once a timer of exactly this length is armed. */
  armed(waitMs: number): Promise<void>;
  /** Ends every armed timer of this length. */
  fire(waitMs: number): void;
}

export function createManualTime(): ManualTime {
  const timers = new Set<{ readonly waitMs: number; readonly run: () => void }>();
  const watchers = new Set<{ readonly waitMs: number; readonly resolve: () => void }>();
  return {
    after(waitMs, run) {
      const timer = { waitMs, run };
      timers.add(timer);
      for (const watcher of watchers) if (watcher.waitMs === waitMs) watcher.resolve();
      return () => timers.delete(timer);
    },
    armed(waitMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      watchers.add({ waitMs, resolve });
      if ([...timers].some((timer) => timer.waitMs === waitMs)) resolve();
      return promise;
    },
    fire(waitMs) {
      const due = [...timers].filter((timer) => timer.waitMs === waitMs);
      assert.notEqual(due.length, 0, `no timer of ${waitMs} ms is armed`);
      for (const timer of due) {
        timers.delete(timer);
        timer.run();
      }
    },
  };
}

export const GRACE_MS = 2_000;
export const DEADLINE_MS = 60_000;
export const SECRET = 'correct-horse-battery-staple';

export const silentLog: ExecutorLog = { info() {}, warn() {} };

export function runOf(part: Partial<Execution> = {}): Execution {
  return {
    actId: 'act-1',
    tenant: 'default',
    agent: 'builder-1',
    action: 'test.run_suite',
    parameters: {},
    idempotencyKey: 'act-1',
    signal: new AbortController().signal,
    deadlineMs: DEADLINE_MS,
    traceparent: null,
    ...part,
  };
}

export async function temporaryDirectory(t: TestContext): Promise<string> {
  const dir = await realpath(await mkdtemp(path.join(os.tmpdir(), 'mandate-executors-')));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export interface HttpService {
  readonly port: number;
  /** Connections seen so far, whether or not a request came. */
  readonly connections: () => number;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

export async function serveHttp(t: TestContext, listener: Listener): Promise<HttpService> {
  const server = createServer((request, response) => void listener(request, response));
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: portOf(server.address()), connections: () => connections };
}

export interface Wire {
  readonly port: number;
  /** The next process that reports; its socket closes when it dies. */
  next(): Promise<Socket>;
}

/** Processes connect to the wire when they are ready and hold the connection for as long as they live. */
export async function createWire(t: TestContext): Promise<Wire> {
  const arrived: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  const server = createNetServer((socket) => {
    socket.on('error', () => {});
    socket.resume();
    const taker = waiting.shift();
    if (taker === undefined) arrived.push(socket);
    else taker(socket);
    t.after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return {
    port: portOf(server.address()),
    next() {
      const socket = arrived.shift();
      return socket === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(socket);
    },
  };
}

export function closed(socket: Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}

function portOf(address: string | AddressInfo | null): number {
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
