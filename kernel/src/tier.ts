// The four answers to "may it do this", from mild to strict. The strictest one always wins (I4).

export type Tier = 'green' | 'yellow' | 'red' | 'black';

/** From mild to strict. green runs, yellow runs and people are told, red waits for approval, black never runs. */
export const TIERS: readonly Tier[] = ['green', 'yellow', 'red', 'black'];

const RANK: Readonly<Record<Tier, number>> = { green: 0, yellow: 1, red: 2, black: 3 };

/** Negative when `a` is milder than `b`, positive when it is stricter, 0 when they are equal. */
export function compareTiers(a: Tier, b: Tier): number {
  return RANK[a] - RANK[b];
}

/** The strictest of the tiers given; green for none. */
export function strictest(tiers: Iterable<Tier>): Tier {
  let winner: Tier = 'green';
  for (const tier of tiers) if (RANK[tier] > RANK[winner]) winner = tier;
  return winner;
}
