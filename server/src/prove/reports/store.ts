// The rows of reports, one statement per function. They are written once; reading one back gives what was digested.
import type { GovernanceReport } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import type { FiledReport } from './outline-report.ts';

export interface NewReport extends FiledReport {
  /** Canonical JSON of the report, over which the digest was taken. */
  readonly content: string;
}

/** False where the set has a report of that week already. Waits for whoever is writing one at this moment. */
export async function insertReport(
  tx: Tx,
  tenant: string,
  { report, content, sha256 }: NewReport,
): Promise<boolean> {
  const inserted = await tx`
    insert into mandate.governance_report (tenant, id, governed_set, week, period_start, period_end, phase, decision, proposal_id, content, sha256, created_at, created_by)
    values (${tenant}, ${report.id}, ${report.set}, ${report.week}, ${new Date(report.period.start)}, ${new Date(report.period.end)}, ${report.phase.name},
      ${report.decision.kind}, ${report.proposal?.id ?? null}, ${content}, ${sha256}, ${new Date(report.createdAt)}, ${report.createdBy})
    on conflict (tenant, governed_set, week) do nothing`;
  return inserted.count === 1;
}

interface ReportRow {
  readonly content: string;
  readonly sha256: string;
}

export async function selectReport(tx: Tx, tenant: string, id: string): Promise<FiledReport | null> {
  const [row] = await tx<
    ReportRow[]
  >`select content, sha256 from mandate.governance_report where tenant = ${tenant} and id = ${id}`;
  return row === undefined ? null : filedFrom(row);
}

export async function selectWeek(
  tx: Tx,
  tenant: string,
  { set, week }: { readonly set: string; readonly week: string },
): Promise<FiledReport | null> {
  const [row] = await tx<ReportRow[]>`
    select content, sha256 from mandate.governance_report
    where tenant = ${tenant} and governed_set = ${set} and week = ${week}`;
  return row === undefined ? null : filedFrom(row);
}

/** Newest first; of all sets without one. */
export async function selectReports(
  tx: Tx,
  tenant: string,
  { set, limit }: { readonly set: string | null; readonly limit: number },
): Promise<readonly FiledReport[]> {
  const rows = await tx<ReportRow[]>`
    select content, sha256 from mandate.governance_report
    where tenant = ${tenant} ${set === null ? tx`` : tx`and governed_set = ${set}`}
    order by period_end desc, id desc limit ${limit}`;
  return rows.map(filedFrom);
}

/** Up to when the newest report of a set goes that does not end after a moment; null where it has none. */
export async function selectLastEnd(
  tx: Tx,
  tenant: string,
  { set, upToMs }: { readonly set: string; readonly upToMs: number },
): Promise<number | null> {
  const [row] = await tx<{ period_end: number }[]>`
    select period_end from mandate.governance_report
    where tenant = ${tenant} and governed_set = ${set} and period_end <= ${new Date(upToMs)}
    order by period_end desc limit 1`;
  return row?.period_end ?? null;
}

function filedFrom({ content, sha256 }: ReportRow): FiledReport {
  // Written by `file` alone, and the database refuses to change it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return { report: JSON.parse(content) as GovernanceReport, sha256 };
}
