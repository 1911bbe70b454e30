// Secrets that the charter names (`secret: ci-token`) lie outside the database and the charter: one file each, in the
// folder `secrets` of the data directory, read at every use so that a rotation needs no restart.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The secret's text without surrounding white space; null when there is none. */
export function readSecret(dataDir: string, name: string): string | null {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(name)) return null;
  try {
    const text = readFileSync(join(dataDir, 'secrets', name), 'utf8').trim();
    return text === '' ? null : text;
  } catch {
    return null;
  }
}
