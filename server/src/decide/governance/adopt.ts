// What a charter that comes into force does to the sets, in the transaction that activates it: no decision by the new
// charter can miss a phase, and where the state cannot be written the charter does not come into force either.
import { anyPatternCovers, phaseIndex } from '@mandate/kernel';
import type { GovernedSet, Phase } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Because, Phases } from './phases.ts';
import type { Withdrawals } from './withdraw.ts';
import { readSets, writeSet } from './store.ts';
import type { SetRow } from './store.ts';

/** What whoever activates the charter must hear. */
export interface AdoptionNote {
  readonly set: string;
  readonly message: string;
}

export interface Adoption {
  /** Whether a set stands otherwise than before: never where the same charter is adopted twice. */
  readonly hasChanged: boolean;
  readonly notes: readonly AdoptionNote[];
}

/** A charter takes force, or is looked at again. The caller holds the tenant's row and raises the revision. */
export type Adopt = (
  tx: Tx,
  order: {
    readonly tenant: string;
    readonly sets: readonly GovernedSet[];
    readonly by: string;
    readonly atMs: number;
  },
) => Promise<Adoption>;

export interface AdoptNeeds {
  readonly phases: Phases;
  readonly withdrawals: Withdrawals;
}

export function createAdopt({ phases, withdrawals }: AdoptNeeds): Adopt {
  return async (tx, { tenant, sets, by, atMs }) => {
    const because = (cause: string): Because => ({
      tenant,
      cause,
      by,
      atMs,
      actId: null,
      approvalId: null,
      traceId: null,
    });
    const rows = await readSets(tx, tenant);
    const notes: AdoptionNote[] = [];
    let hasChanged = false;
    for (const set of sets) {
      const row = rows.find(({ name }) => name === set.name) ?? null;
      if (row === null || row.dropped_at !== null) {
        const [phase] = set.phases;
        const cause = `The charter governs ${set.name}.`;
        await phases.enter(tx, { set, phase, kind: 'governed', row }, because(cause));
        hasChanged = true;
        if (row !== null)
          notes.push({
            set: set.name,
            message: `${set.name} is governed again and begins at ${phase.name}: what it had earned ended when a charter dropped it.`,
          });
        continue;
      }
      const adopted = await adoptSet(tx, { set, row }, because);
      hasChanged ||= adopted.length > 0;
      notes.push(...adopted);
    }
    for (const row of rows) {
      if (row.dropped_at !== null || sets.some(({ name }) => name === row.name)) continue;
      const message = `${row.name} (at ${row.phase}) is governed no more: its rules alone decide from now on, and should it come back it begins at its first phase.`;
      await phases.drop(tx, row, because('The charter governs it no more.'));
      notes.push({ set: row.name, message });
      hasChanged = true;
    }
    for (const { name } of rows) {
      const set = sets.find((each) => each.name === name) ?? null;
      await withdrawals.stale(tx, { tenant, name, set, by });
    }
    return { hasChanged, notes };
  };

  async function adoptSet(
    tx: Tx,
    { set, row }: { readonly set: GovernedSet; readonly row: SetRow },
    because: (cause: string) => Because,
  ): Promise<readonly AdoptionNote[]> {
    const { tenant } = because('');
    const stood = await phases.standing(tx, tenant, row);
    const { phase, ceiling, why } = ceilingOf(set, row, stood);
    if (why !== null) {
      const lower = nextNotWider(set, ceiling, stood);
      await phases.enter(tx, { set, phase: lower, kind: 'fallen', row }, because(why.cause));
      const message = `${set.name} was at ${row.phase}, ${why.which}: it falls to ${lower.name}, and nothing is proposed until its stabilisation is over.`;
      return [{ set: set.name, message }];
    }
    if (!(await phases.areEnforced(tx, tenant, { set, phase, row }))) {
      const message = `The charter changes what ${phase.name} of ${set.name} governs or lets run; without asking runs now ${listOf(phase.whitelist)}.`;
      await phases.enter(tx, { set, phase, kind: 'rewritten', row }, because(message));
      return [{ set: set.name, message }];
    }
    const ladder = set.phases.map(({ name }) => name);
    if (ladder.join() !== row.ladder.join()) await writeSet(tx, tenant, { ...row, ladder });
    return [];
  }
}

interface Ceiling {
  /** The phase by the name that the set is in; the first where there is none. */
  readonly phase: Phase;
  /** The highest phase that people have let the set be in, as its place in the new ladder. */
  readonly ceiling: number;
  /** Why the set cannot stay; null where it can. */
  readonly why: { readonly cause: string; readonly which: string } | null;
}

/** A charter never raises: only a place that is no higher than before, and a whitelist that is no wider, are kept. */
function ceilingOf(set: GovernedSet, { phase: name, ladder }: SetRow, stood: readonly string[]): Ceiling {
  const index = phaseIndex(set, name);
  const before = ladder.indexOf(name);
  const phase = set.phases[index];
  if (phase === undefined) {
    // The nearest phase below it that there still is, by the ladder of before.
    const below = ladder.slice(0, Math.max(0, before)).findLastIndex((each) => phaseIndex(set, each) >= 0);
    const ceiling = below < 0 ? 0 : Math.min(below, phaseIndex(set, ladder[below] ?? ''));
    const cause = `The charter has no phase ${name} any more.`;
    return { phase: set.phases[0], ceiling, why: { cause, which: 'which this charter does not have' } };
  }
  if (index > before) {
    const cause = `The charter puts ${name} higher than people have let ${set.name} rise.`;
    const which = 'which this charter puts higher than people have let it rise';
    return { phase, ceiling: Math.max(0, before), why: { cause, which } };
  }
  const wider = beyond(phase, stood);
  // Below the first phase there is none, and it is where every set begins, whoever writes its charter.
  if (index === 0 || wider.length === 0) return { phase, ceiling: index, why: null };
  const cause = `The charter lets more run at ${name} than people have agreed to: ${listOf(wider)}.`;
  const which = `where this charter lets more run than people have agreed to (${listOf(wider)})`;
  return { phase, ceiling: index - 1, why: { cause, which } };
}

/** From the ceiling downwards the first phase that lets nothing run which did not before; else the first of all. */
function nextNotWider(set: GovernedSet, ceiling: number, stood: readonly string[]): Phase {
  const below = set.phases.slice(0, ceiling + 1).toReversed();
  return below.find((phase) => beyond(phase, stood).length === 0) ?? set.phases[0];
}

/** What a phase lets run beside what did already. */
function beyond({ whitelist }: Phase, stood: readonly string[]): readonly string[] {
  return whitelist.filter((each) => !anyPatternCovers(stood, each));
}

function listOf(whitelist: readonly string[]): string {
  return whitelist.length === 0 ? 'nothing' : whitelist.join(', ');
}
