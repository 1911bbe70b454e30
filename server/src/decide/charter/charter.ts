// The charter in force is a row, not a file: every process judges by the same one, and a process that cannot read
// it as its author's process did refuses to judge. Files and requests only ever propose a new row; what has a
// mistake is refused as a whole and the last good version stays.
import type { Law } from '@mandate/kernel';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { Activation } from './activation.ts';
import type { ReadFile, SourceFile } from './extends.ts';
import { createBringIn } from './bring-in.ts';
import type { BringInNeeds } from './bring-in.ts';
import { parseBundle, readBundle } from './bundle.ts';
import { loadCharter } from './load.ts';
import type { LoadedCharter, RefusedCharter } from './load.ts';
import { lockTenant, noteFile, readActive, readVersion } from './store.ts';
import type { ActiveRow, CharterRow } from './store.ts';

export interface ChartersNeeds extends BringInNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  /** Reads own files from disk. */
  readonly readFile: ReadFile;
  /** Reads shipped charters by name. */
  readonly readShipped: ReadFile;
}

/** Another charter is in force than the one that this would have changed. */
export interface Stale {
  readonly kind: 'stale';
  readonly active: string | null;
}

export interface ActiveCharter {
  readonly version: string;
  readonly law: Law;
  /** As it was written, the charter itself last. */
  readonly sources: readonly SourceFile[];
}

/** What to make of it: a text that may extend shipped charters, or a version that was in force before. */
export type CharterSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'version'; readonly version: string };

export interface Charters {
  /** Judges a text that may extend shipped charters; nothing is stored. */
  check(text: string): Promise<LoadedCharter | RefusedCharter>;
  /** Makes a text the charter of a tenant. Who may is for the caller to have asked. */
  activate(request: {
    readonly tenant: string;
    readonly text: string;
    readonly author: string;
    readonly note: string | null;
  }): Promise<Activation>;
  /**
   * Makes a text, or a version of before, the charter in the caller's transaction, if `base` is in force still: what was
   * approved as a change of one charter must not overwrite another. Without `base` over whichever is. With `proposed` only if it still reads as that version:
   * what a text says hangs on what it extends and on who reads it, and people approved what it said to them (I6).
   */
  activateIn(
    tx: Tx,
    request: {
      readonly tenant: string;
      readonly source: CharterSource;
      readonly author: string;
      readonly note: string | null;
      readonly base?: string | null;
      readonly proposed?: string;
    },
  ): Promise<Activation | Stale>;
  /** The same for a text, in a transaction of its own: what was looked at before is what it replaces, or nothing happens. */
  activateOn(request: {
    readonly tenant: string;
    readonly text: string;
    readonly author: string;
    readonly note: string | null;
    readonly base: string | null;
  }): Promise<Activation | Stale>;
  /** Takes the file on disk, if it says something else than when it was last taken. For boot and reload. */
  activateFile(request: {
    readonly tenant: string;
    readonly path: string;
    readonly author: string;
  }): Promise<Activation>;
  /** Lets what is in force go on as this version of Mandate reads it; null where nothing is. For boot. */
  renew(request: { readonly tenant: string; readonly author: string }): Promise<Activation | null>;
  /** The charter in force; null where there is none that this process can read. */
  active(tenant: string): Promise<ActiveCharter | null>;
  /** The same in the caller's transaction. */
  activeIn(tx: Tx, tenant: string): Promise<ActiveCharter | null>;
  /** Which version is in force, also where this process cannot read it. */
  activeVersion(tenant: string): Promise<string | null>;
  /** The law of a version that a tenant has or had; null where this process cannot read it as it was meant. */
  lawOf(tenant: string, version: string): Promise<Law | null>;
}

/** Laws are a few hundred kilobytes at most; versions in use at one time are few. */
const CACHED = 64;
const NAME = 'charter.yaml';
const RENEWED = 'the same files, read by another version of Mandate';

