// Looks back for one decision: whether its parameters hold what an earlier act brought in, and whether a flow has begun.
// A charter that follows nothing pays for nothing; one that does pays one statement, and the content of a source is
// opened once in each process.
import {
  claimedContent,
  DEFAULT_TAINT,
  hasTaintClaim,
  MAX_LOOKBACK_MS,
  readSource,
  settingOf,
  traceTaint,
} from '@mandate/kernel';
import type { Action, Json, Law, Passages, PastAct, TaintMark, TaintSource } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { scopesOf, soughtScopes } from './scopes.ts';
import { pruneSources, readSealed, readSources, writeSource } from './sources.ts';
import type { SealedContent, SourceAct } from './sources.ts';

/** What a decision is to know of what came before. A part that the charter does not ask for is left out. */
export interface Past {
  readonly taint?: readonly TaintMark[];
  readonly past?: readonly PastAct[];
}

export interface History {
  /** null where the charter asks for none of it. */
  lookBack(asked: Asked): Promise<Past> | null;
  /** Writes down an act that later decisions may have to look back at, before it starts; null where none will. */
  remember(begun: Asked & { readonly actId: string }): Promise<void> | null;
  /** Forgets what lies too far back, for every tenant. */
  prune(): Promise<void>;
}

export interface Asked {
  readonly tenant: string;
  readonly action: Action;
  readonly asker: { readonly roles: readonly string[] };
  readonly law: Law;
}

export interface HistoryNeeds {
  readonly store: Store;
  readonly clock: Clock;
  /** Opens what is sealed under the tenant's key, as JSON. */
  readonly unseal: (tenant: string, sealed: Uint8Array, purpose: string) => Promise<unknown>;
  /** HMACs of a scope under each master key, the current one first: it stands in a column, and a run is named by an agent. */
  readonly scopeIds: (tenant: string, scope: string) => readonly Uint8Array[];
}

/** A run is followed for as long as any window may be; an hour more, because a row is written just before its act starts. */
const KEEP_MS = MAX_LOOKBACK_MS + 3_600_000;
/** More sources than this are not opened for one decision: those beyond count as unseen. */
const MAX_SOURCES = 500;
/** Characters of sources that one decision compares with, and that a process keeps ready. */
const MAX_CHARACTERS = 16_000_000;
const KEPT_CHARACTERS = 32_000_000;

export function createHistory({ store, clock, unseal, scopeIds }: HistoryNeeds): History {
  const kept = createKept();

  async function look({ tenant, action, asker, law }: Asked, isTaint: boolean): Promise<Past> {
    const nowMs = clock.nowMs();
    const flows = law.flows?.flowsFor(action.action) ?? [];
    const { parties, runs } = soughtScopes(action, asker.roles);
    const longestMs = Math.max(0, ...flows.map(({ flow }) => flow.withinMs));
    const found = await readSources(store, {
      tenant,
      parties: idsOf(tenant, parties),
      runs: idsOf(tenant, runs),
      untrusted: isTaint ? { sinceMs: nowMs - windowOf(law), limit: MAX_SOURCES + 1 } : null,
      // Asked by the patterns of the flows and not by what was done, so that no number of other acts hides one.
      flows: flows.length === 0 ? null : { sinceMs: nowMs - longestMs, patterns: flowPatterns(law) },
    });
    const sources = isTaint ? await openSources(tenant, found.untrusted) : [];
    return {
      ...(isTaint ? { taint: sources.length === 0 ? NO_TAINT : traceTaint(action, sources) } : {}),
      ...(flows.length === 0 ? {} : { past: found.flows.map(pastAct) }),
    };
  }

  function idsOf(tenant: string, scopes: readonly string[]): readonly Uint8Array[] {
    return scopes.flatMap((scope) => scopeIds(tenant, scope));
  }

  async function openSources(tenant: string, acts: readonly SourceAct[]): Promise<readonly TaintSource[]> {
    const wanted = acts.slice(0, MAX_SOURCES).flatMap((act) => {
      const kind = contentOf(act);
      return kind === 'nothing' ? [] : [{ act, kind, key: `${tenant}/${act.actId}/${act.status}` }];
    });
    const missing = wanted.filter(({ key, kind }) => kind !== 'unseen' && kept.get(key) === undefined);
    let opened = 0;
    // A few at a time, and none beyond what is compared: results may be a megabyte each.
    for (let at = 0; at < missing.length && opened <= MAX_CHARACTERS; at += BATCH) {
      const batch = missing.slice(at, at + BATCH);
      const sealed = await readSealed(
        store,
        tenant,
        batch.map(({ act }) => act.actId),
      );
      for (const { act, key } of batch) {
        const content = sealed.get(act.actId);
        const passages = content === undefined ? null : await open(tenant, act, content);
        opened += passages?.size ?? 0;
        kept.set(key, passages);
      }
    }
    let size = 0;
    const sources = wanted.map(({ act, kind, key }) => {
      const passages = kind === 'unseen' ? null : (kept.get(key) ?? null);
      size += passages?.size ?? 0;
      return {
        actId: act.actId,
        action: act.action,
        passages: size > MAX_CHARACTERS ? null : passages,
        // What the agent reports or marks is its own word.
        claimed: act.claimed || act.executor === null,
      };
    });
    const [beyond] = acts.slice(MAX_SOURCES);
    return beyond === undefined
      ? sources
      : [...sources, { actId: beyond.actId, action: beyond.action, passages: null }];
  }

  /** null: what the act brought in is not on record. */
  async function open(
    tenant: string,
    act: SourceAct,
    { result, evidence, error }: SealedContent,
  ): Promise<Passages | null> {
    const contents: Json[] = [];
    if (act.claimed) {
      // Sealed by sealed.ts, which closes the action as it was parsed at the door.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      const { action } = (await unseal(tenant, evidence, `act:${act.actId}`)) as { readonly action: Action };
      contents.push(...claimedContent(action));
    }
    if (act.untrusted) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed as JSON by actions.ts
      const value = (result === null ? null : await unseal(tenant, result, `result:${act.actId}`)) as Json;
      // An agent that reports no result keeps to itself what it has read, whatever it says has become of it.
      if (value === null && act.executor === null) return null;
      contents.push(value);
      if (error !== null) contents.push(error);
    }
    return readSource(contents);
  }

  return {
    lookBack(asked) {
      const isTaint = followsTaint(asked.law);
      const isFlow = (asked.law.flows?.flowsFor(asked.action.action).length ?? 0) > 0;
      return isTaint || isFlow ? look(asked, isTaint) : null;
    },
    remember({ tenant, action, law, actId }) {
      const untrusted = settingOf(law, action.action)?.untrusted === true;
      const claimed = hasTaintClaim(action);
      if (!untrusted && !claimed && law.flows?.isSource(action.action) !== true) return null;
      const { parties, runs } = scopesOf(action);
      return writeSource(store, {
        tenant,
        scopes: [...parties, ...runs].flatMap((scope) => scopeIds(tenant, scope).slice(0, 1)),
        actId,
        agent: action.agent,
        action: action.action,
        untrusted,
        claimed,
        atMs: clock.nowMs(),
      });
    },
    async prune() {
      const tenants = await store.control<
        { tenant: string }[]
      >`select tenant from mandate.tenant where tenant <> '*'`;
      for (const { tenant } of tenants) await pruneSources(store, tenant, clock.nowMs() - KEEP_MS);
    },
  };
}

