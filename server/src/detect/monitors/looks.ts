// One look at a tenant at a time, however many failures ask for one: whoever asks while one is under way shares the next,
// which begins after they asked and so sees what they have seen.
import type { Because } from './needs.ts';

/** Resolves when a look that began no earlier than this call has ended. Rejects where that look did. */
export type Look<Found> = (tenant: string, because: Because) => Promise<Found>;

interface Turn<Found> {
  readonly current: Promise<Found>;
  next: { because: Because; readonly done: Promise<Found> } | null;
}

export function createLooks<Found>(look: Look<Found>): Look<Found> {
  const turns = new Map<string, Turn<Found>>();

  function begin(tenant: string, because: Because): Promise<Found> {
    const current = (async () => {
      try {
        return await look(tenant, because);
      } finally {
        if (turns.get(tenant)?.next === null) turns.delete(tenant);
      }
    })();
    turns.set(tenant, { current, next: null });
    return current;
  }

  return (tenant, because) => {
    const turn = turns.get(tenant);
    if (turn === undefined) return begin(tenant, because);
    if (turn.next !== null) {
      turn.next.because = later(turn.next.because, because);
      return turn.next.done;
    }
    const after = (): Promise<Found> => begin(tenant, turn.next?.because ?? because);
    turn.next = { because, done: turn.current.then(after, after) };
    return turn.next.done;
  };
}

/** The newer cause that names an action; windows reach as far, and as far back, as either says. */
function later(one: Because, other: Because): Because {
  const owed = [one.owed, other.owed].filter((each) => each !== null);
  return {
    ...(other.action === null ? one : other),
    atMs: furthest(Math.max, one.atMs, other.atMs),
    sinceMs: furthest(Math.min, one.sinceMs, other.sinceMs),
    owed:
      owed.length === 0
        ? null
        : {
            checks: owed.flatMap(({ checks }) => checks),
            sinceMs: Math.min(...owed.map(({ sinceMs }) => sinceMs)),
          },
  };
}

function furthest(pick: (...times: number[]) => number, ...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : pick(...known);
}
