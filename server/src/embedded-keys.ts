// Each agent inside the program asks with a key of its own, never with the admin's: then four eyes tell the asker from
// the approver, an agent fetches its own permits, and what waits for people outlives a restart of the program.
import { createHash } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { InjectedFetch } from './api/http/injected-fetch.ts';
import { createPrivateFile, readPrivateFile } from './platform/crypto/master-key.ts';

export interface AgentKeys {
  /** The text of the agent's key; made on first use and kept in the data directory. */
  of(agent: string): Promise<string>;
}

export interface AgentKeysNeeds {
  readonly fetch: InjectedFetch;
  readonly address: string;
  readonly adminKey: string;
  readonly dataDir: string;
  readonly tenant: string;
  readonly uuid: () => string;
}

const madeKey = z.looseObject({ text: z.string().min(1) });
const problem = z.looseObject({ detail: z.string() });

export function createAgentKeys({
  fetch,
  address,
  adminKey,
  dataDir,
  tenant,
  uuid,
}: AgentKeysNeeds): AgentKeys {
  const known = new Map<string, Promise<string>>();

  async function find(agent: string): Promise<string> {
    const directory = join(dataDir, 'agents');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // A name may hold what no file system takes, and two names may differ in case alone.
    const path = join(
      directory,
      `${createHash('sha256').update(`${tenant}\n${agent}`).digest('hex').slice(0, 32)}.key`,
    );
    const kept = (await readPrivateFile(path))?.trim();
    if (kept !== undefined && (await opens(kept))) return kept;
    const text = await make(agent);
    // One of another database, or revoked: it may still be wanted there, so it is moved and not destroyed.
    if (kept !== undefined) await rename(path, `${path}.${uuid()}`);
    const isOurs = await createPrivateFile(path, `${text}\n`, uuid());
    // Another process on this directory was faster; one key of the two is enough, and both are good.
    return isOurs ? text : ((await readPrivateFile(path))?.trim() ?? text);
  }

  async function opens(key: string): Promise<boolean> {
    return (await call('GET', '/api/v1/actions?limit=1', key)).status === 200;
  }

  async function make(agent: string): Promise<string> {
    const answer = await call('POST', '/api/v1/keys', adminKey, {
      label: `agent ${agent}, made by openMandate`,
      roles: ['agent'],
      agents: [agent],
    });
    const body: unknown = await answer.json();
    if (answer.status === 201) return madeKey.parse(body).text;
    const told = problem.safeParse(body);
    throw new Error(
      `No key could be made for the agent ${agent}: ${told.success ? told.data.detail : `status ${answer.status}`}`,
    );
  }

  function call(method: string, path: string, key: string, body?: object): Promise<Response> {
    return fetch(`${address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: new AbortController().signal,
    });
  }

  return {
    of(agent) {
      const found = known.get(agent) ?? find(agent);
      known.set(agent, found);
      // A failure is not remembered: the next call tries again.
      found.catch(() => known.delete(agent));
      return found;
    },
  };
}
