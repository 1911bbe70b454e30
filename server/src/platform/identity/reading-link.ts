// A link by which whoever got a message reads the one thing that it is about (an act, an incident, a report), without a
// key: it shows that and nothing else, decides nothing, and ends by itself.
import { z } from 'zod';
import type { Clock } from '../clock/clock.ts';
import type { MasterKeys } from '../crypto/master-key.ts';
import { createSignedTokens } from './signed-token.ts';

export const READINGS = ['act', 'incident', 'report'] as const;
export type ReadingKind = (typeof READINGS)[number];

/** What a link shows. */
export interface Reading {
  readonly tenant: string;
  readonly kind: ReadingKind;
  readonly id: string;
}

export interface ReadingLinks {
  /** The address of the page; for the eyes of whoever is told of it. Works for 30 days. */
  linkFor(reading: Reading): string;
  /** What the token shows; `ended` when its time is over, null when it is none of ours. */
  verify(token: string): Reading | 'ended' | null;
}

/** Long enough for a report that is read after a holiday. */
const VALID_MS = 30 * 86_400_000;

const shape = z.strictObject({
  tenant: z.string(),
  kind: z.enum(READINGS),
  id: z.string(),
  expiresMs: z.int(),
});

export function createReadingLinks({
  masterKeys,
  clock,
  publicUrl,
}: {
  readonly masterKeys: MasterKeys;
  readonly clock: Clock;
  readonly publicUrl: () => string;
}): ReadingLinks {
  const tokens = createSignedTokens<z.infer<typeof shape>>(masterKeys, {
    purpose: 'reading-link',
    prefix: 'read.v1.',
    shape,
  });
  return {
    linkFor({ tenant, kind, id }) {
      const token = tokens.sign({ tenant, kind, id, expiresMs: clock.nowMs() + VALID_MS });
      return `${publicUrl()}/${kind}s/${id}?t=${token}`;
    },
    verify(token) {
      const read = tokens.verify(token);
      if (read === null) return null;
      const { expiresMs, ...reading } = read;
      return expiresMs > clock.nowMs() ? reading : 'ended';
    },
  };
}
