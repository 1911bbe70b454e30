// An act whose process died in the middle has begun, and nobody knows how far it came. Only where the charter says that
// doing it twice under one key is doing it once is it run again, by a process that lives, after being decided again.
// Everything else becomes `unknown` and waits for a person (I7).
import { agentClassOf, canonicalJson, decide, settingOf } from '@mandate/kernel';
import type { Action, GivenApproval, Law, Snapshot } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Sql } from '../../platform/postgres/store.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Act } from './act.ts';
import type { Actions, Ending } from './actions.ts';
import type { Run, RunOutcome } from './begin.ts';
import type { Running } from './running.ts';
import type { Sealed } from './sealed.ts';
import { untilWritten } from './until-written.ts';

/** `taken`: it runs here. `later`: not now, for a reason that passes. `no`: it is not to be run again. */
export type TakeOver = (act: Act) => Promise<'taken' | 'later' | 'no'>;

export interface TakeOverNeeds {
  readonly db: Sql;
  readonly clock: Clock;
  readonly actions: Actions;
  readonly running: Running;
  readonly sealed: Sealed;
  readonly worker: string;
  /** Why nothing begins in this process just now; null when it may. */
  readonly barred: () => Refusal | null;
  readonly isHeld: () => boolean;
  readonly lawOf: (tenant: string) => Promise<Law | null>;
  readonly stands: (asker: Asker) => Promise<boolean>;
  /** The facts of now, for an action that has been asked for already. */
  readonly snapshotOf: (asker: Asker, action: Action, digest: string) => Promise<Snapshot | null>;
  readonly execute: (executor: string, run: Run) => Promise<RunOutcome>;
  readonly failed: (error: unknown, what: string) => void;
}

const WRITE_END_MS = 60_000;
const NOT_AGAIN: RunOutcome = {
  kind: 'unknown',
  error: 'The process that ran it died, and whoever took it over was stopped before running it again.',
};

export function createTakeOver(needs: TakeOverNeeds): TakeOver {
  const { clock, actions, running, sealed, worker } = needs;

  return async (act) => {
    const { executor, deadlineMs, worker: from, tenant } = act;
    if (act.status !== 'executing' || executor === null || from === null || from === worker) return 'no';
    if ((deadlineMs ?? 0) <= clock.nowMs()) return 'no';
    const law = await needs.lawOf(tenant);
    if (law === null) return 'later';
    if (settingOf(law, act.action)?.idempotent !== true) return 'no';
    const { action, asker, facts } = await sealed.open(act);
    if (!(await needs.stands(asker))) return 'no';
    const snapshot = await needs.snapshotOf(asker, action, act.digest);
    const safeState = settingOf(law, act.action)?.safeState ?? false;
    if (snapshot === null || isBarred(safeState)) return 'later';
    // What people gave for this act is used, and still holds for it: as far as the law of now asks for no more.
    const approval = usedFor(act, facts.approval);
    if (decide(action, { ...snapshot, approval }).effect !== 'execute') return 'no';
    const agentClass = agentClassOf(law.charter, act.agent);
    const { signal, leave } = running.enter({ actId: act.id, tenant, action, agentClass, safeState });
    let isRunning = false;
    try {
      if ((await take(act, from, snapshot)) !== 'taken') return 'later';
      isRunning = true;
      void finish({ act, executor, action, signal, snapshot, safeState })
        .catch((error: unknown) => needs.failed(error, `the act ${act.id}, taken over, could not be ended`))
        .finally(leave);
      return 'taken';
    } finally {
      if (!isRunning) leave();
    }
  };

  /** A stop does not bar the way to a safe state; a lost lease bars everything. */
  function isBarred(safeState: boolean): boolean {
    const bar = needs.barred();
    return bar !== null && !(safeState && bar.code === 'stopped');
  }

  async function take(act: Act, from: string, { revision, nowMs }: Snapshot): Promise<string> {
    const entry = {
      kind: 'action.taken_over',
      agent: act.agent,
      actId: act.id,
      actor: 'mandate:upkeep',
      atMs: nowMs,
      traceId: act.traceId,
      data: canonicalJson({ action: act.action, from, by: worker }),
    };
    const [row] = await needs.db<{ answer: string }[]>`
      select mandate.act_take_over(${act.tenant}, ${new Date(nowMs)}, ${revision}, ${act.id}, ${from}, ${worker}, ${jsonb(needs.db, [entry])}) as answer`;
    return row?.answer ?? 'gone';
  }

  interface Taken {
    readonly act: Act;
    readonly executor: string;
    readonly action: Action;
    readonly signal: AbortSignal;
    readonly snapshot: Snapshot;
    readonly safeState: boolean;
  }

  async function run({ act, executor, action, signal, safeState }: Taken): Promise<RunOutcome> {
    // A stop may have come while it was taken over.
    if (signal.aborted || isBarred(safeState)) return NOT_AGAIN;
    return needs.execute(executor, {
      actId: act.id,
      tenant: act.tenant,
      agent: action.agent,
      action: action.action,
      parameters: action.parameters,
      idempotencyKey: act.id,
      signal,
      deadlineMs: Math.max(1, (act.deadlineMs ?? 0) - clock.nowMs()),
      traceparent: null,
    });
  }

  async function finish(taken: Taken): Promise<void> {
    const { act, executor, snapshot } = taken;
    const outcome = await run(taken);
    const giveUpMs = clock.monotonicMs() + WRITE_END_MS;
    await untilWritten(
      () =>
        actions.end({
          act,
          ending: endingOf(outcome, act),
          from: ['executing', 'unknown'],
          counts: true,
          by: `executor:${executor}`,
          settings: snapshot.law.charter.trust,
          trust: null,
        }),
      {
        clock,
        isHeld: () => needs.isHeld() && clock.monotonicMs() < giveUpMs,
        failed: (error) =>
          needs.failed(error, `the end of the act ${act.id} could not be written; it is tried again`),
      },
    );
  }
}

/** The approval that it began with. */
function usedFor({ approvalId }: Act, given: GivenApproval | null): GivenApproval | null {
  return given !== null && given.id === approvalId ? given : null;
}

function endingOf(outcome: RunOutcome, act: Act): Ending {
  switch (outcome.kind) {
    case 'success':
    case 'unknown':
      return outcome;
    case 'failed':
      return { kind: 'failed', error: outcome.error, costMicroUsd: null };
    case 'cancelled':
      return { kind: 'cancelled', error: 'Aborted while it ran.', costMicroUsd: act.costMicroUsd };
  }
}
