// What every part of a charter that is compiled says in one form when it is wrong.

/** What is wrong in a charter, with the path to it, so that the loader can name line and column. */
export interface CharterProblem {
  /** E.g. `['tiers', 'yellow', 'actions', 3, 'except', 'when']`, or the rule's own origin. */
  readonly origin: string;
  readonly message: string;
  /** Offset within the offending string (a CEL source), where there is one. */
  readonly offset: number | null;
}
