// Allowed: the start is committed first, then comes the effect, then its end (I1, I7). Nothing else in the product
// begins a side effect.
import { agentClassOf, settingOf } from '@mandate/kernel';
import type { Action, Decision, Json, JsonObject, Snapshot } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { NewEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Act, NewAct } from './act.ts';
import type { Actions, Ending } from './actions.ts';
import { refused } from './answers.ts';
import type { Answer, Answers, Show } from './answers.ts';
import { begunAct, draftAct, draftEntry } from './draft.ts';
import type { Journey } from './draft.ts';
import type { NoteRefusal } from './note-refusal.ts';
import { compensatedRefusal, limitRefusal } from './refusals.ts';
import type { Running } from './running.ts';
import type { Sealed } from './sealed.ts';
import type { StartAnswer, StoredTrust } from './store.ts';
import { untilWritten } from './until-written.ts';

/** What the start needs to know beside the decision. */
export interface BeginFacts {
  readonly snapshot: Snapshot;
  readonly trust: StoredTrust | null;
  /** How many distinct agents may be at work at once. */
  readonly slots: number | null;
}

/** One act on its way to the executor. */
export interface Run {
  readonly actId: string;
  readonly tenant: string;
  readonly agent: string;
  readonly action: string;
  readonly parameters: JsonObject;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly traceparent: string | null;
}

export type RunOutcome =
  | { readonly kind: 'success'; readonly result: Json; readonly costMicroUsd: number | null }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'unknown'; readonly error: string };

export interface BeginNeeds {
  readonly clock: Clock;
  readonly actions: Actions;
  readonly answers: Answers;
  readonly running: Running;
  readonly sealed: Sealed;
  readonly show: Show;
  readonly issuePermit: (act: Act) => string;
  /** Why this process may begin nothing now (sentinel file, lost lease); null when it may. */
  readonly barred: () => Refusal | null;
  /** Whether this process may still speak for what it executes. */
  readonly isHeld: () => boolean;
  /** Hands an act to its executor. Never rejects. */
  readonly execute: (executor: string, run: Run) => Promise<RunOutcome>;
  readonly worker: string;
  readonly noteRefusal: NoteRefusal;
  /** Told of whatever went wrong after the start, when the caller can only be told that the act began. */
  readonly failed: (error: unknown, what: string) => void;
}

/** 'again': what the decision depended on has been tightened since, so it has to be made again. */
export type Begin = (journey: Journey, decision: Decision, facts: BeginFacts) => Promise<Answer | 'again'>;

/** An agent must start with its permit within this; a stop is quiet once the last one has run out. */
const PERMIT_START_MS = 5_000;
const DEADLINE_MS = 15 * 60_000;
/** Longer than any lock or failover that passes; after it the sweep ends the act as `unknown`. */
const WRITE_END_MS = 60_000;
const NOTHING_DONE: Ending = {
  kind: 'cancelled',
  error: 'Stopped between its start and its effect; nothing was done.',
  costMicroUsd: 0,
};

