// What a stop found at work. Its scope is read by the kernel's own rule, so that the list, and with it the moment from
// which all is quiet, holds everything that the stop reaches: workers on handed-on authority and whole classes too.
import { scopeCovers } from '@mandate/kernel';
import type { Action } from '@mandate/kernel';
import type { Sql } from '../../platform/postgres/store.ts';

export interface FlightRow {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly status: string;
  readonly startByMs: number | null;
}

/** The class that a tenant's charter gives each agent; null where its charter cannot be read. */
export type ClassesOf = (tenant: string) => Promise<((agent: string) => string | null) | null>;

/**
 * Live acts in the scope, and those that have been broken off since the stop was asked for: what they had sent may still be
 * on its way. Oldest first. Where the charter cannot be read, a class counts as everybody.
 */
export async function readInFlight(
  control: Sql,
  { tenant, scope, sinceMs }: { readonly tenant: string; readonly scope: string; readonly sinceMs: number },
  classesOf: ClassesOf,
): Promise<readonly FlightRow[]> {
  const rows = await control<LiveRow[]>`
    select id, agent, action, status, start_by, user_id, resource_type, resource_id, started_at,
      display->'chain' as chain, display->>'onBehalfOf' as on_behalf_of
    from mandate.act
    where status in ('executing', 'permitted') and (${tenant} = '*' or tenant = ${tenant})
    union all
    select id, agent, action, status, start_by, user_id, resource_type, resource_id, started_at,
      display->'chain' as chain, display->>'onBehalfOf' as on_behalf_of
    from mandate.act
    where tenant = any(array(select t.tenant from mandate.tenant t where ${tenant} in ('*', t.tenant)))
      and started_at is not null and ended_at >= ${new Date(sinceMs)} and status in ('cancelled', 'unknown')
    order by started_at`;
  const isClass = scope.startsWith('class:');
  const classOf = isClass ? await classesOf(tenant) : () => null;
  return rows
    .filter(
      (row) =>
        classOf === null || scopeCovers(scope, { action: actionOf(row), agentClass: classOf(row.agent) }),
    )
    .map(({ id, agent, action, status, start_by }) => ({ id, agent, action, status, startByMs: start_by }));
}

interface LiveRow {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly status: string;
  readonly start_by: number | null;
  readonly user_id: string | null;
  readonly resource_type: string | null;
  readonly resource_id: string | null;
  readonly chain: readonly string[] | null;
  readonly on_behalf_of: string | null;
}

/** The act as far as a scope asks about it. */
function actionOf(row: LiveRow): Action {
  return {
    agent: row.agent,
    action: row.action,
    parameters: {},
    context: {},
    resource:
      row.resource_type === null || row.resource_id === null
        ? null
        : { type: row.resource_type, id: row.resource_id },
    user: row.user_id === null ? null : { id: row.user_id, email: null },
    chain: row.chain ?? [],
    onBehalfOf: row.on_behalf_of,
    costMicroUsd: null,
  };
}
