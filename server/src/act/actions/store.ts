// The three statements that write acts. Each is one SQL function that sets the tenant itself and is therefore
// called on the pool directly; everything that only reads (queries.ts) goes through withTenant.
import { canonicalJson } from '@mandate/kernel';
import type { TrustState } from '@mandate/kernel';
import type { NewEntry } from '../../platform/events/entry.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Sql, Store, Tx } from '../../platform/postgres/store.ts';
import type { ActStatus, Idempotency, KnownKey, NewAct, NewApproval } from './act.ts';

export type StartAnswer =
  | { readonly kind: 'started'; readonly epoch: number }
  | { readonly kind: 'stale' }
  | { readonly kind: 'stopped' }
  | ({ readonly kind: 'duplicate' } & KnownKey)
  | { readonly kind: 'limit'; readonly key: string }
  /** What it would undo has been undone already, or is about to be. */
  | { readonly kind: 'compensated' }
  | { readonly kind: 'gone'; readonly what: string };

export interface StartCall {
  readonly tenant: string;
  readonly nowMs: number;
  readonly revision: number;
  readonly act: NewAct;
  readonly sealed: Uint8Array;
  readonly startScore: number;
  readonly slots: number | null;
  readonly approval: string | null;
  readonly idempotency: Idempotency | null;
  readonly entries: readonly NewEntry[];
}

export async function startAct(db: Sql, call: StartCall): Promise<StartAnswer> {
  try {
    const [row] = await db<{ answer: StartRow }[]>`
      select mandate.act_start(${call.tenant}, ${at(call.nowMs)}, ${call.revision}, ${jsonb(db, call.act)}, ${bytes(call.sealed)},
        ${call.startScore}, ${call.slots}, ${call.approval}, ${call.idempotency === null ? null : jsonb(db, call.idempotency)},
        ${jsonb(db, entryRows(call.entries))}) as answer`;
    return startAnswer(row?.answer);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return refusal;
  }
}

type StartRow =
  | { outcome: 'started'; epoch: number }
  | { outcome: 'stale' }
  | { outcome: 'stopped' }
  | ({ outcome: 'duplicate' } & KnownKey);

function startAnswer(row: StartRow | undefined): StartAnswer {
  if (row === undefined) return { kind: 'stopped' };
  switch (row.outcome) {
    case 'started':
      return { kind: 'started', epoch: row.epoch };
    case 'stale':
      return { kind: 'stale' };
    case 'stopped':
      return { kind: 'stopped' };
    case 'duplicate':
      return { kind: 'duplicate', actId: row.actId, digest: row.digest, attempt: row.attempt };
  }
}

/** MD002: a limit is full. MD003: the approval or the waiting act is gone, or its run is paused. Both left nothing behind. */
function refusalOf(error: unknown): StartAnswer | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : '';
  if (error.code === 'MD002') return { kind: 'limit', key: detail };
  if (error.code === 'MD003') return { kind: 'gone', what: detail };
  return isCompensated(error) ? { kind: 'compensated' } : null;
}

/** The index act_compensates_once: of all who undo one act at the same time, one does. */
function isCompensated(error: Error): boolean {
  return 'constraint_name' in error && error.constraint_name === 'act_compensates_once';
}

/** The agent's trust as stored, with the version that act_finish() compares. */
export interface StoredTrust extends TrustState {
  readonly version: number;
}

export interface FinishCall {
  readonly tenant: string;
  readonly nowMs: number;
  readonly actId: string;
  readonly from: readonly ActStatus[];
  readonly status: ActStatus;
  readonly sealedResult: Uint8Array | null;
  readonly error: string | null;
  readonly actualCostMicroUsd: number | null;
  readonly trust: (StoredTrust & { readonly levelFell: boolean }) | null;
  readonly freeze: { readonly id: string; readonly cause: string } | null;
  /** Set when another principal vouches for a reported success; only the first one counts. */
  readonly confirmedBy: string | null;
  readonly entries: readonly NewEntry[];
}

export type FinishAnswer =
  | { readonly kind: 'finished'; readonly before: number; readonly after: number }
  | { readonly kind: 'not_live'; readonly status: ActStatus | null }
  | { readonly kind: 'trust_moved'; readonly trust: StoredTrust };

