// The addresses under which a server that was started on this data directory reaches its database.
import { createChance, systemClock } from '../../server/src/platform/clock/clock.ts';
import { deriveKey } from '../../server/src/platform/crypto/derive.ts';
import { loadMasterKeys } from '../../server/src/platform/crypto/master-key.ts';
import { loginUrls } from '../../server/src/platform/postgres/roles.ts';
import type { Logins } from '../../server/src/platform/postgres/store.ts';

export async function deriveLogins(dataDir: string, adminUrl: string): Promise<Logins> {
  const keys = await loadMasterKeys({ fromEnvironment: null, dataDir, chance: createChance(systemClock) });
  return loginUrls({ adminUrl, secret: deriveKey(keys.current, 'database-login').toString('base64') });
}
