// The rows of charters. A version is written once and never changed; activating moves one pointer, and whoever
// moves it raises the tenant's revision in the same transaction, so that no act starts under the older charter.
import type { Tx } from '../../platform/postgres/store.ts';

export interface CharterRow {
  readonly version: string;
  /** JSON of the source files. */
  readonly content: string;
  readonly author: string;
  readonly note: string | null;
  /** Epoch ms. */
  readonly createdMs: number;
}

export interface ActiveRow {
  readonly version: string;
  /** The version last taken from the file on disk; null when none ever was. */
  readonly fromFile: string | null;
}

export interface NewCharter {
  readonly tenant: string;
  readonly version: string;
  readonly content: string;
  readonly author: string;
  readonly note: string | null;
  /** What from_file becomes. */
  readonly fromFile: string | null;
  readonly nowMs: number;
}

/** Makes activations of one tenant wait for each other. Throws where the tenant has no row. */
export async function lockTenant(tx: Tx, tenant: string): Promise<void> {
  const rows = await tx`select 1 from mandate.tenant where tenant = ${tenant} for update`;
  if (rows.length === 0)
    throw new Error(`Tenant ${tenant} has no row, so it can have no charter. Create the tenant first.`);
}

/** Which version counts; null before the first activation. */
export async function readActive(tx: Tx, tenant: string): Promise<ActiveRow | null> {
  const [row] = await tx<ActiveRow[]>`
    select version, from_file as "fromFile" from mandate.charter_active where tenant = ${tenant}`;
  return row ?? null;
}

/** One version with its source files. */
export async function readVersion(tx: Tx, tenant: string, version: string): Promise<CharterRow | null> {
  const [row] = await tx<CharterRow[]>`
    select version, content, author, note, created_at as "createdMs"
    from mandate.charter where tenant = ${tenant} and version = ${version}`;
  return row ?? null;
}

/** The newest versions first, without their content. */
export async function listVersions(
  tx: Tx,
  tenant: string,
  limit: number,
): Promise<Omit<CharterRow, 'content'>[]> {
  return tx<Omit<CharterRow, 'content'>[]>`
    select version, author, note, created_at as "createdMs"
    from mandate.charter where tenant = ${tenant} order by created_at desc, version limit ${limit}`;
}

/**
 * Writes the version (once), points to it, raises the revision and tells the journal, all in the caller's
 * transaction. Answers the tenant's new revision.
 */
export async function activate(tx: Tx, charter: NewCharter, previous: string | null): Promise<number> {
  const revision = await raiseRevision(tx, charter.tenant);
  await insertVersion(tx, charter);
  await pointTo(tx, charter);
  await writeJournal(tx, charter, previous);
  return revision;
}

async function raiseRevision(tx: Tx, tenant: string): Promise<number> {
  const [row] = await tx<{ revision: number }[]>`select mandate.raise_revision(${tenant}) as revision`;
  if (row === undefined) throw new Error('mandate.raise_revision() answered nothing');
  return row.revision;
}

async function insertVersion(
  tx: Tx,
  { tenant, version, content, author, note, nowMs }: NewCharter,
): Promise<void> {
  await tx`
    insert into mandate.charter (tenant, version, content, author, note, created_at)
    values (${tenant}, ${version}, ${content}, ${author}, ${note}, ${tx.typed.instant(nowMs)})
    on conflict (tenant, version) do nothing`;
}

async function pointTo(tx: Tx, { tenant, version, fromFile, author, nowMs }: NewCharter): Promise<void> {
  await tx`
    insert into mandate.charter_active (tenant, version, from_file, activated_by, activated_at)
    values (${tenant}, ${version}, ${fromFile}, ${author}, ${tx.typed.instant(nowMs)})
    on conflict (tenant) do update set version = excluded.version, from_file = excluded.from_file,
      activated_by = excluded.activated_by, activated_at = excluded.activated_at`;
}

async function writeJournal(
  tx: Tx,
  { tenant, version, author, note, nowMs }: NewCharter,
  previous: string | null,
): Promise<void> {
  const data = JSON.stringify({ note, previous, version });
  const entries = [
    { kind: 'charter.activated', agent: null, actId: null, actor: author, atMs: nowMs, traceId: null, data },
  ];
  await tx`select mandate.journal_write(${tenant}, ${tx.json(entries)})`;
}
