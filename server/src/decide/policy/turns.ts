// A replay keeps a core busy for seconds. A few at once leave the road its turns; the next one is asked to come back.
import type { Refusal } from '../../platform/http/problems.ts';

export type InTurn<Value> = Value | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Turns {
  take<Value>(run: () => Promise<Value>): Promise<InTurn<Value>>;
}

export function createTurns(atOnce: number): Turns {
  let running = 0;
  return {
    async take(run) {
      if (running >= atOnce) {
        const detail = `${running} replays of recorded actions are running already, and each takes a core to itself.`;
        return { kind: 'refused', refusal: { code: 'overloaded', detail, retryAfterMs: 2_000 } };
      }
      running += 1;
      try {
        return await run();
      } finally {
        running -= 1;
      }
    },
  };
}
