// A wrong name is nearly always a slip of one or two letters, so a refusal can name what was meant.

/** The candidate with the fewest typing errors, case aside, if they are at most a third of the letters; else null. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const errors = typingErrors(word.slice(0, MAX_LENGTH).toLowerCase(), candidate.toLowerCase());
    if (errors < least) {
      best = candidate;
      least = errors;
    }
  }
  return best;
}

/** ` (did you mean 'x'?)`, or nothing where no candidate is near. */
export function suggest(word: string, candidates: Iterable<string>): string {
  const best = nearest(word, candidates);
  return best === null ? '' : ` (did you mean '${best}'?)`;
}

// Nobody misspells more than that, and the time grows with the square.
const MAX_LENGTH = 128;

/** Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
function typingErrors(a: string, b: string): number {
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const replaced = (old[j - 1] ?? 0) + (isSame ? 0 : 1);
      let errors = Math.min((old[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) errors = Math.min(errors, (older[j - 2] ?? 0) + 1);
      row.push(errors);
    }
    older = old;
    old = row;
  }
  return old[b.length] ?? 0;
}
