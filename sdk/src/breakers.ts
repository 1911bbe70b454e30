// Breakers and objectives, for programs that look after autonomy: what has tripped, resolving it, and the rules.
import type { AlertSeverity, BreakerAction, BreakerRule as KernelRule, JsonObject } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, numberOf, optional, parsedJson, textOf, truthOf, wordOf } from './guard.ts';
import type { Transport } from './transport.ts';

const ACTIONS = [
  'revert_to_l3',
  'pause_command_type',
  'alert_only',
] as const satisfies readonly BreakerAction[];
const SEVERITIES = ['info', 'warning', 'alert', 'critical'] as const satisfies readonly AlertSeverity[];

/** A rule as it stands for one set. */
export interface BreakerRule extends KernelRule {
  /** `*`: written for every governed set. */
  readonly set: string;
  /** Why it guards nothing; null for a sound rule. */
  readonly problem: string | null;
}

/** What is changed; a new rule needs `condition`, `window` and `action`. */
export interface BreakerPatch {
  readonly enabled?: boolean;
  readonly condition?: string;
  readonly window?: string;
  readonly action?: BreakerAction;
  readonly alertSeverity?: AlertSeverity;
  readonly minSamples?: number;
  readonly reason?: string;
}

/** Times in ISO 8601. */
export interface BreakerEvent {
  readonly id: string;
  readonly ruleName: string;
  /** `problem`: the rule could not be evaluated. */
  readonly source: 'breaker' | 'slo' | 'problem';
  readonly set: string | null;
  /** The full action name, where the rule is about one. */
  readonly commandType: string | null;
  readonly action: BreakerAction | 'throttle';
  readonly alertSeverity: AlertSeverity;
  readonly detail: string;
  /** The figures of the moment in which it began. */
  readonly metrics: JsonObject;
  readonly triggeredAt: string;
  /** When its condition no longer held; null while it does, as far as was seen. */
  readonly endedAt: string | null;
  readonly resolved: boolean;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
  readonly reason: string | null;
  readonly incidentId: string | null;
  readonly actId: string | null;
  readonly traceId: string | null;
}

export interface Objective {
  readonly name: string;
  readonly title: string;
  readonly set: string | null;
  readonly target: number;
  readonly windowMs: number;
  readonly response: 'throttle' | 'alert_only';
  readonly status: 'no_data' | 'ok' | 'burning' | 'exhausted';
  readonly good: number;
  readonly total: number;
  readonly ratio: number | null;
  /** `remaining`: 1 is untouched, 0 used up, below 0 overdrawn. */
  readonly budget: { readonly allowed: number; readonly used: number; readonly remaining: number | null };
  readonly throttled: boolean;
}

export interface Breakers {
  /** `set` may be left out where the charter governs one set only. */
  rules(set?: string): Promise<readonly BreakerRule[]>;
  /** Changes a rule, or creates it. Throws MandateProblem `invalid`, with the place, for a condition that is wrong. */
  setRule(name: string, patch: BreakerPatch, set?: string): Promise<BreakerRule>;
  /** Newest first; 20 by default. */
  events(query?: { readonly set?: string; readonly limit?: number }): Promise<readonly BreakerEvent[]>;
  unresolved(set?: string): Promise<readonly BreakerEvent[]>;
  /** What the event holds up goes on; a phase stays where it fell to. */
  resolve(id: string, reason: string): Promise<BreakerEvent>;
  /** The objectives of the charter with their error budgets. */
  objectives(set?: string): Promise<readonly Objective[]>;
}

const PATH = '/api/v1/circuit-breaker';

export function createBreakers(transport: Transport): Breakers {
  const get = (path: string): Promise<unknown> =>
    transport.read({ method: 'GET', path, agent: null, isRepeatable: true });
  return {
    rules: async (set) => listOf(await get(`${PATH}/rules${query({ set })}`), readRule, 'the answer'),
    setRule: async (name, patch, set) =>
      readRule(
        await transport.read({
          method: 'PATCH',
          path: `${PATH}/rules/${encodeURIComponent(name)}${query({ set })}`,
          body: { ...patch },
          agent: null,
          // Saying the same once more changes nothing.
          isRepeatable: true,
        }),
        'the answer',
      ),
    events: async ({ set, limit } = {}) =>
      listOf(
        await get(`${PATH}/events${query({ set, limit: limit === undefined ? undefined : String(limit) })}`),
        readEvent,
        'the answer',
      ),
    unresolved: async (set) =>
      listOf(await get(`${PATH}/events/unresolved${query({ set })}`), readEvent, 'the answer'),
    resolve: async (id, reason) =>
      readEvent(
        await transport.read({
          method: 'POST',
          path: `${PATH}/events/${encodeURIComponent(id)}/resolve`,
          body: { reason },
          agent: null,
          isRepeatable: false,
        }),
        'the answer',
      ),
    objectives: async (set) =>
      listOf(await get(`/api/v1/slos${query({ set })}`), readObjective, 'the answer'),
  };
}

