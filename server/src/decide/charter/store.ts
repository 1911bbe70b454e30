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
  readonly kind: ActivationKind;
  readonly nowMs: number;
}

/** `renewed`: the same files, read by another version of Mandate. */
export type ActivationKind = 'activated' | 'rolled_back' | 'renewed';

/** A version as the list shows it. */
export interface VersionRow extends Omit<CharterRow, 'content'> {
  readonly active: boolean;
  /** When it last came into force, epoch ms, and by whom. */
  readonly activatedMs: number;
  readonly activatedBy: string;
}

/** One time at which a version came into force. */
export interface ActivationRow {
  /** From 1 for each tenant. */
  readonly number: number;
  readonly version: string;
  readonly previous: string | null;
  readonly kind: ActivationKind;
  readonly author: string;
  readonly note: string | null;
  /** Epoch ms. */
  readonly atMs: number;
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

/** Versions without their content, the one that last came into force first. */
export async function listVersions(tx: Tx, tenant: string, limit: number): Promise<VersionRow[]> {
  return tx<VersionRow[]>`
    select charter.version, charter.author, charter.note, charter.created_at as "createdMs",
      charter.version = active.version as active, latest.activated_at as "activatedMs", latest.author as "activatedBy"
    from mandate.charter
    join mandate.charter_active active on active.tenant = charter.tenant
    cross join lateral (
      select number, author, activated_at from mandate.charter_activation
      where tenant = charter.tenant and version = charter.version order by number desc limit 1
    ) latest
    where charter.tenant = ${tenant} order by latest.number desc limit ${limit}`;
}

/** Every time a version came into force, newest first. */
export async function listActivations(tx: Tx, tenant: string, limit: number): Promise<ActivationRow[]> {
  return tx<ActivationRow[]>`
    select number, version, previous, kind, author, note, activated_at as "atMs"
    from mandate.charter_activation where tenant = ${tenant} order by number desc limit ${limit}`;
}

/** At most two versions that begin with these hex digits: one is found, two are not enough to tell. */
export async function findVersions(tx: Tx, tenant: string, prefix: string): Promise<CharterRow[]> {
  return tx<CharterRow[]>`
    select version, content, author, note, created_at as "createdMs" from mandate.charter
    where tenant = ${tenant} and starts_with(version, ${prefix}) order by version limit 2`;
}

/** The file on disk says again what is in force, so from now on it is what was last taken from it. */
export async function noteFile(tx: Tx, tenant: string, version: string): Promise<void> {
  await tx`update mandate.charter_active set from_file = ${version} where tenant = ${tenant}`;
}

/**
 * Writes the version (once), points to it, raises the revision and tells the journal, all in the caller's
 * transaction. Answers the tenant's new revision.
 */
export async function activate(tx: Tx, charter: NewCharter, previous: string | null): Promise<number> {
  const revision = await raiseRevision(tx, charter.tenant);
  await insertVersion(tx, charter);
  await pointTo(tx, charter);
  await insertActivation(tx, charter, { previous, revision });
  await writeJournal(tx, charter, previous);
  return revision;
}

/** Whatever was decided before has to be decided again. Answers the new revision. */
export async function raiseRevision(tx: Tx, tenant: string): Promise<number> {
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

async function insertActivation(
  tx: Tx,
  { tenant, version, kind, author, note, nowMs }: NewCharter,
  { previous, revision }: { readonly previous: string | null; readonly revision: number },
): Promise<void> {
  await tx`
    insert into mandate.charter_activation (tenant, number, version, previous, kind, author, note, revision, activated_at)
    select ${tenant}, coalesce(max(number), 0) + 1, ${version}, ${previous}, ${kind}, ${author}, ${note}, ${revision},
      ${tx.typed.instant(nowMs)}
    from mandate.charter_activation where tenant = ${tenant}`;
}

async function writeJournal(
  tx: Tx,
  { tenant, version, kind, author, note, nowMs }: NewCharter,
  previous: string | null,
): Promise<void> {
  const data = JSON.stringify({ ...(kind === 'activated' ? {} : { kind }), note, previous, version });
  const entries = [
    { kind: 'charter.activated', agent: null, actId: null, actor: author, atMs: nowMs, traceId: null, data },
  ];
  await tx`select mandate.journal_write(${tenant}, ${tx.json(entries)})`;
}
