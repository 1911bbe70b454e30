// What the doors show of an act. Display values are redacted; the result is opened for whoever may read the act.
import type { Decision, Json, JsonObject } from '@mandate/kernel';
import type { Act, ActStatus } from './act.ts';
import { iso } from '../../platform/clock/iso.ts';

export interface ActView {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly status: ActStatus;
  readonly parameters: Json;
  readonly resource: Json;
  readonly result?: Json;
  readonly error?: string;
  readonly decision: Decision;
  /** There once there is an outcome. */
  readonly trust?: { readonly before: number; readonly after: number };
  /** Signed and single use: what the agent that executes the action itself starts and reports with. */
  readonly permit?: string;
  /** How long a permitted act may still be begun, counted from this answer: no clock of two machines has to agree. */
  readonly startWithinMs?: number;
  /** With a permit that people had to approve: exactly what was approved, in plain text, for the agent that runs it. */
  readonly run?: { readonly parameters: JsonObject };
  readonly approval?: ApprovalView;
  /** The act that an approver made of this one, with other parameters. */
  readonly replacedBy?: string;
  /** The act that this one undoes. */
  readonly compensates?: string;
  /** What undoes this act: with status `success` it has been rolled back. */
  readonly rollback?: { readonly id: string; readonly status: ActStatus };
  readonly traceId: string | null;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
}

export interface ApprovalView {
  readonly id: string;
  readonly digest: string;
  readonly expiresAt: string;
  readonly requiredRoles: readonly string[];
  readonly url: string;
}

export interface ViewExtras {
  readonly result?: Json;
  readonly permit?: string;
  readonly startWithinMs?: number;
  readonly run?: { readonly parameters: JsonObject };
  readonly approval?: ApprovalView;
  readonly replacedBy?: string;
}

export function viewOf(act: Act, extras: ViewExtras): ActView {
  return {
    id: act.id,
    agent: act.agent,
    action: act.action,
    status: act.status,
    parameters: act.display.parameters,
    resource: act.display.resource,
    ...(extras.result === undefined ? {} : { result: extras.result }),
    ...(act.error === null ? {} : { error: act.error }),
    decision: act.decision,
    ...(act.trust === null ? {} : { trust: act.trust }),
    ...(extras.permit === undefined ? {} : { permit: extras.permit }),
    ...(extras.startWithinMs === undefined ? {} : { startWithinMs: extras.startWithinMs }),
    ...(extras.run === undefined ? {} : { run: extras.run }),
    ...(extras.approval === undefined ? {} : { approval: extras.approval }),
    ...(extras.replacedBy === undefined ? {} : { replacedBy: extras.replacedBy }),
    ...(act.compensates === null ? {} : { compensates: act.compensates }),
    ...(act.rollback === undefined ? {} : { rollback: act.rollback }),
    traceId: act.traceId,
    createdAt: iso(act.createdMs),
    ...(act.startedMs === null ? {} : { startedAt: iso(act.startedMs) }),
    ...(act.endedMs === null ? {} : { endedAt: iso(act.endedMs) }),
  };
}
