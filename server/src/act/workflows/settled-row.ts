// The line that puts the end of a step on record, and what the journal says of it.
import { canonicalJson, redactText } from '@mandate/kernel';
import type { Settled } from '@mandate/kernel';
import type { RunRow, SettledRow } from './store.ts';

/** What becomes of a step without an act, or of one whose act is known to have ended. */
export function settledRow(run: RunRow, settled: Settled): SettledRow {
  const { instance, attempt } = settled;
  const status = settled.kind === 'timer' ? 'put_off' : settled.kind;
  const error = settled.kind === 'failed' ? redactText(settled.error) : null;
  return {
    run: run.id,
    steering: run.steering,
    instance,
    attempt,
    status,
    why: settled.kind === 'timer' ? 'timer' : null,
    error,
    isFinal: settled.kind === 'failed',
    untilMs: settled.kind === 'timer' ? settled.untilMs : null,
    result: settled.kind === 'succeeded' ? settled.result : null,
    actId: null,
    actor: run.started_by,
    traceId: run.trace_id,
    data: canonicalJson({
      step: instance,
      attempt,
      ...(error === null ? {} : { error }),
      ...(settled.kind === 'timer' ? { until: new Date(settled.untilMs).toISOString() } : {}),
    }),
  };
}
