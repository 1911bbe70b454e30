// What happened in the week as one hash: the RFC 6962 tree over the journal's entries in the order of their positions.
// Whoever keeps a report can later be shown the journal and see whether anything in it was changed, added or left out.
import { canonicalJson, growMerkleTree } from '@mandate/kernel';
import type { AuditRoot } from '@mandate/kernel';
import { iso } from '../../platform/clock/iso.ts';
import { sha256 } from '../../platform/crypto/hash.ts';
import type { Tx } from '../../platform/postgres/store.ts';

export interface AuditWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** The last position that the report before stands on: no entry lies between two reports. */
  readonly reportedPosition: number | null;
}

interface HeaderRow {
  readonly position: number;
  readonly kind: string;
  readonly agent: string | null;
  readonly act_id: string | null;
  readonly actor: string;
  readonly at: number;
  readonly trace_id: string | null;
  readonly data_sha256: string;
}

const BATCH = 5_000;

/** The root over the tenant's entries of a window. Entries that have no position yet stand in the next. */
export async function rootOf(tx: Tx, tenant: string, window: AuditWindow): Promise<AuditRoot> {
  const upTo = (await lastBefore(tx, tenant, window.endMs + 1)) ?? 0;
  const older = (await lastBefore(tx, tenant, window.startMs)) ?? 0;
  const after = Math.min(older, window.reportedPosition ?? older);
  const tree = growMerkleTree(sha256);
  let firstPosition: number | null = null;
  let lastPosition: number | null = null;
  const batches = tx<HeaderRow[]>`
    select position, kind, agent, act_id, actor, at, trace_id, encode(sha256(convert_to(data, 'UTF8')), 'hex') as data_sha256
    from mandate.journal
    where tenant = ${tenant} and position > ${after} and position <= ${upTo}
    order by position`.cursor(BATCH);
  for await (const rows of batches) {
    for (const row of rows) {
      tree.add(Buffer.from(leafOf(tenant, row)));
      firstPosition ??= row.position;
      lastPosition = row.position;
    }
  }
  return {
    root: Buffer.from(tree.root()).toString('hex'),
    entries: tree.size(),
    firstPosition,
    lastPosition,
  };
}

/** From the newest on, so that no more is read than the window holds. */
async function lastBefore(tx: Tx, tenant: string, ms: number): Promise<number | null> {
  const [row] = await tx<{ position: number }[]>`
    select position from mandate.journal
    where tenant = ${tenant} and position is not null and at < ${new Date(ms)}
    order by position desc limit 1`;
  return row?.position ?? null;
}

/** The canonical header of an entry: everything that it says, its data by their digest. */
function leafOf(tenant: string, row: HeaderRow): string {
  return canonicalJson({
    actId: row.act_id,
    actor: row.actor,
    agent: row.agent,
    at: iso(row.at),
    dataSha256: row.data_sha256,
    kind: row.kind,
    position: row.position,
    tenant,
    traceId: row.trace_id,
  });
}
