// What policies read of the past: acts page by page, what never became one, and the files of charters.
import type { DecisionCode, Effect, Tier } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Range } from './range.ts';

/** An act as far as a replay needs it. */
export interface RecordedAct {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly status: string;
  /** Epoch ms. */
  readonly createdMs: number;
  /** As it is stored, to the microsecond: where the next page begins. */
  readonly createdAt: string;
  readonly tier: Tier;
  readonly effect: Effect;
  readonly code: DecisionCode;
  readonly rule: string | null;
  readonly charterVersion: string;
  readonly sealed: Uint8Array;
}

export type Position = Pick<RecordedAct, 'createdAt' | 'id'>;

/** Few enough that the road is served between two pages, and never more bytes than these beyond one act. */
const PAGE_ACTS = 200;
const PAGE_BYTES = 4_000_000;

/**
 * The next acts of a range, newest first, after a position. Sizes are summed before anything is unpacked: an act may
 * hold a megabyte, and two hundred of those are no page.
 */
export async function readActs(
  tx: Tx,
  tenant: string,
  { range, after }: { readonly range: Range; readonly after: Position | null },
): Promise<readonly RecordedAct[]> {
  return tx<RecordedAct[]>`
    select s.id, s.agent, s.action, s.status, s.created_at as "createdMs", s.created_at::text as "createdAt", s.tier,
      d.effect, d.code, d.rule, d."charterVersion", s.sealed
    from (
      select page.*, row_number() over newest as n, sum(octet_length(page.sealed)) over newest as bytes
      from (
        select id, agent, action, status, created_at, tier, decision, sealed from mandate.act
        where tenant = ${tenant} and created_at >= ${at(range.fromMs)} and created_at < ${at(range.toMs)}
          ${after === null ? tx`` : tx`and (created_at, id) < (${after.createdAt}::text::timestamptz, ${after.id})`}
        order by created_at desc, id desc limit ${PAGE_ACTS}
      ) page
      window newest as (order by created_at desc, id desc)
    ) s cross join lateral jsonb_to_record(s.decision) as d(effect text, code text, rule text, "charterVersion" text)
    where s.n = 1 or s.bytes <= ${PAGE_BYTES}
    order by s.created_at desc, s.id desc`;
}

/** How many requests were refused before they were acts, by code. */
export async function countRefused(
  tx: Tx,
  tenant: string,
  { fromMs, toMs }: Range,
): Promise<Readonly<Record<string, number>>> {
  const rows = await tx<{ code: string; count: number }[]>`
    select coalesce(data::jsonb->>'code', 'unknown') as code, count(*)::int as count from mandate.journal
    where tenant = ${tenant} and kind = 'action.refused' and at >= ${at(fromMs)} and at < ${at(toMs)}
    group by 1 order by 2 desc, 1`;
  return Object.fromEntries(rows.map(({ code, count }) => [code, count]));
}

/** The acts of a range that people decided on, by what they decided. */
export async function readPeoplesWord(
  tx: Tx,
  tenant: string,
  { fromMs, toMs }: Range,
): Promise<readonly { readonly actId: string; readonly status: 'approved' | 'denied' }[]> {
  return tx<{ actId: string; status: 'approved' | 'denied' }[]>`
    select a.act_id as "actId", case when a.status = 'denied' then 'denied' else 'approved' end as status
    from mandate.approval a join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
    where a.tenant = ${tenant} and a.status in ('approved', 'used', 'denied')
      and x.created_at >= ${at(fromMs)} and x.created_at < ${at(toMs)}`;
}

export interface VersionRow {
  readonly version: string;
  /** JSON of the source files. */
  readonly content: string;
}

/** The versions that begin with these digits, two at most: one is meant, two are ambiguous. */
export async function findVersions(tx: Tx, tenant: string, prefix: string): Promise<readonly VersionRow[]> {
  return tx<VersionRow[]>`
    select version, content from mandate.charter
    where tenant = ${tenant} and starts_with(version, ${prefix}) order by version limit 2`;
}

function at(ms: number): Date {
  return new Date(ms);
}
