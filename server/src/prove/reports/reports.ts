// Reports of the weekly cycle: filed once in the transaction that decides, with their digest in the journal, and shown
// in the form that is asked for. What is filed never changes, so that people can rely on what they have read.
import { canonicalJson } from '@mandate/kernel';
import type { AuditRoot, GovernanceReport, JsonObject } from '@mandate/kernel';
import { sha256Hex } from '../../platform/crypto/hash.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { rootOf } from './audit-root.ts';
import type { FiledReport } from './outline-report.ts';
import { insertReport, selectLastEnd, selectReport, selectReports, selectWeek } from './store.ts';
import { summaryText } from './words.ts';

export interface Reports {
  /**
   * Files the report and tells the journal, in the caller's transaction. False where the set has a report of that week
   * already: the caller undoes what it did for this one.
   */
  fileIn(tx: Tx, tenant: string, filing: Filing): Promise<boolean>;
  find(tenant: string, id: string): Promise<FiledReport | null>;
  ofWeek(tenant: string, set: string, week: string): Promise<FiledReport | null>;
  /** Newest first; of all sets without one. */
  list(
    tenant: string,
    query: { readonly set: string | null; readonly limit: number },
  ): Promise<readonly FiledReport[]>;
  /** Up to when the newest report of a set goes that does not end after a moment, epoch milliseconds; null for none. */
  lastEnd(tenant: string, set: string, upToMs: number): Promise<number | null>;
  /** The audit root of a window, which reaches back to where the set's last report ends. */
  auditRoot(
    tenant: string,
    of: { readonly set: string; readonly startMs: number; readonly endMs: number },
  ): Promise<AuditRoot>;
}

export interface Filing {
  readonly report: GovernanceReport;
  readonly traceId: string | null;
}

export interface ReportsNeeds {
  readonly store: Store;
  readonly writeEntry: WriteEntry;
}

export function createReports({ store, writeEntry }: ReportsNeeds): Reports {
  return {
    async fileIn(tx, tenant, { report, traceId }) {
      const content = canonicalJson(report);
      const sha256 = sha256Hex(content);
      if (!(await insertReport(tx, tenant, { report, content, sha256 }))) return false;
      await writeEntry(tx, tenant, {
        kind: 'governance.cycle_completed',
        actor: report.createdBy,
        atMs: Date.parse(report.createdAt),
        traceId,
        data: entryData(report, sha256),
      });
      return true;
    },

    find: (tenant, id) => store.withTenant(tenant, (tx) => selectReport(tx, tenant, id)),

    ofWeek: (tenant, set, week) => store.withTenant(tenant, (tx) => selectWeek(tx, tenant, { set, week })),

    list: (tenant, query) => store.withTenant(tenant, (tx) => selectReports(tx, tenant, query)),

    lastEnd: (tenant, set, upToMs) =>
      store.withTenant(tenant, (tx) => selectLastEnd(tx, tenant, { set, upToMs })),

    auditRoot: (tenant, { set, startMs, endMs }) =>
      store.withTenant(tenant, async (tx) => {
        const [last] = await selectReports(tx, tenant, { set, limit: 1 });
        const reportedPosition = last?.report.audit.lastPosition ?? null;
        return rootOf(tx, tenant, { startMs, endMs, reportedPosition });
      }),
  };
}

/** What the journal keeps, and what people are told of: enough to know whether to open the report. */
function entryData(report: GovernanceReport, sha256: string): JsonObject {
  const { id, set, week, period, phase, readiness, decision, proposal, audit } = report;
  return {
    report: id,
    set,
    week,
    periodStart: period.start,
    periodEnd: period.end,
    phase: phase.name,
    score: readiness.score,
    decision: decision.kind,
    target: decision.kind === 'propose' ? decision.target : null,
    reasons: decision.kind === 'stay' ? decision.reasons.map((reason) => reason.text) : [],
    proposal: proposal?.id ?? null,
    summary: summaryText(report),
    nextSteps: report.nextSteps,
    sha256,
    auditRoot: audit.root,
    firstPosition: audit.firstPosition,
    lastPosition: audit.lastPosition,
  };
}
