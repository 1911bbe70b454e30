// Sends dead letters again, as far as the flags allow: whoever has thousands of them has a channel to repair first, and
// a receiver that has just come back must not be buried under what it missed.
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';

export interface ReplayOrder {
  readonly tenant: string;
  /** null: the oldest that fit. */
  readonly ids: readonly string[] | null;
  readonly by: string;
  readonly traceId: string | null;
}

export type ReplayAnswer =
  | {
      readonly kind: 'replayed';
      readonly ids: readonly string[];
      /** Dead letters that are left. */
      readonly left: number;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface ReplayNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: WriteEntry;
}

const WINDOW_MS = 300_000;
const KEEP_MS = 86_400_000;
/** What the flags say where somebody has deleted their rows. */
const DEFAULTS = { 'budget.replay.maxBatch': 50, 'budget.replay.maxPayloadMB': 2, 'rate.replay.per5m': 3 };
type Ceiling = keyof typeof DEFAULTS;

export function createReplay({
  store,
  clock,
  chance,
  writeEntry,
}: ReplayNeeds): (order: ReplayOrder) => Promise<ReplayAnswer> {
  return ({ tenant, ids, by, traceId }) =>
    store.withTenant(tenant, async (tx): Promise<ReplayAnswer> => {
      const nowMs = clock.nowMs();
      // One at a time, or two of them would each find room for one more.
      await tx`select pg_advisory_xact_lock(hashtext('replay'), hashtext(${tenant}))`;
      const ceilings = await readCeilings(tx, tenant);
      const late = await tooOften(tx, tenant, { perWindow: ceilings['rate.replay.per5m'], nowMs });
      if (late !== null) return refused(late);
      const most = ceilings['budget.replay.maxBatch'];
      if (ids !== null && ids.length > most)
        return refused({
          code: 'limit_exceeded',
          detail: `${ids.length} messages are more than one replay sends again: ${most} (flag budget.replay.maxBatch). Send fewer at a time.`,
        });
      const dead = await tx<{ id: string; bytes: number }[]>`
        select id, content_bytes as bytes from mandate.delivery where tenant = ${tenant} and status = 'dead'
          ${ids === null ? tx`` : tx`and id = any (${[...ids]}::uuid[])`}
        order by died_at, id limit ${Math.max(most, 1)} for update`;
      if (ids !== null && dead.length < new Set(ids).size) {
        const known = new Set(dead.map(({ id }) => id));
        return refused({
          code: 'not_found',
          detail: `There is no dead letter ${ids.find((id) => !known.has(id)) ?? ''}.`,
        });
      }
      const maxBytes = ceilings['budget.replay.maxPayloadMB'] * 1_048_576;
      const chosen = most < 1 ? [] : fitting(dead, maxBytes);
      if (ids !== null && chosen.length < dead.length)
        return refused({
          code: 'limit_exceeded',
          detail: `These messages together are larger than ${ceilings['budget.replay.maxPayloadMB']} MB (flag budget.replay.maxPayloadMB). Send fewer at a time.`,
        });
      if (dead.length > 0 && chosen.length === 0)
        return refused({
          code: 'limit_exceeded',
          detail:
            'The flags budget.replay.maxBatch and budget.replay.maxPayloadMB leave room for no message.',
        });
      if (chosen.length > 0) {
        const bytes = chosen.reduce((sum, it) => sum + it.bytes, 0);
        const now = new Date(nowMs);
        await tx`
          update mandate.delivery set status = 'pending', tries = 0, next_at = ${now}, planned_at = ${now}, died_at = null, replays = replays + 1
          where tenant = ${tenant} and id = any (${chosen.map(({ id }) => id)}::uuid[])`;
        await tx`delete from mandate.replay where tenant = ${tenant} and at < ${new Date(nowMs - KEEP_MS)}`;
        await tx`
          insert into mandate.replay (tenant, id, by_principal, at, deliveries, bytes)
          values (${tenant}, ${chance.uuid()}, ${by}, ${now}, ${chosen.length}, ${bytes})`;
        await writeEntry(tx, tenant, {
          kind: 'notification.replayed',
          actor: by,
          atMs: nowMs,
          traceId,
          data: { deliveries: chosen.map(({ id }) => id), bytes },
        });
      }
      const [left] = await tx<
        { n: number }[]
      >`select count(*)::integer as n from mandate.delivery where tenant = ${tenant} and status = 'dead'`;
      return { kind: 'replayed', ids: chosen.map(({ id }) => id), left: left?.n ?? 0 };
    });
}

/** As many of them, oldest first, as fit. */
function fitting(
  dead: readonly { readonly id: string; readonly bytes: number }[],
  maxBytes: number,
): readonly { readonly id: string; readonly bytes: number }[] {
  let bytes = 0;
  const chosen = [];
  for (const letter of dead) {
    bytes += letter.bytes;
    if (bytes > maxBytes) break;
    chosen.push(letter);
  }
  return chosen;
}

async function tooOften(
  tx: Tx,
  tenant: string,
  { perWindow, nowMs }: { readonly perWindow: number; readonly nowMs: number },
): Promise<Refusal | null> {
  const recent = await tx<{ at: number }[]>`
    select at from mandate.replay where tenant = ${tenant} and at > ${new Date(nowMs - WINDOW_MS)} order by at desc limit ${Math.max(perWindow, 1)}`;
  if (recent.length < perWindow) return null;
  const oldestMs = recent.at(-1)?.at ?? nowMs;
  return {
    code: 'throttled',
    detail: `${perWindow} replays in 5 minutes are the most (flag rate.replay.per5m).`,
    retryAfterMs: Math.max(1_000, oldestMs + WINDOW_MS - nowMs),
  };
}

/** What nobody understands leaves no room. */
async function readCeilings(tx: Tx, tenant: string): Promise<Readonly<Record<Ceiling, number>>> {
  const rows = await tx<{ key: Ceiling; value: unknown }[]>`
    select key, value from mandate.flag where tenant = ${tenant} and scope = '' and key = any (${Object.keys(DEFAULTS)})`;
  const written = rows.map(
    ({ key, value }) => [key, typeof value === 'number' && value >= 0 ? value : 0] as const,
  );
  return { ...DEFAULTS, ...Object.fromEntries(written) };
}

function refused(refusal: Refusal): ReplayAnswer {
  return { kind: 'refused', refusal };
}
