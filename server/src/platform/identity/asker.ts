// Who asks, reduced to what a decision may depend on. Stored sealed beside a waiting act, so that it can be decided
// again for the same asker when it is approved, by any process, after any restart.

export interface Asker {
  readonly id: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  /** The agents it may name. */
  readonly agents: readonly string[] | 'any';
  readonly user: { readonly id: string; readonly email: string | null } | null;
  /** Scopes of that user; null when no user stands behind the key. */
  readonly userScopes: readonly string[] | null;
  readonly userRoles: readonly string[];
  /** Delegators, root first, read from a proven token. */
  readonly chain: readonly string[];
  readonly grantIds: readonly string[];
  /** The stored key behind it, checked again when a waiting act is decided again; null for tokens. */
  readonly keyId: string | null;
  readonly traceId: string | null;
}
