// Whether anybody looks at the metrics: each scrape is noted, at most one a minute, so that "monitoring is in place" is a
// fact and no claim. One look proves nothing, since anybody on this machine may have it; a scrape key, or Prometheus
// coming back, does.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { selectScrape, upsertScrape } from './store.ts';

const BETWEEN_MS = 60_000;
/** Prometheus without a key has come back when it was here so long ago, and not longer. */
const AGAIN_MS = 10_000;
const FORGOTTEN_MS = 300_000;

export interface Scrape {
  /** The id of the principal, or `loopback`. */
  readonly by: string;
  /** By a key with the role `scrape`; by what presents itself as Prometheus; or by anybody else, which is no monitoring. */
  readonly how: 'key' | 'prometheus' | 'other';
}

export interface Scrapes {
  /** Somebody has been given the metrics of this tenant. Answers at once; a note that fails keeps nobody from them. */
  noteScrape(tenant: string, scrape: Scrape): void;
  /** Epoch milliseconds; null where nobody ever looked. */
  lastScrapeMs(tenant: string): Promise<number | null>;
}

export function createScrapes({
  store,
  clock,
  failed,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}): Scrapes {
  const notedMs = new Map<string, number>();
  const metMs = new Map<string, number>();

  /** Whether it has been here before. A burst of looks is one. */
  function hasComeBack(tenant: string, nowMs: number): boolean {
    const sinceMs = nowMs - (metMs.get(tenant) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs >= 0 && sinceMs < AGAIN_MS) return false;
    metMs.set(tenant, nowMs);
    return sinceMs >= AGAIN_MS && sinceMs <= FORGOTTEN_MS;
  }

  return {
    noteScrape(tenant, { by, how }) {
      const nowMs = clock.nowMs();
      if (how === 'other' || (how === 'prometheus' && !hasComeBack(tenant, nowMs))) return;
      const before = notedMs.get(tenant);
      // A clock that was set back must not silence this for as long as it was ahead.
      if (before !== undefined && nowMs >= before && nowMs - before < BETWEEN_MS) return;
      notedMs.set(tenant, nowMs);
      store
        .withTenant(tenant, (tx) => upsertScrape(tx, tenant, { atMs: nowMs, by }))
        .catch((error: unknown) => {
          notedMs.delete(tenant);
          failed(error);
        });
    },
    lastScrapeMs: (tenant) => store.withTenant(tenant, (tx) => selectScrape(tx, tenant)),
  };
}
