// What must not follow what: "customer data was read, and now something is sent outside". Each act alone may be fine;
// the rule is about their order, so it looks at what the same run has begun before.
import type { CharterProblem } from './charter-problem.ts';
import type { Condition } from './condition.ts';
import { compileCondition, RULE_ROOTS } from './condition.ts';
import { anyPatternCovers, createMemo, patternProblem } from './pattern.ts';

export interface FlowRule {
  readonly name: string;
  /** Patterns of what comes first. */
  readonly after: readonly string[];
  /** Patterns of what must then not simply happen. */
  readonly next: readonly string[];
  /** How long what came first is remembered. */
  readonly withinMs: number;
  /** CEL: where it holds, the flow does not count. It cannot look at `context`, which is only what the agent says. */
  readonly unless: string | null;
  readonly tier: 'yellow' | 'red' | 'black';
  readonly origin: string;
}

/** An act that the same run, agent or tree of agents has begun. */
export interface PastAct {
  readonly actId: string;
  readonly agent: string;
  readonly action: string;
  readonly startedMs: number;
}

export interface CompiledFlow {
  readonly flow: FlowRule;
  readonly unless: Condition | null;
}

/** The flows of a charter, compiled. */
export interface FlowBook {
  /** Those that an action of this name may complete. */
  readonly flowsFor: (action: string) => readonly CompiledFlow[];
  /** Whether an act of this name has to be remembered for one of them. */
  readonly isSource: (action: string) => boolean;
}

/** What was done before is remembered for a week: no flow and no window of taint may ask for more. */
export const MAX_LOOKBACK_MS = 7 * 86_400_000;

const MAX_NAMES = 4096;
const { context: _claims, ...UNCLAIMED } = RULE_ROOTS;
/** What `unless` may look at. */
export const FLOW_ROOTS = UNCLAIMED;

/** null where the charter has no flows, or adds what is wrong with them to `problems`. */
export function compileFlows(
  flows: readonly FlowRule[] | undefined,
  problems: CharterProblem[],
): FlowBook | null {
  if (flows === undefined || flows.length === 0) return null;
  // Their conditions share what they may spend, so the one order in which they are asked is not that of the file.
  const compiled = flows
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((flow) => ({ flow, unless: compileUnless(flow, problems) }));
  checkFlows(flows, problems);
  return {
    flowsFor: createMemo(MAX_NAMES, (action) =>
      compiled.filter(({ flow }) => anyPatternCovers(flow.next, action)),
    ),
    isSource: createMemo(MAX_NAMES, (action) => flows.some(({ after }) => anyPatternCovers(after, action))),
  };
}

function compileUnless({ unless, origin }: FlowRule, problems: CharterProblem[]): Condition | null {
  if (unless === null) return null;
  const result = compileCondition(unless, FLOW_ROOTS);
  if (result.kind === 'compiled') return result.condition;
  for (const { message, offset } of result.problems)
    problems.push({ origin, message: `unless: ${message}`, offset });
  return null;
}

function checkFlows(flows: readonly FlowRule[], problems: CharterProblem[]): void {
  const seen = new Set<string>();
  for (const { name, after, next, withinMs, tier, origin } of flows) {
    const report = (message: string): void => void problems.push({ origin, message, offset: null });
    if (seen.has(name)) report(`there are two flows \`${name}\`; give each a name of its own`);
    seen.add(name);
    if (after.length === 0 || next.length === 0)
      report(`the flow \`${name}\` names nothing under after or then, so it could never apply`);
    for (const pattern of [...after, ...next]) {
      const wrong = patternProblem(pattern);
      if (wrong !== null) report(wrong);
    }
    if (!(withinMs > 0 && withinMs <= MAX_LOOKBACK_MS))
      report(
        'within must be above zero and 7d at most, such as 1h: what was done before is remembered for a week',
      );
    if (!['yellow', 'red', 'black'].includes(tier))
      report(`a flow ends in yellow, red or black, not in \`${tier}\``);
  }
}