export function createBegin(needs: BeginNeeds): Begin {
  const { actions, answers, running, sealed, show, issuePermit, worker } = needs;

  return async (journey, decision, facts) => {
    const { asker, action, id, executor } = journey;
    const { law, nowMs } = facts.snapshot;
    const setting = settingOf(law, action.action);
    const safeState = setting?.safeState ?? false;
    const bar = barFor(safeState);
    if (bar !== null) {
      // Not waited for: the database may be what bars the way, and a refusal owes nobody a wait for it.
      void note(journey, bar);
      return refused(bar, decision);
    }
    const agentClass = agentClassOf(law.charter, action.agent);
    // Entered before the start commits, so that a stop confirmed right after it finds something to abort.
    const { signal, leave } = running.enter({
      actId: id,
      tenant: asker.tenant,
      action,
      agentClass,
      safeState,
    });
    try {
      const draft = draftAct(journey, decision, {
        ...(executor === null
          ? { status: 'permitted', worker: null, startByMs: nowMs + PERMIT_START_MS }
          : { status: 'executing', worker }),
        deadlineMs: nowMs + (setting?.deadlineMs ?? DEADLINE_MS),
      });
      const evidence = await sealed.close(asker.tenant, id, { action, asker, snapshot: facts.snapshot });
      const started = await actions.start(startCall(journey, decision, facts, { draft, evidence }));
      if (started.kind !== 'started') return notStarted(started, journey, decision, nowMs);
      const act = begunAct(draft, asker.tenant, evidence, nowMs);
      try {
        if (executor === null) {
          // An approver may have changed what was asked for: the agent is told what it may run, and no more.
          const run = journey.waiting ? { run: { parameters: action.parameters } } : {};
          return { kind: 'act', view: await show(act, { permit: issuePermit(act), ...run }) };
        }
        const isLate = signal.aborted || barFor(safeState) !== null;
        return await end(act, isLate ? NOTHING_DONE : await execute(executor, act, journey, signal), facts);
      } catch (error) {
        // It has begun: an answer that sounds as if nothing had happened would have it done twice.
        needs.failed(error, `the answer about the act ${id}, which has begun, could not be given`);
        return begunOnly(act);
      }
    } finally {
      leave();
    }
  };

  /** A stop does not bar the way to a safe state; a lost lease bars everything. */
  function barFor(safeState: boolean): Refusal | null {
    const bar = needs.barred();
    return bar !== null && safeState && bar.code === 'stopped' ? null : bar;
  }

  /** An approved act that waits is tried again every second; only what somebody asked for is noted. */
  async function note({ asker, action, waiting }: Journey, refusal: Refusal): Promise<void> {
    if (waiting) return;
    const { agent } = action;
    await needs.noteRefusal({ asker, agent, isAdmitted: true, action: action.action, refusal });
  }

  async function notStarted(
    started: Exclude<StartAnswer, { kind: 'started' }>,
    journey: Journey,
    decision: Decision,
    nowMs: number,
  ): Promise<Answer | 'again'> {
    const { tenant } = journey.asker;
    switch (started.kind) {
      case 'stale':
        return 'again';
      case 'gone':
        return journey.waiting ? answers.shown(tenant, journey.id) : 'again';
      case 'stopped':
        return refused(
          { code: 'stopped', detail: `Tenant ${tenant} has no row any more, which counts as a stop.` },
          decision,
        );
      case 'limit': {
        const refusal = limitRefusal(decision, started.key, nowMs);
        await note(journey, refusal);
        return refused(refusal, decision);
      }
      case 'compensated':
        return refused(compensatedRefusal(journey.compensates), decision);
      case 'duplicate':
        return answers.repeated(tenant, started, journey.idempotency);
    }
  }

  async function execute(executor: string, act: Act, journey: Journey, signal: AbortSignal): Promise<Ending> {
    const { asker, action } = journey;
    const outcome = await needs.execute(executor, {
      ...runOf(action),
      actId: act.id,
      tenant: act.tenant,
      idempotencyKey: act.id,
      signal,
      deadlineMs: (act.deadlineMs ?? act.createdMs) - (act.startedMs ?? act.createdMs),
      traceparent: asker.traceId === null ? null : `00-${asker.traceId}-${asker.traceId.slice(0, 16)}-01`,
    });
    if (outcome.kind === 'failed') return { kind: 'failed', error: outcome.error, costMicroUsd: null };
    // What was broken off may have cost what it was to cost; only what never began gives its reservation back.
    return outcome.kind === 'cancelled'
      ? { kind: 'cancelled', error: 'Aborted while it ran.', costMicroUsd: act.costMicroUsd }
      : outcome;
  }

  async function end(act: Act, ending: Ending, { snapshot, trust }: BeginFacts): Promise<Answer> {
    const giveUpMs = needs.clock.monotonicMs() + WRITE_END_MS;
    const ended = await untilWritten(
      () =>
        actions.end({
          act,
          ending,
          // A late but certain outcome of our own still resolves what others took for lost.
          from: ['executing', 'unknown'],
          counts: true,
          by: `executor:${act.executor ?? ''}`,
          settings: snapshot.law.charter.trust,
          trust,
        }),
      {
        clock: needs.clock,
        isHeld: () => needs.isHeld() && needs.clock.monotonicMs() < giveUpMs,
        failed: (error) =>
          needs.failed(error, `the end of the act ${act.id} could not be written; it is tried again`),
      },
    );
    if (ended === null) return begunOnly(act);
    if (ended.kind === 'not_live') return answers.shown(act.tenant, act.id);
    const error = 'error' in ending ? ending.error : null;
    const after: Act = {
      ...act,
      status: ended.status,
      error,
      trust: ended.trust,
      endedMs: needs.clock.nowMs(),
    };
    return {
      kind: 'act',
      view: await show(after, ending.kind === 'success' ? { result: ending.result } : {}),
    };
  }
}

/** The act began, and this process cannot say how it stands on record. */
function begunOnly(act: Act): Answer {
  const detail = `Act ${act.id} has begun; how it ended is not on record yet. Look at it before doing it again.`;
  return refused({ code: 'in_flight', detail, retryAfterMs: 1_000 }, act.decision, act.id);
}

function startCall(
  journey: Journey,
  decision: Decision,
  { snapshot, slots }: BeginFacts,
  { draft, evidence }: { readonly draft: NewAct; readonly evidence: Uint8Array },
) {
  const { asker, waiting } = journey;
  const isApproved = decision.code === 'approved';
  const kind = draft.status === 'permitted' ? 'action.permitted' : 'action.started';
  return {
    tenant: asker.tenant,
    nowMs: snapshot.nowMs,
    revision: snapshot.revision,
    act: draft,
    sealed: evidence,
    startScore: snapshot.law.charter.trust.start,
    slots,
    approval: isApproved || waiting ? (snapshot.approval?.id ?? null) : null,
    // Also where it uses an approval: this key has begun the act, and must not begin another one afterwards.
    idempotency: journey.idempotency,
    entries: [
      draftEntry(journey, kind, decision, snapshot.nowMs),
      ...usedGrant(journey, decision, snapshot.nowMs),
    ],
  };
}

/** Every use of what people let run again stands in the journal, beside the start that it allowed. */
function usedGrant(journey: Journey, { signature, causes }: Decision, nowMs: number): readonly NewEntry[] {
  if (signature === undefined) return [];
  const { asker, action, id, digest } = journey;
  const data = { grant: signature, action: action.action, digest, causes };
  return [
    {
      kind: 'grant.used',
      agent: action.agent,
      actId: id,
      actor: asker.id,
      atMs: nowMs,
      traceId: asker.traceId,
      data,
    },
  ];
}

function runOf(action: Action): Pick<Run, 'agent' | 'action' | 'parameters'> {
  return { agent: action.agent, action: action.action, parameters: action.parameters };
}
