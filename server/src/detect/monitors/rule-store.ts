// The rows of breaker rules and of what was seeded, one statement per function. Rows are read as they stand: whoever wrote
// one by SQL was checked by nobody but the table's own constraints.
import type { AlertSeverity, BreakerAction, BreakerRule } from '@mandate/kernel';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Tx } from '../../platform/postgres/store.ts';

/** A rule as it stands for one set. */
export interface StoredRule extends BreakerRule {
  /** `*` for a rule of every set. */
  readonly set: string;
  readonly updatedMs: number;
  readonly updatedBy: string;
}

const EVERY_SET = '*';

interface RuleRow {
  readonly set_name: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly condition: string;
  readonly time_window: string;
  readonly action: BreakerAction;
  readonly alert_severity: AlertSeverity;
  readonly min_samples: number;
  readonly updated_at: number;
  readonly updated_by: string;
}

/** One check, and one change, of a set at a time. */
export async function lockSet(tx: Tx, tenant: string, set: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtext('mandate:monitors'), hashtext(${`${tenant}/${set}`}))`;
}

/** The rules of a set by name: its own before those for every set. */
export async function readRules(tx: Tx, tenant: string, set: string): Promise<readonly StoredRule[]> {
  const rows = await tx<RuleRow[]>`
    select distinct on (name) set_name, name, enabled, condition, time_window, action, alert_severity, min_samples, updated_at, updated_by
    from mandate.circuit_breaker_rule where tenant = ${tenant} and set_name in (${set}, ${EVERY_SET})
    order by name, (set_name = ${EVERY_SET})`;
  return rows.map(ruleFrom);
}

export async function writeRule(tx: Tx, tenant: string, rule: StoredRule): Promise<void> {
  await tx`
    insert into mandate.circuit_breaker_rule (tenant, set_name, name, enabled, condition, time_window, action, alert_severity, min_samples, updated_at, updated_by)
    values (${tenant}, ${rule.set}, ${rule.name}, ${rule.enabled}, ${rule.condition}, ${rule.window}, ${rule.action}, ${rule.alertSeverity},
      ${rule.minSamples}, ${new Date(rule.updatedMs)}, ${rule.updatedBy})
    on conflict (tenant, set_name, name) do update set enabled = excluded.enabled, condition = excluded.condition,
      time_window = excluded.time_window, action = excluded.action, alert_severity = excluded.alert_severity,
      min_samples = excluded.min_samples, updated_at = excluded.updated_at, updated_by = excluded.updated_by`;
}

/** Where somebody has written a rule of that name already, theirs stays. */
export async function insertRule(tx: Tx, tenant: string, rule: StoredRule): Promise<void> {
  await tx`
    insert into mandate.circuit_breaker_rule (tenant, set_name, name, enabled, condition, time_window, action, alert_severity, min_samples, updated_at, updated_by)
    values (${tenant}, ${rule.set}, ${rule.name}, ${rule.enabled}, ${rule.condition}, ${rule.window}, ${rule.action}, ${rule.alertSeverity},
      ${rule.minSamples}, ${new Date(rule.updatedMs)}, ${rule.updatedBy})
    on conflict do nothing`;
}

/** What was seeded for a set, by name. */
export async function readSeeds(
  tx: Tx,
  tenant: string,
  set: string,
): Promise<ReadonlyMap<string, BreakerRule>> {
  const rows = await tx<{ name: string; definition: BreakerRule }[]>`
    select name, definition from mandate.circuit_breaker_seed where tenant = ${tenant} and set_name = ${set}`;
  return new Map(rows.map(({ name, definition }) => [name, definition]));
}

export async function writeSeed(
  tx: Tx,
  tenant: string,
  { set, rule, nowMs }: { readonly set: string; readonly rule: BreakerRule; readonly nowMs: number },
): Promise<void> {
  await tx`
    insert into mandate.circuit_breaker_seed (tenant, set_name, name, definition, seeded_at)
    values (${tenant}, ${set}, ${rule.name}, ${jsonb(tx, rule)}, ${new Date(nowMs)})
    on conflict (tenant, set_name, name) do update set definition = excluded.definition, seeded_at = excluded.seeded_at`;
}

function ruleFrom(row: RuleRow): StoredRule {
  return {
    set: row.set_name,
    name: row.name,
    enabled: row.enabled,
    condition: row.condition,
    window: row.time_window,
    action: row.action,
    alertSeverity: row.alert_severity,
    minSamples: row.min_samples,
    updatedMs: row.updated_at,
    updatedBy: row.updated_by,
  };
}
