// Rules, events and objectives as they are shown over HTTP.
import { compileBreaker } from '@mandate/kernel';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';
import type { BreakerEvent } from './event-store.ts';
import type { ObjectiveStatus } from './objectives.ts';
import type { StoredRule } from './rule-store.ts';

export function ruleView(rule: StoredRule) {
  const compiled = compileBreaker(rule);
  return {
    name: rule.name,
    enabled: rule.enabled,
    condition: rule.condition,
    window: rule.window,
    action: rule.action,
    alertSeverity: rule.alertSeverity,
    minSamples: rule.minSamples,
    /** `*`: written for every set. */
    set: rule.set,
    /** Why it guards nothing; null for a sound rule. */
    problem:
      compiled.kind === 'compiled'
        ? null
        : compiled.problems
            .map(({ field, message, offset }) =>
              offset === null ? `${field}: ${message}` : `${field}, at ${offset + 1}: ${message}`,
            )
            .join('; '),
    updatedAt: iso(rule.updatedMs),
    updatedBy: rule.updatedBy,
  };
}

export function eventView(event: BreakerEvent) {
  return {
    id: event.id,
    ruleName: event.rule,
    source: event.source,
    set: event.set === '' ? null : event.set,
    commandType: event.commandType === '' ? null : event.commandType,
    condition: event.condition,
    window: event.window,
    action: event.action,
    alertSeverity: event.alertSeverity,
    detail: event.detail,
    metrics: event.metrics,
    triggeredAt: iso(event.openedMs),
    /** Since when the condition no longer holds; null while it does, as far as the last check saw. */
    endedAt: isoOrNull(event.endedMs),
    /** False while a fall has still to be carried out. */
    responded: event.respondedMs !== null,
    restrictions: event.restrictions,
    resolved: event.resolvedMs !== null,
    resolvedAt: isoOrNull(event.resolvedMs),
    resolvedBy: event.resolvedBy,
    reason: event.reason,
    incidentId: event.incidentId,
    actId: event.actId,
    agent: event.agent,
    traceId: event.traceId,
  };
}

export function objectiveView({ slo, counts, budget, burns, event }: ObjectiveStatus) {
  return {
    name: slo.name,
    title: slo.title,
    set: slo.set,
    actions: slo.patterns,
    indicator: slo.indicator,
    target: slo.target,
    windowMs: slo.windowMs,
    response: slo.response,
    status: statusOf({ counts, budget, event }),
    good: counts.good,
    total: counts.total,
    ratio: counts.total === 0 ? null : counts.good / counts.total,
    budget,
    burns: burns.map(({ name, factor, longMs, shortMs, long, short, burns: isBurning }) => ({
      name,
      factor,
      burns: isBurning,
      long: { windowMs: longMs, burnRate: long },
      short: { windowMs: shortMs, burnRate: short },
    })),
    throttled: event !== null && event.restrictions.length > 0 && event.resolvedMs === null,
    event: event?.id ?? null,
  };
}

/** How an objective stands, in one word. */
export function statusOf({
  counts,
  budget,
  event,
}: Pick<ObjectiveStatus, 'counts' | 'budget' | 'event'>): 'no_data' | 'ok' | 'burning' | 'exhausted' {
  if (event !== null) return 'burning';
  if (counts.total === 0) return 'no_data';
  return (budget.remaining ?? 1) <= 0 ? 'exhausted' : 'ok';
}
