// What is on record about the thing about to be deployed. Only what Mandate saw itself counts: a test act that it
// executed or that another principal confirmed, on the same commit or resource, newer than the last write to it.
import type { Action, DeploymentFacts } from '@mandate/kernel';
import type { Store } from '../../platform/postgres/store.ts';

/** Actions that change what would be deployed. */
const WRITES = [
  'code.write',
  'git.commit',
  'git.merge',
  'git.push',
  'git.force_push',
  'dependency.update',
  'files.write_file',
  'files.edit_file',
];

export function createDeploymentFacts(
  store: Store,
): (tenant: string, action: Action) => Promise<DeploymentFacts | null> {
  return async (tenant, action) => {
    const commit = action.parameters['commit'];
    const resource = action.resource;
    // Nothing says what is deployed: no test on record can be shown to belong to it.
    if (typeof commit !== 'string' && resource === null)
      return { testsPassed: false, openCriticalFindings: 0 };
    return store.withTenant(tenant, async (tx) => {
      const subject =
        typeof commit === 'string'
          ? tx`display->'parameters'->>'commit' = ${commit}`
          : tx`resource_type = ${resource?.type ?? ''} and resource_id = ${resource?.id ?? ''}`;
      // A test is as fresh as its start: what was written while it ran, it may not have seen. A write counts whatever
      // came of it, and one without an end is the newest of all. A critical finding that was passed over is open until
      // its act was rolled back, or a scan that began after it came out clean. What an act costs says nothing about it,
      // and what undoes an act touches the same things without leaving anything there.
      const [row] = await tx<
        { tested: number | null; written: number | null; writing: number; critical: number }[]
      >`
        with touching as (
          select id, action, status, started_at, ended_at, compensates,
            executor is not null or confirmed_by is not null as is_seen,
            decision @? '$.findings[*] ? (@.severity == "critical" && @.check != "cost")' as is_critical
          from mandate.act where tenant = ${tenant} and started_at is not null and ${subject}
        ), scanned as (
          select max(started_at) as at from touching where status = 'success' and is_seen and not is_critical and starts_with(action, 'scan.')
        )
        select max(started_at) filter (where status = 'success' and starts_with(action, 'test.run') and is_seen) as tested,
               max(ended_at) filter (where action = any (${WRITES})) as written,
               (count(*) filter (where action = any (${WRITES}) and ended_at is null))::integer as writing,
               (count(*) filter (where status = 'success' and is_critical and compensates is null
                 and (scanned.at is null or scanned.at <= ended_at)
                 and not exists (select 1 from mandate.act u where u.tenant = ${tenant} and u.compensates = touching.id and u.status = 'success')))::integer as critical
        from touching cross join scanned`;
      const tested = row?.tested ?? null;
      const written = row?.written ?? null;
      return {
        testsPassed: tested !== null && row?.writing === 0 && (written === null || tested > written),
        openCriticalFindings: row?.critical ?? 0,
      };
    });
  };
}