type FinishRow =
  | { outcome: 'finished'; before: number; after: number }
  | { outcome: 'not_live'; status: ActStatus | null }
  | { outcome: 'trust_moved'; agent: StoredTrust };

export async function finishAct(db: Sql | Tx, call: FinishCall): Promise<FinishAnswer> {
  const [row] = await db<{ answer: FinishRow }[]>`
    select mandate.act_finish(${call.tenant}, ${at(call.nowMs)}, ${call.actId}, ${[...call.from]}, ${call.status},
      ${call.sealedResult === null ? null : bytes(call.sealedResult)}, ${call.error}, ${call.actualCostMicroUsd},
      ${call.trust === null ? null : jsonb(db, call.trust)}, ${call.freeze === null ? null : jsonb(db, call.freeze)},
      ${call.confirmedBy}, ${jsonb(db, entryRows(call.entries))}) as answer`;
  const answer = row?.answer;
  if (answer === undefined) return { kind: 'not_live', status: null };
  switch (answer.outcome) {
    case 'finished':
      return { kind: 'finished', before: answer.before, after: answer.after };
    case 'not_live':
      return { kind: 'not_live', status: answer.status };
    case 'trust_moved':
      return { kind: 'trust_moved', trust: answer.agent };
  }
}

export type RecordAnswer =
  | { readonly kind: 'recorded' }
  | ({ readonly kind: 'duplicate' } & KnownKey)
  | { readonly kind: 'attached'; readonly actId: string }
  | { readonly kind: 'compensated' };

export interface RecordCall {
  readonly tenant: string;
  readonly nowMs: number;
  readonly act: NewAct;
  readonly sealed: Uint8Array;
  readonly approval: NewApproval | null;
  readonly attach: boolean;
  readonly idempotency: Idempotency | null;
  readonly entries: readonly NewEntry[];
}

type RecordRow =
  | { outcome: 'recorded' }
  | ({ outcome: 'duplicate' } & KnownKey)
  | { outcome: 'attached'; actId: string };

export async function recordAct(db: Sql | Tx, call: RecordCall): Promise<RecordAnswer> {
  try {
    return await record(db, call);
  } catch (error) {
    if (error instanceof Error && isCompensated(error)) return { kind: 'compensated' };
    throw error;
  }
}

/** The same where others have asked beside the asker: the approval that it opens excludes them under four eyes. */
export async function recordAskedAct(
  store: Pick<Store, 'withTenant'>,
  call: RecordCall,
): Promise<RecordAnswer> {
  const { tenant, approval } = call;
  try {
    return await store.withTenant(tenant, async (tx) => {
      const answer = await record(tx, call);
      if (answer.kind === 'recorded' && approval !== null)
        await tx`
          update mandate.approval set editors = ${[...approval.editors]}
          where tenant = ${tenant} and id = ${approval.id}`;
      return answer;
    });
  } catch (error) {
    if (error instanceof Error && isCompensated(error)) return { kind: 'compensated' };
    throw error;
  }
}

async function record(db: Sql | Tx, call: RecordCall): Promise<RecordAnswer> {
  const [row] = await db<{ answer: RecordRow }[]>`
    select mandate.act_record(${call.tenant}, ${at(call.nowMs)}, ${jsonb(db, call.act)}, ${bytes(call.sealed)},
      ${call.approval === null ? null : jsonb(db, call.approval)}, ${call.attach},
      ${call.idempotency === null ? null : jsonb(db, call.idempotency)}, ${jsonb(db, entryRows(call.entries))}) as answer`;
  const answer = row?.answer;
  if (answer === undefined) throw new Error('act_record() gave no answer');
  switch (answer.outcome) {
    case 'recorded':
      return { kind: 'recorded' };
    case 'duplicate':
      return { kind: 'duplicate', actId: answer.actId, digest: answer.digest, attempt: answer.attempt };
    case 'attached':
      return { kind: 'attached', actId: answer.actId };
  }
}

function entryRows(entries: readonly NewEntry[]): readonly unknown[] {
  return entries.map((entry) => ({ ...entry, data: canonicalJson(entry.data) }));
}

function at(ms: number): Date {
  return new Date(ms);
}

function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
