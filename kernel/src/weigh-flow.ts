// Weighs the flow rules: which of those that an action may complete do apply, given what was done before it.
import { inSilence, silencesOf } from './claims.ts';
import { createBudget, readsClaims } from './condition.ts';
import type { Bindings, Condition } from './condition.ts';
import { addCause, addRefusal, addTrace, raise } from './draft.ts';
import type { Draft } from './draft.ts';
import { redactText } from './finding/redact.ts';
import type { FlowRule } from './flow.ts';
import { anyPatternCovers } from './pattern.ts';
import { bindingsOf } from './rule-outcome.ts';
import { enforcementOf } from './snapshot.ts';
import { strictest } from './tier.ts';
import type { Tier } from './tier.ts';

/** Flow rules in force for this action: the strictest of those that apply is a floor. Says nothing where the charter has none. */
export function weighFlows(draft: Draft): void {
  const { action, snapshot } = draft;
  const book = snapshot.law.flows;
  if (book === null) return;
  const texts: string[] = [];
  const tiers: Tier[] = ['green'];
  const scenes = scenesOf(draft);
  for (const { flow, unless } of book.flowsFor(action.action)) {
    const text = appliedText(flow, draft);
    if (text === null) continue;
    const spared = unless === null ? null : sparedText(unless, scenes);
    if (spared?.isSpared === true) {
      texts.push(`The flow ${flow.name} does not count, since ${flow.unless}.`);
      continue;
    }
    const whole = spared === null ? text : `${text} ${spared.text}`;
    texts.push(whole);
    tiers.push(flow.tier);
    raise(draft, flow.tier);
    if (flow.tier === 'black') addRefusal(draft, 'denied', `${whole} No approval changes that.`);
    else if (flow.tier === 'red')
      addCause(draft, `flow:${flow.name}`, whole, enforcementOf(snapshot) === 'audit');
  }
  if (texts.length === 0) return addTrace(draft, 'flow', 'green', 'No flow rule applies.');
  addTrace(draft, 'flow', strictest(tiers), texts.join(' '));
}

function appliedText(flow: FlowRule, { action, snapshot }: Draft): string | null {
  const { past, nowMs } = snapshot;
  // What nobody has gathered cannot be ruled out (I5).
  if (past === undefined)
    return `The flow ${flow.name} (${flow.origin}) cannot be ruled out: what was done before is not known.`;
  const first = past.find(
    (act) => anyPatternCovers(flow.after, act.action) && !(nowMs - act.startedMs > flow.withinMs),
  );
  if (first === undefined) return null;
  const who = first.agent === action.agent ? '' : ` by ${first.agent}`;
  const when = ago(nowMs - first.startedMs);
  return `The flow ${flow.name} (${flow.origin}) says ${flow.tier}: ${action.action} comes after ${first.action}${who} (act ${first.actId}, ${when}).`;
}

/** What exceptions look at, and the same had the agent said nothing (claims.ts): made once for all flows, which share what they may spend. */
interface Scenes {
  readonly claimed: () => Bindings;
  readonly unclaimed: readonly (() => Bindings)[];
}

function scenesOf({ action, snapshot, findings }: Draft): Scenes {
  const { law } = snapshot;
  const { charter } = law;
  const facts = { ...snapshot, findings };
  const budget = createBudget();
  let claimed: Bindings | null = null;
  return {
    claimed: () => (claimed ??= bindingsOf({ action, facts, charter, areClaimsHeard: true }, budget)),
    unclaimed: silencesOf(action, facts).map((silence) => {
      let unclaimed: Bindings | null = null;
      return () =>
        (unclaimed ??= bindingsOf(
          { ...inSilence(law, action, facts, silence), charter, areClaimsHeard: false },
          budget,
        ));
    }),
  };
}

// What the agent says of itself spares nothing: an exception that looks at marks or findings has to hold without them, too.
function sparedText(
  unless: Condition,
  { claimed, unclaimed }: Scenes,
): { readonly isSpared: boolean; readonly text: string } {
  let met = unless.evaluate(claimed());
  for (const bindings of readsClaims(unless) ? unclaimed : [])
    if (met.kind === 'value' && met.value) met = unless.evaluate(bindings());
  if (met.kind === 'value') return { isSpared: met.value, text: 'Nothing spares it.' };
  return {
    isSpared: false,
    text: `Its exception could not be evaluated (${redactText(met.message)}), so it does not count.`,
  };
}

function ago(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (!(minutes > 0)) return 'just now';
  return minutes === 1 ? 'a minute ago' : `${minutes} minutes ago`;
}
