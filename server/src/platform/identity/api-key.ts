// What an API key is, apart from how one is made and from the SQL that keeps it.
import type { ProvenUser } from './principal.ts';
import type { Role } from './roles.ts';

/** What a key's row fixes. Times are epoch milliseconds. */
export interface ApiKey {
  readonly tenant: string;
  readonly id: string;
  readonly label: string;
  readonly agents: readonly string[] | 'any';
  readonly user: ProvenUser | null;
  readonly roles: readonly Role[];
  readonly scopes: readonly string[] | null;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly expiresMs: number | null;
  readonly revokedMs: number | null;
  /** Which master key its pepper and signing secret hang on. */
  readonly masterId: string;
}
