// A kill switch that nobody has pulled is a hope. This pulls it: a real stop of a scope of its own, in which nobody
// works, a real request inside that scope, and a real resume. Nothing is simulated, so whatever is broken shows.
import type { Clock } from '../../platform/clock/clock.ts';
import type { DrillEvidence } from './drill.ts';

/** What is promised of every stop (GUARANTEES.md): confirmed within four seconds, also when something hangs. */
const BOUND_MS = 4_000;
/** A drill that was cut off leaves its own stop behind; the next one lifts it after this long. */
const LEFT_BEHIND_MS = 600_000;
const AGENT = 'mandate-drill-';
const ACTION = 'mandate.drill';
/** A drill's own stop, for whoever counts those that hold anybody up: no agent has such a name. */
export const DRILL_STOP = {
  scope: '^agent:mandate-drill-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  cause: 'Kill switch drill: nobody works in this scope.',
} as const;
const OWN_SCOPE = new RegExp(DRILL_STOP.scope);

export interface KillSwitchNeeds {
  readonly clock: Clock;
  readonly uuid: () => string;
  readonly stop: (order: {
    readonly tenant: string;
    readonly scope: string;
    readonly level: 'stop';
    readonly reason: string;
    readonly by: string;
    readonly traceId: string | null;
  }) => Promise<{
    readonly id: string;
    readonly confirmed: boolean;
    readonly requestedAt: string;
    readonly confirmedAt: string | null;
  }>;
  readonly standing: (tenant: string) => Promise<
    readonly {
      readonly id: string;
      readonly tenant: string;
      readonly scope: string;
      readonly cause: string;
      readonly since: string;
    }[]
  >;
  /** Lifts this one stop; whether it was lifted. */
  readonly resume: (order: {
    readonly tenant: string;
    readonly id: string;
    readonly scope: string;
    readonly reason: string;
    readonly by: string;
    readonly traceId: string | null;
  }) => Promise<boolean>;
  /** What would be decided for the agent; nothing is recorded. */
  readonly preview: (asked: DrillAct) => Promise<Seen>;
  /** Asks for the action on the road, as the agent itself would. */
  readonly request: (asked: DrillAct) => Promise<Seen & { readonly actId: string | null }>;
}

export interface DrillAct {
  readonly tenant: string;
  readonly agent: string;
  readonly action: string;
  /** Who has the drill done. */
  readonly by: string;
  readonly traceId: string | null;
}

/** What the road said: the code of its refusal or decision, and the restrictions that it named. */
export interface Seen {
  readonly code: string;
  readonly restrictions: readonly string[];
}

export type KillSwitchDrill = (order: {
  readonly tenant: string;
  readonly by: string;
  readonly traceId: string | null;
}) => Promise<
  | { readonly kind: 'drilled'; readonly passed: boolean; readonly evidence: DrillEvidence }
  | { readonly kind: 'refused'; readonly detail: string }
>;

export function createKillSwitchDrill(needs: KillSwitchNeeds): KillSwitchDrill {
  const { clock } = needs;

  /** Only what earlier drills left. A person who stops an agent with a name like theirs has a reason of their own. */
  async function sweep(tenant: string, by: string): Promise<void> {
    for (const stop of await needs.standing(tenant))
      if (
        stop.tenant === tenant &&
        OWN_SCOPE.test(stop.scope) &&
        stop.cause === DRILL_STOP.cause &&
        clock.nowMs() - Date.parse(stop.since) > LEFT_BEHIND_MS
      )
        await needs.resume({
          tenant,
          id: stop.id,
          scope: stop.scope,
          reason: 'Left by a drill.',
          by,
          traceId: null,
        });
  }

  return async ({ tenant, by, traceId }) => {
    await sweep(tenant, by);
    const agent = `${AGENT}${needs.uuid()}`;
    const scope = `agent:${agent}`;
    const asked: DrillAct = { tenant, agent, action: ACTION, by, traceId };
    const before = await needs.preview(asked);
    if (before.code === 'stopped' || before.code === 'unavailable')
      return {
        kind: 'refused',
        detail:
          before.code === 'stopped'
            ? 'A stop is in force already, so a drill could not show that its own stop did anything. Resume first.'
            : 'Nothing can be decided at the moment, so a drill would show nothing. See /ready.',
      };
    const sinceMs = clock.monotonicMs();
    const stopped = await needs.stop({ tenant, scope, level: 'stop', reason: DRILL_STOP.cause, by, traceId });
    const tookMs = Math.round(clock.monotonicMs() - sinceMs);
    let refused: (Seen & { readonly actId: string | null }) | null = null;
    let resumed = false;
    try {
      // Looked at first: if the stop did nothing, a request could begin something.
      const seen = await needs.preview(asked);
      refused = isHeldBy(seen, stopped.id) ? await needs.request(asked) : { ...seen, actId: null };
    } finally {
      resumed = await needs.resume({
        tenant,
        id: stopped.id,
        scope,
        reason: 'The drill is over.',
        by,
        traceId,
      });
    }
    const after = await needs.preview(asked);
    const wasRefused = refused !== null && isHeldBy(refused, stopped.id);
    const isFree = after.code !== 'stopped';
    return {
      kind: 'drilled',
      passed: stopped.confirmed && tookMs <= BOUND_MS && wasRefused && resumed && isFree,
      evidence: {
        scope,
        restriction: stopped.id,
        requestedAt: stopped.requestedAt,
        confirmedAt: stopped.confirmedAt,
        confirmedMs: stopped.confirmed ? tookMs : null,
        boundMs: BOUND_MS,
        refusedCode: refused?.code ?? null,
        refusedAct: refused?.actId ?? null,
        refusedByThisStop: wasRefused,
        resumed,
        freeAfterwards: isFree,
      },
    };
  };
}

function isHeldBy({ code, restrictions }: Seen, restriction: string): boolean {
  return code === 'stopped' && restrictions.includes(restriction);
}
