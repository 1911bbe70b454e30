// A schedule as the charter says it: which template is run, with what, and when.
import type { JsonObject } from '../action.ts';

export interface ScheduleSetting {
  readonly name: string;
  /** Five fields of cron, or `@daily` and its like; checked by `parseCron`. */
  readonly cron: string;
  /** IANA name. */
  readonly timezone: string;
  /** A name, or `name@version`. */
  readonly template: string;
  readonly input: JsonObject;
  /** Agents by role. */
  readonly agents: Readonly<Record<string, string>>;
}
