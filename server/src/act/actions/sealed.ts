// What a decision was made of, sealed beside the act: the action with its plain parameters, who asked, and the
// facts of the snapshot. It lets a waiting act be decided again and any decision be replayed (I3, I9).
import type { Action, Facts, Json, Snapshot } from '@mandate/kernel';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Act } from './act.ts';

export interface Evidence {
  readonly action: Action;
  readonly asker: Asker;
  readonly facts: Facts;
}

export interface Sealed {
  close(
    tenant: string,
    actId: string,
    evidence: { action: Action; asker: Asker; snapshot: Snapshot },
  ): Promise<Uint8Array>;
  open(act: Act): Promise<Evidence>;
  openResult(act: Act): Promise<Json | null>;
}

export interface SealedNeeds {
  readonly seal: (tenant: string, value: unknown, place: string) => Promise<Uint8Array>;
  readonly unseal: (tenant: string, sealed: Uint8Array, place: string) => Promise<unknown>;
}

export function createSealed({ seal, unseal }: SealedNeeds): Sealed {
  return {
    close(tenant, actId, { action, asker, snapshot }) {
      const { law: _law, ...facts } = snapshot;
      return seal(tenant, { action, asker, facts }, `act:${actId}`);
    },
    async open(act) {
      // What we sealed ourselves under an authenticated cipher has the shape that we gave it.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      return (await unseal(act.tenant, act.sealed, `act:${act.id}`)) as Evidence;
    },
    async openResult(act) {
      if (act.sealedResult === null) return null;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed as JSON by actions.ts
      return (await unseal(act.tenant, act.sealedResult, `result:${act.id}`)) as Json;
    },
  };
}
