// Policies over HTTP: what a change of the charter would have done, a charter on trial, a draft from the record, and
// the way from audit to enforce.
import type { Effect, JsonObject, Tier } from '@mandate/kernel';
import { readEnforcement, readShadow, readShadowSet, readSimulation, readSuggestion } from './policy-view.ts';
import type { Transport } from './transport.ts';

/** A charter: its text, which may extend shipped charters only, or the first 8 or more digits of a version that the server has. */
export type CharterRef = string | { readonly version: string };

/** Which recorded actions: `against: '7d'` (the default), or moments in ISO 8601. */
export interface PolicyRange {
  readonly against?: string;
  readonly from?: string;
  readonly to?: string;
}

/**
 * `held` ran and would wait; `freed` would run; `denied` and `throttled` would be refused; `eased` was refused and would
 * wait. The rest has the same effect: other `approvers`, another tier, another rule.
 */
export type PolicyChange =
  | 'held'
  | 'denied'
  | 'freed'
  | 'eased'
  | 'throttled'
  | 'approvers'
  | 'retiered'
  | 'reruled';

export interface Verdict {
  readonly tier: Tier;
  readonly effect: Effect;
  readonly code: string;
  /** Pattern of the winning rule; null when no rule matched. */
  readonly rule: string | null;
}

export interface Difference {
  /** Id of the act. */
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly at: string;
  /** What became of it. */
  readonly status: string;
  readonly change: PolicyChange;
  readonly before: Verdict;
  readonly after: Verdict;
}

export interface DifferenceGroup extends Pick<Difference, 'action' | 'change' | 'before' | 'after'> {
  readonly count: number;
  /** Id of an act of the group. */
  readonly example: string;
}

/** An act that its own charter decides otherwise today than on record. */
export interface Drifted {
  readonly id: string;
  readonly action: string;
  readonly charterVersion: string;
  readonly recorded: Verdict;
  readonly replayed: Verdict;
}

export interface SimulationReport {
  /** E.g. `This change would have held 14 and freed 3 of 10,000 recorded actions.` */
  readonly summary: string;
  readonly from: string;
  readonly to: string;
  readonly acts: number;
  /** By change. */
  readonly counts: Readonly<Record<string, number>>;
  /** Newest first; 10,000 at most. */
  readonly differences: readonly Difference[];
  readonly differencesLeftOut: number;
  readonly groups: readonly DifferenceGroup[];
  readonly groupsLeftOut: number;
  readonly baseline: { readonly replayed: number; readonly recorded: number };
  readonly drifted: { readonly count: number; readonly acts: readonly Drifted[] };
  readonly notReplayed: {
    readonly unreadable: number;
    /** Refused before they were acts, by code. */
    readonly refused: Readonly<Record<string, number>>;
  };
  /** Nothing older was looked at; null: everything was. */
  readonly cutAt: string | null;
}

export interface Suggestion {
  /** YAML, with comments. */
  readonly text: string;
  readonly version: string;
  readonly from: string;
  readonly to: string;
  readonly acts: number;
  readonly unreadable: number;
  readonly cutAt: string | null;
  readonly rules: readonly {
    readonly match: string;
    readonly tier: Tier;
    readonly actions: readonly string[];
  }[];
  /** What ran and the draft would hold. */
  readonly stillHeld: readonly {
    readonly action: string;
    readonly causes: readonly string[];
    readonly count: number;
    readonly example: string;
  }[];
}

export interface ShadowReport {
  readonly summary: string;
  readonly version: string;
  readonly author: string;
  readonly note: string | null;
  readonly since: string;
  readonly decided: number;
  readonly differed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly groups: readonly (Omit<DifferenceGroup, 'example'> & {
    readonly first: { readonly id: string; readonly at: string };
    readonly last: { readonly id: string; readonly at: string };
  })[];
  readonly ungrouped: number;
}

export interface EnforcementView {
  /** What counts now. */
  readonly enforcement: 'enforce' | 'audit';
  /** What the charter says. */
  readonly charter: 'enforce' | 'audit';
  /** `charter`: nothing overrides it. */
  readonly flag: 'enforce' | 'audit' | 'charter';
  /** Rules with an enforcement of their own, which no flag reaches. */
  readonly ownRules: readonly { readonly match: string; readonly enforcement: 'enforce' | 'audit' }[];
  /** What switching would have done; only where it was asked for. */
  readonly simulation: SimulationReport | null;
}

export interface Policy {
  /**
   * What a charter (the one in force without it) would have made of recorded actions. Nothing changes. Takes a key that may
   * read actions; for a charter that was never in force also one that may write charters (role admin), here and in `diff`.
   */
  simulate(
    asked?: PolicyRange & { readonly charter?: CharterRef; readonly limit?: number },
  ): Promise<SimulationReport>;
  /** What two charters make of recorded actions differently. */
  diff(
    asked: PolicyRange & { readonly old: CharterRef; readonly new: CharterRef; readonly limit?: number },
  ): Promise<SimulationReport>;
  /** A draft from what was recorded under audit. `relax` lets what is red and ran run on, in yellow. */
  suggest(asked?: PolicyRange & { readonly relax?: boolean }): Promise<Suggestion>;
  readonly shadow: {
    /** Lets a charter decide beside the live one; it binds nobody. */
    set(charter: CharterRef, note?: string): Promise<{ readonly version: string; readonly changed: boolean }>;
    /** null: none is on trial. */
    show(): Promise<ShadowReport | null>;
    /** Ends the trial and answers with what it came to. */
    stop(): Promise<ShadowReport | null>;
  };
  /** Whether the charter enforces; with a range, what switching to enforce would have done. */
  enforcement(range?: PolicyRange): Promise<EnforcementView>;
  /** From audit to enforce, in every process from the next decision on. `undo`: back to what the charter says (admin). */
  enforce(order: { readonly reason: string; readonly undo?: boolean }): Promise<EnforcementView>;
}

export function createPolicy(transport: Transport): Policy {
  const ask = (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: JsonObject,
  ): Promise<unknown> =>
    transport.read({
      method,
      path: `/api/v1/charter/${path}`,
      ...(body === undefined ? {} : { body }),
      agent: null,
      // Every one of them says what shall be, or only asks.
      isRepeatable: method !== 'DELETE',
    });

  return {
    simulate: async (asked = {}) => readSimulation(await ask('POST', 'simulate', bodyOf(asked))),
    diff: async (asked) => readSimulation(await ask('POST', 'diff', bodyOf(asked))),
    suggest: async (asked = {}) => readSuggestion(await ask('POST', 'suggest', bodyOf(asked))),
    shadow: {
      set: async (charter, note) => readShadowSet(await ask('PUT', 'shadow', bodyOf({ charter, note }))),
      show: async () => readShadow(await ask('GET', 'shadow')),
      stop: async () => readShadow(await ask('DELETE', 'shadow')),
    },
    enforcement: async (range = {}) => {
      const query = Object.entries(range)
        .flatMap(([name, value]: [string, string | undefined]) =>
          value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
        )
        .join('&');
      return readEnforcement(await ask('GET', `enforcement${query === '' ? '' : `?${query}`}`));
    },
    enforce: async ({ reason, undo = false }) =>
      readEnforcement(await ask('PUT', 'enforcement', { to: undo ? 'charter' : 'enforce', reason })),
  };
}

type Field = string | number | boolean | { readonly version: string } | undefined;

/** Fields that were left out, or given as undefined, are not sent. */
function bodyOf(fields: Readonly<Record<string, Field>> | object): JsonObject {
  const known = Object.entries(fields).flatMap(([name, value]: [string, Field]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(known);
}
