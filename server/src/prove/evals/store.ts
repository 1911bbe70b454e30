// The rows of eval sets and their runs, one function per statement, in the caller's transaction.
import type { JsonObject } from '@mandate/kernel';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import { tallyOf } from './coverage.ts';
import type { RunTally } from './coverage.ts';
import type { EvalResult, EvalRun, EvalRunSummary, EvalSet, EvalTally } from './eval.ts';

export interface NewVersion {
  readonly tenant: string;
  readonly name: string;
  readonly version: string;
  readonly content: JsonObject;
  readonly by: string;
  readonly atMs: number;
}

/** Makes a version the one that counts; what it replaces, null where there was none. */
export async function upsertSet(tx: Tx, wanted: NewVersion): Promise<string | null> {
  const at = new Date(wanted.atMs);
  const [row] = await tx<{ previous: string | null }[]>`
    with before as (select version from mandate.eval_set where tenant = ${wanted.tenant} and name = ${wanted.name}),
    written as (
      insert into mandate.eval_version (tenant, name, version, content, created_at, created_by)
      values (${wanted.tenant}, ${wanted.name}, ${wanted.version}, ${jsonb(tx, wanted.content)}, ${at}, ${wanted.by})
      on conflict do nothing
    ),
    current as (
      insert into mandate.eval_set as s (tenant, name, version, updated_at, updated_by)
      values (${wanted.tenant}, ${wanted.name}, ${wanted.version}, ${at}, ${wanted.by})
      on conflict (tenant, name) do update set version = excluded.version, updated_at = excluded.updated_at, updated_by = excluded.updated_by
        where s.version <> excluded.version
    )
    select (select version from before) as previous`;
  return row?.previous ?? null;
}

export async function selectSets(tx: Tx, tenant: string): Promise<readonly EvalSet[]> {
  const rows = await tx<{ name: string; version: string; updated_at: number; updated_by: string }[]>`
    select name, version, updated_at, updated_by from mandate.eval_set where tenant = ${tenant} order by name`;
  return rows.map((row) => ({
    name: row.name,
    version: row.version,
    updatedMs: row.updated_at,
    updatedBy: row.updated_by,
  }));
}

/** The version that counts, as it was written. */
export async function selectContent(
  tx: Tx,
  tenant: string,
  name: string,
): Promise<{ readonly version: string; readonly content: JsonObject } | null> {
  const [row] = await tx<{ version: string; content: JsonObject }[]>`
    select v.version, v.content from mandate.eval_set s
    join mandate.eval_version v on v.tenant = s.tenant and v.name = s.name and v.version = s.version
    where s.tenant = ${tenant} and s.name = ${name}`;
  return row ?? null;
}

export async function insertRun(
  tx: Tx,
  tenant: string,
  run: EvalRun & { readonly traceId: string | null },
): Promise<void> {
  await tx`
    insert into mandate.eval_run (tenant, id, name, version, charter_version, started_at, ended_at, by, passed, failed, results, tally, trace_id)
    values (${tenant}, ${run.id}, ${run.name}, ${run.version}, ${run.charterVersion}, ${new Date(run.startedMs)}, ${new Date(run.endedMs)},
      ${run.by}, ${run.passed}, ${run.failed}, ${jsonb(tx, run.results)}, ${jsonb(tx, tallyOf(run.results))},
      ${run.traceId})`;
}

/** The latest run of the version that counts, of each eval set. */
export async function selectLatestRuns(tx: Tx, tenant: string): Promise<readonly EvalRunSummary[]> {
  const rows = await tx<SummaryRow[]>`
    select r.* from mandate.eval_set s
    cross join lateral (
      select id, name, version, charter_version, started_at, ended_at, by, passed, failed from mandate.eval_run r where r.tenant = s.tenant and r.name = s.name and r.version = s.version
      order by r.started_at desc, r.id desc limit 1
    ) r
    where s.tenant = ${tenant} order by s.name`;
  return rows.map(summaryOf);
}

/** What came of these, in numbers. */
export async function selectTallies(tx: Tx, tenant: string): Promise<readonly RunTally[]> {
  const rows = await tx<{ tally: readonly EvalTally[]; started_at: number }[]>`
    select r.tally, r.started_at from mandate.eval_set s
    cross join lateral (
      select tally, started_at from mandate.eval_run r where r.tenant = s.tenant and r.name = s.name and r.version = s.version
      order by r.started_at desc, r.id desc limit 1
    ) r
    where s.tenant = ${tenant}`;
  return rows.flatMap(({ tally, started_at: startedMs }) => tally.map((each) => ({ ...each, startedMs })));
}

/** How many there are beside this one. Of two who register at once, one comes second and sees it. */
export async function countOthers(tx: Tx, tenant: string, name: string): Promise<number> {
  await tx`select pg_advisory_xact_lock(hashtext('mandate:evals'), hashtext(${tenant}))`;
  const [row] = await tx<{ others: number }[]>`
    select count(*)::integer as others from mandate.eval_set where tenant = ${tenant} and name <> ${name}`;
  return row?.others ?? 0;
}

/** Runs of one eval set, whatever version, newest first. */
export async function selectRuns(
  tx: Tx,
  tenant: string,
  { name, limit }: { readonly name: string; readonly limit: number },
): Promise<readonly EvalRun[]> {
  const rows = await tx<RunRow[]>`
    select * from mandate.eval_run where tenant = ${tenant} and name = ${name} order by started_at desc, id desc limit ${limit}`;
  return rows.map(runOf);
}

interface SummaryRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly charter_version: string;
  readonly started_at: number;
  readonly ended_at: number;
  readonly by: string;
  readonly passed: number;
  readonly failed: number;
}

interface RunRow extends SummaryRow {
  readonly results: readonly EvalResult[];
}

function runOf(row: RunRow): EvalRun {
  return { ...summaryOf(row), results: row.results };
}

function summaryOf(row: SummaryRow): EvalRunSummary {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    charterVersion: row.charter_version,
    startedMs: row.started_at,
    endedMs: row.ended_at,
    by: row.by,
    passed: row.passed,
    failed: row.failed,
  };
}