function query(asked: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(asked).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return said.length === 0 ? '' : `?${said.join('&')}`;
}

function readRule(value: unknown, where: string): BreakerRule {
  const of = fieldsOf(value, where);
  return {
    name: textOf(of['name'], `${where}.name`),
    enabled: truthOf(of['enabled'], `${where}.enabled`),
    condition: textOf(of['condition'], `${where}.condition`),
    window: textOf(of['window'], `${where}.window`),
    action: wordOf(of['action'], ACTIONS, `${where}.action`),
    alertSeverity: wordOf(of['alertSeverity'], SEVERITIES, `${where}.alertSeverity`),
    minSamples: numberOf(of['minSamples'], `${where}.minSamples`),
    set: textOf(of['set'], `${where}.set`),
    problem: optional(of['problem'], textOf, `${where}.problem`),
  };
}

function readEvent(value: unknown, where: string): BreakerEvent {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    ruleName: textOf(of['ruleName'], `${where}.ruleName`),
    source: wordOf(of['source'], ['breaker', 'slo', 'problem'], `${where}.source`),
    set: optional(of['set'], textOf, `${where}.set`),
    commandType: optional(of['commandType'], textOf, `${where}.commandType`),
    action: wordOf(of['action'], [...ACTIONS, 'throttle'], `${where}.action`),
    alertSeverity: wordOf(of['alertSeverity'], SEVERITIES, `${where}.alertSeverity`),
    detail: textOf(of['detail'], `${where}.detail`),
    metrics: jsonOf(of['metrics'], `${where}.metrics`),
    triggeredAt: textOf(of['triggeredAt'], `${where}.triggeredAt`),
    endedAt: optional(of['endedAt'], textOf, `${where}.endedAt`),
    resolved: truthOf(of['resolved'], `${where}.resolved`),
    resolvedAt: optional(of['resolvedAt'], textOf, `${where}.resolvedAt`),
    resolvedBy: optional(of['resolvedBy'], textOf, `${where}.resolvedBy`),
    reason: optional(of['reason'], textOf, `${where}.reason`),
    incidentId: optional(of['incidentId'], textOf, `${where}.incidentId`),
    actId: optional(of['actId'], textOf, `${where}.actId`),
    traceId: optional(of['traceId'], textOf, `${where}.traceId`),
  };
}

function jsonOf(value: unknown, where: string): JsonObject {
  return Object.fromEntries(
    Object.entries(fieldsOf(value, where)).map(([key, inner]) => [key, parsedJson(inner)]),
  );
}

function readObjective(value: unknown, where: string): Objective {
  const of = fieldsOf(value, where);
  const budget = fieldsOf(of['budget'], `${where}.budget`);
  return {
    name: textOf(of['name'], `${where}.name`),
    title: textOf(of['title'], `${where}.title`),
    set: optional(of['set'], textOf, `${where}.set`),
    target: numberOf(of['target'], `${where}.target`),
    windowMs: numberOf(of['windowMs'], `${where}.windowMs`),
    response: wordOf(of['response'], ['throttle', 'alert_only'], `${where}.response`),
    status: wordOf(of['status'], ['no_data', 'ok', 'burning', 'exhausted'], `${where}.status`),
    good: numberOf(of['good'], `${where}.good`),
    total: numberOf(of['total'], `${where}.total`),
    ratio: optional(of['ratio'], numberOf, `${where}.ratio`),
    budget: {
      allowed: numberOf(budget['allowed'], `${where}.budget.allowed`),
      used: numberOf(budget['used'], `${where}.budget.used`),
      remaining: optional(budget['remaining'], numberOf, `${where}.budget.remaining`),
    },
    throttled: truthOf(of['throttled'], `${where}.throttled`),
  };
}
