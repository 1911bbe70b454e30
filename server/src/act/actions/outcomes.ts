// What becomes of an act after it began: the agent that executed it reports, another principal confirms, somebody
// cancels. The permit proves that the reporter is the one who was allowed to act, and the row that it was used once.
import { redact, settingOf } from '@mandate/kernel';
import type { Json, JsonObject, Law } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { isWithin } from './act.ts';
import type { Act, WriteActEntry } from './act.ts';
import type { Actions, EndCall, Ending } from './actions.ts';
import { findCompensation } from './queries.ts';
import type { Running } from './running.ts';
import type { Sealed } from './sealed.ts';

export type OutcomeAnswer =
  | { readonly kind: 'done'; readonly act: Act }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Report {
  readonly permit: string;
  readonly status: 'success' | 'failed';
  readonly result: Json;
  readonly error: string | null;
  readonly costMicroUsd: number | null;
}

export interface Outcomes {
  report(asker: Asker, actId: string, report: Report): Promise<OutcomeAnswer>;
  /** Another principal vouches for a reported success, which then counts for trust. */
  confirm(asker: Asker, actId: string): Promise<OutcomeAnswer>;
  cancel(asker: Asker, actId: string, reason: string): Promise<OutcomeAnswer>;
  /** The action that undoes this act, as the charter names it, and what it is told of the act. */
  compensation(
    asker: Asker,
    actId: string,
  ): Promise<
    | {
        readonly kind: 'compensation';
        readonly act: Act;
        readonly action: string;
        readonly undoes: JsonObject;
      }
    | { readonly kind: 'refused'; readonly refusal: Refusal }
  >;
}

export interface OutcomesNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly actions: Actions;
  readonly running: Running;
  readonly readPermit: (token: string) => { readonly actId: string; readonly tenant: string } | null;
  readonly lawOf: (tenant: string) => Promise<Law | null>;
  readonly sealed: Pick<Sealed, 'open' | 'openResult'>;
  readonly writeEntry: WriteActEntry;
}

/** A longer result is left out, in characters of JSON: a compensation that needs so much looks it up. */
const RESULT_MAX = 16_384;

