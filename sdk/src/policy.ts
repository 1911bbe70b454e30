// Policies over HTTP: what a change of the charter would have done, a charter on trial, a draft from the record, and
// the way from audit to enforce.
import type { JsonObject, ShadowReport, SimulationReport, Suggestion } from '@mandate/kernel';
import type { EnforcementView } from './policy-view.ts';
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
