// Acts begin and end here. The kernel says how trust moves; act_finish() takes its result only for the state that
// it was computed from, so that the law stays in one place and is still exact under any concurrency.
import { driftTrust, moveTrust, trustLevel } from '@mandate/kernel';
import type { Decision, Json, JsonObject, Severity, TrustSettings } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { NewEntry } from '../../platform/events/entry.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { Act, ActStatus, KnownKey } from './act.ts';
import { finishAct, recordAct, recordAskedAct, startAct } from './store.ts';
import type { RecordAnswer, RecordCall, StartAnswer, StartCall, StoredTrust } from './store.ts';
import { findAct, findIdempotent, readTrust } from './queries.ts';

export type Ending =
  | { readonly kind: 'success'; readonly result: Json; readonly costMicroUsd: number | null }
  /** A success that stands on record already and that another principal now vouches for. */
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'failed'; readonly error: string; readonly costMicroUsd: number | null }
  | { readonly kind: 'cancelled'; readonly error: string; readonly costMicroUsd: number }
  | { readonly kind: 'expired'; readonly error: string }
  | { readonly kind: 'unknown'; readonly error: string };

/** What is needed of an act to end it; an Act row has all of it. */
export interface EndingAct {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly action: string;
  /** Its severities: what a failure costs, and what a success may earn (an agent's own claim earns nothing). */
  readonly decision: Pick<Decision, 'severity' | 'earnedSeverity'>;
  readonly traceId: string | null;
}

export interface EndCall {
  readonly act: EndingAct;
  readonly ending: Ending;
  /** From which states it may end. A late but certain outcome may still resolve `unknown`. */
  readonly from: readonly ActStatus[];
  /** False for an outcome that only the agent itself vouches for. */
  readonly counts: boolean;
  readonly by: string;
  readonly settings: TrustSettings;
  /** The agent's state as last seen; saves a read. */
  readonly trust: StoredTrust | null;
}

export type EndAnswer =
  | {
      readonly kind: 'ended';
      readonly status: ActStatus;
      readonly trust: { readonly before: number; readonly after: number };
      readonly frozen: string | null;
    }
  | { readonly kind: 'not_live'; readonly status: ActStatus | null };

export interface Actions {
  start(call: StartCall): Promise<StartAnswer>;
  record(call: RecordCall): Promise<RecordAnswer>;
  end(call: EndCall): Promise<EndAnswer>;
  find(tenant: string, id: string): Promise<Act | null>;
  findIdempotent(tenant: string, principal: string, key: string): Promise<KnownKey | null>;
}

export interface ActionsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly seal: (tenant: string, value: unknown, place: string) => Promise<Uint8Array>;
  readonly redactText: (text: string) => string;
  /** Waits until no start of before a freeze is on its way any more; false when that could not be made sure of. */
  readonly settleFreeze: (tenant: string) => Promise<boolean>;
  /** Told where it could not be made sure of: the freeze stands, and a start of before may still come through. */
  readonly unsettled: (frozen: Pick<EndingAct, 'tenant' | 'agent'>) => void;
  /** Whether another attempt at the same thing has failed and counted: retries of one step count once. */
  readonly hasFailedBefore: (act: {
    readonly id: string;
    readonly tenant: string;
    readonly agent: string;
    readonly severity: Severity;
  }) => Promise<boolean>;
  /** Told after the commit: wakes whoever waits for this act, and whoever looks when one fails. */
  readonly ended: (act: EndingAct, status: ActStatus) => void;
}

export function createActions({
  store,
  clock,
  chance,
  seal,
  redactText,
  settleFreeze,
  unsettled,
  hasFailedBefore,
  ended,
}: ActionsNeeds): Actions {
  return {
    start: (call) => startAct(store.app, call),
    record: (call) =>
      (call.approval?.editors.length ?? 0) === 0 ? recordAct(store.app, call) : recordAskedAct(store, call),
    find: (tenant, id) => findAct(store, tenant, id),
    findIdempotent: (tenant, principal, key) => findIdempotent(store, tenant, principal, key),

    async end({ act, ending, from, counts, by, settings, trust }) {
      const { id, tenant, agent } = act;
      const { severity } = act.decision;
      const nowMs = clock.nowMs();
      const sealedResult =
        ending.kind === 'success' ? await seal(act.tenant, ending.result, `result:${act.id}`) : null;
      const error = 'error' in ending ? redactText(ending.error) : null;
      let stored = trust;
      for (;;) {
        // Read before it is asked, and asked in every round: an attempt that ends in between has moved this trust, and
        // what is settled by a version of before is sent back.
        if (ending.kind === 'failed') stored ??= await readTrust(store, tenant, agent);
        const isRetry = ending.kind === 'failed' && (await hasFailedBefore({ id, tenant, agent, severity }));
        const moved = isRetry
          ? null
          : await movement({ store, act, ending, counts, settings, stored, nowMs });
        const freeze = moved?.freeze == null ? null : { id: chance.uuid(), cause: moved.freeze };
        const answer = await finishAct(store.app, {
          tenant: act.tenant,
          nowMs,
          actId: act.id,
          from,
          status: statusOf(ending),
          sealedResult,
          error,
          actualCostMicroUsd: 'costMicroUsd' in ending ? ending.costMicroUsd : null,
          trust:
            moved === null ? null : { ...moved.state, version: moved.version, levelFell: moved.levelFell },
          freeze,
          confirmedBy: ending.kind === 'confirmed' ? by : null,
          entries: entriesOf({ act, ending, error, by, nowMs, moved, freeze, isRetry }),
        });
        switch (answer.kind) {
          case 'trust_moved':
            stored = answer.trust;
            continue;
          case 'not_live':
            return answer;
          case 'finished':
            // After the commit: a start holds the barrier and then wants the agent's row, which was locked until now.
            if (freeze !== null && !(await settleFreeze(tenant))) unsettled({ tenant, agent });
            ended(act, statusOf(ending));
            return {
              kind: 'ended',
              status: statusOf(ending),
              trust: { before: moved?.before ?? answer.before, after: answer.after },
              frozen: freeze?.cause ?? null,
            };
        }
      }
    },
  };
}

