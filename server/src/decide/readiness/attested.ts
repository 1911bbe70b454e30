// An attestation as the kernel weighs it and as it is shown: what is listed as counting is what readiness counts.
import { wordEndMs, wordStatus } from '@mandate/kernel';
import type { Attested, ReadinessItem, WordStatus } from '@mandate/kernel';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';
import type { AttestationRow } from './store.ts';

export interface AttestationView {
  readonly id: string;
  readonly set: string;
  readonly item: string;
  readonly by: string;
  readonly role: string;
  readonly evidence: { readonly file?: string; readonly url?: string; readonly sha256: string };
  readonly date: string;
  /** As it was said, or earlier where the charter in force allows less. */
  readonly expiresAt: string;
  readonly note: string | null;
  readonly attestedAt: string;
  readonly status: WordStatus;
  readonly withdrawnAt: string | null;
  readonly withdrawnBy: string | null;
  readonly withdrawReason: string | null;
}

/** By the items of the charter in force. */
export function attestationView(
  row: AttestationRow,
  items: readonly ReadinessItem[],
  nowMs: number,
): AttestationView {
  const { evidence, sha256 } = row;
  const word = attestedFrom(row);
  return {
    id: row.id,
    set: row.governed_set,
    item: row.item,
    by: row.attested_by,
    role: row.role,
    evidence: row.evidence_kind === 'file' ? { file: evidence, sha256 } : { url: evidence, sha256 },
    date: iso(row.dated_at),
    expiresAt: iso(wordEndMs(items, word)),
    note: row.note,
    attestedAt: iso(row.attested_at),
    status: wordStatus(items, word, nowMs),
    withdrawnAt: isoOrNull(row.withdrawn_at),
    withdrawnBy: row.withdrawn_by,
    withdrawReason: row.withdraw_reason,
  };
}

export function attestedFrom(row: AttestationRow): Attested {
  return {
    item: row.item,
    by: nameOf(row.attested_by),
    role: row.role,
    dateMs: row.dated_at,
    expiresMs: row.expires_at,
    evidence: row.evidence,
    withdrawn:
      row.withdrawn_at === null ? null : { by: nameOf(row.withdrawn_by ?? ''), atMs: row.withdrawn_at },
  };
}

function nameOf(id: string): string {
  return id.startsWith('user:') ? id.slice('user:'.length) : id;
}
