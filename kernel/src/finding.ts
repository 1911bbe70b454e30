// A pure fact about one action, with a severity. Findings never allow anything: they only raise floors.

export type FindingSeverity = 'info' | 'warning' | 'error' | 'critical';

export interface Finding {
  /** `cost`, `secret_leak`, `protected_path`, `branch_protection`, `deployment_safety`, `rate_limit`, `diff_size`, `tainted`, or a name of one's own. */
  readonly check: string;
  readonly severity: FindingSeverity;
  /** What was found and what to do next, without the secret itself. */
  readonly message: string;
  /** JSON pointer (RFC 6901) into the action, e.g. `/parameters/path`; null where there is no single place. */
  readonly pointer: string | null;
}
