// What a run takes along from its start to its end. It is sealed, because inputs may hold what only the run may read,
// and opened by whoever carries it on.
import type { JsonObject } from '@mandate/kernel';
import type { Asker } from '../../platform/identity/asker.ts';

/** What a run is about, as it was sealed when it was started. */
export interface Carried {
  readonly asker: Asker;
  readonly inputs: JsonObject;
  /** Who has which role. */
  readonly agents: Readonly<Record<string, string>>;
}
