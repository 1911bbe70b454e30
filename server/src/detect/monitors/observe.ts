// What the rules of a set say of its figures, as observations: each names its subject, whether it holds, and what people
// must be able to read afterwards. A rule that cannot be evaluated is an observation too, and a loud one (I5).
import { compileBreaker, plainMetrics } from '@mandate/kernel';
import type { AlertSeverity, Breaker, BreakerRule, CommandTypeMetrics, JsonObject } from '@mandate/kernel';
import type { EventAction, Subject } from './event-store.ts';
import type { WatchedMetrics } from './needs.ts';
import type { About } from './trouble-store.ts';

export interface Observation extends Subject {
  readonly holds: boolean;
  readonly condition: string;
  readonly window: string;
  /** Where its window began. */
  readonly startMs: number;
  readonly action: EventAction;
  readonly alertSeverity: AlertSeverity;
  readonly detail: string;
  readonly metrics: JsonObject;
  /** Patterns of the actions that it is about. */
  readonly patterns: readonly string[];
  /** What counts as new trouble after it was resolved. */
  readonly about: About;
  readonly readsIncidents: boolean;
}

export interface Observed {
  readonly observations: readonly Observation[];
  /** Rules whose condition was answered; what they no longer speak of has ended. */
  readonly answered: ReadonlySet<string>;
  /** All that are enabled. */
  readonly enabled: ReadonlySet<string>;
}

export interface Figures {
  readonly startMs: number;
  readonly metrics: WatchedMetrics;
  /** Empty where no condition asks for them. */
  readonly types: readonly CommandTypeMetrics[];
}

export type CompiledRule =
  | { readonly kind: 'compiled'; readonly breaker: Breaker }
  | { readonly kind: 'refused'; readonly rule: BreakerRule; readonly why: string };

export function compileRules(rules: readonly BreakerRule[]): readonly CompiledRule[] {
  return rules
    .filter(({ enabled }) => enabled)
    .map((rule) => {
      const compiled = compileBreaker(rule);
      return compiled.kind === 'compiled'
        ? compiled
        : {
            kind: 'refused',
            rule,
            why: compiled.problems.map(({ field, message }) => `${field}: ${message}`).join('; '),
          };
    });
}

/** `figuresOf` answers for the rule's own window. Where they are partial, only what holds is observed. */
export function observe(
  rules: readonly CompiledRule[],
  patterns: readonly string[],
  figuresOf: (breaker: Breaker) => Figures,
): Observed {
  const observations: Observation[] = [];
  const answered = new Set<string>();
  const enabled = new Set<string>();
  for (const each of rules) {
    if (each.kind === 'refused') {
      enabled.add(each.rule.name);
      observations.push(problem(each.rule, each.why));
      continue;
    }
    const { breaker } = each;
    enabled.add(breaker.rule.name);
    const figures = figuresOf(breaker);
    const { found, errors } = answersOf(breaker, patterns, figures);
    const { isPartial } = figures.metrics;
    observations.push(...found.filter(({ holds }) => holds || !isPartial));
    observations.push(problem(breaker.rule, errors.length === 0 ? null : errors.join('; ')));
    if (errors.length === 0 && !isPartial) answered.add(breaker.rule.name);
  }
  return { observations, answered, enabled };
}

function answersOf(breaker: Breaker, patterns: readonly string[], { startMs, metrics, types }: Figures) {
  const errors: string[] = [];
  const found = (breaker.perType ? types : [null]).flatMap((type): Observation[] => {
    const verdict = breaker.evaluate({ metrics, type });
    if (verdict.kind === 'error') {
      errors.push(type === null ? verdict.message : `${type.commandType}: ${verdict.message}`);
      return [];
    }
    const { rule, readsIncidents, about } = breaker;
    const figures = breaker.describe({ metrics, type });
    return [
      {
        source: 'breaker',
        rule: rule.name,
        commandType: type?.commandType ?? '',
        holds: verdict.kind === 'holds',
        condition: rule.condition,
        window: rule.window,
        startMs,
        action: rule.action,
        alertSeverity: rule.alertSeverity,
        detail: `${rule.name}${type === null ? '' : ` (${type.commandType})`}: ${rule.condition} over ${rule.window}; ${figures}`,
        metrics: { ...plainMetrics(metrics), ...(type === null ? {} : { commandType: { ...type } }) },
        patterns: type === null ? patterns : [type.commandType],
        about: { kinds: about, latency: null },
        readsIncidents,
      },
    ];
  });
  return { found, errors };
}

/** What holds in either; where neither does, the second. */
export function together(
  some: readonly Observation[],
  others: readonly Observation[],
): readonly Observation[] {
  const bySubject = new Map(others.map((each) => [keyOf(each), each]));
  for (const each of some) if (each.holds || !bySubject.has(keyOf(each))) bySubject.set(keyOf(each), each);
  return [...bySubject.values()];
}

function keyOf({ source, rule, commandType }: Subject): string {
  return JSON.stringify([source, rule, commandType]);
}

/** Where `why` is null the rule is sound, and an earlier problem of it is over. */
function problem(rule: BreakerRule, why: string | null): Observation {
  return {
    source: 'problem',
    rule: rule.name,
    commandType: '',
    holds: why !== null,
    condition: rule.condition,
    window: rule.window,
    startMs: 0,
    // It is not known what it would have asked for; people are told, and nothing rises while that stands.
    action: 'alert_only',
    alertSeverity: 'critical',
    detail: `${rule.name} cannot be evaluated, so it guards nothing: ${why ?? ''}. Correct the rule or disable it`,
    metrics: {},
    patterns: [],
    about: { kinds: [], latency: null },
    readsIncidents: false,
  };
}
