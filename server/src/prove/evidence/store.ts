// The rows of drills and scrapes, one function per statement, in the caller's transaction.
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Drill, DrillEvidence, DrillKind } from './drill.ts';

/** Clocks of two servers may differ by this much. */
const SKEW_MS = 300_000;

export async function insertDrill(
  tx: Tx,
  tenant: string,
  drill: Drill & { readonly traceId: string | null },
): Promise<void> {
  await tx`
    insert into mandate.drill (tenant, id, kind, at, passed, by, evidence, recorded_at, trace_id)
    values (${tenant}, ${drill.id}, ${drill.kind}, ${new Date(drill.atMs)}, ${drill.passed}, ${drill.by}, ${jsonb(tx, drill.evidence)},
      ${new Date(drill.recordedMs)}, ${drill.traceId})`;
}

/**
 * The one that took place last. One of a clock that was ahead is the last only where there is no other: it says when nobody
 * drilled, and would stand before every drill until then.
 */
export async function selectLatest(
  tx: Tx,
  tenant: string,
  { kind, nowMs }: { readonly kind: DrillKind; readonly nowMs: number },
): Promise<Drill | null> {
  const [row] = await tx<DrillRow[]>`
    select id, kind, at, passed, by, evidence, recorded_at from mandate.drill where tenant = ${tenant} and kind = ${kind}
    order by at <= ${new Date(nowMs + SKEW_MS)} desc, at desc, recorded_at desc, id desc limit 1`;
  return row === undefined ? null : drillFrom(row);
}

/** What the last one that passed had to show; one of a clock that was ahead as above. */
export async function selectPassed(
  tx: Tx,
  tenant: string,
  { kind, nowMs }: { readonly kind: DrillKind; readonly nowMs: number },
): Promise<DrillEvidence | null> {
  const [row] = await tx<{ evidence: DrillEvidence }[]>`
    select evidence from mandate.drill where tenant = ${tenant} and kind = ${kind} and passed
    order by at <= ${new Date(nowMs + SKEW_MS)} desc, at desc, recorded_at desc, id desc limit 1`;
  return row?.evidence ?? null;
}

export async function selectDrills(
  tx: Tx,
  tenant: string,
  { kind, limit }: { readonly kind: DrillKind | null; readonly limit: number },
): Promise<readonly Drill[]> {
  const rows = await tx<DrillRow[]>`
    select id, kind, at, passed, by, evidence, recorded_at from mandate.drill
    where tenant = ${tenant} ${kind === null ? tx`` : tx`and kind = ${kind}`}
    order by at desc, recorded_at desc, id desc limit ${limit}`;
  return rows.map(drillFrom);
}

/**
 * Never back by a little: of two processes whose clocks differ the later one is right. What lies further ahead is of a clock
 * that was wrong, and must not hide for so long that somebody looks.
 */
export async function upsertScrape(
  tx: Tx,
  tenant: string,
  { atMs, by }: { readonly atMs: number; readonly by: string },
): Promise<void> {
  await tx`
    insert into mandate.scrape as s (tenant, at, by) values (${tenant}, ${new Date(atMs)}, ${by})
    on conflict (tenant) do update set at = excluded.at, by = excluded.by
    where s.at < excluded.at or s.at > excluded.at + make_interval(secs => ${SKEW_MS / 1_000})`;
}

export async function selectScrape(tx: Tx, tenant: string): Promise<number | null> {
  const [row] = await tx<{ at: number }[]>`select at from mandate.scrape where tenant = ${tenant}`;
  return row?.at ?? null;
}

function drillFrom(row: DrillRow): Drill {
  return {
    id: row.id,
    kind: row.kind,
    atMs: row.at,
    passed: row.passed,
    by: row.by,
    evidence: row.evidence,
    recordedMs: row.recorded_at,
  };
}

interface DrillRow {
  readonly id: string;
  readonly kind: DrillKind;
  readonly at: number;
  readonly passed: boolean;
  readonly by: string;
  readonly evidence: DrillEvidence;
  readonly recorded_at: number;
}
