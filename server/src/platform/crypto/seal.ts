// Parameters, results and stored answers rest sealed (I9): whoever reads the database, a backup or a replica sees
// ciphertext. Each tenant has data keys of its own, wrapped by the master key outside the database, and a value is
// bound to its tenant and purpose, so that it cannot be copied to another row and be opened there.
import type { Chance, Clock } from '../clock/clock.ts';
import type { Queryable, Store } from '../postgres/store.ts';
import { deriveKey } from './derive.ts';
import type { MasterKeys } from './master-key.ts';
import { XAES_NONCE_BYTES, type XaesKey, xaesKey, xaesOpen, xaesSeal } from './xaes.ts';

/** One tenant's seal. Its functions are synchronous, so that a caller seals before its one SQL statement and not within it. */
export interface Seal {
  /**
   * Seals bytes. `purpose` says what the value is and where it lies, e.g. `act.parameters/<act id>`; opening needs
   * the same words. Envelope: version (1 byte, 1), key number (4, big-endian), nonce (24), ciphertext, tag (16).
   */
  seal(purpose: string, value: Uint8Array): Buffer;
  sealJson(purpose: string, value: unknown): Buffer;
  /** Throws SealBroken when the envelope was changed, moved, or made under a key that is gone. */
  open(purpose: string, envelope: Uint8Array): Buffer;
  openJson(purpose: string, envelope: Uint8Array): unknown;
}

export interface Seals {
  /** The tenant's seal; makes its first data key when it has none. Cached in this process until another process rotates. */
  of(tenant: string): Promise<Seal>;
  /** Opens a value that may have been sealed under a data key made by another process since. */
  open(tenant: string, purpose: string, envelope: Uint8Array): Promise<Buffer>;
  /** From now on this process seals under a new data key; older values still open. Answers its number. */
  rotate(tenant: string): Promise<number>;
  /** Wraps every data key of the tenant under the current master key, so that an older one can be retired. Answers how many changed. */
  rewrap(tenant: string): Promise<number>;
  /** Forgets the tenant's keys in this process, after they were deleted for good. */
  forget(tenant: string): void;
}

export interface SealNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly masterKeys: MasterKeys;
  readonly chance: Chance;
  readonly clock: Clock;
}

/** A sealed value that does not open. It is never treated as empty: what cannot be read is an error. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

const VERSION = 1;
const HEADER_BYTES = 5;

interface DataKey {
  readonly no: number;
  readonly key: XaesKey;
}

interface KeyRow {
  readonly keyNo: number;
  readonly wrapped: Uint8Array;
  readonly masterId: string;
}

export function createSeals(needs: SealNeeds): Seals {
  const ring = new Map<string, Promise<readonly DataKey[]>>();
  const wrapping = new Map(
    needs.masterKeys.all.map((key) => [key.id, xaesKey(deriveKey(key, 'tenant-key'))]),
  );

  function keysOf(tenant: string): Promise<readonly DataKey[]> {
    let keys = ring.get(tenant);
    if (keys === undefined) {
      keys = needs.store.withTenant(tenant, (tx) => readOrMake(tx, tenant));
      ring.set(tenant, keys);
      // A failed load must not be remembered as the answer.
      keys.catch(() => ring.delete(tenant));
    }
    return keys;
  }

  async function readOrMake(tx: Queryable, tenant: string): Promise<readonly DataKey[]> {
    const found = await readKeys(tx, tenant);
    if (found.length > 0) return unwrapAll(tenant, found);
    await addKey(tx, tenant, 1);
    return unwrapAll(tenant, await readKeys(tx, tenant));
  }

  async function addKey(tx: Queryable, tenant: string, no: number): Promise<void> {
    const masterId = needs.masterKeys.current.id;
    const wrapped = wrap(tenant, no, needs.chance.bytes(32));
    await insertKey(tx, { tenant, keyNo: no, wrapped, masterId, nowMs: needs.clock.nowMs() });
  }

  function wrap(tenant: string, no: number, key: Uint8Array): Buffer {
    const nonce = needs.chance.bytes(XAES_NONCE_BYTES);
    return Buffer.concat([
      nonce,
      xaesSeal(wrappingKey(tenant, needs.masterKeys.current.id), nonce, key, wrapAad(tenant, no)),
    ]);
  }

  function wrappingKey(tenant: string, masterId: string): XaesKey {
    const key = wrapping.get(masterId);
    if (key !== undefined) return key;
    throw new SealBroken(
      `tenant ${tenant}: its data key is wrapped by master key ${masterId}, but only ${[...wrapping.keys()].join(', ')} are at hand. ` +
        'Add the earlier key behind the current one in MANDATE_MASTER_KEY (comma-separated) or in master.key (one per line).',
    );
  }

  function unwrap(tenant: string, row: KeyRow): Uint8Array {
    const nonce = row.wrapped.subarray(0, XAES_NONCE_BYTES);
    const sealed = row.wrapped.subarray(XAES_NONCE_BYTES);
    const key = xaesOpen(wrappingKey(tenant, row.masterId), nonce, sealed, wrapAad(tenant, row.keyNo));
    if (key !== null) return key;
    throw new SealBroken(
      `tenant ${tenant}: data key ${row.keyNo} does not open. mandate.tenant_key was changed by hand; restore that row from a backup.`,
    );
  }

  /** Newest first: the first one seals. */
  function unwrapAll(tenant: string, rows: readonly KeyRow[]): readonly DataKey[] {
    return rows.map((row) => ({ no: row.keyNo, key: xaesKey(unwrap(tenant, row)) }));
  }

  async function of(tenant: string): Promise<Seal> {
    return createSeal(tenant, await keysOf(tenant), needs.chance);
  }

  return {
    of,
    async open(tenant, purpose, envelope) {
      const keys = await keysOf(tenant);
      if (!keys.some((key) => key.no === keyNoOf(envelope))) ring.delete(tenant);
      return (await of(tenant)).open(purpose, envelope);
    },
    async rotate(tenant) {
      const [newest] = await keysOf(tenant);
      const no = (newest?.no ?? 0) + 1;
      await needs.store.withTenant(tenant, (tx) => addKey(tx, tenant, no));
      ring.delete(tenant);
      return no;
    },
    async rewrap(tenant) {
      const current = needs.masterKeys.current.id;
      return needs.store.withTenant(tenant, async (tx) => {
        const stale = (await readKeys(tx, tenant)).filter((row) => row.masterId !== current);
        for (const row of stale) {
          const wrapped = wrap(tenant, row.keyNo, unwrap(tenant, row));
          await replaceKey(tx, { tenant, keyNo: row.keyNo, wrapped, masterId: current });
        }
        return stale.length;
      });
    },
    forget: (tenant) => void ring.delete(tenant),
  };
}

