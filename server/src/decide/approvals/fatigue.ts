// Whoever approves all day approves without reading. How much and how fast each person approves is counted from their
// votes, and the charter may cap it; a refused vote says who else could give it.
import type { FatigueSettings } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Tx } from '../../platform/postgres/store.ts';

export interface ApproverStats {
  readonly approver: string;
  readonly approved: number;
  readonly denied: number;
  /** Approvals an hour over the window. */
  readonly perHour: number;
  /** Between being shown something and approving it; null where nothing was shown by us. */
  readonly medianReadingMs: number | null;
  /** Share of what was approved in under 2 s, or without being shown at all; null where nothing was approved. */
  readonly shareUnder2s: number | null;
}

export interface ApprovalStats {
  readonly from: string;
  readonly to: string;
  readonly approvers: readonly ApproverStats[];
  readonly all: Omit<ApproverStats, 'approver'>;
}

export interface Reader {
  readonly voter: string;
  readonly approvalId: string;
  readonly digest: string;
  readonly nowMs: number;
}

const HOUR_MS = 3_600_000;
const QUICK_MS = 2_000;

/**
 * Where approvals an hour are capped, the votes of one person wait for each other: or each would count before the others.
 * Taken before any row, so that whoever votes on several at once and on one of them cannot hold each other up.
 */
export async function queueVoter(
  tx: Tx,
  {
    tenant,
    voter,
    settings,
  }: { readonly tenant: string; readonly voter: string; readonly settings: FatigueSettings },
): Promise<void> {
  if (settings.perHour === null) return;
  await tx`select pg_advisory_xact_lock(hashtext('approval.voter'), hashtext(${`${tenant}/${voter}`}))`;
}

/** Why this person may not approve now although their role would let them; null when they may. */
export async function fatigueOf(
  tx: Tx,
  tenant: string,
  { settings, reader }: { readonly settings: FatigueSettings; readonly reader: Reader },
): Promise<Refusal | null> {
  const { perHour, minReadingMs } = settings;
  const { voter, approvalId, digest, nowMs } = reader;
  if (minReadingMs !== null) {
    const [shown] = await tx<{ at: number }[]>`
      select at from mandate.approval_shown where tenant = ${tenant} and approval_id = ${approvalId} and person = ${voter}`;
    if (shown === undefined)
      return throttled(
        `The charter asks that people read what they approve, and this was never shown to ${voter}. Open it first, and approve it after ${secondsOf(minReadingMs)}.`,
        minReadingMs,
      );
    const readMs = nowMs - shown.at;
    if (readMs < minReadingMs)
      return throttled(
        `${voter} was shown this ${secondsOf(Math.max(0, readMs))} ago, and the charter asks for ${secondsOf(minReadingMs)} of reading before something is approved.`,
        minReadingMs - Math.max(0, readMs),
      );
  }
  if (perHour === null) return null;
  // What is identical is read once, so it counts once.
  const votes = await tx<{ digest: string; at: number }[]>`
    select a.digest, min(v.at) as at from mandate.vote v join mandate.approval a on a.tenant = v.tenant and a.id = v.approval_id
    where v.tenant = ${tenant} and v.voter = ${voter} and v.decision = 'approve' and v.at > ${new Date(nowMs - HOUR_MS)}
    group by a.digest order by 2`;
  const [first] = votes;
  if (first === undefined || votes.length < perHour || votes.some((vote) => vote.digest === digest))
    return null;
  return throttled(
    `${voter} has approved ${votes.length} different things within an hour, and the charter lets one person approve ${perHour}.`,
    Math.max(1_000, first.at + HOUR_MS - nowMs),
  );
}

function throttled(detail: string, retryAfterMs: number): Refusal {
  return { code: 'throttled', detail, retryAfterMs };
}

function secondsOf(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/** What every approver did in the window. */
export async function readStats(
  tx: Tx,
  tenant: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<ApprovalStats> {
  const rows = await tx<StatsRow[]>`
    select voter, count(*) filter (where decision = 'approve')::integer as approved, count(*) filter (where decision = 'deny')::integer as denied,
      percentile_cont(0.5) within group (order by extract(epoch from at - shown_at) * 1000) filter (where decision = 'approve' and shown_at is not null) as median,
      count(*) filter (where decision = 'approve' and (shown_at is null or at - shown_at < make_interval(secs => ${QUICK_MS / 1_000})))::integer as quick
    from mandate.vote where tenant = ${tenant} and at >= ${new Date(fromMs)} and at < ${new Date(toMs)}
    group by grouping sets ((voter), ()) order by 2 desc, voter`;
  const hours = Math.max(1, (toMs - fromMs) / HOUR_MS);
  const all = rows.find((row) => row.voter === null);
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    approvers: rows.flatMap((row) =>
      row.voter === null ? [] : [{ approver: row.voter, ...figuresOf(row, hours) }],
    ),
    all: figuresOf(all ?? { approved: 0, denied: 0, median: null, quick: 0 }, hours),
  };
}

interface StatsRow {
  readonly voter: string | null;
  readonly approved: number;
  readonly denied: number;
  readonly median: number | null;
  readonly quick: number;
}

function figuresOf(
  { approved, denied, median, quick }: Omit<StatsRow, 'voter'>,
  hours: number,
): Omit<ApproverStats, 'approver'> {
  return {
    approved,
    denied,
    perHour: approved / hours,
    medianReadingMs: median,
    shareUnder2s: approved === 0 ? null : quick / approved,
  };
}
