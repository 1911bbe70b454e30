// How an agent's trust came about: every move of its score with its cause, and every time it was frozen or let go on,
// read from the journal.
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { iso } from '../../platform/clock/iso.ts';

export type TrustEntry =
  | {
      readonly kind: 'moved';
      readonly at: string;
      readonly before: number;
      readonly after: number;
      readonly cause: string;
      /** Who saw it: an executor, the principal that reported or confirmed, or Mandate itself. */
      readonly by: string;
      readonly actId: string | null;
      /** What the act was; null where no act moved it. */
      readonly action: string | null;
    }
  | {
      readonly kind: 'frozen' | 'unfrozen';
      readonly at: string;
      /** The cause of a freeze, the reason of its end. */
      readonly cause: string;
      readonly by: string;
      readonly actId: string | null;
      readonly action: string | null;
    };

export interface TrustPage {
  readonly items: readonly TrustEntry[];
  /** Where the next page begins; null on the last one. */
  readonly nextCursor: string | null;
}

export interface TrustQuery {
  readonly agent: string;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly limit: number;
  readonly cursor: string | null;
}

/** One page, newest first. */
export async function readTrustHistory(store: Store, tenant: string, query: TrustQuery): Promise<TrustPage> {
  const rows = await store.withTenant(tenant, (tx) => readRows(tx, tenant, query));
  const last = rows.at(-1);
  return {
    items: rows.map(entryOf),
    nextCursor: last === undefined || rows.length < query.limit ? null : String(last.id),
  };
}

interface Row {
  readonly id: number;
  readonly kind: string;
  readonly at: number;
  readonly actor: string;
  readonly act_id: string | null;
  readonly action: string | null;
  readonly data: string;
}

function readRows(tx: Tx, tenant: string, { agent, fromMs, toMs, limit, cursor }: TrustQuery) {
  return tx<Row[]>`
    select j.id, j.kind, j.at, j.actor, j.act_id, a.action, j.data
    from mandate.journal j left join mandate.act a on a.tenant = j.tenant and a.id = j.act_id
    where j.tenant = ${tenant} and j.agent = ${agent} and j.kind in ('trust.moved', 'agent.frozen', 'agent.unfrozen')
      ${fromMs === null ? tx`` : tx`and j.at >= ${new Date(fromMs)}`}
      ${toMs === null ? tx`` : tx`and j.at < ${new Date(toMs)}`}
      ${cursor === null ? tx`` : tx`and j.id < ${cursor}::bigint`}
    order by j.id desc limit ${limit}`;
}

function entryOf({ kind, at, actor, act_id, action, data: text }: Row): TrustEntry {
  const data = readData(text);
  const shared = { at: iso(at), by: actor, actId: act_id, action };
  if (kind === 'trust.moved')
    return {
      kind: 'moved',
      before: data.before ?? 0,
      after: data.after ?? 0,
      cause: data.cause ?? '',
      ...shared,
    };
  return {
    kind: kind === 'agent.frozen' ? 'frozen' : 'unfrozen',
    cause: data.cause ?? data.reason ?? '',
    ...shared,
  };
}

interface Data {
  readonly before?: number;
  readonly after?: number;
  readonly cause?: string;
  readonly reason?: string;
}

function readData(text: string): Data {
  // Written by us as canonical JSON, with these fields.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return JSON.parse(text) as Data;
}
