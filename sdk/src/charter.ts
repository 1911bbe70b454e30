// What people and their programs do with the law itself: check a charter, hold it against cases, ask why, look at those
// of before and go back to one. Reading needs a key that may read charters; going back needs an admin's.
import type { Json, JsonObject, Tier } from '@mandate/kernel';
import type { AskedAction } from './ask.ts';
import { readDiff, readRollback, readVersion, readVersions } from './charter-history-view.ts';
import type { CharterDiff, CharterVersions, RollbackReport, WrittenVersion } from './charter-history-view.ts';
import type { Explanation, PolicyCheck, PolicyTest } from './charter-view.ts';
import { readCheck, readExplanation, readTest } from './charter-view.ts';
import type { Transport } from './transport.ts';

/** An action, who asks, and what the charter is expected to say. At least one expectation. */
export interface PolicyCase {
  readonly name: string;
  readonly agent?: string;
  readonly action: string;
  readonly parameters?: JsonObject;
  readonly context?: JsonObject;
  /** `TYPE/ID`. */
  readonly resource?: string;
  readonly user?: string;
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
  /** 0 to 100; a new agent without it. */
  readonly trust?: number;
  readonly costUsd?: number;
  /** Tests passed on what is deployed. */
  readonly tested?: boolean;
  readonly tenant?: string;
  /** ISO 8601; noon UTC of a Wednesday without it. */
  readonly at?: string;
  readonly expect: {
    readonly tier?: Tier;
    readonly effect?: 'execute' | 'hold' | 'deny' | 'throttle';
    readonly code?: string;
    /** null: no rule decides. */
    readonly rule?: string | null;
    readonly findings?: readonly string[];
    readonly obligations?: readonly string[];
    readonly approvers?: readonly string[];
    readonly quorum?: number;
  };
}

export interface CharterPolicy {
  /** Judges the text of a charter, which may extend shipped ones; nothing is stored. */
  check(text: string): Promise<PolicyCheck>;
  /** What would be decided now, by which rule and why by no other. Nothing is recorded or run. */
  explain(action: AskedAction): Promise<Explanation>;
  /** Holds the charter in force, or a text, against cases. At most 500. */
  test(cases: readonly PolicyCase[], options?: { readonly charter?: string }): Promise<PolicyTest>;
  versions(): Promise<CharterVersions>;
  /** By the first eight digits or more. */
  version(version: string): Promise<WrittenVersion>;
  /** What changes from one version to another, by what they say. */
  diffVersions(from: string, to: string): Promise<CharterDiff>;
  /** Makes a version of before the one in force. */
  rollback(order: { readonly version: string; readonly reason: string }): Promise<RollbackReport>;
}

export interface CharterPolicyNeeds {
  readonly transport: Transport;
  /** The agent of an action, or the client's own. */
  readonly agentOf: (agent: string | undefined) => string | null;
}

export function createCharterPolicy({ transport, agentOf }: CharterPolicyNeeds): CharterPolicy {
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path, agent: null, isRepeatable: true });
  const post = (path: string, body: JsonObject, isRepeatable = true): Promise<unknown> =>
    transport.read({ method: 'POST', path, body, agent: null, isRepeatable });
  const at = (version: string): string => `/api/v1/charter/versions/${encodeURIComponent(version)}`;

  return {
    check: async (text) => readCheck(await post('/api/v1/charter/check', { text })),
    async explain({ idempotencyKey: _unused, ...action }) {
      const body = plain({ ...action, agent: agentOf(action.agent) ?? 'new-agent' });
      return readExplanation(await post('/api/v1/decisions?explain=all', body));
    },
    async test(cases, { charter } = {}) {
      const body = plain({ cases, text: charter });
      return readTest(await post('/api/v1/charter/test', body));
    },
    versions: async () => readVersions(await get('/api/v1/charter/versions')),
    version: async (version) => readVersion(await get(at(version))),
    diffVersions: async (from, to) => readDiff(await get(`${at(from)}/diff/${encodeURIComponent(to)}`)),
    // An answer that was lost may have been a yes: it is not asked for twice.
    rollback: async ({ version, reason }) =>
      readRollback(await post('/api/v1/charter/rollback', { version, reason }, false)),
  };
}

/** Without what is left out: then it is JSON. */
function plain(fields: object): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]: [string, Json | undefined]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
}
