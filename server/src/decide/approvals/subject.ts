// One approval mechanism for every subject. Whoever wants people to decide opens an approval; what becomes of it is a
// function registered under the subject's name, and it runs inside the transaction of the vote that decides, once.
import { canonicalJson } from '@mandate/kernel';
import type { EscalationStep, Json, JsonObject } from '@mandate/kernel';
import { sha256Hex } from '../../platform/crypto/hash.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Approval } from './approval.ts';

/** What the mechanism knows by name. `action` waits on an act and is opened by the road; the others by `open`. */
export type SubjectName = 'action' | 'unfreeze' | 'resume' | 'charter' | 'tool' | 'proposal';

/** A question to people. All times are epoch milliseconds. */
export interface OpenOrder {
  readonly tenant: string;
  readonly subject: Exclude<SubjectName, 'action'>;
  /** `digestOfSubject(tenant, subject, content)`, or another SHA-256 over everything that people judge. */
  readonly digest: string;
  /** In one line: `Unfreeze builder-1`. Free of secrets. */
  readonly title: string;
  /** What voters are shown, by name: each becomes a line. Free of secrets. */
  readonly display: JsonObject;
  /** What `apply` needs and nobody has to read. Covered by the digest; stored in plain text, so no secrets. */
  readonly content: JsonObject;
  /** The principal who asks (`user:ada`), and the user at the root of its authority where that is another. */
  readonly requester: string;
  readonly requesterUser: string | null;
  /** The agent that it concerns, if any: `builder-1`. */
  readonly agent: string | null;
  /** Why it needs people, in stable words: `tool:changed`, `charter:approval`. */
  readonly causes: readonly string[];
  /** One approver for each. Empty: anyone with one of `voterRoles`. */
  readonly requiredRoles: readonly string[];
  /** Who may vote where no role is required. Empty: every approver role. */
  readonly voterRoles?: readonly string[];
  /** That many distinct people. */
  readonly quorum: number;
  readonly fourEyes: boolean;
  readonly expiresMs: number;
  /** Who is told next, and may vote, when nobody has decided. Left out: as the charter says. */
  readonly escalate?: readonly EscalationStep[];
  readonly traceId: string | null;
}

/**
 * What happens with a decided approval. `apply` runs in the transaction of the last approving vote; what it refuses
 * (because what was approved no longer stands) it must refuse before it changes anything. The approval is then `used`, or
 * `cancelled` with the reason. `ended` runs in the transaction in which it was denied, expired or was withdrawn.
 */
export interface Subject {
  apply(tx: Tx, approval: AppliedApproval): Promise<Applied>;
  ended?(tx: Tx, approval: AppliedApproval): Promise<void>;
}

/** The approval with what only its subject may read. */
export interface AppliedApproval extends Approval {
  readonly tenant: string;
  readonly content: JsonObject;
  /** Whoever approved it, in the order of their votes. */
  readonly approvedBy: readonly string[];
  readonly nowMs: number;
  readonly traceId: string | null;
}

export type Applied =
  | { readonly kind: 'applied'; readonly result?: Json }
  /** Why it can no longer be carried out, and what to do instead. */
  | { readonly kind: 'refused'; readonly detail: string };

/** The subject of that name; null where this process has registered none, and then nothing of it can be decided here. */
export type SubjectOf = (name: string) => Subject | null;

/** SHA-256 over the canonical form of what people judge (RFC 8785). `content` must hold all of it. */
export function digestOfSubject(tenant: string, subject: string, content: JsonObject): string {
  return sha256Hex(canonicalJson({ subject, tenant, content }));
}
