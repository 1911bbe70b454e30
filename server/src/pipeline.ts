// The one road. Every action of every agent, whatever door it came through, is admitted, decided, acted and proven
// here, and nothing may begin anywhere else. Read this file first: admit → decide → act → prove.
import { actionDigestText, agentClassOf, decide, settingOf } from '@mandate/kernel';
import type { Decision, Json, Snapshot } from '@mandate/kernel';
import type { Act } from './act/actions/act.ts';
import type { Actions, Ending } from './act/actions/actions.ts';
import { begunAct, draftAct, draftApproval, draftEntry } from './act/actions/draft.ts';
import type { Journey } from './act/actions/draft.ts';
import { limitRefusal, refusalOf } from './act/actions/refusals.ts';
import type { Rejudge } from './act/actions/rejudge.ts';
import type { Running } from './act/actions/running.ts';
import type { Sealed } from './act/actions/sealed.ts';
import type { ActView } from './act/actions/view.ts';
import type { Executors } from './act/executors/executors.ts';
import { admit } from './decide/agents/admit.ts';
import type { ActionRequest } from './decide/agents/admit.ts';
import type { GatheredFacts, Snapshots } from './decide/snapshots/snapshots.ts';
import type { Chance, Clock } from './platform/clock/clock.ts';
import type { Refusal } from './platform/http/problems.ts';
import type { Asker } from './platform/identity/asker.ts';

export type Answer =
  | { readonly kind: 'act'; readonly view: ActView }
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      readonly decision: Decision | null;
      readonly actId: string | null;
    };

export type Preview =
  | { readonly kind: 'decision'; readonly decision: Decision; readonly snapshot: Snapshot }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Pipeline {
  /** Decides a new action and, when it may, runs it or hands out its permit. */
  request(asker: Asker, request: ActionRequest): Promise<Answer>;
  /** Decides an approved act again and begins it. Safe from any process, any number of times. */
  proceed(act: Act): Promise<Answer>;
  /** What would be decided, and why. Nothing is recorded or begun. */
  preview(asker: Asker, request: ActionRequest): Promise<Preview>;
}

export interface PipelineNeeds {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly snapshots: Snapshots;
  readonly actions: Actions;
  readonly running: Running;
  readonly executorsOf: (tenant: string) => Executors;
  readonly sealed: Sealed;
  readonly sha256: (text: string) => string;
  readonly issuePermit: (act: Act) => Promise<string>;
  readonly show: (act: Act, known: { readonly permit?: string; readonly result?: Json }) => Promise<ActView>;
  /** Why this process may begin nothing now (sentinel file, lost lease); null when it may. */
  readonly barred: () => Refusal | null;
  /** What becomes of a waiting act that may not begin after all. */
  readonly rejudge: Rejudge;
  /** Whether the key behind a waiting act still stands. */
  readonly stands: (asker: Asker) => Promise<boolean>;
  readonly worker: string;
}

/** An agent must start with its permit within this; a stop is quiet once the last one has run out. */
const PERMIT_START_MS = 5_000;
const DEADLINE_MS = 15 * 60_000;
/** A decision that went stale this often is given up: what it depends on is changing all the time. */
const DECISIONS = 4;
const NOTHING_DONE: Ending = {
  kind: 'cancelled',
  error: 'Stopped between its start and its effect; nothing was done.',
};

