// What a replay comes to, for a person who is about to change the law: one sentence, then each difference by name, then
// the same in groups. Whatever could not be replayed is said as well, or the sentence would promise too much.
import type {
  Difference,
  DifferenceGroup,
  Drifted,
  PolicyChange,
  SimulationReport,
  Verdict,
} from '@mandate/kernel';
import { iso } from '../../platform/clock/iso.ts';
import type { Range } from './range.ts';
import { CHANGES, verdictOf } from './replay.ts';
import type { RecordedAct } from './store.ts';
import type { Walked } from './walk.ts';

export interface Tally {
  add(act: RecordedAct, found: { change: PolicyChange; before: Verdict; after: Verdict }): void;
  drift(act: RecordedAct, replayed: Verdict): void;
  baseline(kind: 'replayed' | 'recorded'): void;
  report(of: {
    readonly range: Range;
    readonly walked: Walked;
    readonly refused: Readonly<Record<string, number>>;
  }): SimulationReport;
}

/** Beyond these the answer says how many it leaves out; the counts stay exact. */
const MOST_GROUPS = 2_000;
const MOST_DRIFTED = 100;

export function createTally(limit: number): Tally {
  const counts = new Map<PolicyChange, number>();
  const differences: Difference[] = [];
  const groups = new Map<string, DifferenceGroup>();
  const drifted: Drifted[] = [];
  const baseline = { replayed: 0, recorded: 0 };
  let different = 0;
  let ungrouped = 0;
  let driftedCount = 0;

  return {
    add(act, { change, ...verdicts }) {
      different += 1;
      counts.set(change, (counts.get(change) ?? 0) + 1);
      const { id, agent, action, status, createdMs } = act;
      const before = verdictOf(verdicts.before);
      const after = verdictOf(verdicts.after);
      if (differences.length < limit)
        differences.push({ id, agent, action, at: iso(createdMs), status, change, before, after });
      const key = JSON.stringify([action, change, before, after]);
      const group = groups.get(key);
      if (group !== undefined) groups.set(key, { ...group, count: group.count + 1 });
      else if (groups.size < MOST_GROUPS)
        groups.set(key, { action, change, before, after, count: 1, example: id });
      else ungrouped += 1;
    },
    drift({ id, action, charterVersion, tier, effect, code, rule }, replayed) {
      driftedCount += 1;
      if (drifted.length < MOST_DRIFTED)
        drifted.push({
          id,
          action,
          charterVersion,
          recorded: { tier, effect, code, rule },
          replayed: verdictOf(replayed),
        });
    },
    baseline(kind) {
      baseline[kind] += 1;
    },
    report: ({ range, walked, refused }) => ({
      summary: summaryOf(counts, different, {
        replayed: walked.acts - walked.unreadable,
        how: 'recorded',
      }),
      from: iso(range.fromMs),
      to: iso(range.toMs),
      acts: walked.acts,
      counts: Object.fromEntries(
        CHANGES.flatMap((change) => {
          const count = counts.get(change);
          return count === undefined ? [] : [[change, count]];
        }),
      ),
      differences,
      differencesLeftOut: different - differences.length,
      groups: [...groups.values()].toSorted(byWeight),
      groupsLeftOut: ungrouped,
      baseline,
      drifted: { count: driftedCount, acts: drifted },
      notReplayed: { unreadable: walked.unreadable, refused },
      cutAt: walked.cutAtMs === null ? null : iso(walked.cutAtMs),
    }),
  };
}

function byWeight(a: DifferenceGroup, b: DifferenceGroup): number {
  const byChange = CHANGES.indexOf(a.change) - CHANGES.indexOf(b.change);
  if (byChange !== 0) return byChange;
  return b.count - a.count || (a.action < b.action ? -1 : 1);
}

const PHRASES: Readonly<Record<PolicyChange, string>> = {
  held: 'held',
  freed: 'freed',
  denied: 'denied',
  eased: 'let wait instead of refusing',
  throttled: 'throttled',
  approvers: 'asked other people about',
  retiered: 'given another tier to',
  reruled: 'judged by another rule',
};

/** The one sentence. What has the same effect is named only where nothing else is, or where there is more to say. */
export function summaryOf(
  counts: ReadonlyMap<PolicyChange, number>,
  different: number,
  { replayed, how }: { readonly replayed: number; readonly how: 'recorded' | 'decided' },
): string {
  const of = `${number(replayed)} ${how} ${replayed === 1 ? 'action' : 'actions'}`;
  if (replayed === 0) return `No action was ${how} in this time, so nothing can be said of the change.`;
  if (different === 0) return `This change would have changed nothing for ${of}.`;
  const parts = CHANGES.flatMap((change) => {
    const count = counts.get(change) ?? 0;
    return count === 0 ? [] : [`${PHRASES[change]} ${number(count)}`];
  });
  const last = parts.at(-1) ?? '';
  const list = parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
  return `This change would have ${list} of ${of}.`;
}

function number(count: number): string {
  return count.toLocaleString('en-US');
}
