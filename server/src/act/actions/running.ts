// What this process is executing right now, so that a stop can reach it. Nothing here is a record: the acts
// themselves are in Postgres, and a process that dies takes only its abort handles with it.

import type { Action } from '@mandate/kernel';

export interface RunningAct {
  readonly actId: string;
  readonly tenant: string;
  readonly action: Action;
  readonly agentClass: string | null;
  /** A safe-state action must not be aborted by the stop that it makes safe. */
  readonly safeState: boolean;
}

export interface Running {
  /** Hands out the signal that aborts this act, and a function to call when it has ended. */
  enter(act: RunningAct): { readonly signal: AbortSignal; readonly leave: () => void };
  abortWhere(matches: (act: RunningAct) => boolean, why: string): number;
  abort(tenant: string, actId: string, why: string): boolean;
  count(): number;
  /** Resolves when nothing runs any more. */
  drained(): Promise<void>;
}

export function createRunning(): Running {
  // By entry and not by act id: of several attempts to begin the same waiting act one wins, and the others must not
  // take its abort handle along when they leave.
  const acts = new Set<{ readonly act: RunningAct; readonly controller: AbortController }>();
  let waiting: (() => void)[] = [];

  return {
    enter(act) {
      const controller = new AbortController();
      const entry = { act, controller };
      acts.add(entry);
      const leave = (): void => {
        acts.delete(entry);
        if (acts.size > 0) return;
        for (const wake of waiting) wake();
        waiting = [];
      };
      return { signal: controller.signal, leave };
    },
    abortWhere(matches, why) {
      let aborted = 0;
      for (const { act, controller } of acts) {
        if (act.safeState || controller.signal.aborted || !matches(act)) continue;
        controller.abort(new Error(why));
        aborted += 1;
      }
      return aborted;
    },
    abort(tenant, actId, why) {
      const found = [...acts].filter(({ act }) => act.actId === actId && act.tenant === tenant);
      for (const { controller } of found) controller.abort(new Error(why));
      return found.length > 0;
    },
    count: () => acts.size,
    drained: () => (acts.size === 0 ? Promise.resolve() : new Promise((wake) => waiting.push(wake))),
  };
}
