// What we do once allowed: the road itself, and what begins and ends acts on it.
import { redactText } from '@mandate/kernel';
import { actionDigestText } from '@mandate/kernel';
import type { Json, JsonObject } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { createActions } from '../act/actions/actions.ts';
import type { Act, ActStatus } from '../act/actions/act.ts';
import type { EndingAct } from '../act/actions/actions.ts';
import { createAnswers } from '../act/actions/answers.ts';
import { createBegin } from '../act/actions/begin.ts';
import { createEdit } from '../act/actions/edit.ts';
import { createStandStill } from '../act/actions/stand-still.ts';
import { createLease } from '../act/actions/lease.ts';
import { createOutcomes } from '../act/actions/outcomes.ts';
import { findAct } from '../act/actions/queries.ts';
import { createNoteRefusal } from '../act/actions/note-refusal.ts';
import { createRejudge } from '../act/actions/rejudge.ts';
import { createRunning } from '../act/actions/running.ts';
import { createSealed } from '../act/actions/sealed.ts';
import { createResolve } from '../act/actions/resolve.ts';
import { createTakeOver } from '../act/actions/take-over.ts';
import { createUpkeep } from '../act/actions/upkeep.ts';
import { viewOf } from '../act/actions/view.ts';
import type { ActView } from '../act/actions/view.ts';
import { createWaiting } from '../act/actions/waiting.ts';
import { hasFailedBefore } from '../act/workflows/earlier-failure.ts';
import { actReplaced } from '../act/workflows/replaced-act.ts';
import { isHeldBack } from '../act/workflows/store.ts';
import type { Approval } from '../decide/approvals/approval.ts';
import { createApprovalLinks } from '../decide/approvals/link.ts';
import { createSignatures } from '../decide/approvals/remember.ts';
import { createBarrier } from '../decide/restrictions/barrier.ts';
import type { Sentinel } from '../decide/restrictions/sentinel.ts';
import { createPipeline } from '../pipeline.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import type { Refusal } from '../platform/http/problems.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { Authority } from './authority.ts';
import type { Judgement } from './judgement.ts';

export interface ExecutionNeeds {
  readonly infrastructure: Infrastructure;
  readonly authority: Authority;
  readonly judgement: Judgement;
  readonly sentinel: Sentinel;
  /** Where people reach this server; known for certain only once it listens. */
  readonly publicUrl: () => string;
  /** The main loop has turned. */
  readonly turned: () => void;
}

export type Execution = ReturnType<typeof buildExecution>;

/** Nothing happens to these any more. */
const OVER: ReadonlySet<string> = new Set([
  'success',
  'failed',
  'denied',
  'cancelled',
  'expired',
  'unknown',
  'recorded',
]);

