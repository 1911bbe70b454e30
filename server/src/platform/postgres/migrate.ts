// Brings a database to the shape this version of Mandate expects: forward only, one file after the other, each in
// a transaction that holds the same lock, so that any number of processes may start at once and an interrupted
// start resumes where it was.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sql, Tx } from './sql.ts';

/** One file of server/migrations. */
export interface Migration {
  /** The four digits at the start of its name. */
  readonly number: number;
  /** The file's name, e.g. `0001_foundation.sql`. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text with line ends normalised, in hex. */
  readonly checksum: string;
}

interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

// Any number will do as long as nobody else in the database uses it: the first 8 bytes of sha256('mandate.migrate').
const migrationLock = '3294418511615396372';

/** Reads a directory of `NNNN_name.sql` files in order. Refuses other names and numbers used twice. */
export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).toSorted();
  if (names.length === 0)
    throw new Error(`No migrations in ${directory}. The installation is incomplete: install Mandate again.`);
  const migrations = await Promise.all(
    names.map(async (name) => toMigration(name, await readFile(join(directory, name), 'utf8'))),
  );
  for (const [index, migration] of migrations.entries()) {
    const before = migrations[index - 1];
    if (before?.number === migration.number)
      throw new Error(
        `Two migrations have one number: ${before.name} and ${migration.name}. Give the newer one the next free number.`,
      );
  }
  return migrations;
}

/** A migration from its file name and text. */
export function toMigration(name: string, text: string): Migration {
  const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1];
  if (number === undefined) throw new Error(`Migration ${name} must be named like 0007_what_it_does.sql.`);
  const checksum = createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
  return { number: Number(number), name, text, checksum };
}

/**
 * Applies what is missing and answers with the names applied by this call. The group roles must exist
 * (`ensureGroups`); the connection must be able to act as mandate_owner. Refuses, before changing anything:
 * a migration edited after it ran, a database that a newer version has migrated, and a gap filled in later.
 */
export async function migrate(sql: Sql, migrations: readonly Migration[]): Promise<readonly string[]> {
  await sql.begin(async (tx) => {
    await lock(tx);
    await createBookkeeping(tx);
  });
  const applied: string[] = [];
  for (;;) {
    const name = await sql.begin(async (tx) => {
      await lock(tx);
      const next = nextMigration(migrations, await readApplied(tx));
      if (next !== null) await apply(tx, next);
      return next?.name ?? null;
    });
    if (name === null) return applied;
    applied.push(name);
  }
}

/** The first migration that is still to be run; null when the database is current. Throws where it must not go on. */
export function nextMigration(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration | null {
  const knownByNumber = new Map(migrations.map((migration) => [migration.number, migration]));
  for (const past of applied) {
    const known = knownByNumber.get(past.number);
    if (known === undefined)
      throw new Error(
        `The database has migration ${past.name}, which this version of Mandate does not know: a newer version has migrated it. Start that version, or restore a backup from before.`,
      );
    if (known.checksum !== past.checksum)
      throw new Error(
        `Migration ${known.name} was changed after it ran on this database (as ${past.name}). Restore the file as it was and put the change into a new migration.`,
      );
  }
  const appliedNumbers = new Set(applied.map(({ number }) => number));
  const next = migrations.find(({ number }) => !appliedNumbers.has(number));
  if (next === undefined) return null;
  const later = applied.find(({ number }) => number > next.number);
  if (later !== undefined)
    throw new Error(
      `Migration ${next.name} comes before ${later.name}, which has already run on this database. Give it the next free number.`,
    );
  return next;
}

async function lock(tx: Tx): Promise<void> {
  await tx`select pg_advisory_xact_lock(${migrationLock}::bigint)`;
}

async function createBookkeeping(tx: Tx): Promise<void> {
  const [found] = await tx<
    { readonly ready: boolean }[]
  >`select to_regclass('mandate.migrations') is not null as ready`;
  if (found?.ready === true) return;
  await tx`create schema if not exists mandate authorization mandate_owner`;
  await tx`set local role mandate_owner`;
  await tx`
    create table mandate.migrations (
      number integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`;
  await tx`comment on table mandate.migrations is 'lint: global because the shape of the schema is the same for every tenant'`;
  await tx`grant select on mandate.migrations to mandate_app, mandate_sequencer, mandate_control`;
  // Every process checks at boot that its logins see the same schema version, hence also the way to the table.
  await tx`grant usage on schema mandate to mandate_app, mandate_sequencer, mandate_control`;
}

async function readApplied(tx: Tx): Promise<readonly AppliedMigration[]> {
  return tx<AppliedMigration[]>`select number, name, checksum from mandate.migrations order by number`;
}

async function apply(tx: Tx, migration: Migration): Promise<void> {
  // As the owner and not as whoever connected: whatever the file creates belongs to mandate_owner at once, and the
  // file can do on an embedded server (where the migrator is superuser) only what it can do on a managed one.
  await tx`set local role mandate_owner`;
  await tx`select set_config('app.tenant', '*', true), set_config('search_path', 'mandate', true), set_config('check_function_bodies', 'on', true)`;
  try {
    await tx.unsafe(migration.text);
  } catch (error) {
    throw new Error(
      `Migration ${migration.name}${lineOf(migration.text, error)} failed: ${messageOf(error)}. Nothing of it was kept.`,
      {
        cause: error,
      },
    );
  }
  await tx`insert into mandate.migrations (number, name, checksum) values (${migration.number}, ${migration.name}, ${migration.checksum})`;
}

function lineOf(text: string, error: unknown): string {
  const position =
    typeof error === 'object' && error !== null && 'position' in error ? Number(error.position) : Number.NaN;
  return Number.isNaN(position) ? '' : ` line ${text.slice(0, position).split('\n').length}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
