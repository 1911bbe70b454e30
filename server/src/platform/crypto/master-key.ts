// The one secret that everything sealed hangs on. It lives outside the database: in the environment, or in a
// file of the data directory that only the server's account can read, made once at the first start.
import { chmod, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Chance } from '../clock/clock.ts';
import { sha256Hex } from './hash.ts';

export interface MasterKey {
  /** Eight hex digits that tell master keys apart and give nothing away. Stored beside what the key protects. */
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/**
 * `current` protects what is written from now on; `all` (current first) opens what earlier keys protected.
 * Rotation: put the new key in front and restart every process; drop the old one when nothing hangs on it.
 */
export interface MasterKeys {
  readonly current: MasterKey;
  readonly all: readonly MasterKey[];
}

const BYTES = 32;

/** Reads one or more base64 keys of 32 bytes, newest first, separated by commas or line breaks. `where` names their source in errors. */
export function parseMasterKeys(text: string, where: string): MasterKeys {
  const keys = text
    .split(/[,\s]+/)
    .filter((part) => part !== '')
    .map((part, index) => parseOne(part, `${where}, key ${index + 1}`));
  const current = keys[0];
  if (current === undefined) {
    throw new Error(`${where} holds no key. Put 32 random bytes in base64 there: openssl rand -base64 32`);
  }
  return { current, all: keys };
}

function parseOne(text: string, where: string): MasterKey {
  const bytes = Buffer.from(text, 'base64');
  const plain = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  if (bytes.length !== BYTES || bytes.toString('base64').replace(/=+$/, '') !== plain) {
    throw new Error(
      `${where} is not base64 of exactly ${BYTES} bytes (found ${text.length} characters, ${bytes.length} bytes). Make one with: openssl rand -base64 32`,
    );
  }
  if (new Set(bytes).size < 8) {
    throw new Error(
      `${where} is not random: it has fewer than 8 different bytes. Make one with: openssl rand -base64 32`,
    );
  }
  return { id: sha256Hex(Buffer.concat([Buffer.from('mandate master key id\0'), bytes])).slice(0, 8), bytes };
}

export interface MasterKeyNeeds {
  /** MANDATE_MASTER_KEY; null makes or reads the file. */
  readonly fromEnvironment: string | null;
  readonly dataDir: string;
  readonly chance: Chance;
}

export async function loadMasterKeys({
  fromEnvironment,
  dataDir,
  chance,
}: MasterKeyNeeds): Promise<MasterKeys> {
  if (fromEnvironment !== null) return parseMasterKeys(fromEnvironment, 'MANDATE_MASTER_KEY');
  const path = join(dataDir, 'master.key');
  const found = await readPrivateFile(path);
  if (found !== null) return parseMasterKeys(found, path);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await createPrivateFile(path, `${Buffer.from(chance.bytes(BYTES)).toString('base64')}\n`, chance.uuid());
  // Another process may have been faster: what lies there now is the key.
  const written = await readPrivateFile(path);
  if (written === null)
    throw new Error(`${path} vanished right after it was written. Check who else cleans that directory.`);
  return parseMasterKeys(written, path);
}

/** The content of a file that nobody but its owner may read; null when there is none. Refuses one that others can read. */
export async function readPrivateFile(path: string): Promise<string | null> {
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new Error(
        `${path} can be read by other accounts (mode ${(mode & 0o777).toString(8)}). If nobody has read it: chmod 600 '${path}'; otherwise replace the key in it.`,
      );
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Writes a file (mode 0600) whole or not at all, and leaves one that is already there alone.
 * `link` fails when the name exists, so of two processes exactly one wins and no reader ever sees half a key.
 */
export async function createPrivateFile(path: string, content: string, unique: string): Promise<boolean> {
  const draft = `${path}.${unique}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await chmod(draft, 0o600);
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}
