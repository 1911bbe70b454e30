// What people and their programs do with the law itself: check a charter, hold it against cases, ask why, look at those
// of before and go back to one. Reading needs a key that may read charters; going back needs an admin's.
import type { Json, JsonObject, Tier } from '@mandate/kernel';
import type { DecisionView } from './act-view.ts';
import type { AskedAction } from './ask.ts';
import {
  readCheck,
  readDiff,
  readExplanation,
  readRollback,
  readTest,
  readVersion,
  readVersions,
} from './charter-view.ts';
import type { Transport } from './transport.ts';

/** A mistake in a charter, or what is sound and yet in vain. Lines and columns count from 1. */
export interface CharterMessage {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `tiers.yellow.actions[3].when`; empty for the file as a whole. */
  readonly pointer: string;
  readonly message: string;
  /** All of it in one line. */
  readonly text: string;
}

export type PolicyCheck =
  | { readonly ok: true; readonly version: string; readonly warnings: readonly CharterMessage[] }
  | { readonly ok: false; readonly problems: readonly CharterMessage[] };

/** A rule that names the action, and why it did or did not decide. */
export interface Considered {
  readonly pattern: string;
  readonly tier: Tier;
  readonly origin: string;
  readonly final: boolean;
  /** Values by selector; empty: for everybody. */
  readonly selectors: Readonly<Record<string, readonly string[]>>;
  readonly when: string | null;
  /** `matched` decides; `selectors`, `condition`, `claims`, `beaten`, `less_specific` say why it did not. */
  readonly standing: string;
  readonly why: string;
}

export interface Explanation {
  readonly decision: DecisionView;
  /** In the order in which rules are tried. */
  readonly considered: readonly Considered[];
  /** Where no rule names the action: the name that was perhaps meant. */
  readonly meant: string | null;
}

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

export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  /** What is not as expected. */
  readonly problems: readonly string[];
  readonly decision: {
    readonly tier: Tier;
    readonly effect: string;
    readonly code: string;
    readonly rule: string | null;
    readonly reasons: readonly string[];
  };
}

export type PolicyTest =
  | {
      /** Every case holds. */
      readonly ok: boolean;
      readonly version: string;
      readonly passed: number;
      readonly failed: number;
      readonly results: readonly CaseResult[];
    }
  /** The charter itself has mistakes. */
  | { readonly ok: false; readonly problems: readonly CharterMessage[] };

export interface CharterVersion {
  /** SHA-256 (hex) of what it says. */
  readonly version: string;
  readonly author: string;
  readonly note: string | null;
  readonly createdAt: string;
  readonly active: boolean;
}

export interface CharterActivation {
  readonly number: number;
  readonly version: string;
  readonly previous: string | null;
  /** `activated`, `rolled_back` or `renewed` (the same files, read by another version of Mandate). */
  readonly kind: string;
  readonly author: string;
  readonly note: string | null;
  readonly at: string;
}

export interface CharterVersions {
  /** The one that last came into force first. */
  readonly items: readonly (CharterVersion & {
    readonly activatedAt: string;
    readonly activatedBy: string;
  })[];
  /** Every time one came into force, newest first. */
  readonly history: readonly CharterActivation[];
}

export interface WrittenVersion extends CharterVersion {
  /** As it was written, the charter itself last. */
  readonly sources: readonly { readonly kind: string; readonly name: string; readonly text: string }[];
}

export interface DiffedRule {
  readonly match: string;
  readonly tier: Tier;
  readonly selectors: Readonly<Record<string, readonly string[]>>;
  readonly when: string | null;
  readonly origin: string;
}

export interface FieldChange {
  readonly path: string;
  /** null: not written. */
  readonly before: unknown;
  readonly after: unknown;
}

export interface CharterDiff {
  readonly from: string;
  readonly to: string;
  readonly rules: {
    readonly added: readonly DiffedRule[];
    readonly removed: readonly DiffedRule[];
    readonly changed: readonly (DiffedRule & {
      readonly fields: readonly FieldChange[];
      /** `stricter` or `milder` where the tier changes. */
      readonly direction: string | null;
    })[];
  };
  readonly settings: readonly FieldChange[];
  /** For people, one line for each change. */
  readonly lines: readonly string[];
}

export interface RollbackReport {
  /** What is in force now. */
  readonly version: string;
  readonly previous: string | null;
  readonly changed: boolean;
  /** What people have to agree to first, where the charter asks for it; null: done, or nothing to do. */
  readonly approval: { readonly id: string; readonly digest: string; readonly expiresAt: string } | null;
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
