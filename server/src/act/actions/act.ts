// One act as it stands on record: what was asked, what was decided, how it ended.
import type { Decision, Json, Reservation, Resource, Severity, Tier } from '@mandate/kernel';
import type { NewEntry } from '../../platform/events/entry.ts';
import type { Tx } from '../../platform/postgres/store.ts';

export type ActStatus =
  | 'recorded'
  | 'success'
  | 'failed'
  | 'denied'
  | 'waiting_for_approval'
  | 'permitted'
  | 'executing'
  | 'cancelled'
  | 'expired'
  | 'unknown';

/** What makes a waiting act begin once it is approved. */
export type RunsOn = 'approval' | 'repeat' | 'permit';

/** The action as people and the journal may see it: secrets replaced. */
export interface ActDisplay {
  readonly parameters: Json;
  readonly context: Json;
  readonly resource: Json;
  readonly chain: readonly string[];
  /** Ids of the grants of the chain, root first. */
  readonly grants: readonly string[];
  readonly onBehalfOf: string | null;
}

/** What an act touched, as far as it is on record; what undoes it touches the same. */
export function resourceOf({ display: { resource } }: Pick<Act, 'display'>): Resource | null {
  if (resource === null || typeof resource !== 'object' || !('type' in resource)) return null;
  const { type, id } = resource;
  return typeof type === 'string' && typeof id === 'string' ? { type, id } : null;
}

/** Whether an act was done under that grant, or under one that hangs on it; null asks for none. */
export function isWithin({ display }: Pick<Act, 'display'>, grantId: string | null): boolean {
  return grantId === null || display.grants.includes(grantId);
}

export interface Act {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly action: string;
  readonly status: ActStatus;
  readonly tier: Tier;
  readonly severity: Severity;
  readonly principal: string;
  readonly userId: string | null;
  readonly digest: string;
  readonly display: ActDisplay;
  readonly decision: Decision;
  readonly sealed: Uint8Array;
  readonly sealedResult: Uint8Array | null;
  readonly error: string | null;
  readonly executor: string | null;
  readonly runsOn: RunsOn;
  readonly costMicroUsd: number;
  readonly actualCostMicroUsd: number | null;
  readonly reservations: readonly Reservation[];
  readonly approvalId: string | null;
  readonly worker: string | null;
  readonly trust: { readonly before: number; readonly after: number } | null;
  readonly confirmedBy: string | null;
  readonly compensates: string | null;
  /** The act that undoes this one, or is about to; only where it was looked for. */
  readonly rollback?: { readonly id: string; readonly status: ActStatus };
  readonly traceId: string | null;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly startByMs: number | null;
  readonly deadlineMs: number | null;
  readonly endedMs: number | null;
}

/** A row about to be written by act_start() or act_record(). */
export interface NewAct extends Omit<
  Act,
  | 'tenant'
  | 'sealed'
  | 'sealedResult'
  | 'actualCostMicroUsd'
  | 'trust'
  | 'confirmedBy'
  | 'rollback'
  | 'createdMs'
  | 'startedMs'
  | 'endedMs'
> {
  readonly resourceType: string | null;
  readonly resourceId: string | null;
}

/** An approval to be opened together with the act that waits for it. */
export interface NewApproval {
  readonly id: string;
  readonly requester: string;
  readonly requesterUser: string | null;
  /** Who else has asked: under four eyes none of them approves it. */
  readonly editors: readonly string[];
  readonly causes: readonly string[];
  readonly requiredRoles: readonly string[];
  readonly quorum: number;
  readonly fourEyes: boolean;
  readonly expiresMs: number;
}

/** Same principal, key and digest: the same request. The digest is over the body as it was parsed. */
export interface Idempotency {
  readonly principal: string;
  readonly key: string;
  readonly digest: string;
  /** Names the very question among those of one key; null or absent where the client sent no Mandate-Attempt. */
  readonly attempt?: string | null;
}

/** What a key led to: the act, and the request that it was first used for. */
export interface KnownKey {
  readonly actId: string;
  readonly digest: string;
  readonly attempt: string | null;
}

/** Writes a journal entry about an act in the caller's transaction. */
export type WriteActEntry = (
  tx: Tx,
  tenant: string,
  entry: NewEntry & { readonly agent: string; readonly actId: string },
) => Promise<void>;
