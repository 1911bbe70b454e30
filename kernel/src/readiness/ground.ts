// What an item is judged by, and what is found of it. Measured items and attested ones are looked at in files of their own;
// both start here and end here.
import type { FactName, ReadinessFacts } from './facts.ts';
import type { ReadinessItemView } from './view.ts';

/** What somebody vouches for. Times are epoch milliseconds. */
export interface Attested {
  readonly item: string;
  /** The person, as people call them. */
  readonly by: string;
  readonly role: string;
  readonly dateMs: number;
  readonly expiresMs: number;
  /** The evidence, as people call it: a file's name or an address. */
  readonly evidence: string;
  readonly withdrawn: { readonly by: string; readonly atMs: number } | null;
}

export interface ReadinessItemReport extends ReadinessItemView {
  /** Unmet only because the phase is too young for there to be figures. */
  readonly waits: boolean;
}

export interface ReadinessGround {
  readonly facts: ReadinessFacts;
  /** Why a fact is not known, where there is more to say than usual. */
  readonly why?: Readonly<Partial<Record<FactName, string>>>;
  /** Of the set alone, also those that no longer count. */
  readonly attested: readonly Attested[];
  readonly nowMs: number;
}

/** What was found out about an item. */
export type Finding = Pick<ReadinessItemReport, 'status' | 'details' | 'next' | 'waits'>;
