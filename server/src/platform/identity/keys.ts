// API keys: who holds one is who the row says, no matter what the request says. The database knows only an HMAC
// under a pepper, so a stolen dump is no way in, and every request asks the row, so a revocation counts at once.
import { deriveKey } from '../crypto/derive.ts';
import { hmacKey, hmacSha256 } from '../crypto/hash.ts';
import type { MasterKeys } from '../crypto/master-key.ts';
import type { Chance, Clock } from '../clock/clock.ts';
import type { Queryable } from '../postgres/store.ts';
import { formatKey } from './key-text.ts';
import { createBatch } from '../postgres/batch.ts';
import type { ApiKey } from './api-key.ts';
import {
  findKeyRow,
  findKeyRows,
  insertKey,
  type KeyRow,
  listKeyRows,
  lockAdminKeys,
  revokeKeyRow,
} from './key-store.ts';
import type { ProvenUser } from './principal.ts';
import { isRole, type Role } from './roles.ts';

export interface NewKey {
  readonly tenant: string;
  readonly label: string;
  readonly roles: readonly Role[];
  readonly agents: readonly string[] | 'any';
  readonly user?: ProvenUser;
  readonly scopes?: readonly string[];
  readonly expiresMs?: number;
  /** The principal that asked for it. */
  readonly createdBy: string;
}

/** Shown once and kept nowhere: the key's text, and the secret (`whsec_…`) to sign requests with instead of sending it. */
export interface CreatedKey {
  readonly key: ApiKey;
  readonly text: string;
  readonly signingSecret: string;
}

/** What changes keys takes the caller's transaction (of the key's tenant), so that the journal entry commits with it. */
export interface Keys {
  /** Throws a TypeError for a combination that is never allowed. */
  create(tx: Queryable, wanted: NewKey): Promise<CreatedKey>;
  /** It counts from the next request on, in every process. The last key that can make others stays: nobody could ever get in again. */
  revoke(
    tx: Queryable,
    of: { readonly tenant: string; readonly id: string; readonly by: string },
  ): Promise<'revoked' | 'not_standing' | 'last_admin'>;
  list(tx: Queryable, tenant: string): Promise<readonly ApiKey[]>;
  /** The row of a key by its text, whatever its tenant; revoked and expired ones included. Uncached. */
  find(text: string, via?: Queryable): Promise<ApiKey | null>;
  findById(id: string): Promise<ApiKey | null>;
  /** The secret that requests of this key are signed with; derived, so that none is stored. Null when its master key is gone. */
  signingSecretOf(key: Pick<ApiKey, 'id' | 'masterId'>): Uint8Array | null;
}

export interface KeyNeeds {
  /** A pool of the app role: the lookup by HMAC happens before a tenant is known. */
  readonly app: Queryable;
  readonly masterKeys: MasterKeys;
  readonly clock: Clock;
  readonly chance: Chance;
}

