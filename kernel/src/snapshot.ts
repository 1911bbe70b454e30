// Everything a decision may depend on, gathered beforehand. The same action and snapshot give the same
// decision in the server, in the browser and in an auditor's hands (I3).
import type { GivenApproval, SignatureGrant } from './approval.ts';
import type { DeploymentFacts, Finding } from './finding.ts';
import type { PastAct } from './flow.ts';
import type { Grant } from './grant.ts';
import type { Law } from './law.ts';
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

export interface Snapshot extends Facts {
  readonly law: Law;
}

/** Whether what rules, findings and phases would hold is held; anything but a plain `audit` is (I5). */
export function enforcementOf({ enforcement, law }: Snapshot): 'enforce' | 'audit' {
  return (enforcement ?? law.charter.enforcement) === 'audit' ? 'audit' : 'enforce';
}
