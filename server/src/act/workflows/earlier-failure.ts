// Retries of one step count once: a step that fails three times has failed, and has not failed three times. Which acts
// are attempts of one step only runs know, so whoever settles trust asks here.
import type { Severity } from '@mandate/kernel';
import type { Store } from '../../platform/postgres/store.ts';

export interface Attempt {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly severity: Severity;
}

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

/**
 * Whether another attempt of the same step by the same agent is on record as failed and has cost as much at least: a
 * step that has become graver since counts anew. False for an act that is no step.
 */
export function hasFailedBefore(store: Store, { id, tenant, agent, severity }: Attempt): Promise<boolean> {
  const asGrave = SEVERITIES.slice(SEVERITIES.indexOf(severity));
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx`
      select 1 from mandate.workflow_step s
        join mandate.workflow_step e on e.tenant = s.tenant and e.run = s.run and e.instance = s.instance and e.attempt <> s.attempt
        join mandate.act a on a.tenant = e.tenant and a.id = e.act_id
      where s.act_id = ${id} and s.tenant = ${tenant} and a.agent = ${agent} and a.status = 'failed' and a.severity = any (${asGrave})
      limit 1`;
    return row !== undefined;
  });
}