export function createOutcomes({
  store,
  clock,
  actions,
  running,
  readPermit,
  lawOf,
  sealed,
  writeEntry,
}: OutcomesNeeds): Outcomes {
  async function own(asker: Asker, actId: string): Promise<Act | null> {
    const act = await actions.find(asker.tenant, actId);
    if (act === null || (asker.agents !== 'any' && !asker.agents.includes(act.agent))) return null;
    return isWithin(act, asker.boundTo) ? act : null;
  }

  async function end(
    asker: Asker,
    act: Act,
    { ending, from, counts }: Pick<EndCall, 'ending' | 'from' | 'counts'>,
  ): Promise<OutcomeAnswer> {
    const law = await lawOf(act.tenant);
    if (law === null)
      return refused({
        code: 'unavailable',
        detail: 'The active charter cannot be read, so trust cannot be settled; try again.',
      });
    const ended = await actions.end({
      act,
      ending,
      from,
      counts,
      by: asker.id,
      settings: law.charter.trust,
      trust: null,
    });
    if (ended.kind === 'not_live')
      return refused({
        code: 'conflict',
        detail: `Act ${act.id} is ${ended.status ?? 'gone'} and takes no outcome any more.`,
      });
    return done(act);
  }

  async function done(act: Act): Promise<OutcomeAnswer> {
    return { kind: 'done', act: (await actions.find(act.tenant, act.id)) ?? act };
  }

  return {
    async report(asker, actId, report) {
      const permit = readPermit(report.permit);
      if (permit === null || permit.actId !== actId || permit.tenant !== asker.tenant) {
        return refused({ code: 'permit_invalid', detail: 'This permit was not issued for this action.' });
      }
      const act = await own(asker, actId);
      if (act === null) return refused(missing(actId));
      const costMicroUsd = settled(asker, act, report.costMicroUsd);
      const ending: Ending =
        report.status === 'success'
          ? { kind: 'success', result: report.result, costMicroUsd }
          : {
              kind: 'failed',
              error: report.error ?? 'The agent reported a failure without a message.',
              costMicroUsd,
            };
      // The holder of the permit knows what happened, also after its deadline. A failure always counts; a success
      // that only the agent has seen does not.
      return end(asker, act, { ending, from: ['permitted', 'unknown'], counts: report.status === 'failed' });
    },

    async confirm(asker, actId) {
      const act = await actions.find(asker.tenant, actId);
      if (act === null) return refused(missing(actId));
      if (act.principal === asker.id)
        return refused({
          code: 'forbidden',
          detail: 'Who did it does not confirm it; another principal has to.',
        });
      if (act.status !== 'success' || act.executor !== null)
        return refused({
          code: 'conflict',
          detail: `Only a success that an agent has reported can be confirmed; this act is ${act.status}.`,
        });
      return end(asker, act, { ending: { kind: 'confirmed' }, from: ['success'], counts: true });
    },

    async cancel(asker, actId, reason) {
      const act = await own(asker, actId);
      if (act === null) return refused(missing(actId));
      if (act.status === 'executing') {
        return running.abort(act.tenant, act.id, reason)
          ? done(act)
          : refused({
              code: 'conflict',
              detail: 'Another process executes this act; a stop in its scope reaches it.',
            });
      }
      if (act.status === 'permitted')
        return end(asker, act, {
          ending: isTrusted(asker)
            ? { kind: 'cancelled', error: reason, costMicroUsd: 0 }
            : // Its agent may have begun, and who could say so is the one that would save by not saying it.
              { kind: 'unknown', error: `Given up while its agent held its permit: ${reason}` },
          from: ['permitted'],
          counts: false,
        });
      const cancelled = await store.withTenant(act.tenant, async (tx) => {
        const now = new Date(clock.nowMs());
        // The approval before the act, as everywhere: the other order deadlocks with a vote or a start.
        await tx`select 1 from mandate.approval where tenant = ${act.tenant} and act_id = ${act.id} and status in ('pending', 'approved') for update`;
        const row = await tx`
          update mandate.act set status = 'cancelled', error = ${reason}, ended_at = ${now}
          where tenant = ${act.tenant} and id = ${act.id} and status = 'waiting_for_approval'`;
        if (row.count === 0) return false;
        await tx`update mandate.approval set status = 'cancelled' where tenant = ${act.tenant} and act_id = ${act.id} and status in ('pending', 'approved')`;
        await writeEntry(tx, act.tenant, {
          kind: 'action.cancelled',
          agent: act.agent,
          actId,
          actor: asker.id,
          atMs: now.getTime(),
          traceId: asker.traceId,
          data: { action: act.action, reason },
        });
        return true;
      });
      return cancelled
        ? done(act)
        : refused({
            code: 'conflict',
            detail: `Act ${act.id} is ${act.status}; there is nothing to cancel.`,
          });
    },

    async compensation(asker, actId) {
      const act = await actions.find(asker.tenant, actId);
      if (act === null) return refused(missing(actId));
      const law = await lawOf(asker.tenant);
      const action = law === null ? null : (settingOf(law, act.action)?.compensate ?? null);
      if (action === null)
        return refused({
          code: 'conflict',
          detail: `The charter names no compensation for ${act.action}; add actions.${act.action}.compensate.`,
        });
      if (act.status !== 'success' && act.status !== 'unknown')
        return refused({
          code: 'conflict',
          detail: `Act ${act.id} is ${act.status}; only what was done can be rolled back.`,
        });
      const undone = await findCompensation(store, asker.tenant, actId);
      if (undone !== null)
        return refused({
          code: 'conflict',
          detail: wasUndone(actId, undone),
        });
      return { kind: 'compensation', act, action, undoes: await undoneBy(sealed, act) };
    },
  };
}

/** A rollback that has not ended is none yet, and whoever waits for it wants to know what it waits for. */
function wasUndone(actId: string, { id, status }: Pick<Act, 'id' | 'status'>): string {
  if (status === 'success') return `Act ${actId} has been rolled back already, by act ${id}.`;
  if (status === 'waiting_for_approval')
    return `The rollback of act ${actId} waits for approval as act ${id}; decide that one.`;
  return `The rollback of act ${actId} was asked for already: look at act ${id}, which is ${status}.`;
}

/**
 * What was done, for whoever undoes it: an id alone says nothing to an executor. Parameters as they were, or the wrong
 * thing is undone; the result with secrets replaced, because it was never meant to be handed on.
 */
async function undoneBy(sealed: OutcomesNeeds['sealed'], act: Act): Promise<JsonObject> {
  const [{ action }, result] = await Promise.all([sealed.open(act), sealed.openResult(act)]);
  const told = result === null ? null : redact(result);
  return {
    compensates: act.id,
    action: act.action,
    parameters: action.parameters,
    ...(told === null || JSON.stringify(told).length > RESULT_MAX ? {} : { result: told }),
  };
}

/** An agent's word about its own work may make things stricter only: it does not write its own bill. */
function isTrusted(asker: Asker): boolean {
  return !asker.roles.includes('agent');
}

/** What the act is charged, in micro-USD; null leaves what was reserved. */
function settled(asker: Asker, act: Act, reported: number | null): number | null {
  return reported === null || isTrusted(asker) ? reported : Math.max(reported, act.costMicroUsd);
}

function refused(refusal: Refusal): { readonly kind: 'refused'; readonly refusal: Refusal } {
  return { kind: 'refused', refusal };
}

function missing(actId: string): Refusal {
  return { code: 'not_found', detail: `There is no act ${actId}.` };
}
