// One event for each time that something is wrong, not for each look at it. An episode begins when a check holds and
// ends when one no longer does, or when somebody resolves it; a clock that was set back decides neither.

/** The newest episode of one rule, for one action name where the rule is about those. */
export interface Episode {
  /** The newest time at which a check held. */
  readonly seenMs: number;
  /** When somebody resolved it; null while nobody has. */
  readonly resolvedMs: number | null;
  /** When a check no longer held; null while it goes on. */
  readonly endedMs: number | null;
}

export interface Check {
  readonly holds: boolean;
  readonly nowMs: number;
  /**
   * Whether something went wrong since the episode was resolved or ended, by the order in which it was written down and
   * not by any clock.
   */
  readonly isNewTrouble: boolean;
  /** Whether what is asked for by now is another answer than the episode was given: a rule was changed while it went on. */
  readonly isChanged: boolean;
}

/** - `open`: a new episode; the one before is over · `seen`: it goes on · `end`: it is over · `none`: nothing changes */
export type EpisodeStep = 'open' | 'seen' | 'end' | 'none';

/**
 * What a check makes of the newest episode.
 *
 * | newest episode | the check holds | it does not |
 * |---|---|---|
 * | none | open | none |
 * | goes on | seen, or open on another answer | end, unless the clock is behind the last time it held |
 * | resolved, held ever since | open on new trouble or another answer, else none | end, likewise |
 * | over | open, where the clock is behind its end only on new trouble | none |
 */
export function stepEpisode(
  newest: Episode | null,
  { holds, nowMs, isNewTrouble, isChanged }: Check,
): EpisodeStep {
  if (newest === null) return holds ? 'open' : 'none';
  const { seenMs, resolvedMs, endedMs } = newest;
  if (endedMs !== null) return holds && (nowMs >= endedMs || isNewTrouble) ? 'open' : 'none';
  if (holds) {
    if (isChanged) return 'open';
    if (resolvedMs === null) return 'seen';
    return isNewTrouble ? 'open' : 'none';
  }
  return nowMs >= seenMs ? 'end' : 'none';
}
