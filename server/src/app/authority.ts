// Who asks, and on whose authority: keys, tokens, grants, permits.
import type { Law } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { createGrants } from '../decide/grants/grants.ts';
import { createOwnProof } from '../decide/grants/own-proof.ts';
import { ensureAdminKey } from '../platform/identity/admin-key.ts';
import type { Asker } from '../platform/identity/asker.ts';
import { createIdentity } from '../platform/identity/authenticate.ts';
import { createBruteForce } from '../platform/identity/brute-force.ts';
import { createGrantTokens } from '../platform/identity/grant-token.ts';
import { createJwt } from '../platform/identity/jwt.ts';
import { createKeys } from '../platform/identity/keys.ts';
import { createPermits } from '../platform/identity/permit.ts';
import { writeEntry } from '../prove/journal/journal.ts';

export type Authority = Awaited<ReturnType<typeof buildAuthority>>;

export async function buildAuthority(
  { config, clock, chance, masterKeys, store }: Infrastructure,
  lawOf: (tenant: string) => Promise<Law | null>,
) {
  const keys = createKeys({ app: store.app, masterKeys, clock, chance });
  const tokens = createGrantTokens(masterKeys, clock);
  const grants = createGrants({
    store,
    clock,
    chance,
    issueToken: (grant) => tokens.issue(grant),
    writeEntry,
  });
  const ownProofOf = createOwnProof({ store, lawOf });
  const { jwks, jwtIssuer, jwtAudience, jwtTyp, jwtTenant } = config;
  const jwt =
    jwks === null || jwtIssuer === null || jwtAudience === null
      ? null
      : createJwt({ jwks, issuer: jwtIssuer, audience: jwtAudience, typ: jwtTyp, tenant: jwtTenant }, clock);

  return {
    keys,
    grants,
    permits: createPermits(masterKeys),
    identity: createIdentity({
      store,
      keys,
      grants: tokens,
      jwt,
      bruteForce: createBruteForce({ clock }),
      clock,
      areGrantsAlive: grants.areAlive,
      ownProofOf,
    }),
    adminKey: await ensureAdminKey({ keys, store, chance, dataDir: config.dataDir, tenant: config.tenant }),
    /** Whether whoever asked for a waiting act could still ask for it. */
    async stands(asker: Asker): Promise<boolean> {
      if (asker.schedule !== undefined) {
        const schedules = (await lawOf(asker.tenant))?.charter.schedules ?? [];
        if (!schedules.some(({ name }) => name === asker.schedule)) return false;
      }
      if (asker.expiresMs !== null && asker.expiresMs <= clock.nowMs()) return false;
      if (asker.keyId !== null) {
        const key = await keys.findById(asker.keyId);
        if (
          key === null ||
          key.revokedMs !== null ||
          (key.expiresMs !== null && key.expiresMs <= clock.nowMs())
        )
          return false;
      }
      if (asker.boundTo !== null && asker.agents !== 'any') {
        for (const agent of asker.agents) if ((await ownProofOf(asker.tenant, agent)) !== null) return false;
      }
      return asker.grantIds.length === 0 || grants.areAlive(asker.tenant, asker.grantIds);
    },
  };
}
