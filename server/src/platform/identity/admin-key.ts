// The first key of an installation, without which nobody could make another. It is written to a file that only
// the server's account can read, where the command line finds it.
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Chance } from '../clock/clock.ts';
import { createPrivateFile, readPrivateFile } from '../crypto/master-key.ts';
import type { Store } from '../postgres/store.ts';
import { lockAdminKeys } from './key-store.ts';
import type { Keys } from './keys.ts';

export type AdminKey =
  /** Made now: the only time that its text may be printed. */
  | { readonly kind: 'created'; readonly path: string; readonly text: string; readonly keyId: string }
  | { readonly kind: 'kept'; readonly path: string }
  /** This database has had an admin key, but the file is not it (lost, revoked, another data directory). No second one is made. */
  | { readonly kind: 'elsewhere'; readonly path: string; readonly detail: string };

export interface AdminKeyNeeds {
  readonly keys: Keys;
  readonly store: Pick<Store, 'withTenant'>;
  readonly chance: Chance;
  readonly dataDir: string;
  readonly tenant: string;
}

const MAKER = 'mandate:first-start';

/** Makes the admin key of a database that never had one. Of two processes that start together one makes it, the other keeps it. */
export async function ensureAdminKey({
  keys,
  store,
  chance,
  dataDir,
  tenant,
}: AdminKeyNeeds): Promise<AdminKey> {
  const path = join(dataDir, 'admin.key');
  return store.withTenant(tenant, async (tx) => {
    await lockAdminKeys(tx, tenant);
    const inFile = (await readPrivateFile(path))?.trim();
    const found = inFile === undefined ? null : await keys.find(inFile, tx);
    if (found !== null && found.tenant === tenant && found.revokedMs === null) return { kind: 'kept', path };
    if ((await keys.list(tx, tenant)).some((key) => key.createdBy === MAKER)) {
      const detail = `${path} does not hold a valid admin key of this database, which has had one before. Copy that file here, or make a new key with an admin key: mandate key create --role admin`;
      return { kind: 'elsewhere', path, detail };
    }
    const { key, text } = await keys.create(tx, {
      tenant,
      label: 'admin, made at the first start',
      roles: ['admin'],
      agents: 'any',
      createdBy: MAKER,
    });
    // The file comes before the commit: a crash between the two leaves a file that opens nothing, and the next
    // start makes a new key; the other way round nobody could ever get in.
    // A file of an earlier database is moved aside and not destroyed: it may be a key that somebody still needs.
    if (inFile !== undefined) await rename(path, `${path}.${chance.uuid()}`);
    await createPrivateFile(path, `${text}\n`, chance.uuid());
    return { kind: 'created', path, text, keyId: key.id };
  });
}
