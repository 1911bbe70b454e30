// The names that a charter gives resources: made ready with the law, asked for when an action is read.

/** Of one type, and their plain forms, made once. */
export interface KnownNames {
  readonly names: ReadonlySet<string>;
  readonly plain: ReadonlySet<string>;
}
