// What is refused before it is an act leaves a line all the same: who knocks at doors that are not theirs, or goes on
// asking against a full limit, is what a later look into the journal is for.
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store } from '../../platform/postgres/store.ts';

export interface Refused {
  readonly asker: Asker;
  /** The agent that was named. Only once it has been admitted does the entry stand among that agent's own. */
  readonly agent: string;
  readonly isAdmitted: boolean;
  readonly action: string;
  readonly refusal: Refusal;
}

/** Never rejects: a refusal that cannot be noted is still a refusal. */
export type NoteRefusal = (of: Refused) => Promise<void>;

export interface NoteRefusalNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly writeEntry: WriteEntry;
  readonly failed: (error: unknown) => void;
}

export function createNoteRefusal({ store, clock, writeEntry, failed }: NoteRefusalNeeds): NoteRefusal {
  return async ({ asker, agent, isAdmitted, action, refusal }) => {
    try {
      await store.withTenant(asker.tenant, (tx) =>
        writeEntry(tx, asker.tenant, {
          kind: 'action.refused',
          agent: isAdmitted ? agent : null,
          actor: asker.id,
          atMs: clock.nowMs(),
          traceId: asker.traceId,
          data: {
            action,
            agent,
            user: asker.user?.id ?? null,
            chain: asker.chain,
            code: refusal.code,
            detail: refusal.detail,
          },
        }),
      );
    } catch (error) {
      failed(error);
    }
  };
}
