// Which charter is meant: a text, files as the command line read them, or a version that this tenant has or had.
import type { Law } from '@mandate/kernel';
import { z } from 'zod';
import { CHARTER_MAX, charterTextField } from '../../platform/http/fields.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { findVersions } from './store.ts';
import type { VersionRow } from './store.ts';

/** One file of a charter, as it was read. */
export interface CharterFile {
  readonly kind: 'own' | 'shipped';
  readonly name: string;
  readonly text: string;
}

export type CharterFiles = readonly [CharterFile, ...CharterFile[]];

/** What loading files comes to; problems in words, with file, line and column. */
export type Loaded =
  | {
      readonly kind: 'loaded';
      readonly version: string;
      readonly law: Law;
      /** The charter itself last. */
      readonly files: readonly CharterFile[];
    }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

const fileField = z.strictObject({
  kind: z.enum(['own', 'shipped']),
  name: z.string().min(1).max(1_000),
  text: charterTextField,
});

/** A charter in a body: its text, which may extend shipped charters only; its files; or a version, whole or its first digits. */
export const charterField = z.union([
  charterTextField,
  z.strictObject({
    version: z.string().regex(/^[0-9a-f]{8,64}$/, 'must be 8 to 64 hex digits of a charter version'),
  }),
  z.strictObject({
    files: z
      .tuple([fileField], fileField)
      .refine(
        (files) => files.reduce((sum, { text }) => sum + text.length, 0) <= CHARTER_MAX,
        `are longer than ${CHARTER_MAX} characters together, which is the most over HTTP`,
      ),
  }),
]);

export type CharterAsked = z.infer<typeof charterField>;

export type Found =
  | Extract<Loaded, { kind: 'loaded' }>
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
    };

export interface PolicyCharters {
  find(tenant: string, asked: CharterAsked, pointer: string): Promise<Found>;
  /** The charter in force. */
  active(tenant: string): Promise<Found>;
  /** The law of a version that a tenant has or had; null where there is none that can still be read. */
  lawOf(tenant: string, version: string): Promise<Law | null>;
  load(files: CharterFiles): Promise<Loaded>;
}

export interface PolicyChartersNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  /** Reads a text that stands alone. */
  readonly loadText: (text: string) => Promise<Loaded>;
  readonly loadFiles: (files: CharterFiles) => Promise<Loaded>;
  /** The files of a stored charter. */
  readonly parseFiles: (content: string) => CharterFiles;
  readonly activeVersion: (tenant: string) => Promise<string | null>;
}

/** A replay meets a handful of versions; each law is a few hundred kilobytes at most. */
const CACHED = 16;

export function createPolicyCharters(needs: PolicyChartersNeeds): PolicyCharters {
  const { store, loadText, loadFiles, parseFiles, activeVersion } = needs;
  // A version is a content hash, so an entry can never be outdated.
  const laws = new Map<string, Law>();

  const rowsOf = (tenant: string, prefix: string): Promise<readonly VersionRow[]> =>
    store.withTenant(tenant, (tx) => findVersions(tx, tenant, prefix));

  async function lawOf(tenant: string, version: string): Promise<Law | null> {
    const known = laws.get(version);
    if (known !== undefined) return known;
    const row = (await rowsOf(tenant, version)).find((it) => it.version === version);
    // Read by today's rules, whatever hash they give it: every act whose decision they do not give again is told.
    const loaded = row === undefined ? null : await loadFiles(parseFiles(row.content));
    if (loaded === null || loaded.kind === 'refused') return null;
    laws.set(version, loaded.law);
    const [oldest] = laws.keys();
    if (laws.size > CACHED && oldest !== undefined) laws.delete(oldest);
    return loaded.law;
  }

  async function findVersion(tenant: string, prefix: string): Promise<Loaded | string> {
    const [row, other] = await rowsOf(tenant, prefix);
    if (row === undefined)
      return `No charter of this tenant has the version ${prefix}. GET /api/v1/charter/versions lists them.`;
    if (other !== undefined)
      return `Several versions begin with ${prefix}. Write more digits of the one that you mean.`;
    return loadFiles(parseFiles(row.content));
  }

  async function load(tenant: string, asked: CharterAsked): Promise<Loaded | string> {
    if (typeof asked === 'string') return loadText(asked);
    return 'version' in asked ? findVersion(tenant, asked.version) : loadFiles(asked.files);
  }

  async function find(tenant: string, asked: CharterAsked, pointer: string): Promise<Found> {
    const loaded = await load(tenant, asked);
    if (typeof loaded === 'string') return refused([loaded], pointer, loaded);
    if (loaded.kind === 'loaded') return loaded;
    const { problems } = loaded;
    return refused(
      problems,
      pointer,
      `The charter has ${problems.length} mistake(s), so nothing was replayed. ${problems[0] ?? ''}`,
    );
  }

  return {
    find,
    lawOf,
    load: loadFiles,
    async active(tenant) {
      const version = await activeVersion(tenant);
      if (version !== null) return find(tenant, { version }, '');
      return refused([], '', 'This tenant has no charter in force. Activate one with PUT /api/v1/charter.');
    },
  };
}

function refused(problems: readonly string[], pointer: string, detail: string): Found {
  return {
    kind: 'refused',
    refusal: { code: 'invalid', detail },
    errors: problems.map((problem) => ({ pointer, detail: problem })),
  };
}