export function buildExecution({
  infrastructure,
  authority,
  judgement,
  sentinel,
  publicUrl,
  turned,
}: ExecutionNeeds) {
  const { clock, chance, log, masterKeys, store } = infrastructure;
  const { permits, stands } = authority;
  const { snapshots, executors, approvals, activeLaw, trustSettings, trials, seals, lookback } = judgement;

  const seal = async (tenant: string, value: unknown, purpose: string): Promise<Uint8Array> =>
    (await seals.of(tenant)).sealJson(purpose, value);
  const unseal = async (tenant: string, sealed: Uint8Array, purpose: string): Promise<unknown> =>
    JSON.parse((await seals.open(tenant, purpose, sealed)).toString('utf8'));
  const sealed = createSealed({ seal, unseal });
  const running = createRunning();
  const waiting = createWaiting({
    clock,
    isOver: async (tenant, actId) => isOver(await findAct(store, tenant, actId)),
  });
  const endings: ((act: EndingAct, status: ActStatus) => void)[] = [];
  const actions = createActions({
    store,
    clock,
    chance,
    seal,
    redactText,
    settleFreeze: createBarrier(store.control),
    unsettled: (frozen) =>
      log.error(
        frozen,
        'an agent was frozen for its failures, but hung sessions kept the barrier: an act that was decided before may still begin. Stop the tenant, or end those sessions',
      ),
    hasFailedBefore: (act) => hasFailedBefore(store, act),
    ended(act, status) {
      waiting.ended(act.tenant, act.id);
      for (const tell of endings) tell(act, status);
    },
  });
  const lease = createLease({
    db: store.control,
    clock,
    chance,
    turned,
    // Others take the acts of a process without a lease for lost: it may not go on with them.
    lapsed: () => running.abortWhere(() => true, 'This process has lost its lease.'),
    lost: (error) =>
      log.warn({ err: error }, 'the heartbeat did not get through; nothing new begins until it does'),
  });

  /** Also once an approved act waits for its agent to fetch the permit: then it is the agent's turn. */
  async function isOver(act: Act | null): Promise<boolean> {
    if (act === null || OVER.has(act.status)) return true;
    if (act.status !== 'waiting_for_approval' || act.runsOn !== 'permit' || act.approvalId === null)
      return false;
    return (await approvals.find(act.tenant, act.approvalId))?.status === 'approved';
  }

  async function show(
    act: Act,
    known: {
      readonly permit?: string;
      readonly result?: Json;
      readonly run?: { readonly parameters: JsonObject };
    },
  ): Promise<ActView> {
    const approval =
      act.status === 'waiting_for_approval' && act.approvalId !== null
        ? await approvals.find(act.tenant, act.approvalId)
        : null;
    const result = act.status !== 'success' ? undefined : (known.result ?? (await sealed.openResult(act)));
    return viewOf(act, {
      ...(result === undefined ? {} : { result }),
      ...(known.permit === undefined ? {} : { permit: known.permit }),
      ...(known.run === undefined ? {} : { run: known.run }),
      ...(await replacementOf(act)),
      ...(act.status === 'permitted' && act.startByMs !== null
        ? { startWithinMs: Math.max(0, act.startByMs - clock.nowMs()) }
        : {}),
      ...(approval === null
        ? {}
        : {
            approval: {
              id: approval.id,
              digest: approval.digest,
              expiresAt: approval.expiresAt,
              requiredRoles: approval.requiredRoles,
              url: `${publicUrl()}/approvals/${approval.id}`,
            },
          }),
    });
  }

  /** What an approver made of an act that ended for it. */
  async function replacementOf({ status, tenant, approvalId }: Act): Promise<{ replacedBy?: string }> {
    if (status !== 'cancelled' || approvalId === null) return {};
    const replacedBy = (await approvals.find(tenant, approvalId))?.replacedBy ?? null;
    const actId = replacedBy === null ? null : ((await approvals.find(tenant, replacedBy))?.actId ?? null);
    return actId === null ? {} : { replacedBy: actId };
  }

  function barred(): Refusal | null {
    if (sentinel.isStopped()) return { code: 'stopped', detail: 'The file STOP is in the data directory.' };
    if (lease.isHeld()) return null;
    return {
      code: 'unavailable',
      detail: 'This process has lost its lease and begins nothing until its heartbeat gets through again.',
      retryAfterMs: 1_000,
    };
  }

  const issuePermit = ({ id, tenant, agent, digest, startByMs, deadlineMs }: Act): string =>
    permits.sign({
      actId: id,
      tenant,
      agent,
      digest,
      startByMs: startByMs ?? 0,
      deadlineMs: deadlineMs ?? 0,
    });
  const failed = (error: unknown, what: string): void => log.error({ err: error }, what);
  const noteRefusal = createNoteRefusal({
    store,
    clock,
    writeEntry,
    failed: (error) =>
      log.warn({ err: error }, 'a refusal could not be put on record; it stands all the same'),
  });
  const answers = createAnswers({ clock, find: actions.find, show, issuePermit });
  const pipeline = createPipeline({
    snapshots,
    answers,
    sealed,
    begin: createBegin({
      clock,
      actions,
      answers,
      running,
      sealed,
      show,
      issuePermit,
      barred,
      execute: (executor, run) => executors.of(run.tenant).execute(executor, run),
      worker: lease.worker,
      isHeld: lease.isHeld,
      noteRefusal,
      failed,
    }),
    standStill: createStandStill({
      actions,
      answers,
      sealed,
      rejudge: createRejudge({ store, uuid: chance.uuid, writeEntry }),
      uuid: chance.uuid,
      noteRefusal,
    }),
    noteRefusal,
    signaturesOf: createSignatures(store),
    decided: trials.observer.observe,
    remember: lookback.history.remember,
    findIdempotent: actions.findIdempotent,
    executorOf: (tenant, action) => executors.of(tenant).find(action),
    stands,
    sha256: sha256Hex,
    uuid: chance.uuid,
  });
  // The step of a run that has been paused or is being ended begins no more because of an approval. The start itself asks
  // again under the run's lock; asked here too, what is held back is not decided anew every second.
  const proceed: typeof pipeline.proceed = async (act) =>
    (await isHeldBack(store, act.tenant, act.id)) ? answers.shown(act.tenant, act.id) : pipeline.proceed(act);
  return {
    pipeline,
    proceed,
    running,
    waiting,
    lease,
    /** Called after each act that has ended in this process; it must answer at once. */
    onEnd: (tell: (act: EndingAct, status: ActStatus) => void): void => void endings.push(tell),
    show,
    seal,
    unseal,
    resolve: createResolve({ actions, lawOf: activeLaw }),
    links: createApprovalLinks({ masterKeys, publicUrl }),
    edits: createEdit<Approval>({
      store,
      clock,
      sealed,
      findAct: actions.find,
      findApproval: approvals.find,
      gather: snapshots.gather,
      digestOf: (tenant, action) => sha256Hex(actionDigestText(tenant, action)),
      executorOf: (tenant, action) => executors.of(tenant).find(action),
      stands,
      settingsOf: approvals.settingsOf,
      voteIn: approvals.voteIn,
      refusalIn: approvals.refusalIn,
      noteEditIn: approvals.noteEditIn,
      replaced: actReplaced,
      uuid: chance.uuid,
      writeEntry,
    }),
    outcomes: createOutcomes({
      store,
      clock,
      actions,
      running,
      readPermit: permits.verify,
      lawOf: activeLaw,
      sealed,
      writeEntry,
    }),
    upkeep: createUpkeep({
      store,
      clock,
      actions,
      proceed,
      takeOver: createTakeOver({
        db: store.app,
        clock,
        actions,
        running,
        sealed,
        worker: lease.worker,
        barred,
        isHeld: lease.isHeld,
        lawOf: activeLaw,
        stands,
        async snapshotOf(asker, action, digest) {
          const gathered = await snapshots.gather({
            tenant: asker.tenant,
            asker,
            action,
            resourceIs: 'claimed',
            digestOf: () => digest,
            actId: null,
          });
          return gathered.kind === 'gathered' ? gathered.snapshot : null;
        },
        execute: (executor, run) => executors.of(run.tenant).execute(executor, run),
        failed,
      }),
      trustSettings,
      failed,
      writeEntry,
    }),
  };
}