export function createKeys({ app, masterKeys, clock, chance }: KeyNeeds): Keys {
  const peppers = masterKeys.all.map((key) => hmacKey(deriveKey(key, 'api-key-pepper')));
  /** Whether it can make any other key now; one under a master key that is gone opens nothing. */
  const opensAll = ({ roles, scopes, revokedMs, expiresMs, masterId }: KeyRow, nowMs: number): boolean =>
    roles.includes('admin') &&
    scopes === null &&
    revokedMs === null &&
    (expiresMs === null || expiresMs > nowMs) &&
    masterKeys.all.some(({ id }) => id === masterId);
  const signingSecretOf: Keys['signingSecretOf'] = (key) => {
    const master = masterKeys.all.find((candidate) => candidate.id === key.masterId);
    return master === undefined ? null : deriveKey(master, 'request-signature', key.id);
  };
  // Whoever asks at the same moment is looked up in one statement. One key has one HMAC per pepper, the newest first.
  const findRow = createBatch<readonly string[], KeyRow | null>({
    clock,
    async run(asked) {
      const rows = await findKeyRows(app, [...new Set(asked.flat())]);
      return asked.map((macs) => rows.get(macs.find((mac) => rows.has(mac)) ?? '') ?? null);
    },
  });
  return {
    signingSecretOf,
    async create(tx, wanted) {
      refuseBadKey(wanted, clock.nowMs());
      const text = formatKey(chance.bytes(32));
      const key: ApiKey = {
        tenant: wanted.tenant,
        // Random and not counted up: the id goes over the wire, and must not tell how many keys there are.
        id: `key_${Buffer.from(chance.bytes(12)).toString('hex')}`,
        label: wanted.label,
        agents: wanted.agents,
        user: wanted.user ?? null,
        roles: wanted.roles,
        scopes: wanted.scopes ?? null,
        createdMs: clock.nowMs(),
        createdBy: wanted.createdBy,
        expiresMs: wanted.expiresMs ?? null,
        revokedMs: null,
        masterId: masterKeys.current.id,
      };
      const mac = hmacSha256(deriveKey(masterKeys.current, 'api-key-pepper'), text);
      await insertKey(tx, key, mac);
      const secret = deriveKey(masterKeys.current, 'request-signature', key.id);
      return { key, text, signingSecret: `whsec_${secret.toString('base64')}` };
    },
    async revoke(tx, of) {
      const nowMs = clock.nowMs();
      // First, and read in statements of their own: of two that end each other's key, the second sees what the first did.
      await lockAdminKeys(tx, of.tenant);
      const admins = (await listKeyRows(tx, of.tenant)).filter((row) => opensAll(row, nowMs));
      if (admins.length === 1 && admins[0]?.id === of.id) return 'last_admin';
      return (await revokeKeyRow(tx, { ...of, nowMs })) ? 'revoked' : 'not_standing';
    },
    list: async (tx, tenant) => (await listKeyRows(tx, tenant)).map(toApiKey),
    async find(text, via) {
      const macs = peppers.map((pepper) => hmacSha256(pepper, text));
      const row =
        via === undefined ? await findRow(macs.map(hexOf)) : await findKeyRow(via, { macs, id: null });
      return row === null ? null : toApiKey(row);
    },
    async findById(id) {
      const row = await findKeyRow(app, { macs: [], id });
      return row === null ? null : toApiKey(row);
    },
  };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Combinations that would break the table of roles, in a sentence for people. */
function refuseBadKey(wanted: NewKey, nowMs: number): void {
  if (wanted.roles.length === 0) throw new RangeError('A key needs at least one role.');
  if (wanted.roles.includes('agent')) {
    if (wanted.roles.length > 1) {
      throw new RangeError(
        `A key with the role agent has no other role, so that agents never approve or free themselves; this one asks for ${wanted.roles.join(', ')}. Make two keys.`,
      );
    }
    if (wanted.agents === 'any' || wanted.agents.length === 0) {
      throw new RangeError(
        'A key with the role agent must name its agents: a key that may speak for any agent is an operator key.',
      );
    }
  }
  if (wanted.expiresMs !== undefined && wanted.expiresMs <= nowMs)
    throw new RangeError('The key would have expired already. Give an expiry in the future.');
}

function toApiKey(row: KeyRow): ApiKey {
  return {
    tenant: row.tenant,
    id: row.id,
    label: row.label,
    agents: row.agents ?? 'any',
    user: row.userId === null ? null : { id: row.userId, email: row.userEmail, scopes: row.userScopes ?? [] },
    // A role that this version does not know (a newer one wrote it) allows nothing.
    roles: row.roles.filter(isRole),
    scopes: row.scopes,
    createdMs: row.createdMs,
    createdBy: row.createdBy,
    expiresMs: row.expiresMs,
    revokedMs: row.revokedMs,
    masterId: row.masterId,
  };
}
