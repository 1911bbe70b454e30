// Whoever gives a grant chooses the name in it. If its token alone proved that name, every agent could become every
// other one by giving a grant to it; so the token suffices only for names that nothing but grants has ever used.
import type { Law } from '@mandate/kernel';
import type { Store } from '../../platform/postgres/store.ts';

export interface OwnProofNeeds {
  readonly store: Store;
  readonly lawOf: (tenant: string) => Promise<Law | null>;
}

/** Why an agent must prove itself by more than a delegation token, as the beginning of a sentence; null when it need not. */
export type OwnProofOf = (tenant: string, agent: string) => Promise<string | null>;

export function createOwnProof({ store, lawOf }: OwnProofNeeds): OwnProofOf {
  return async (tenant, agent) => {
    const law = await lawOf(tenant);
    if (law === null)
      return `The active charter cannot be read, so it is not known whether it names ${agent}`;
    if (isNamed(law, agent)) return `The charter names ${agent}`;
    const [row] = await store.withTenant(
      tenant,
      (tx) => tx<Row[]>`
        select
          exists (select 1 from mandate.api_key where tenant = ${tenant} and ${agent} = any (agents)) as "hasKey",
          exists (select 1 from mandate.agent where tenant = ${tenant} and id = ${agent}) as "isRegistered",
          -- Only the first: whether a name began with a grant never changes, and a look at every act would grow with them.
          (select display->'chain' = '[]' from mandate.act where tenant = ${tenant} and agent = ${agent}
            order by created_at limit 1) as "beganAlone"`,
    );
    // A key that was revoked still says whose the name is.
    if (row === undefined || row.hasKey) return `${agent} has a key of its own`;
    if (row.beganAlone ?? row.isRegistered) return `${agent} was here before anybody handed it authority`;
    return null;
  };
}

interface Row {
  readonly hasKey: boolean;
  readonly isRegistered: boolean;
  /** null: no act of it is on record. */
  readonly beganAlone: boolean | null;
}

/** By its own entry, or by a rule that is for it alone or for it and others. */
function isNamed({ charter }: Law, agent: string): boolean {
  return (
    Object.hasOwn(charter.agents, agent) ||
    charter.rules.some(({ selectors }) => selectors.agent?.includes(agent))
  );
}
