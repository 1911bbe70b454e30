// Lets the charter on trial decide beside the live one. The road only drops what it decided into a bounded box; the
// second decision is made afterwards, so nothing of it (a slow rule, a broken charter, a database that is away) can
// delay or change the first one.
import type { Action, Decision, Snapshot } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { createSlices } from '../../platform/clock/slices.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { PolicyCharters } from './charters.ts';
import { addCounts, readShadowFiles, readShadowId } from './shadow-store.ts';
import { createTrial } from './trial.ts';
import type { Decided, Trial } from './trial.ts';

export interface Observed {
  readonly tenant: string;
  readonly actId: string;
  readonly action: Action;
  readonly snapshot: Snapshot;
  readonly decision: Decision;
}

export interface Observer {
  /** Takes note of a decision. Returns at once and never throws. */
  observe(observed: Observed): void;
  /** Forgets what it knew of a tenant's shadow, because it has just been changed here. */
  forget(tenant: string): void;
  /** Compares and writes everything noted so far. */
  settle(): Promise<void>;
  /** The same, and then no more. */
  close(): Promise<void>;
}

export interface ObserverNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly charters: Pick<PolicyCharters, 'load'>;
  readonly parseFiles: (content: string) => Parameters<PolicyCharters['load']>[0];
  readonly sha256: (text: string) => string;
  readonly failed: (error: unknown) => void;
}

/** How long decisions gather before they are compared. */
const GATHER_MS = 100;
/** How old the knowledge of a tenant's shadow may be. With GATHER_MS it keeps the promise of one second. */
const FRESH_MS = 500;
/** Decisions that wait to be compared; more at once are counted as skipped. */
const BOX = 2_000;
const RETRY_MS = 1_000;
/** So many are compared in one go, some milliseconds, before the road has its turn. */
const AT_A_TIME = 50;

interface Known {
  readonly trial: Trial | null;
  readonly readMs: number;
}

export function createObserver(needs: ObserverNeeds): Observer {
  const { store, clock, sha256, failed } = needs;
  const known = new Map<string, Known>();
  let box: (Decided & { readonly tenant: string })[] = [];
  const skipped = new Map<string, number>();
  let cancel: (() => void) | null = null;
  let last: Promise<void> = Promise.resolve();
  let isClosed = false;

  const isFresh = ({ readMs }: Known): boolean => clock.monotonicMs() - readMs < FRESH_MS;

  function arm(afterMs: number): void {
    if (cancel !== null || isClosed) return;
    cancel = clock.after(afterMs, () => {
      cancel = null;
      void nextTurn();
    });
  }

  async function trialOf(tenant: string): Promise<Trial | null> {
    const before = known.get(tenant);
    if (before !== undefined && isFresh(before)) return before.trial;
    const readMs = clock.monotonicMs();
    const id = await store.withTenant(tenant, (tx) => readShadowId(tx, tenant));
    const standing = before?.trial ?? null;
    const trial = id === null ? null : standing?.id === id ? standing : await begin(tenant);
    known.set(tenant, { trial, readMs });
    return trial;
  }

  async function begin(tenant: string): Promise<Trial | null> {
    const files = await store.withTenant(tenant, (tx) => readShadowFiles(tx, tenant));
    if (files === null) return null;
    const loaded = await needs.charters.load(needs.parseFiles(files.content));
    return createTrial(files.id, loaded.kind === 'loaded' ? loaded.law : null, sha256);
  }

  /** Compares what lies in the box, a few at a time, and leaves the rest for the next turn. */
  async function compare(): Promise<void> {
    const slices = createSlices(clock, Number.POSITIVE_INFINITY);
    let compared = 0;
    try {
      for (const { tenant, ...decided } of box.slice(0, AT_A_TIME)) {
        (await trialOf(tenant))?.compare(decided);
        compared += 1;
        await slices.next();
      }
    } finally {
      // Where one of them cannot be compared, those before it have been, and are not left out as well.
      box = box.slice(compared);
    }
  }

  async function write(): Promise<void> {
    for (const [tenant, count] of skipped) {
      const trial = await trialOf(tenant);
      skipped.delete(tenant);
      trial?.skip(count);
    }
    for (const [tenant, { trial }] of known) {
      const counts = trial?.take() ?? null;
      if (trial === null || counts === null) continue;
      try {
        await store.withTenant(tenant, (tx) => addCounts(tx, tenant, { shadowId: trial.id, counts }));
      } catch (error) {
        trial.putBack(counts);
        throw error;
      }
    }
  }

  async function turn(): Promise<void> {
    try {
      await compare();
      if (box.length === 0) await write();
      if (box.length > 0) arm(1);
    } catch (error) {
      failed(error);
      // Kept, decisions would hold ever more memory while the database is away; counted, they are not forgotten.
      for (const { tenant } of box) skip(tenant);
      box = [];
      arm(RETRY_MS);
    }
  }

  function skip(tenant: string): void {
    skipped.set(tenant, (skipped.get(tenant) ?? 0) + 1);
  }

  function nextTurn(): Promise<void> {
    last = last.then(turn);
    return last;
  }

  async function settle(): Promise<void> {
    do await nextTurn();
    while (box.length > 0);
  }

  return {
    observe({ tenant, actId, action, snapshot, decision }) {
      const entry = known.get(tenant);
      if (isClosed || (entry?.trial === null && isFresh(entry))) return;
      if (box.length >= BOX) {
        skip(tenant);
        return;
      }
      const { law, ...facts } = snapshot;
      box.push({ tenant, actId, action, facts, law, decision });
      arm(GATHER_MS);
    },
    forget: (tenant) => void known.delete(tenant),
    settle,
    async close() {
      isClosed = true;
      cancel?.();
      await settle();
    },
  };
}
