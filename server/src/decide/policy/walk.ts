// The recorded past, newest first, in pages: the next one is on its way while this one is decided, memory holds two of
// them whatever the range, and between two acts the road is served.
import type { Clock } from '../../platform/clock/clock.ts';
import { createSlices } from '../../platform/clock/slices.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { Range } from './range.ts';
import type { Evidence } from './replay.ts';
import { readActs } from './store.ts';
import type { Position, RecordedAct } from './store.ts';

export interface WalkNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Opens what was sealed beside an act; rejects where it cannot be opened any more. */
  readonly unseal: (tenant: string, actId: string, sealed: Uint8Array) => Promise<Evidence>;
}

export interface Walked {
  readonly kind: 'walked';
  readonly acts: number;
  /** Acts whose sealed part does not open: they are counted and not replayed. */
  readonly unreadable: number;
  /** Where it stopped because there was too much: creation of the oldest act seen, epoch ms; null where it saw all. */
  readonly cutAtMs: number | null;
}

/** It took too long and was given up: what it has seen says nothing of the rest. */
export interface GivenUp {
  readonly kind: 'given_up';
  readonly refusal: Refusal;
}

export interface WalkCall {
  readonly tenant: string;
  readonly range: Range;
  /** No more acts than these. */
  readonly most: number;
  /** `pause` lets the road have its turn; between two decisions about one act it is asked as well. */
  readonly visit: (
    act: RecordedAct,
    evidence: Evidence,
    pause: () => Promise<unknown>,
  ) => void | Promise<void>;
}

export type Walk = (call: WalkCall) => Promise<Walked | GivenUp>;

/** Some five times what the most acts take; whoever waits for longer has gone. */
const MOST_MS = 50_000;

export function createWalk({ store, clock, unseal }: WalkNeeds): Walk {
  return async ({ tenant, range, most, visit }) => {
    const slices = createSlices(clock, MOST_MS);
    const read = (after: Position | null): Promise<readonly RecordedAct[]> =>
      store.withTenant(tenant, (tx) => readActs(tx, tenant, { range, after }));
    let acts = 0;
    let unreadable = 0;
    let oldestMs = range.toMs;
    let page = await read(null);
    let isCut = false;
    while (page.length > 0 && !isCut) {
      const ahead = read(page.at(-1) ?? null);
      // Rejected while this page is still decided, it must not count as unhandled; it is awaited below.
      ahead.catch(() => {});
      const room = most - acts;
      for (const act of page.slice(0, room)) {
        if (!(await slices.next())) return givenUp(acts);
        acts += 1;
        oldestMs = act.createdMs;
        const evidence = await unseal(tenant, act.id, act.sealed).catch(() => null);
        if (evidence === null) unreadable += 1;
        else await visit(act, evidence, () => slices.next());
      }
      const left = page.length > room;
      page = await ahead;
      isCut = acts >= most && (left || page.length > 0);
    }
    return { kind: 'walked', acts, unreadable, cutAtMs: isCut ? oldestMs : null };
  };
}

function givenUp(acts: number): GivenUp {
  const detail = `The replay was given up after ${MOST_MS / 1_000} s and ${acts} recorded actions; nothing is told of a part. Ask for a shorter time, or for a charter whose conditions look at less.`;
  return { kind: 'given_up', refusal: { code: 'too_large', detail } };
}
