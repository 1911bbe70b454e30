// What one process has seen of one charter on trial since it last wrote: counts, and each way of differing once.
import type { Action, Decision, Facts, Law } from '@mandate/kernel';
import { asAsked, changeOf, decideUnder, verdictOf } from './replay.ts';
import type { ShadowCounts, ShadowDifference } from './shadow-store.ts';

/** One decision of the road, with what it was made of. */
export interface Decided {
  readonly actId: string;
  readonly action: Action;
  readonly facts: Facts;
  /** What it was decided by. */
  readonly law: Law;
  readonly decision: Decision;
}

export interface Trial {
  readonly id: string;
  /** Makes the decision once more under the shadow's law. Never throws. */
  compare(decided: Decided): void;
  /** Decisions that there was no room for. */
  skip(count: number): void;
  /** Everything since the last call, and begins anew; null where there is nothing. */
  take(): ShadowCounts | null;
  /** Puts back what could not be written. */
  putBack(counts: ShadowCounts): void;
}

type Noted = ShadowDifference & { readonly key: string };

/** Between two writes a process keeps no more ways than these; the rest is in `differed`. */
const MOST_NOTED = 500;

export function createTrial(id: string, law: Law | null, sha256: (text: string) => string): Trial {
  let counts = { decided: 0, differed: 0, failed: 0, skipped: 0 };
  let noted = new Map<string, Noted>();

  function note(fresh: Noted): void {
    const known = noted.get(fresh.key);
    if (known === undefined) {
      if (noted.size < MOST_NOTED) noted.set(fresh.key, fresh);
      return;
    }
    const { lastAct, lastMs } = fresh.lastMs >= known.lastMs ? fresh : known;
    noted.set(fresh.key, { ...known, count: known.count + fresh.count, lastAct, lastMs });
  }

  function judge({ actId, action, facts, law: live, decision }: Decided, shadow: Law): void {
    const asked = asAsked(facts);
    const before = asked === facts ? decision : decideUnder({ law: live }, action, asked);
    const after = decideUnder({ law: shadow }, action, asked);
    if (after.causes.includes('error:decide')) counts.failed += 1;
    const change = changeOf(before, after);
    if (change === null) return;
    counts.differed += 1;
    const verdicts = { before: verdictOf(before), after: verdictOf(after) };
    const key = sha256(JSON.stringify([action.action, change, verdicts.before, verdicts.after]));
    const at = { firstAct: actId, firstMs: facts.nowMs, lastAct: actId, lastMs: facts.nowMs };
    note({ key, action: action.action, change, ...verdicts, count: 1, ...at });
  }

  return {
    id,
    compare(decided) {
      counts.decided += 1;
      if (law === null) {
        counts.failed += 1;
        return;
      }
      try {
        judge(decided, law);
      } catch {
        // The live decision has been made and stands; that the shadow could not follow is what is counted.
        counts.failed += 1;
      }
    },
    skip(count) {
      counts.skipped += count;
    },
    take() {
      if (counts.decided === 0 && counts.skipped === 0) return null;
      const taken = { ...counts, differences: [...noted.values()] };
      counts = { decided: 0, differed: 0, failed: 0, skipped: 0 };
      noted = new Map();
      return taken;
    },
    putBack({ differences, ...more }) {
      counts = {
        decided: counts.decided + more.decided,
        differed: counts.differed + more.differed,
        failed: counts.failed + more.failed,
        skipped: counts.skipped + more.skipped,
      };
      for (const difference of differences) note(difference);
    },
  };
}
