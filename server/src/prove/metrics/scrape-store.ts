// Counts that only a scrape asks for: breaker events by what they did.
import type { Tx } from '../../platform/postgres/store.ts';
import type { EventFigures } from './governance-metrics.ts';

/** One row is one episode. null counts the whole tenant. */
export async function countEvents(tx: Tx, tenant: string, set: string | null): Promise<EventFigures> {
  const rows = await tx<
    { rule: string; action: string; alertSeverity: string; total: number; unresolved: number }[]
  >`
    select rule, action, alert_severity as "alertSeverity", count(*)::integer as total, (count(*) filter (where resolved_at is null))::integer as unresolved
    from mandate.circuit_breaker_event where tenant = ${tenant} ${set === null ? tx`` : tx`and set_name = ${set}`}
    group by 1, 2, 3 order by 1, 2, 3`;
  return { counts: rows, unresolved: rows.reduce((sum, { unresolved }) => sum + unresolved, 0) };
}

/** Names of sets; '' for objectives of none. */
export async function readEventSets(tx: Tx, tenant: string): Promise<readonly string[]> {
  const rows = await tx<{ set_name: string }[]>`
    select distinct set_name from mandate.circuit_breaker_event where tenant = ${tenant} order by set_name`;
  return rows.map((row) => row.set_name);
}
