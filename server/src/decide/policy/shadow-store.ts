// The rows of the charter on trial. Whoever sets or ends it locks its row first, so that counts of one trial never
// land in the next one's.
import type { PolicyChange, Verdict } from '@mandate/kernel';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Tx } from '../../platform/postgres/store.ts';

export interface ShadowRow {
  readonly id: string;
  readonly version: string;
  readonly author: string;
  readonly note: string | null;
  readonly setMs: number;
  readonly decided: number;
  readonly differed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface ShadowFiles {
  readonly id: string;
  readonly version: string;
  /** JSON of the source files. */
  readonly content: string;
}

/** One way in which the two differ, and how often. */
export interface ShadowDifference {
  readonly action: string;
  readonly change: PolicyChange;
  readonly before: Verdict;
  readonly after: Verdict;
  readonly count: number;
  readonly firstAct: string;
  readonly firstMs: number;
  readonly lastAct: string;
  readonly lastMs: number;
}

/** What one process has counted since it last wrote. */
export interface ShadowCounts {
  readonly decided: number;
  readonly differed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly differences: readonly (ShadowDifference & { readonly key: string })[];
}

/** Ways beyond these are counted in `differed` and have no row of their own. */
const MOST_DIFFERENCES = 500;

/** Which charter is on trial, without its files. */
export async function readShadowId(tx: Tx, tenant: string): Promise<string | null> {
  const [row] = await tx<{ id: string }[]>`select id from mandate.shadow where tenant = ${tenant}`;
  return row?.id ?? null;
}

export async function readShadowFiles(tx: Tx, tenant: string): Promise<ShadowFiles | null> {
  const [row] = await tx<ShadowFiles[]>`
    select id, version, content from mandate.shadow where tenant = ${tenant}`;
  return row ?? null;
}

export async function lockShadow(tx: Tx, tenant: string): Promise<ShadowRow | null> {
  const [row] = await tx<ShadowRow[]>`
    select id, version, author, note, set_at as "setMs", decided, differed, failed, skipped
    from mandate.shadow where tenant = ${tenant} for update`;
  return row ?? null;
}

export async function readShadow(tx: Tx, tenant: string): Promise<ShadowRow | null> {
  const [row] = await tx<ShadowRow[]>`
    select id, version, author, note, set_at as "setMs", decided, differed, failed, skipped
    from mandate.shadow where tenant = ${tenant}`;
  return row ?? null;
}

/** The most frequent first. */
export async function readDifferences(
  tx: Tx,
  tenant: string,
  shadowId: string,
): Promise<readonly ShadowDifference[]> {
  return tx<ShadowDifference[]>`
    select action, change, before, after, count, first_act as "firstAct", first_at as "firstMs", last_act as "lastAct",
      last_at as "lastMs"
    from mandate.shadow_difference where tenant = ${tenant} and shadow_id = ${shadowId}
    order by count desc, action, key limit ${MOST_DIFFERENCES}`;
}

export async function insertShadow(
  tx: Tx,
  tenant: string,
  shadow: ShadowFiles & Pick<ShadowRow, 'author' | 'note' | 'setMs'>,
): Promise<void> {
  await tx`
    insert into mandate.shadow (tenant, id, version, content, author, note, set_at)
    values (${tenant}, ${shadow.id}, ${shadow.version}, ${shadow.content}, ${shadow.author}, ${shadow.note}, ${tx.typed.instant(shadow.setMs)})`;
}

export async function deleteShadow(tx: Tx, tenant: string, id: string): Promise<void> {
  await tx`delete from mandate.shadow where tenant = ${tenant} and id = ${id}`;
  await tx`delete from mandate.shadow_difference where tenant = ${tenant} and shadow_id = ${id}`;
}

/** Adds what one process has counted. Answers false where that trial is over: then nothing is written. */
export async function addCounts(
  tx: Tx,
  tenant: string,
  { shadowId, counts }: { readonly shadowId: string; readonly counts: ShadowCounts },
): Promise<boolean> {
  // The row first: processes that add at the same time then wait for each other here and never crosswise below.
  const added = await tx`
    update mandate.shadow set decided = decided + ${counts.decided}, differed = differed + ${counts.differed},
      failed = failed + ${counts.failed}, skipped = skipped + ${counts.skipped}
    where tenant = ${tenant} and id = ${shadowId}`;
  if (added.count === 0) return false;
  if (counts.differences.length > 0) await addDifferences(tx, tenant, { shadowId, counts });
  return true;
}

async function addDifferences(
  tx: Tx,
  tenant: string,
  { shadowId, counts }: { readonly shadowId: string; readonly counts: ShadowCounts },
): Promise<void> {
  await tx`
    with fresh as (
      select * from jsonb_to_recordset(${jsonb(tx, counts.differences)}) as f(key text, action text, change text, before jsonb,
        after jsonb, count bigint, "firstAct" uuid, "firstMs" double precision, "lastAct" uuid, "lastMs" double precision)
    ), kept as (
      select key from mandate.shadow_difference where tenant = ${tenant} and shadow_id = ${shadowId}
    ), room as (
      select f.*, row_number() over (partition by k.key is null order by f.count desc, f.key) as n, k.key is null as is_new
      from fresh f left join kept k on k.key = f.key
    )
    insert into mandate.shadow_difference as d (tenant, shadow_id, key, action, change, before, after, count, first_act, first_at, last_act, last_at)
    select ${tenant}, ${shadowId}, key, action, change, before, after, count, "firstAct", to_timestamp("firstMs" / 1000), "lastAct", to_timestamp("lastMs" / 1000)
    from room where not is_new or n <= ${MOST_DIFFERENCES} - (select count(*) from kept)
    on conflict (tenant, shadow_id, key) do update set count = d.count + excluded.count,
      last_act = case when excluded.last_at >= d.last_at then excluded.last_act else d.last_act end,
      last_at = greatest(d.last_at, excluded.last_at)`;
}
