// What matching a rule needs to know beside the action: less than a whole snapshot, so that rules can be asked what they
// would say where there is none.
import type { Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import type { TaintMark } from './taint.ts';

/** A snapshot's facts fit. */
export interface RuleFacts {
  readonly tenant: string;
  readonly nowMs: number;
  readonly principal: { readonly id: string; readonly roles: readonly string[] } | null;
  readonly userRoles: readonly string[];
  readonly findings: readonly Finding[];
  /** What the snapshot says of untrusted values; the agent's own marks are read from the action. */
  readonly taint?: readonly TaintMark[];
  /** What is used up, by the keys of a snapshot: overruns are looked for here. */
  readonly used?: Facts['used'];
}
