// What we do once allowed: the road itself, and what begins and ends acts on it.
import { redactText } from '@mandate/kernel';
import type { Json } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { createActions } from '../act/actions/actions.ts';
import type { Act } from '../act/actions/act.ts';
import { createAnswers } from '../act/actions/answers.ts';
import { createBegin } from '../act/actions/begin.ts';
import { createStandStill } from '../act/actions/stand-still.ts';
import { createLease } from '../act/actions/lease.ts';
import { createOutcomes } from '../act/actions/outcomes.ts';
import { findAct } from '../act/actions/queries.ts';
import { createNoteRefusal } from '../act/actions/note-refusal.ts';
import { createRejudge } from '../act/actions/rejudge.ts';
import { createRunning } from '../act/actions/running.ts';
import { createSealed } from '../act/actions/sealed.ts';
import { createUpkeep } from '../act/actions/upkeep.ts';
import { viewOf } from '../act/actions/view.ts';
import type { ActView } from '../act/actions/view.ts';
import { createWaiting } from '../act/actions/waiting.ts';
import type { Sentinel } from '../decide/restrictions/sentinel.ts';
import { createPipeline } from '../pipeline.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import { createSeals } from '../platform/crypto/seal.ts';
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
  const { snapshots, executors, approvals, activeLaw, trustSettings } = judgement;

  const seals = createSeals({ store, masterKeys, chance, clock });
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
  const actions = createActions({ store, clock, chance, seal, redactText, ended: waiting.ended });
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
    known: { readonly permit?: string; readonly result?: Json },
  ): Promise<ActView> {
    const approval =
      act.status === 'waiting_for_approval' && act.approvalId !== null
        ? await approvals.find(act.tenant, act.approvalId)
        : null;
    const result = act.status !== 'success' ? undefined : (known.result ?? (await sealed.openResult(act)));
    return viewOf(act, {
      ...(result === undefined ? {} : { result }),
      ...(known.permit === undefined ? {} : { permit: known.permit }),
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
              url: `${publicUrl()}/api/v1/approvals/${approval.id}`,
            },
          }),
    });
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
    findIdempotent: actions.findIdempotent,
    executorOf: (tenant, action) => executors.of(tenant).find(action),
    stands,
    sha256: sha256Hex,
    uuid: chance.uuid,
  });
  return {
    pipeline,
    running,
    waiting,
    lease,
    show,
    outcomes: createOutcomes({
      store,
      clock,
      actions,
      running,
      readPermit: permits.verify,
      lawOf: activeLaw,
      writeEntry,
    }),
    upkeep: createUpkeep({
      store,
      clock,
      actions,
      proceed: pipeline.proceed,
      trustSettings,
      failed,
      writeEntry,
    }),
  };
}
