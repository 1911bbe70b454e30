// What an event means to people, in one shape: the words of the journal, of breakers and of incidents each say it of
// their own kinds, and the schedule reads it without knowing whose kind it was.
import type { Tier, UrgentKind } from '@mandate/kernel';

export interface Meaning {
  /** By which tier's mode it is told; what is no act goes as yellow does. */
  readonly tier: Tier;
  readonly urgent: UrgentKind | null;
  /** A digest tells of it; what does not open one still stands in the next. */
  readonly opens: boolean;
  /** Told by itself where the mode is realtime. */
  readonly single: boolean;
}
