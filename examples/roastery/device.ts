// The roaster on the network: a door for Mandate's executor, one for its guardrail, and a display that anybody here may
// read. Time passes between two requests as the clock that is handed in says, so that a test owns it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { findingsFor } from './guard.ts';
import { obey, reset, run } from './machine.ts';
import type { Machine } from './machine.ts';
import { viewOf } from './view.ts';

export interface DeviceOptions {
  readonly machine: Machine;
  /** Milliseconds that have passed for the machine; only differences count. */
  readonly nowMs: () => number;
  /** 0: any free port. */
  readonly port: number;
  /** What `Authorization: Bearer` must say at /commands; null: nobody is asked. */
  readonly token?: string | null;
  /** Told of every command and what became of it. */
  readonly told?: (line: string) => void;
}

export interface Device {
  readonly url: string;
  /** The machine as it is now. */
  readonly look: () => Machine;
  /** How many commands were carried out, by name. */
  readonly done: ReadonlyMap<string, number>;
  readonly close: () => Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const MAX_BODY = 65_536;

export async function openDevice({
  machine: first,
  nowMs,
  port,
  token = null,
  told,
}: DeviceOptions): Promise<Device> {
  let machine = first;
  let seenMs = nowMs();
  const done = new Map<string, number>();

  function look(): Machine {
    const now = nowMs();
    machine = run(machine, Math.max(0, (now - seenMs) / 1_000));
    seenMs = now;
    return machine;
  }

  function command(body: Fields): Reply {
    const { id, agent, action, parameters } = body;
    const name = nameOf(action);
    if (typeof id !== 'string' || name === null)
      return { status: 400, body: { error: 'no id or no action' } };
    const wasKnown = machine.answered.some((one) => one.id === id);
    const obeyed = obey(look(), { id, name, parameters: fieldsOf(parameters) });
    machine = obeyed.machine;
    const { answer } = obeyed;
    if (!wasKnown && answer.kind === 'done') done.set(name, (done.get(name) ?? 0) + 1);
    const asked = `${String(agent)}: ${name} ${JSON.stringify(parameters ?? {})}`;
    told?.(answer.kind === 'done' ? asked : `${asked} refused: ${answer.why}`);
    return answer.kind === 'done'
      ? { status: 200, body: { mode: answer.mode, controls: answer.controls } }
      : { status: 409, body: { error: answer.why } };
  }

  function answer(method: string, path: string, body: Fields): Reply {
    switch (`${method} ${path}`) {
      case 'GET /':
        return { status: 200, body: viewOf(look()) };
      case 'POST /commands':
        return command(body);
      case 'POST /guard':
        return {
          status: 200,
          body: findingsFor(look(), nameOf(body['action']) ?? '', fieldsOf(body['parameters'])),
        };
      case 'POST /loose-contact': {
        const every = typeof body['every'] === 'number' && body['every'] >= 1 ? body['every'] : null;
        machine = { ...look(), looseContact: every === null ? null : { every, countdown: every } };
        return { status: 200, body: { every } };
      }
      case 'POST /reset':
        machine = reset(look());
        return { status: 200, body: { mode: machine.mode } };
      default:
        return { status: 404, body: { error: 'GET /, POST /commands, /guard, /loose-contact or /reset' } };
    }
  }

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://machine').pathname;
    void bodyOf(request)
      .then((body) =>
        path === '/commands' && token !== null && request.headers.authorization !== `Bearer ${token}`
          ? { status: 401, body: { error: 'this is not the key to the machine' } }
          : answer(request.method ?? 'GET', path, body),
      )
      .catch((): Reply => ({ status: 400, body: { error: 'the body is no JSON object' } }))
      .then(({ status, body }) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    look,
    done,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => undefined);
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Fields> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw new Error('too long');
  const body = await text(request);
  return body === '' ? {} : fieldsOf(JSON.parse(body));
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** `SET_POWER` of `roaster.SET_POWER`. */
function nameOf(action: unknown): string | null {
  return typeof action === 'string' ? action.slice(action.indexOf('.') + 1) : null;
}
