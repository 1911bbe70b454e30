// What stands against a tenant's agents right now, for people to see in one list.
import type { RestrictionView } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';

export type StandingRestrictions = (tenant: string) => Promise<readonly RestrictionView[]>;

export function createStandingRestrictions(store: Store, clock: Clock): StandingRestrictions {
  return (tenant) =>
    store.withTenant(tenant, async (tx) => {
      const rows = await tx<
        {
          id: string;
          kind: string;
          scope: string;
          floor: string;
          except_actions: string[];
          cause: string;
          created_by: string;
          created_at: number;
          until_at: number | null;
        }[]
      >`
        select id, kind, scope, floor, except_actions, cause, created_by, created_at, until_at from mandate.restriction
        where tenant in (${tenant}, '*') and lifted_at is null and (until_at is null or until_at > ${new Date(clock.nowMs())}) order by created_at`;
      return rows.map((row) => ({
        id: row.id,
        kind: row.kind,
        scope: row.scope,
        floor: row.floor,
        except: row.except_actions,
        cause: row.cause,
        by: row.created_by,
        since: iso(row.created_at),
        until: isoOrNull(row.until_at),
      }));
    });
}
