// What a search can find: names that the charter mentions, and names that are on record. Whoever is neither is not
// found, though an evaluation would still answer.
import type { Charter } from '@mandate/kernel';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { SearchNeeds } from './search.ts';

export interface KnownNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly charterOf: (tenant: string) => Promise<Charter | null>;
}

/** Names of one kind at most; more than a search would look at in many pages. */
const NAMES_MAX = 5_000;
/** Acts that are looked through for names; a history of years must not make a search slow. */
const RECENT = 20_000;

export function knownNames({ store, charterOf }: KnownNeeds): SearchNeeds['known'] {
  /** Names on record are other people's business: only who may ask for others is told them. */
  const recorded = async (
    { tenant, mayAskForOthers }: Asker,
    read: (tx: Tx) => Promise<readonly { readonly name: string }[]>,
  ): Promise<readonly string[]> =>
    mayAskForOthers ? store.withTenant(tenant, async (tx) => (await read(tx)).map(({ name }) => name)) : [];

  return {
    async subjects(asker, type) {
      const { tenant } = asker;
      const charter = await charterOf(tenant);
      if (type === 'agent') {
        const agents = await recorded(
          asker,
          (tx) => tx<{ name: string }[]>`
            select id as name from mandate.agent where tenant = ${tenant} order by id limit ${NAMES_MAX}`,
        );
        const own = asker.agents === 'any' ? [] : asker.agents;
        return sorted(Object.keys(charter?.agents ?? {}), agents, own);
      }
      if (type !== 'user') return [];
      const users = await recorded(
        asker,
        (tx) => tx<{ name: string }[]>`
          select distinct user_id as name from (
            select user_id from mandate.act where tenant = ${tenant} order by created_at desc limit ${RECENT}) recent
          where user_id is not null limit ${NAMES_MAX}`,
      );
      return sorted(Object.keys(charter?.users ?? {}), users);
    },

    async resources(asker, type) {
      const { tenant } = asker;
      const resources = (await charterOf(tenant))?.resources ?? {};
      const named = Object.hasOwn(resources, type) ? (resources[type] ?? []) : [];
      const touched = await recorded(
        asker,
        (tx) => tx<{ name: string }[]>`
          select distinct resource_id as name from (
            select resource_id from mandate.act
            where tenant = ${tenant} and resource_type = ${type} and resource_id is not null
            order by created_at desc limit ${RECENT}) recent
          limit ${NAMES_MAX}`,
      );
      return sorted(named, touched);
    },

    async actions(asker) {
      const { tenant } = asker;
      const charter = await charterOf(tenant);
      const written = [
        ...(charter?.rules ?? []).map(({ match }) => match),
        ...(charter?.actions ?? []).map(({ match }) => match),
      ].filter((name) => !name.endsWith('*'));
      const asked = await recorded(
        asker,
        (tx) => tx<{ name: string }[]>`
          select distinct action as name from (
            select action from mandate.act where tenant = ${tenant} order by created_at desc limit ${RECENT}) recent
          limit ${NAMES_MAX}`,
      );
      return sorted(written, asked);
    },
  };
}

function sorted(...names: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(names.flat())].toSorted();
}
