// The HTTP resources of the weekly cycle: run it now, and read its reports as data, as Markdown, or as a page for
// people, who print it or file it as PDF.
import type { GovernanceReport, GovernedSet } from '@mandate/kernel';
import { z } from 'zod';
import { limitField } from '../../platform/http/fields.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { json, problem, route } from '../../platform/http/route.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import { alsoUnversioned } from '../../platform/http/unversioned.ts';
import { NOTHING_GOVERNED, setField, whichSet } from '../../platform/http/which-set.ts';
import { FORMS, formOf, renderReport } from './form.ts';
import type { Form } from './form.ts';
import type { FiledReport } from './outline-report.ts';
import type { Reports } from './reports.ts';
import { summaryText } from './words.ts';

const PAGE = 10;
const PAGE_MAX = 100;

export interface ReportRoutesNeeds {
  readonly reports: Pick<Reports, 'find' | 'list'>;
  readonly setsOf: (tenant: string) => Promise<readonly GovernedSet[]>;
  /** Runs the cycle of a set now, or answers with what this week's came to. */
  readonly run: (order: {
    readonly tenant: string;
    readonly set: string;
    readonly atMs: number;
    readonly by: string;
    readonly traceId: string | null;
  }) => Promise<
    | { readonly kind: 'done'; readonly filed: FiledReport; readonly isNew: boolean }
    | { readonly kind: 'refused'; readonly refusal: Refusal }
  >;
  readonly nowMs: () => number;
}

const setQuery = z.strictObject({ set: setField });
const formQuery = z.strictObject({ format: z.enum(FORMS).optional() });
const latestQuery = z.strictObject({ set: setField, format: z.enum(FORMS).optional() });
const listQuery = z.strictObject({ set: setField, limit: limitField(PAGE_MAX).optional() });

/** With and without the version in their paths. */
export function reportRoutes({ reports, setsOf, run, nowMs }: ReportRoutesNeeds): readonly Route[] {
  /** The set that is meant, or the answer that says why there is none. */
  async function setOf(tenant: string, wanted: string | undefined): Promise<GovernedSet | Reply> {
    const which = whichSet(await setsOf(tenant), wanted);
    if (which.kind === 'set') return which.set;
    return problem(which.kind === 'none' ? NOTHING_GOVERNED : which.refusal);
  }

  return alsoUnversioned([
    route({
      method: 'POST',
      path: '/api/v1/governance/run-cycle',
      summary:
        'Run the weekly cycle of a governed set now; in a week that has its report, that report comes back',
      permission: 'governance.write',
      answer: 'The report with its digest (201 where it is new)',
      query: setQuery,
      async handle({ principal, query, traceId }) {
        const set = await setOf(principal.tenant, query.set);
        if ('kind' in set) return set;
        const answer = await run({
          tenant: principal.tenant,
          set: set.name,
          atMs: nowMs(),
          by: principal.id,
          traceId,
        });
        if (answer.kind === 'refused') return problem(answer.refusal);
        const { filed, isNew } = answer;
        const location = `/api/v1/governance/reports/${filed.report.id}`;
        return json(reportView(filed), isNew ? 201 : 200, { location });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/governance/reports',
      summary: 'Reports of the weekly cycle, newest first, each with what matters most',
      permission: 'governance.read',
      answer: '{ items }',
      query: listQuery,
      async handle({ principal: { tenant }, query }) {
        const limit = query.limit ?? PAGE;
        const items = await reports.list(tenant, { set: query.set ?? null, limit });
        // A set that the charter has dropped still has its reports; one that never was is a slip of the pen.
        if (items.length === 0 && query.set !== undefined) {
          const set = await setOf(tenant, query.set);
          if ('kind' in set) return set;
        }
        return json({ items: items.map(lineOf) });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/governance/reports/latest',
      summary: 'The newest report of a set: as JSON, or ?format=markdown or html (Accept says it, too)',
      permission: 'governance.read',
      answer: 'The report with its digest',
      query: latestQuery,
      async handle({ principal: { tenant }, query, accept }) {
        const set = await setOf(tenant, query.set);
        if ('kind' in set) return set;
        const [newest] = await reports.list(tenant, { set: set.name, limit: 1 });
        if (newest !== undefined) return shown(newest, query.format ?? formOf(accept));
        return problem({
          code: 'not_found',
          detail: `${set.name} has no report yet. The cycle writes one every week; POST /api/v1/governance/run-cycle writes it now.`,
        });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/governance/reports/:id',
      summary: 'One report: as JSON, or ?format=markdown or html (Accept says it, too)',
      permission: 'governance.read',
      answer: 'The report with its digest',
      query: formQuery,
      async handle({ principal: { tenant }, params, query, accept }) {
        const id = params['id'] ?? '';
        const found = await reports.find(tenant, id);
        return found === null
          ? problem({ code: 'not_found', detail: `There is no report ${id}.` })
          : shown(found, query.format ?? formOf(accept));
      },
    }),
  ]);
}

function shown(filed: FiledReport, form: Form): Reply {
  if (form === 'json') return json(reportView(filed));
  return { kind: 'document', status: 200, ...renderReport(filed, form) };
}

/** A report as it is shown: what the digest was taken over, and the digest. */
function reportView({ report, sha256 }: FiledReport): GovernanceReport & { readonly sha256: string } {
  return { ...report, sha256 };
}

function lineOf({ report, sha256 }: FiledReport) {
  const { id, set, week, period, phase, readiness, decision, proposal, createdAt } = report;
  return {
    id,
    set,
    week,
    period,
    phase: phase.name,
    score: readiness.score,
    ready: readiness.ready,
    decision: decision.kind,
    target: decision.kind === 'propose' ? decision.target : null,
    proposal: proposal?.id ?? null,
    summary: summaryText(report),
    createdAt,
    sha256,
  };
}