interface Movement {
  readonly version: number;
  readonly state: ReturnType<typeof moveTrust>['state'];
  /** The score as it stood when the act ended, drifted until then. */
  readonly before: number;
  /** What the idle days before it have taken; null where there were none. */
  readonly drift: { readonly before: number; readonly after: number; readonly cause: string } | null;
  readonly cause: string;
  readonly freeze: string | null;
  /** Only a fall makes other decisions stricter, so only a fall makes them stale. */
  readonly levelFell: boolean;
}

interface MovementNeeds {
  readonly store: Store;
  readonly act: EndingAct;
  readonly ending: Ending;
  readonly counts: boolean;
  readonly settings: TrustSettings;
  readonly stored: StoredTrust | null;
  readonly nowMs: number;
}

/** null where the outcome moves nothing: unknown, cancelled, or a success nobody but the agent has seen. */
async function movement({
  store,
  act,
  ending,
  counts,
  settings,
  stored,
  nowMs,
}: MovementNeeds): Promise<Movement | null> {
  const succeeded = ending.kind === 'confirmed' || (ending.kind === 'success' && counts);
  if (ending.kind !== 'failed' && !succeeded) return null;
  const current = stored ?? (await readTrust(store, act.tenant, act.agent));
  if (current === null) return null;
  const { version, ...state } = current;
  const drift = driftTrust(state, nowMs, settings);
  const moved = moveTrust(
    drift.state,
    {
      kind: succeeded ? 'success' : 'failure',
      severity: succeeded ? act.decision.earnedSeverity : act.decision.severity,
      counts: true,
      nowMs,
    },
    settings,
  );
  return {
    version,
    state: moved.state,
    before: drift.state.score,
    drift: drift.delta === 0 ? null : { before: current.score, after: drift.state.score, cause: drift.cause },
    cause: moved.cause,
    freeze: moved.freeze,
    levelFell:
      moved.state.score < current.score &&
      trustLevel(current.score, settings) !== trustLevel(moved.state.score, settings),
  };
}

interface EntryNeeds {
  readonly act: EndingAct;
  readonly ending: Ending;
  readonly error: string | null;
  readonly by: string;
  readonly nowMs: number;
  readonly moved: Movement | null;
  readonly freeze: { readonly id: string; readonly cause: string } | null;
  readonly isRetry: boolean;
}

function entriesOf({
  act,
  ending,
  error,
  by,
  nowMs,
  moved,
  freeze,
  isRetry,
}: EntryNeeds): readonly NewEntry[] {
  const entry = (kind: string, data: JsonObject): NewEntry => ({
    kind,
    agent: act.agent,
    actId: act.id,
    actor: by,
    atMs: nowMs,
    traceId: act.traceId,
    data,
  });
  const outcome: JsonObject = {
    action: act.action,
    ...(error === null ? {} : { error }),
    // It moved nothing, and whoever counts again has to know.
    ...(isRetry ? { retry: true } : {}),
  };
  const entries = [entry(`action.${KIND[ending.kind]}`, outcome)];
  if (moved !== null && moved.drift !== null) entries.push(entry('trust.moved', moved.drift));
  if (moved !== null && moved.before !== moved.state.score) {
    entries.push(
      entry('trust.moved', { before: moved.before, after: moved.state.score, cause: moved.cause }),
    );
  }
  if (freeze !== null) entries.push(entry('agent.frozen', { restriction: freeze.id, cause: freeze.cause }));
  return entries;
}

function statusOf(ending: Ending): ActStatus {
  return ending.kind === 'confirmed' ? 'success' : ending.kind;
}

const KIND = {
  success: 'succeeded',
  confirmed: 'confirmed',
  failed: 'failed',
  cancelled: 'cancelled',
  expired: 'expired',
  unknown: 'unknown',
} as const;
