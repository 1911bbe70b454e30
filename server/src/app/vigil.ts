// What goes on without being asked: stops reach what runs here, approved acts begin, lost ones end, and the process
// says whether it is fit to decide.
import { scopeCovers } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import type { Check } from '../api/http/open-paths.ts';
import type { Sentinel } from '../decide/restrictions/sentinel.ts';
import type { Execution } from './execution.ts';
import type { Judgement } from './judgement.ts';

export interface VigilNeeds {
  readonly infrastructure: Infrastructure;
  readonly judgement: Judgement;
  readonly execution: Execution;
  readonly closing: AbortSignal;
}

export interface Vigil {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The file STOP came first, perhaps because nothing else worked: now it also becomes a stop on record. */
  takeOver(sentinel: Sentinel): void;
  /** Whether a stop of level seal locks the keys of this tenant: only who may resume still gets in. */
  isSealed(tenant: string): boolean;
  checks(): Promise<readonly Check[]>;
}

const UPKEEP_MS = 1_000;
const PRUNE_MS = 3_600_000;
const SEQUENCER_LAG_S = 5;

export function keepVigil({ infrastructure, judgement, execution, closing }: VigilNeeds): Vigil {
  const { config, clock, log, store } = infrastructure;
  const { stops, activeLaw } = judgement;
  const { running, upkeep, lease } = execution;
  let cancelTimer: () => void = () => undefined;
  let unlisten: () => Promise<void> = () => Promise.resolve();
  let sealed: ReadonlySet<string> = new Set();
  let unrecorded: Sentinel | null = null;
  let prunedMs = clock.monotonicMs();

  /** What nobody waits for must not end the process when the database is away: least of all a stop. */
  function inBackground(work: () => Promise<unknown>, failed: string): void {
    work().catch((error: unknown) => {
      if (!closing.aborted) log.error({ err: error }, failed);
    });
  }

  /** A stop or a freeze must reach what runs here, whoever ordered it and in whatever process. */
  async function obeyStops(): Promise<void> {
    const standing = await store.control<
      { tenant: string; scope: string; kind: 'stop' | 'freeze'; level: string | null; cause: string }[]
    >`
      select tenant, scope, kind, level, cause from mandate.restriction
      where lifted_at is null and (until_at is null or until_at > ${new Date(clock.nowMs())})
        and (kind = 'freeze' or (kind = 'stop' and level in ('stop', 'seal')))`;
    sealed = new Set(standing.filter((stop) => stop.level === 'seal').map((stop) => stop.tenant));
    for (const stop of standing) {
      running.abortWhere(
        (act) => (stop.tenant === '*' || stop.tenant === act.tenant) && scopeCovers(stop.scope, act),
        `${stop.kind === 'freeze' ? 'Frozen' : 'Stopped'}: ${stop.cause}`,
      );
    }
  }

  /** Tried again by upkeep until it is on record: whoever lifts the file must find the stop it stood for. */
  async function recordSentinel(): Promise<void> {
    const sentinel = unrecorded;
    if (sentinel === null || !sentinel.isStopped()) return;
    unrecorded = null;
    try {
      const note = await sentinel.read();
      await stops.stop({
        tenant: '*',
        scope: 'global',
        level: 'stop',
        reason: note.reason,
        by: note.by,
        traceId: null,
      });
    } catch (error) {
      unrecorded = sentinel;
      throw error;
    }
  }

  async function keepUp(): Promise<void> {
    try {
      await obeyStops();
      await recordSentinel();
      // Not awaited: an approved act may run for minutes, and until it ends no stop would be looked for and nothing swept.
      inBackground(upkeep.runApproved, 'approved acts could not be looked for; they are in a second');
      await upkeep.sweep();
      await judgement.approvals.sweep();
      if (clock.monotonicMs() - prunedMs > PRUNE_MS) {
        prunedMs = clock.monotonicMs();
        await upkeep.prune();
        await judgement.lookback.history.prune();
        await judgement.drift();
      }
    } catch (error) {
      if (!closing.aborted)
        log.error({ err: error }, 'upkeep did not get through; it is tried again in a second');
    }
    if (!closing.aborted) cancelTimer = clock.after(UPKEEP_MS, () => void keepUp());
  }

  return {
    async start() {
      await obeyStops();
      const listeners = await Promise.all([
        store.control.listen('mandate_revision', () =>
          inBackground(obeyStops, 'stops could not be looked for; they are in a second'),
        ),
        store.control.listen('mandate_approved', () =>
          inBackground(upkeep.runApproved, 'approved acts could not be looked for; they are in a second'),
        ),
      ]);
      unlisten = async () => void (await Promise.all(listeners.map((listener) => listener.unlisten())));
      void keepUp();
    },
    stop() {
      cancelTimer();
      return unlisten();
    },
    isSealed: (tenant) => sealed.has(tenant) || sealed.has('*'),
    takeOver(sentinel) {
      running.abortWhere(() => true, 'Stopped by the file STOP in the data directory.');
      unrecorded = sentinel;
      inBackground(
        recordSentinel,
        'the file STOP could not be put on record as a stop yet; this process obeys the file all the same',
      );
    },
    checks: () =>
      Promise.all([
        check('postgres', async () => (await store.app`select 1`, 'answers')),
        check(
          'charter',
          async () =>
            (await activeLaw(config.tenant))?.version ?? fail('this process cannot read the active charter'),
        ),
        check('worker', () => Promise.resolve(lease.isHeld() ? 'lease held' : fail('the lease is lost'))),
        check('sequencer', async () => {
          const [row] = await store.sequencer<{ age: number | null }[]>`
            select extract(epoch from now() - min(at))::double precision as age from mandate.journal where position is null`;
          const age = row?.age ?? 0;
          return age < SEQUENCER_LAG_S
            ? 'up to date'
            : fail(`the oldest entry without a position is ${age} s old`);
        }),
      ]),
  };
}

async function check(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : 'failed' };
  }
}

function fail(why: string): never {
  throw new Error(why);
}