function createSeal(tenant: string, keys: readonly DataKey[], chance: Chance): Seal {
  const seal = (purpose: string, value: Uint8Array): Buffer => {
    const newest = keys[0];
    if (newest === undefined)
      throw new SealBroken(
        `tenant ${tenant} has no data key; its keys were deleted and nothing can be sealed for it.`,
      );
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = VERSION;
    header.writeUInt32BE(newest.no, 1);
    const nonce = chance.bytes(XAES_NONCE_BYTES);
    return Buffer.concat([
      header,
      nonce,
      xaesSeal(newest.key, nonce, value, valueAad(tenant, purpose, header)),
    ]);
  };
  const open = (purpose: string, envelope: Uint8Array): Buffer => {
    const no = keyNoOf(envelope);
    const key = keys.find((candidate) => candidate.no === no);
    if (key === undefined)
      throw new SealBroken(
        `${purpose} of tenant ${tenant} was sealed under data key ${no}, which is not among its keys.`,
      );
    const header = envelope.subarray(0, HEADER_BYTES);
    const nonce = envelope.subarray(HEADER_BYTES, HEADER_BYTES + XAES_NONCE_BYTES);
    const sealed = envelope.subarray(HEADER_BYTES + XAES_NONCE_BYTES);
    const value = xaesOpen(key.key, nonce, sealed, valueAad(tenant, purpose, header));
    if (value !== null) return value;
    throw new SealBroken(
      `${purpose} of tenant ${tenant} does not open: it was changed, or moved here from elsewhere. Restore it from a backup and look for who wrote it.`,
    );
  };
  return {
    seal,
    open,
    sealJson: (purpose, value) => seal(purpose, Buffer.from(JSON.stringify(value))),
    openJson: (purpose, envelope): unknown => JSON.parse(open(purpose, envelope).toString('utf8')),
  };
}

function keyNoOf(envelope: Uint8Array): number {
  if (envelope[0] !== VERSION || envelope.length < HEADER_BYTES + XAES_NONCE_BYTES) {
    throw new SealBroken('This is no sealed value: it does not begin with version 1 and a key number.');
  }
  return new DataView(envelope.buffer, envelope.byteOffset).getUint32(1);
}

/** Length before each part: no choice of tenant and purpose can spell another pair. */
function bind(words: readonly string[]): Buffer {
  const parts = words.map((word) => Buffer.from(word));
  return Buffer.concat(parts.flatMap((part) => [Buffer.from(`${part.length}:`), part]));
}

function wrapAad(tenant: string, no: number): Buffer {
  return bind(['mandate tenant key 1', tenant, String(no)]);
}

function valueAad(tenant: string, purpose: string, header: Uint8Array): Buffer {
  return Buffer.concat([header, bind(['mandate sealed value 1', tenant, purpose])]);
}

function readKeys(tx: Queryable, tenant: string): Promise<readonly KeyRow[]> {
  return tx<KeyRow[]>`
    select key_no as "keyNo", wrapped, master_id as "masterId" from mandate.tenant_key where tenant = ${tenant} order by key_no desc`;
}

/** Of two processes that make the same key, the first one's stands. */
async function insertKey(
  tx: Queryable,
  row: KeyRow & { readonly tenant: string; readonly nowMs: number },
): Promise<void> {
  await tx`
    insert into mandate.tenant_key (tenant, key_no, wrapped, master_id, created_at)
    values (${row.tenant}, ${row.keyNo}, ${row.wrapped}, ${row.masterId}, ${row.nowMs}::timestamptz) on conflict do nothing`;
}

async function replaceKey(tx: Queryable, row: KeyRow & { readonly tenant: string }): Promise<void> {
  await tx`
    update mandate.tenant_key set wrapped = ${row.wrapped}, master_id = ${row.masterId}
    where tenant = ${row.tenant} and key_no = ${row.keyNo}`;
}
