// What the doors show of templates and runs.
import { readInstance } from '@mandate/kernel';
import type { OfferView } from '@mandate/kernel';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';
import { stateOf } from './states.ts';
import type { OfferRow, RunRow, StepRow, TemplateRow } from './store.ts';
import type { RunDetails } from './workflows.ts';

export function templateView(row: TemplateRow, { withText }: { readonly withText: boolean }) {
  return {
    name: row.name,
    version: row.version,
    createdBy: row.created_by,
    createdAt: iso(row.created_at),
    ...(withText ? { text: row.text } : {}),
  };
}

export function runView(run: RunRow) {
  return {
    id: run.id,
    template: run.template,
    version: run.version,
    // A run that is at work nowhere and waits is told from one that runs by what it waits for.
    status: run.status === 'running' && run.waits_for.length > 0 && !run.busy ? 'waiting' : run.status,
    waitsFor: run.ended_at === null ? run.waits_for : [],
    startedBy: run.started_by,
    ...(run.error === null ? {} : { error: run.error }),
    ...(run.schedule === null ? {} : { schedule: run.schedule, tick: isoOrNull(run.tick) }),
    traceId: run.trace_id,
    createdAt: iso(run.created_at),
    ...(run.ended_at === null ? {} : { endedAt: iso(run.ended_at) }),
  };
}

export function detailsView({ run, steps, plan, output }: RunDetails) {
  const begun = new Set(steps.flatMap((step) => (step.superseded ? [] : [readInstance(step.instance).step])));
  const pending = (plan?.steps ?? []).flatMap(({ setting }) => (begun.has(setting.id) ? [] : [setting.id]));
  return {
    ...runView(run),
    ...(output === null ? {} : { output }),
    steps: steps.map(stepView),
    pending: run.ended_at === null ? pending : [],
  };
}

function stepView(step: StepRow) {
  return {
    step: step.instance,
    attempt: step.attempt,
    status: step.superseded ? 'superseded' : statusOf(step),
    ...(step.act_id === null ? {} : { actionId: step.act_id }),
    ...(step.action === null ? {} : { action: step.action }),
    ...(step.agent === null ? (step.status === 'offered' ? { agent: step.why } : {}) : { agent: step.agent }),
    ...(step.approval_id === null ? {} : { approvalId: step.approval_id }),
    ...(step.error === null && step.act_error === null ? {} : { error: step.error ?? step.act_error }),
    ...(step.status === 'put_off' ? { until: isoOrNull(step.until_at), why: step.why } : {}),
    begunAt: iso(step.begun_at),
    ...(step.ended_at === null && step.act_ended_at === null
      ? {}
      : { endedAt: isoOrNull(step.act_ended_at ?? step.ended_at) }),
  };
}

export function offerView(offer: OfferRow): OfferView {
  return {
    run: offer.run,
    template: offer.template,
    step: offer.instance,
    agent: offer.agent,
    offeredAt: iso(offer.begun_at),
  };
}

const AWAITING = {
  run: 'running',
  approval: 'waiting_for_approval',
  // Of one that was taken: the agent has its permit, and it is not to be taken once more.
  agent: 'permitted',
  person: 'unknown',
} as const;

function statusOf(step: StepRow): string {
  if (step.status === 'offered') return 'offered';
  const state = stateOf(step);
  if (state === null) return 'pending';
  return state.kind === 'begun' ? AWAITING[state.awaiting] : state.kind;
}
