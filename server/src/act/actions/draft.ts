// From a decision to the rows that record it. Written once here, so that a denied, a waiting and a started act
// carry the same fields for the same reason.
import { redact, redactText } from '@mandate/kernel';
import type { Action, Decision } from '@mandate/kernel';
import type { NewEntry } from '../../platform/events/entry.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Act, Idempotency, NewAct, NewApproval, RunsOn } from './act.ts';

/** One action on its way along the road. */
export interface Journey {
  readonly asker: Asker;
  readonly action: Action;
  readonly digest: string;
  readonly id: string;
  /** The act is on record already and waits. */
  readonly waiting: boolean;
  readonly attach: boolean;
  /** Who executes it: a name of the charter; null is the agent itself. Known once the law is. */
  readonly executor: string | null;
  readonly idempotency: Idempotency | null;
  readonly compensates: string | null;
  /** Only asks people: what would begin at once is refused instead. */
  readonly onlyAsk?: boolean;
}

const APPROVAL_MS = 24 * 3_600_000;

export function draftAct(
  journey: Journey,
  decision: Decision,
  over: Partial<NewAct> & Pick<NewAct, 'status'>,
): NewAct {
  const { asker, action } = journey;
  const resource = shownResource(action);
  return {
    id: journey.id,
    agent: action.agent,
    action: action.action,
    tier: decision.tier,
    severity: decision.severity,
    principal: asker.id,
    userId: action.user?.id ?? null,
    resourceType: resource?.type ?? null,
    resourceId: resource?.id ?? null,
    digest: journey.digest,
    display: {
      parameters: redact(action.parameters),
      context: redact(action.context),
      resource,
      chain: action.chain.map(redactText),
      grants: asker.grantIds,
      onBehalfOf: action.onBehalfOf === null ? null : redactText(action.onBehalfOf),
    },
    decision,
    error: null,
    executor: journey.executor,
    runsOn: runsOn(journey),
    costMicroUsd: decision.costMicroUsd,
    reservations: decision.reservations,
    approvalId: null,
    worker: null,
    compensates: journey.compensates,
    traceId: asker.traceId,
    startByMs: null,
    deadlineMs: null,
    ...over,
  };
}

/** What is touched, as it may stand on record: a URL with a password in it must not (I9). The action itself is sealed. */
function shownResource({ resource }: Action): { readonly type: string; readonly id: string } | null {
  return resource === null ? null : { type: redactText(resource.type), id: redactText(resource.id) };
}

/** A call over MCP cannot be answered later, so its identical repeat runs it. */
function runsOn({ attach, executor }: Journey): RunsOn {
  if (attach) return 'repeat';
  return executor === null ? 'permit' : 'approval';
}

export function draftApproval(journey: Journey, decision: Decision, id: string, nowMs: number): NewApproval {
  const needs = decision.approval;
  return {
    id,
    requester: journey.asker.id,
    requesterUser: journey.action.user?.id ?? null,
    editors: journey.asker.alsoAsked ?? [],
    causes: decision.causes,
    requiredRoles: needs?.requiredRoles ?? [],
    quorum: needs?.quorum ?? 1,
    fourEyes: needs?.fourEyes ?? false,
    expiresMs: nowMs + (needs?.expiresMs ?? APPROVAL_MS),
  };
}

export function draftEntry(journey: Journey, kind: string, decision: Decision, nowMs: number): NewEntry {
  const { asker, action, id } = journey;
  return {
    kind,
    agent: action.agent,
    actId: id,
    actor: asker.id,
    atMs: nowMs,
    traceId: asker.traceId,
    data: {
      action: action.action,
      tier: decision.tier,
      code: decision.code,
      rule: decision.rule,
      user: action.user?.id ?? null,
      chain: action.chain.map(redactText),
      digest: journey.digest,
      charterVersion: decision.charterVersion,
      reasons: decision.reasons,
      findings: decision.findings.map((finding) => ({
        check: finding.check,
        severity: finding.severity,
        message: finding.message,
      })),
      parameters: redact(action.parameters),
    },
  };
}

/** The act as it now stands in Postgres, without reading it back: what act_start() wrote is what it was given. */
export function begunAct(draft: NewAct, tenant: string, sealed: Uint8Array, nowMs: number): Act {
  return {
    ...draft,
    tenant,
    sealed,
    sealedResult: null,
    actualCostMicroUsd: null,
    trust: null,
    confirmedBy: null,
    createdMs: nowMs,
    startedMs: nowMs,
    endedMs: null,
  };
}
