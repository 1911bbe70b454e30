// A file that somebody named is not always what counts: a request may have replaced it since, and a file with a mistake
// is not taken. Whoever starts a server is told which charter it goes by, and not which one they meant.
import type { Store } from '../../platform/postgres/store.ts';
import type { Follower } from './follow.ts';
import { listActivations, readActive } from './store.ts';

/**
 * Where the charter in force came from.
 * - `file`: it is what the file of this server says
 * - `refused`: the file has mistakes, so an earlier one stays
 * - `elsewhere`: no file was named, or another way was later
 */
export interface CharterOrigin {
  readonly kind: 'file' | 'refused' | 'elsewhere';
  readonly version: string;
  /** Who brought it into force, and when (epoch ms). */
  readonly by: string;
  readonly atMs: number;
}

/** Null where no charter is in force. */
export function charterOrigin(
  store: Pick<Store, 'withTenant'>,
  tenant: string,
  follower: Pick<Follower, 'status'> | null,
): Promise<CharterOrigin | null> {
  return store.withTenant(tenant, async (tx) => {
    const active = await readActive(tx, tenant);
    const [latest] = await listActivations(tx, tenant, 1);
    if (active === null || latest === undefined) return null;
    const { version, fromFile } = active;
    const isRefused = follower?.status().kind === 'behind';
    const isFile = follower !== null && fromFile === version;
    const kind = isRefused ? 'refused' : isFile ? 'file' : 'elsewhere';
    return { kind, version, by: latest.author, atMs: latest.atMs };
  });
}
