// Everything about the moment that a decision may depend on, gathered beforehand. Plain data, so that it can be kept and
// the decision made again; the law that it is judged by stands beside it in the snapshot.
import type { GivenApproval, SignatureGrant } from './approval.ts';
import type { Finding } from './finding.ts';
import type { DeploymentFacts } from './finding/deployment.ts';
import type { PastAct } from './flow.ts';
import type { Grant } from './grant.ts';
import type { Restriction } from './restriction.ts';
import type { TaintMark } from './taint.ts';
import type { TrustState } from './trust.ts';

export type Mode = 'FULL' | 'SUPERVISED' | 'DRY_RUN';

/** The facts of a snapshot: plain data, stored sealed beside each decision. */
export interface Facts {
  readonly tenant: string;
  readonly nowMs: number;
  /** Global plus tenant revision. Both only grow, so equal sums mean equal revisions. */
  readonly revision: number;
  readonly mode: Mode;
  /** Overrides the charter's setting of the same name; absent or null: the charter's own counts. */
  readonly enforcement?: 'enforce' | 'audit' | null;
  /** Who asks, proven by key, token or signature; null is anonymous, which is denied. */
  readonly principal: { readonly id: string; readonly roles: readonly string[] } | null;
  /** null: never seen before. */
  readonly trust: TrustState | null;
  /** Scopes of the user on whose authority the agent acts, and the roles of that user; null scopes: none were needed or given. */
  readonly userScopes: readonly string[] | null;
  readonly userRoles: readonly string[];
  /** Grants presented or on record for this agent, revoked and expired ones included. */
  readonly grants: readonly Grant[];
  readonly restrictions: readonly Restriction[];
  /** Already reserved or spent, by reservation key, for the windows in force. Absent key: nothing. */
  readonly used: Readonly<Record<string, number>>;
  readonly approval: GivenApproval | null;
  /** What people let run again without asking: this exact action, none revoked. Absent: nothing. */
  readonly signatures?: readonly SignatureGrant[];
  readonly deployment: DeploymentFacts | null;
  /** Findings of plug-ins and of detectors outside the kernel; one that timed out is in here as failed. */
  readonly findings: readonly Finding[];
  /** Values from untrusted sources that the parameters were found to hold. Absent: nothing was looked for. */
  readonly taint?: readonly TaintMark[];
  /** What this run, agent and tree of agents have begun that a flow rule for this action asks about. Absent: nobody looked, which is stricter. */
  readonly past?: readonly PastAct[];
}