const NO_TAINT: readonly TaintMark[] = [];
const BATCH = 16;

/** A charter follows untrusted values where it calls an action's result untrusted or says how to treat them. */
function followsTaint({ charter }: Law): boolean {
  return (
    charter.guardrails.taint !== undefined || charter.actions.some(({ untrusted }) => untrusted === true)
  );
}

function windowOf({ charter }: Law): number {
  return (charter.guardrails.taint ?? DEFAULT_TAINT).windowMs;
}

/** What all flows come after: an act that a charter on trial asks about is found as well. */
function flowPatterns({ charter }: Law): readonly string[] {
  return [...new Set(charter.flows?.flatMap(({ after }) => after))];
}

/** What is to be known of the content of an act that has begun. */
function contentOf({ status, executor, untrusted, claimed }: SourceAct): 'content' | 'unseen' | 'nothing' {
  if (!untrusted) return claimed ? 'content' : 'nothing';
  // The agent has it in hands and has not said what it is.
  if (executor === null && status !== 'success' && status !== 'failed') return 'unseen';
  // What Mandate executes is handed out with its end.
  if (!claimed && (status === 'executing' || status === 'unknown')) return 'nothing';
  return 'content';
}

function pastAct({ actId, agent, action, startedMs }: SourceAct): PastAct {
  return { actId, agent, action, startedMs };
}

/** Contents that have been opened, the most recently used ones, up to a number of characters. */
function createKept(): {
  readonly get: (key: string) => Passages | null | undefined;
  readonly set: (key: string, passages: Passages | null) => void;
} {
  const byKey = new Map<string, Passages | null>();
  let characters = 0;
  // A source that holds nothing takes room as well.
  const weightOf = (passages: Passages | null): number => 1_000 + (passages?.size ?? 0);
  return {
    get(key) {
      const passages = byKey.get(key);
      if (passages === undefined) return undefined;
      byKey.delete(key);
      byKey.set(key, passages);
      return passages;
    },
    set(key, passages) {
      const before = byKey.get(key);
      if (before !== undefined) characters -= weightOf(before);
      byKey.set(key, passages);
      characters += weightOf(passages);
      for (const [oldest, gone] of byKey) {
        if (characters <= KEPT_CHARACTERS || oldest === key) break;
        byKey.delete(oldest);
        characters -= weightOf(gone);
      }
    },
  };
}
