// Lifting a stop. Where the charter asks for two persons, the first one's agreement is remembered, and it is an
// agreement to the stops that stood then: a newer stop, or an hour, takes it back.
import { redactText } from '@mandate/kernel';
import type { Sql, Tx } from '../../platform/postgres/store.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import { isPerson } from '../../platform/identity/principal.ts';

export interface ResumeOrder {
  readonly tenant: string;
  readonly scope: string;
  readonly reason: string;
  /** The principal's id; where two persons have to agree it must be a person's. */
  readonly by: string;
  readonly twoPersons: boolean;
  /** Since when the file STOP has been in the data directory, where lifting this lifts it too; null without one. */
  readonly fileSinceMs: number | null;
  readonly traceId: string | null;
}

export type ResumeReport =
  /** `lifted` counts what stood on record; the file is for the caller to remove. */
  | { readonly kind: 'resumed'; readonly lifted: number }
  | { readonly kind: 'second_person_needed'; readonly requestedBy: string }
  /** Two persons have to agree, and whoever asks is no person by name. */
  | { readonly kind: 'no_person'; readonly detail: string }
  | { readonly kind: 'nothing_to_resume' };

export type Resume = (order: ResumeOrder) => Promise<ResumeReport>;

export interface ResumeNeeds {
  readonly control: Sql;
  readonly clock: Clock;
  readonly writeEntry: (
    tx: Tx,
    tenant: string,
    entry: {
      kind: string;
      actor: string;
      atMs: number;
      traceId: string | null;
      data: Readonly<Record<string, string | number | null>>;
    },
  ) => Promise<void>;
}

/** How long the first person's agreement waits for the second. */
const AGREEMENT_MS = 3_600_000;

export function createResume({ control, clock, writeEntry }: ResumeNeeds): Resume {
  return async (order) => {
    const nowMs = clock.nowMs();
    return control.begin(async (tx): Promise<ResumeReport> => {
      const entry = (kind: string, data: Readonly<Record<string, number>>) =>
        writeEntry(tx, order.tenant, {
          kind,
          actor: order.by,
          atMs: nowMs,
          traceId: order.traceId,
          data: { scope: order.scope, reason: order.reason, ...data },
        });
      const standing = await tx<{ id: string; created_at: number }[]>`
        select id, created_at from mandate.restriction
        where tenant = ${order.tenant} and scope = ${order.scope} and kind = 'stop' and lifted_at is null for update`;
      if (standing.length === 0 && order.fileSinceMs === null) return { kind: 'nothing_to_resume' };
      if (order.twoPersons) {
        if (!isPerson(order.by)) return { kind: 'no_person', detail: noPerson(order.by) };
        const newestMs = Math.max(order.fileSinceMs ?? 0, ...standing.map((stop) => stop.created_at));
        const isSecond = await isSecondPerson(tx, order, { nowMs, newestMs });
        if (!isSecond) {
          await entry('stop.resume_requested', {});
          return { kind: 'second_person_needed', requestedBy: order.by };
        }
      }
      // Those that were looked at: a stop that came since is nobody's to lift yet.
      const lifted = await tx`
        update mandate.restriction set lifted_at = ${new Date(nowMs)}, lifted_by = ${order.by}, lift_reason = ${order.reason}
        where tenant = ${order.tenant} and id = any (${standing.map((stop) => stop.id)}::uuid[])`;
      await forgetAgreement(tx, order);
      // Loosening needs no new revision for safety; raising it makes every process look again at once.
      await tx`update mandate.tenant set revision = revision + 1 where tenant = ${order.tenant}`;
      await tx`select pg_notify('mandate_revision', '')`;
      await entry('stop.resumed', { lifted: lifted.count });
      return { kind: 'resumed', lifted: lifted.count };
    });
  };
}

/** What somebody agreed to lift is no longer what stands. */
export async function forgetAgreement(
  tx: Tx,
  { tenant, scope }: { readonly tenant: string; readonly scope: string },
): Promise<void> {
  await tx`delete from mandate.resume_request where tenant = ${tenant} and scope = ${scope}`;
}

function noPerson(by: string): string {
  return `Two persons have to agree to this, and ${by} names no person; use a key that was made for a user (mandate key create --user).`;
}

/** Whether another person has agreed to lift just what stands; if not, this one's agreement is remembered. */
async function isSecondPerson(
  tx: Tx,
  { tenant, scope, by, reason }: ResumeOrder,
  { nowMs, newestMs }: { readonly nowMs: number; readonly newestMs: number },
): Promise<boolean> {
  const [first] = await tx<{ requested_by: string; requested_at: number }[]>`
    select requested_by, requested_at from mandate.resume_request where tenant = ${tenant} and scope = ${scope} for update`;
  const stands =
    first !== undefined &&
    first.requested_at >= newestMs &&
    first.requested_at > nowMs - AGREEMENT_MS &&
    isPerson(first.requested_by);
  if (stands && first.requested_by !== by) return true;
  await tx`
    insert into mandate.resume_request (tenant, scope, requested_by, reason, requested_at)
    values (${tenant}, ${scope}, ${by}, ${redactText(reason)}, ${new Date(nowMs)})
    on conflict (tenant, scope) do update
      set requested_by = excluded.requested_by, reason = excluded.reason, requested_at = excluded.requested_at`;
  return false;
}
