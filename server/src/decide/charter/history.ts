// Charters of before: what each said, how two of them differ, and the way back. Going back is an activation like any
// other: it raises the revision, so that no act starts under the charter that was left, and stands in the journal.
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { parseBundle, readBundle } from './bundle.ts';
import type { Charters, Stale } from './charter.ts';
import { diffCharters, renderDiff } from './diff.ts';
import type { CharterDiff } from './diff.ts';
import type { CharterError } from './error.ts';
import type { SourceFile } from './extends.ts';
import { loadCharter } from './load.ts';
import type { LoadedCharter } from './load.ts';
import { findVersions, listActivations, listVersions, readActive } from './store.ts';
import type { ActivationRow, CharterRow, VersionRow } from './store.ts';

export interface HistoryNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  /** The one way in which a charter comes into force, with all that follows from it. */
  readonly charters: Pick<Charters, 'activateIn'>;
}

/** A version by its first digits, at least eight of them. */
export type Missing =
  | { readonly kind: 'unknown'; readonly version: string }
  | { readonly kind: 'ambiguous'; readonly version: string }
  /** This version of Mandate finds mistakes in it. */
  | { readonly kind: 'unreadable'; readonly version: string; readonly problems: readonly CharterError[] };

export interface StoredVersion extends Omit<CharterRow, 'content'> {
  readonly kind: 'version';
  readonly active: boolean;
  /** As it was written, the charter itself last. */
  readonly sources: readonly SourceFile[];
}

export interface VersionDiff extends CharterDiff {
  readonly kind: 'diff';
  readonly from: string;
  readonly to: string;
  /** For people, one line for each change. */
  readonly lines: readonly string[];
}

export type Rollback =
  | {
      readonly kind: 'rolled_back';
      readonly version: string;
      readonly previous: string | null;
      readonly revision: number;
    }
  | { readonly kind: 'unchanged'; readonly version: string }
  | Stale
  | Missing;

export interface CharterHistory {
  /** The version that last came into force first. */
  versions(tenant: string, limit: number): Promise<readonly VersionRow[]>;
  /** Every time a version came into force, newest first. */
  activations(tenant: string, limit: number): Promise<readonly ActivationRow[]>;
  version(tenant: string, version: string): Promise<StoredVersion | Missing>;
  diff(tenant: string, from: string, to: string): Promise<VersionDiff | Missing>;
  /** What going back to a version would make of it: the whole version, and the one that its files are read as today. */
  target(
    tenant: string,
    version: string,
  ): Promise<{ readonly kind: 'target'; readonly version: string; readonly readAs: string } | Missing>;
  /** Makes a version of before the one in force. Who may is for the caller to have asked. */
  rollback(request: {
    readonly tenant: string;
    readonly version: string;
    readonly author: string;
    readonly reason: string;
    /** Only over this one; left out: over whichever is in force. */
    readonly base?: string | null;
  }): Promise<Rollback>;
}

export function createHistory({ store, charters }: HistoryNeeds): CharterHistory {
  const load = async (row: CharterRow): Promise<LoadedCharter | Missing> => {
    const loaded = await loadCharter(readBundle(parseBundle(row.content)));
    return loaded.kind === 'loaded'
      ? loaded
      : { kind: 'unreadable', version: row.version, problems: loaded.problems };
  };

  const loadVersion = async (tenant: string, version: string): Promise<LoadedCharter | Missing> => {
    const row = await store.withTenant(tenant, (tx) => findOne(tx, tenant, version));
    return row.kind === 'row' ? load(row.row) : row;
  };

  return {
    versions: (tenant, limit) => store.withTenant(tenant, (tx) => listVersions(tx, tenant, limit)),

    activations: (tenant, limit) => store.withTenant(tenant, (tx) => listActivations(tx, tenant, limit)),

    version: (tenant, version) =>
      store.withTenant(tenant, async (tx) => {
        const found = await findOne(tx, tenant, version);
        if (found.kind !== 'row') return found;
        const { content, ...row } = found.row;
        const active = (await readActive(tx, tenant))?.version === row.version;
        return { kind: 'version', ...row, active, sources: parseBundle(content) };
      }),

    async diff(tenant, from, to) {
      const before = await loadVersion(tenant, from);
      if (before.kind !== 'loaded') return before;
      const after = await loadVersion(tenant, to);
      if (after.kind !== 'loaded') return after;
      const diff = diffCharters(before.charter, after.charter);
      return { kind: 'diff', from: before.version, to: after.version, ...diff, lines: renderDiff(diff) };
    },

    async target(tenant, version) {
      const found = await store.withTenant(tenant, (tx) => findOne(tx, tenant, version));
      if (found.kind !== 'row') return found;
      const loaded = await load(found.row);
      return loaded.kind === 'loaded'
        ? { kind: 'target', version: found.row.version, readAs: loaded.version }
        : loaded;
    },

    rollback: ({ tenant, version, author, reason, base }) =>
      store.withTenant(tenant, async (tx) => {
        const found = await findOne(tx, tenant, version);
        if (found.kind !== 'row') return found;
        // What an older version of Mandate took may read differently today: then this is what comes into force.
        const source = { kind: 'version', version: found.row.version } as const;
        const order = { tenant, source, author, note: reason, ...(base === undefined ? {} : { base }) };
        const done = await charters.activateIn(tx, order);
        switch (done.kind) {
          case 'activated': {
            const { version: active, previous, revision } = done;
            return { kind: 'rolled_back', version: active, previous, revision };
          }
          case 'unchanged':
            return { kind: 'unchanged', version: done.version };
          case 'stale':
            return done;
          case 'refused':
            return { kind: 'unreadable', version: found.row.version, problems: done.problems };
        }
      }),
  };
}

async function findOne(
  tx: Tx,
  tenant: string,
  version: string,
): Promise<{ readonly kind: 'row'; readonly row: CharterRow } | Missing> {
  const [row, other] = await findVersions(tx, tenant, version);
  if (row === undefined) return { kind: 'unknown', version };
  return other === undefined ? { kind: 'row', row } : { kind: 'ambiguous', version };
}