export function createPipeline(needs: PipelineNeeds): Pipeline {
  const {
    clock,
    chance,
    snapshots,
    actions,
    running,
    executorsOf,
    sealed,
    sha256,
    issuePermit,
    show,
    barred,
    rejudge,
    stands,
    worker,
  } = needs;

  async function request(asker: Asker, wanted: ActionRequest): Promise<Answer> {
    const admitted = admit(asker, wanted);
    if (admitted.kind === 'refused') return refused(admitted.refusal);
    const { action } = admitted;
    const idempotency = wanted.idempotency === null ? null : { principal: asker.id, ...wanted.idempotency };
    if (idempotency !== null) {
      const known = await actions.findIdempotent(asker.tenant, idempotency.principal, idempotency.key);
      if (known !== null) return repeated(asker.tenant, known, idempotency.digest);
    }
    const digest = sha256(actionDigestText(asker.tenant, action));
    return travel({
      asker,
      action,
      digest,
      id: chance.uuid(),
      waiting: false,
      attach: wanted.attach,
      executor: null,
      idempotency,
      compensates: wanted.compensates,
    });
  }

  async function proceed(act: Act): Promise<Answer> {
    if (act.status !== 'waiting_for_approval') return shown(act.tenant, act.id);
    const { action, asker } = await sealed.open(act);
    if (!(await stands(asker)))
      return refused(
        {
          code: 'denied',
          detail: `The key ${asker.id} that asked for this has been revoked or has expired.`,
        },
        act.decision,
        act.id,
      );
    return travel({
      asker,
      action,
      digest: act.digest,
      id: act.id,
      waiting: true,
      attach: act.runsOn === 'repeat',
      executor: null,
      idempotency: null,
      compensates: act.compensates,
    });
  }

  async function preview(asker: Asker, wanted: ActionRequest): Promise<Preview> {
    const admitted = admit(asker, wanted);
    if (admitted.kind === 'refused') return admitted;
    const digest = sha256(actionDigestText(asker.tenant, admitted.action));
    const gathered = await snapshots.gather({
      tenant: asker.tenant,
      action: admitted.action,
      digest,
      actId: null,
      asker,
    });
    if (gathered.kind === 'unavailable')
      return { kind: 'refused', refusal: { code: 'unavailable', detail: gathered.why } };
    return {
      kind: 'decision',
      decision: decide(admitted.action, gathered.snapshot),
      snapshot: gathered.snapshot,
    };
  }

  /** Decide, and decide again while act_start() finds that something has been tightened since. */
  async function travel(asked: Journey): Promise<Answer> {
    const { asker, action, digest } = asked;
    for (let attempt = 0; attempt < DECISIONS; attempt += 1) {
      const gathered = await snapshots.gather({
        tenant: asker.tenant,
        action,
        digest,
        actId: asked.waiting ? asked.id : null,
        asker,
      });
      if (gathered.kind === 'unavailable') return refused({ code: 'unavailable', detail: gathered.why });
      const { snapshot } = gathered;
      const executor =
        settingOf(snapshot.law, action.action)?.executor ?? executorsOf(asker.tenant).find(action.action);
      const journey: Journey = { ...asked, executor };
      const decision = decide(action, snapshot);
      // A waiting act begins with its approval only, also where nothing red is left of what it waited for.
      if (journey.waiting && decision.effect === 'execute' && snapshot.approval === null)
        return shown(asker.tenant, asked.id);
      const answer =
        decision.effect === 'execute'
          ? await begin(
              {
                ...journey,
                id: decision.code === 'approved' ? (gathered.approvedActId ?? journey.id) : journey.id,
              },
              decision,
              gathered,
            )
          : await standStill(journey, decision, snapshot);
      if (answer !== 'again') return answer;
    }
    return refused({
      code: 'stale',
      detail: `What this decision depends on changed ${DECISIONS} times while it was made.`,
      retryAfterMs: 1_000,
    });
  }

  /** Not to be executed: recorded as denied, as waiting with its approval, or as a dry run. */
  async function standStill(journey: Journey, decision: Decision, snapshot: Snapshot): Promise<Answer> {
    const { asker, action, id } = journey;
    const { nowMs } = snapshot;
    if (journey.waiting) {
      await rejudge(journey, decision, nowMs);
      return shown(asker.tenant, id);
    }
    if (decision.effect === 'throttle') return refused(refusalOf(decision, nowMs), decision);
    const status =
      decision.effect === 'hold'
        ? 'waiting_for_approval'
        : decision.effect === 'none'
          ? 'recorded'
          : 'denied';
    const approval =
      status === 'waiting_for_approval' ? draftApproval(journey, decision, chance.uuid(), nowMs) : null;
    const refusal = refusalOf(decision, nowMs);
    const recorded = await actions.record({
      tenant: asker.tenant,
      nowMs,
      act: draftAct(journey, decision, {
        status,
        approvalId: approval?.id ?? null,
        error: status === 'denied' ? refusal.detail : null,
      }),
      sealed: await sealed.close(asker.tenant, id, { action, asker, snapshot }),
      approval,
      attach: journey.attach,
      idempotency: status === 'denied' ? null : journey.idempotency,
      entries: [
        draftEntry(journey, `action.${status === 'waiting_for_approval' ? 'held' : status}`, decision, nowMs),
      ],
    });
    if (recorded.kind === 'duplicate')
      return repeated(asker.tenant, recorded, journey.idempotency?.digest ?? null);
    if (status === 'denied') return refused(refusal, decision, id);
    return shown(asker.tenant, recorded.kind === 'attached' ? recorded.actId : id);
  }

  /** Allowed: the start is committed first, then comes the effect, then its end (I1, I7). */
  async function begin(
    journey: Journey,
    decision: Decision,
    { snapshot, trust, slots }: GatheredFacts,
  ): Promise<Answer | 'again'> {
    const { asker, action, id, executor } = journey;
    const { law, nowMs } = snapshot;
    const setting = settingOf(law, action.action);
    const safeState = setting?.safeState ?? false;
    const bar = barFor(safeState);
    if (bar !== null) return refused(bar, decision);
    // Entered before the start commits, so that a stop confirmed right after it finds something to abort.
    const { signal, leave } = running.enter({
      actId: id,
      tenant: asker.tenant,
      action,
      agentClass: agentClassOf(law.charter, action.agent),
      safeState,
    });
    try {
      const draft = draftAct(journey, decision, {
        status: executor === null ? 'permitted' : 'executing',
        worker: executor === null ? null : worker,
        startByMs: executor === null ? nowMs + PERMIT_START_MS : null,
        deadlineMs: nowMs + (setting?.deadlineMs ?? DEADLINE_MS),
      });
      const evidence = await sealed.close(asker.tenant, id, { action, asker, snapshot });
      const started = await actions.start({
        tenant: asker.tenant,
        nowMs,
        revision: snapshot.revision,
        act: draft,
        sealed: evidence,
        startScore: law.charter.trust.start,
        slots,
        approval: decision.code === 'approved' || journey.waiting ? (snapshot.approval?.id ?? null) : null,
        idempotency: decision.code === 'approved' ? null : journey.idempotency,
        entries: [
          draftEntry(journey, executor === null ? 'action.permitted' : 'action.started', decision, nowMs),
        ],
      });
      switch (started.kind) {
        case 'stale':
          return 'again';
        case 'gone':
          return journey.waiting ? shown(asker.tenant, id) : 'again';
        case 'stopped':
          return refused(
            {
              code: 'stopped',
              detail: `Tenant ${asker.tenant} has no row any more, which counts as a stop.`,
            },
            decision,
          );
        case 'limit':
          return refused(limitRefusal(decision, started.key, nowMs), decision);
        case 'duplicate':
          return await repeated(asker.tenant, started, journey.idempotency?.digest ?? null);
        case 'started':
          break;
      }
      const act = begunAct(draft, asker.tenant, evidence, nowMs);
      if (executor === null)
        return { kind: 'act', view: await show(act, { permit: await issuePermit(act) }) };
      const isLate = signal.aborted || barFor(safeState) !== null;
      const ending = isLate
        ? NOTHING_DONE
        : await execute(executor, journey, signal, (act.deadlineMs ?? nowMs) - nowMs);
      const ended = await actions.end({
        act,
        ending,
        from: ['executing', 'unknown'],
        counts: true,
        by: `executor:${executor}`,
        settings: law.charter.trust,
        trust,
      });
      if (ended.kind === 'not_live') return await shown(asker.tenant, id);
      const error = 'error' in ending ? ending.error : null;
      const after: Act = { ...act, status: ended.status, error, trust: ended.trust, endedMs: clock.nowMs() };
      return {
        kind: 'act',
        view: await show(after, ending.kind === 'success' ? { result: ending.result } : {}),
      };
    } finally {
      leave();
    }
  }

  /** A stop does not bar the way to a safe state; a lost lease bars everything. */
  function barFor(safeState: boolean): Refusal | null {
    const bar = barred();
    return bar !== null && safeState && bar.code === 'stopped' ? null : bar;
  }

  async function execute(
    executor: string,
    { asker, action, id }: Journey,
    signal: AbortSignal,
    deadlineMs: number,
  ): Promise<Ending> {
    const traceparent =
      asker.traceId === null ? null : `00-${asker.traceId}-${asker.traceId.slice(0, 16)}-01`;
    const outcome = await executorsOf(asker.tenant).execute(executor, {
      actId: id,
      tenant: asker.tenant,
      agent: action.agent,
      action: action.action,
      parameters: action.parameters,
      idempotencyKey: id,
      signal,
      deadlineMs,
      traceparent,
    });
    if (outcome.kind === 'failed') return { kind: 'failed', error: outcome.error, costMicroUsd: null };
    return outcome.kind === 'cancelled' ? { kind: 'cancelled', error: 'Aborted while it ran.' } : outcome;
  }

  /** The same request again: its act as it stands now. */
  async function repeated(
    tenant: string,
    known: { readonly actId: string; readonly digest: string },
    digest: string | null,
  ): Promise<Answer> {
    if (known.digest !== digest)
      return refused({
        code: 'idempotency_mismatch',
        detail: 'This Idempotency-Key was used for another request in the last 7 days.',
      });
    const act = await actions.find(tenant, known.actId);
    if (act?.status === 'executing')
      return refused(
        {
          code: 'in_flight',
          detail: `Act ${act.id} of the same request is still running.`,
          retryAfterMs: 1_000,
        },
        act.decision,
        act.id,
      );
    // The answer that carried the permit may have been lost; the same permit again starts nothing twice.
    if (act?.status === 'permitted' && (act.startByMs ?? 0) > clock.nowMs())
      return { kind: 'act', view: await show(act, { permit: await issuePermit(act) }) };
    return shown(tenant, known.actId);
  }

  async function shown(tenant: string, id: string): Promise<Answer> {
    const act = await actions.find(tenant, id);
    return act === null
      ? refused({ code: 'not_found', detail: `There is no act ${id}.` })
      : { kind: 'act', view: await show(act, {}) };
  }

  return { request, proceed, preview };
}

function refused(refusal: Refusal, decision: Decision | null = null, actId: string | null = null): Answer {
  return { kind: 'refused', refusal, decision, actId };
}