/** Reads in a transaction of its own, or in the caller's. */
type Within = (read: (tx: Tx) => Promise<CharterRow | null>) => Promise<CharterRow | null>;

export function createCharters(needs: ChartersNeeds): Charters {
  const { store, log, readFile, readShipped } = needs;
  // A version is a content hash, so an entry can never be outdated.
  const cache = new Map<string, ActiveCharter>();

  const remember = (charter: ActiveCharter): ActiveCharter => {
    cache.delete(charter.version);
    cache.set(charter.version, charter);
    const [oldest] = cache.keys();
    if (cache.size > CACHED && oldest !== undefined) cache.delete(oldest);
    return charter;
  };

  const loadRow = async (row: CharterRow): Promise<LoadedCharter | RefusedCharter> =>
    loadCharter(readBundle(parseBundle(row.content)));

  const find = async (
    tenant: string,
    version: string,
    within: Within = (read) => store.withTenant(tenant, read),
  ): Promise<ActiveCharter | null> => {
    const known = cache.get(version);
    if (known !== undefined) return remember(known);
    const row = await within((tx) => readVersion(tx, tenant, version));
    if (row === null) return null;
    const loaded = await loadRow(row);
    if (loaded.kind === 'loaded' && loaded.version === version) return remember(toActive(loaded));
    const why =
      loaded.kind === 'loaded'
        ? `it reads as ${loaded.version}`
        : `it has ${loaded.problems.length} problems`;
    log.error(
      { tenant, version },
      `the charter in force cannot be read by this process (${why}): nothing is decided by it. Activate a charter again, or run the version of Mandate that activated it`,
    );
    return null;
  };

  const { bringIn, keep } = createBringIn(needs);

  const activateIn: Charters['activateIn'] = async (tx, request) => {
    const { tenant, source, author, note, base, proposed } = request;
    const row = source.kind === 'version' ? await readVersion(tx, tenant, source.version) : null;
    if (source.kind === 'version' && row === null) return { kind: 'stale', active: null };
    const loaded =
      row === null
        ? await loadCharter(readText(source.kind === 'text' ? source.text : '', readShipped))
        : await loadRow(row);
    if (loaded.kind === 'refused') return loaded;
    if (proposed !== undefined && loaded.version !== proposed) return misread(loaded, proposed);
    await lockTenant(tx, tenant);
    const active = await readActive(tx, tenant);
    const previous = active?.version ?? null;
    if (base !== undefined && previous !== base) return { kind: 'stale', active: previous };
    if (previous === loaded.version) return keep(tx, loaded, { tenant, author });
    // Only the file itself changes what was last taken from it: going back overrules nobody's later change of it.
    const fromFile = active?.fromFile ?? null;
    const kind = source.kind === 'version' ? 'rolled_back' : 'activated';
    return bringIn(tx, loaded, { tenant, author, note, fromFile, kind, previous });
  };

  /**
   * What is in force may read differently since an upgrade, and then nothing could be decided by it: the same files
   * become a version of their own.
   */
  const renew = async (
    tx: Tx,
    {
      tenant,
      active,
      author,
    }: { readonly tenant: string; readonly active: ActiveRow; readonly author: string },
  ): Promise<Activation> => {
    const row = await readVersion(tx, tenant, active.version);
    const again = row === null ? null : await loadRow(row);
    if (again === null)
      throw new Error(`the active charter ${active.version} of tenant ${tenant} has no row`);
    if (again.kind === 'refused') return again;
    if (again.version === active.version) return keep(tx, again, { tenant, author });
    const fromFile = active.fromFile === active.version ? again.version : active.fromFile;
    const previous = active.version;
    return bringIn(tx, again, { tenant, author, note: RENEWED, fromFile, kind: 'renewed', previous });
  };

  return {
    check: (text) => loadCharter(readText(text, readShipped)),

    async activate({ tenant, text, author, note }) {
      const loaded = await loadCharter(readText(text, readShipped));
      if (loaded.kind === 'refused') return loaded;
      return store.withTenant(tenant, async (tx) => {
        await lockTenant(tx, tenant);
        const active = await readActive(tx, tenant);
        if (active?.version === loaded.version) return keep(tx, loaded, { tenant, author });
        const fromFile = active?.fromFile ?? null;
        const previous = active?.version ?? null;
        return bringIn(tx, loaded, { tenant, author, note, fromFile, kind: 'activated', previous });
      });
    },

    activateIn,
    activateOn: ({ text, ...request }) =>
      store.withTenant(request.tenant, (tx) =>
        activateIn(tx, { ...request, source: { kind: 'text', text } }),
      ),

    async activateFile({ tenant, path, author }) {
      const loaded = await loadCharter({ path, readFile, readShipped });
      if (loaded.kind === 'refused') return loaded;
      return store.withTenant(tenant, async (tx) => {
        await lockTenant(tx, tenant);
        const active = await readActive(tx, tenant);
        const previous = active?.version ?? null;
        if (previous === loaded.version) {
          if (active?.fromFile !== loaded.version) await noteFile(tx, tenant, loaded.version);
          return keep(tx, loaded, { tenant, author });
        }
        const taken = active?.fromFile == null ? null : await readVersion(tx, tenant, active.fromFile);
        if (active === null || taken === null || isRewritten(loaded, taken)) {
          const note = `from ${path}`;
          const fromFile = loaded.version;
          return bringIn(tx, loaded, { tenant, author, note, fromFile, kind: 'activated', previous });
        }
        const again = await renew(tx, { tenant, active, author });
        return again.kind === 'refused' || again.kind === 'activated'
          ? { ...again, ownPaths: loaded.ownPaths }
          : { kind: 'unchanged', version: active.version, ownPaths: loaded.ownPaths };
      });
    },

    renew: ({ tenant, author }) =>
      store.withTenant(tenant, async (tx) => {
        await lockTenant(tx, tenant);
        const active = await readActive(tx, tenant);
        return active === null ? null : renew(tx, { tenant, active, author });
      }),

    async activeIn(tx, tenant) {
      const row = await readActive(tx, tenant);
      return row === null ? null : find(tenant, row.version, (read) => read(tx));
    },

    async active(tenant) {
      const row = await store.withTenant(tenant, (tx) => readActive(tx, tenant));
      return row === null ? null : find(tenant, row.version);
    },

    activeVersion: async (tenant) =>
      (await store.withTenant(tenant, (tx) => readActive(tx, tenant)))?.version ?? null,

    lawOf: async (tenant, version) => (await find(tenant, version))?.law ?? null,
  };
}

/** A text stands alone: it has no directory, so what it extends must be shipped. */
function readText(
  text: string,
  readShipped: ReadFile,
): { path: string; readFile: ReadFile; readShipped: ReadFile } {
  return { path: NAME, readFile: async (path) => (path === NAME ? text : null), readShipped };
}

/** Whether the author has changed an own file in a way that changes what it says. */
function isRewritten(loaded: LoadedCharter, taken: CharterRow): boolean {
  if (loaded.version === taken.version) return false;
  const own = (sources: readonly SourceFile[]): string =>
    JSON.stringify(sources.filter((it) => it.kind === 'own'));
  return own(loaded.sources) !== own(parseBundle(taken.content));
}

function toActive({ version, law, sources }: LoadedCharter): ActiveCharter {
  return { version, law, sources };
}

function misread({ version, ownPaths }: LoadedCharter, proposed: string): RefusedCharter {
  const message = `It read as ${proposed.slice(0, 12)} when it was proposed and reads as ${version.slice(0, 12)} now, because what it extends, or Mandate itself, has changed since. Propose it again, and look at it as it is.`;
  return { kind: 'refused', problems: [{ file: NAME, line: 1, column: 1, pointer: '', message }], ownPaths };
}
