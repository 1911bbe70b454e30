// Effects that can be counted: a service that HTTP executors call and a program that command executors run. What an
// act really did is what stands here, whatever anybody's rows say.
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Closing } from './closing.ts';
import { until } from './until.ts';

export interface Effect {
  readonly actId: string;
  readonly agent: string;
  readonly action: string;
  /** When it arrived here, on this process's monotonic clock, ms. */
  readonly atMs: number;
  /** How the answer ended: still open, answered, or broken off by the caller. */
  readonly end: () => 'open' | 'answered' | 'broken';
}

export interface EffectService {
  /** For `http:` in a charter; needs `allowPrivate: true`. */
  readonly url: string;
  readonly effects: readonly Effect[];
  /** Resolves once no caller is connected: what a process that was killed had sent has arrived by then. */
  quiet(): Promise<void>;
  /** From now on calls stay open until `release`. */
  hold(): void;
  /** Answers every open call, and later ones at once. */
  release(): void;
  /** What the service answers (200 and `{"ok":true}` unless told otherwise). */
  answer(with_: { readonly status: number; readonly body: unknown }): void;
}

/** A service whose every call is an effect. */
export async function startEffects(t: Closing): Promise<EffectService> {
  const effects: Effect[] = [];
  const open = new Set<ServerResponse>();
  let isHeld = false;
  let reply: { readonly status: number; readonly body: unknown } = { status: 200, body: { ok: true } };
  const finish = (response: ServerResponse): void => {
    open.delete(response);
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(JSON.stringify(reply.body));
  };
  const server = createServer((request, response) => {
    const atMs = performance.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        id: string;
        agent: string;
        action: string;
      };
      let broken = false;
      response.on('close', () => {
        open.delete(response);
        broken = !response.writableFinished;
      });
      effects.push({
        actId: body.id,
        agent: body.agent,
        action: body.action,
        atMs,
        end: () => (broken ? 'broken' : response.writableFinished ? 'answered' : 'open'),
      });
      if (isHeld) open.add(response);
      else finish(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    server.closeAllConnections();
    await Promise.resolve();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/effect`,
    effects,
    async quiet() {
      const connections = (): Promise<number> =>
        new Promise((resolve, reject) =>
          server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
        );
      // Twice in a row: what still waits in the backlog is taken in between two looks.
      let quietLooks = 0;
      await until('every call has arrived', async () => {
        quietLooks = (await connections()) === 0 ? quietLooks + 1 : 0;
        return quietLooks === 2;
      });
    },
    hold() {
      isHeld = true;
    },
    release() {
      isHeld = false;
      for (const response of open) finish(response);
    },
    answer(with_) {
      reply = with_;
    },
  };
}

/** How often each act took effect. */
export function effectsByAct(effects: readonly { readonly actId: string }[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { actId } of effects) counts.set(actId, (counts.get(actId) ?? 0) + 1);
  return counts;
}

export interface EffectProgram {
  /** For `command:` in a charter, as YAML flow. */
  readonly command: string;
  /** The acts that ran it, in order; one line each. */
  readonly lines: () => Promise<readonly string[]>;
}

/** A program that writes its act's id to a file, once for every time it really runs. */
export async function makeEffectProgram(t: Closing): Promise<EffectProgram> {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-effects-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'lines');
  const script = join(directory, 'effect.sh');
  await writeFile(file, '');
  await writeFile(script, `#!/bin/sh\necho "$MANDATE_ACT_ID" >> '${file}'\n`, { mode: 0o755 });
  return {
    command: JSON.stringify([script]),
    lines: async () => (await readFile(file, 'utf8')).split('\n').filter((line) => line !== ''),
  };
}
