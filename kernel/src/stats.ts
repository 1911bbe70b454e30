// The few numbers that a person wants first, as the server counts them and the SDK reads them.

export interface Stats {
  readonly pendingApprovals: number;
  /** Yellow acts that the next digests will tell of; 0 where the charter has nobody told. */
  readonly pendingDigestEntries: number;
  readonly liveActs: number;
  readonly agents: number;
  readonly frozenAgents: number;
  /** Of the current UTC day, by status and by tier. */
  readonly today: {
    readonly byStatus: Readonly<Record<string, number>>;
    readonly byTier: Readonly<Record<string, number>>;
    readonly costUsd: number;
  };
}
