// Clients that each send one request after the other over a connection of their own. Written on sockets, because an
// HTTP client library costs as much as the server that it is meant to measure, and both share two cores.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { quantile } from './measure.ts';

export interface Load {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
}

export interface Client {
  readonly key: string;
  readonly body: string;
}

export interface LoadCall {
  readonly url: string;
  readonly path: string;
  /** One connection each. */
  readonly clients: readonly Client[];
  readonly seconds: number;
  /** What a good answer holds; the first other one ends the run with an error. */
  readonly expects: string;
  /** What another answer may hold without ending the run, while agents warm up. */
  readonly forgives?: string;
}

/** Runs all clients at once, closed loop. */
export async function load({ url, path, clients, seconds, expects, forgives }: LoadCall): Promise<Load> {
  const { hostname, port } = new URL(url);
  const timesMs: number[] = [];
  const from = performance.now();
  const until = from + seconds * 1_000;
  await Promise.all(
    clients.map(async ({ key, body }) => {
      const request = `POST ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nx-api-key: ${key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      const ask = asking(socket);
      while (performance.now() < until) {
        const sent = performance.now();
        const answer = await ask(request);
        timesMs.push(performance.now() - sent);
        const isGood = answer.startsWith('HTTP/1.1 200') && answer.includes(expects);
        if (!isGood && (forgives === undefined || !answer.includes(forgives)))
          throw new Error(`${path} answered: ${answer.slice(0, 1_500)}`);
      }
      socket.destroy();
    }),
  );
  const perSecond = timesMs.length / ((performance.now() - from) / 1_000);
  return {
    perSecond,
    p50Ms: quantile(timesMs, 0.5),
    p99Ms: quantile(timesMs, 0.99),
    requests: timesMs.length,
  };
}

function asking(socket: Socket): (request: string) => Promise<string> {
  let pending: { resolve: (answer: string) => void; reject: (error: Error) => void } | null = null;
  let received = '';
  socket.setEncoding('latin1');
  socket.on('error', (error) => pending?.reject(error));
  socket.on('close', () => pending?.reject(new Error('the server closed the connection')));
  socket.on('data', (chunk: string) => {
    received += chunk;
    if (pending === null || !isWhole(received)) return;
    const { resolve } = pending;
    const answer = received;
    pending = null;
    received = '';
    resolve(answer);
  });
  return (request) =>
    new Promise((resolve, reject) => {
      pending = { resolve, reject };
      socket.write(request);
    });
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, head))?.[1];
  if (length === undefined) throw new Error(`an answer without Content-Length: ${text.slice(0, head)}`);
  return text.length >= head + 4 + Number(length);
}
