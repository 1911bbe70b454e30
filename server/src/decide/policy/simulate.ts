// Replays what is on record under a law that is only proposed, so that a person knows before changing the charter whom
// it would have held and whom it would have freed. Nothing is written, and nothing but the law differs.
import type { SimulationReport } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { PolicyCharters } from './charters.ts';
import { rangeOf } from './range.ts';
import type { AskedRange } from './range.ts';
import { asAsked, changeOf, decideUnder, verdictOf } from './replay.ts';
import type { Evidence, Judged, Side } from './replay.ts';
import { createTally } from './report.ts';
import type { Tally } from './report.ts';
import { countRefused } from './store.ts';
import type { RecordedAct } from './store.ts';
import type { Turns } from './turns.ts';
import type { Walk } from './walk.ts';

export interface SimulationCall {
  readonly tenant: string;
  readonly range: AskedRange;
  /** What the acts are held against: each act's own charter, or one law for all. */
  readonly before: 'own' | Side;
  readonly after: Side;
  /** Most differences in the list. */
  readonly limit: number;
}

export type Simulation =
  | { readonly kind: 'report'; readonly report: SimulationReport }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type Simulate = (call: SimulationCall) => Promise<Simulation>;

export interface SimulateNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly charters: Pick<PolicyCharters, 'lawOf'>;
  readonly walk: Walk;
  readonly turns: Turns;
}

/** They take about 10 s; whoever has more asks for a shorter time. */
export const MOST_ACTS = 100_000;

export function createSimulate({ store, clock, charters, walk, turns }: SimulateNeeds): Simulate {
  async function run({ tenant, range: asked, before, after, limit }: SimulationCall): Promise<Simulation> {
    const range = rangeOf(asked, clock.nowMs());
    const tally = createTally(limit);
    const baselineOf = before === 'own' ? ownBaseline(tenant, charters, tally) : fixedBaseline(before, tally);
    const [walked, refused] = await Promise.all([
      walk({
        tenant,
        range,
        most: MOST_ACTS,
        async visit(act, evidence, pause) {
          const was = await baselineOf(act, evidence);
          await pause();
          const would = decideUnder(after, evidence.action, asAsked(evidence.facts));
          const change = changeOf(was, would);
          if (change !== null) tally.add(act, { change, before: was, after: would });
        },
      }),
      store.withTenant(tenant, (tx) => countRefused(tx, tenant, range)),
    ]);
    if (walked.kind === 'given_up') return { kind: 'refused', refusal: walked.refusal };
    return { kind: 'report', report: tally.report({ range, walked, refused }) };
  }

  return (call) => turns.take(() => run(call));
}

type Baseline = (act: RecordedAct, evidence: Evidence) => Judged | Promise<Judged>;

function fixedBaseline(side: Side, tally: Tally): Baseline {
  return (_act, { action, facts }) => {
    tally.baseline('replayed');
    return decideUnder(side, action, asAsked(facts));
  };
}

/**
 * What the act's own charter says today, not what was recorded: both sides are then decided by the same program, and
 * only the law can differ between them. Where the two fall apart the act is told as drifted.
 */
function ownBaseline(tenant: string, charters: Pick<PolicyCharters, 'lawOf'>, tally: Tally): Baseline {
  const laws = new Map<string, Side | null>();
  return async (act, { action, facts }) => {
    let side = laws.get(act.charterVersion);
    if (side === undefined) {
      const law = await charters.lawOf(tenant, act.charterVersion);
      side = law === null ? null : { law };
      laws.set(act.charterVersion, side);
    }
    if (side === null) {
      tally.baseline('recorded');
      return asRecorded(act);
    }
    tally.baseline('replayed');
    const again = decideUnder(side, action, facts);
    if (isDrifted(act, again)) tally.drift(act, again);
    const asked = asAsked(facts);
    return asked === facts ? again : decideUnder(side, action, asked);
  };
}

function isDrifted(act: RecordedAct, again: Judged): boolean {
  return (
    act.tier !== again.tier ||
    act.effect !== again.effect ||
    act.code !== again.code ||
    act.rule !== again.rule
  );
}

/** As it was recorded, before people approved it and as if it had not been a dry run, as far as its tier tells. */
function asRecorded(act: RecordedAct): Judged {
  const verdict = verdictOf(act);
  const held = { effect: 'hold', code: 'approval_required', approval: null } as const;
  if (act.code === 'approved') return { ...verdict, ...held };
  if (act.code !== 'recorded') return { ...verdict, approval: null };
  if (act.tier === 'black') return { ...verdict, effect: 'deny', code: 'denied', approval: null };
  return act.tier === 'red'
    ? { ...verdict, ...held }
    : { ...verdict, effect: 'execute', code: 'allowed', approval: null };
}
