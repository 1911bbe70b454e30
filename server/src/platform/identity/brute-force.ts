// Slows down whoever guesses. Keys have 256 bits, so guessing is hopeless; what this protects is the database,
// which each guess would cost a lookup. A key that has just worked is never held up by its neighbours' failures:
// behind one proxy everybody has one address, and a stop must get through.
import type { Clock } from '../clock/clock.ts';

export interface BruteForce {
  /** How long to wait before a lookup is worth it, in ms; 0 lets it pass. `credential` is a fingerprint, never the secret. */
  waitMs(remoteAddress: string, credential: string): number;
  failed(remoteAddress: string, credential: string): void;
  succeeded(credential: string): void;
}

export interface BruteForceNeeds {
  readonly clock: Clock;
  /** Failures that an address may have at once. */
  readonly burst?: number;
  /** Failures that one credential may have at once from one address: a program that keeps trying a revoked key. */
  readonly burstPerCredential?: number;
  /** One failure is forgiven per so many ms. */
  readonly intervalMs?: number;
  /** Addresses and credentials remembered at most; the longest unused is forgotten first. */
  readonly capacity?: number;
}

/** Generic cell rate algorithm (ITU-T I.371): one number per address, the moment at which its debt is paid. */
export function createBruteForce(needs: BruteForceNeeds): BruteForce {
  const { clock, burst = 20, burstPerCredential = 5, intervalMs = 3000, capacity = 10_000 } = needs;
  const paidAtMs = new Map<string, number>();
  const trusted = new Map<string, true>();
  const debtsOf = (remoteAddress: string, credential: string): readonly (readonly [string, number])[] => [
    [`address ${networkOf(remoteAddress)}`, burst],
    [`credential ${networkOf(remoteAddress)} ${credential}`, burstPerCredential],
  ];
  return {
    waitMs(remoteAddress, credential) {
      if (trusted.has(credential)) return 0;
      const openMs = debtsOf(remoteAddress, credential).map(
        ([debt, atOnce]) => (paidAtMs.get(debt) ?? 0) - (atOnce - 1) * intervalMs,
      );
      return Math.max(0, Math.ceil(Math.max(...openMs) - clock.monotonicMs()));
    },
    failed(remoteAddress, credential) {
      trusted.delete(credential);
      for (const [debt] of debtsOf(remoteAddress, credential)) {
        const fromMs = Math.max(clock.monotonicMs(), paidAtMs.get(debt) ?? 0);
        put(paidAtMs, debt, fromMs + intervalMs, capacity);
      }
    },
    succeeded: (credential) => put(trusted, credential, true, capacity),
  };
}

/** Maps keep the order of insertion, so the first entry is the longest unused. */
function put<V>(map: Map<string, V>, key: string, value: V, capacity: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= capacity) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/** An IPv6 host owns a /64 at least, and could take another address for each guess. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined
      ? front
      : [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
