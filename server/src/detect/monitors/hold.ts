// While an error budget burns, the actions of its objective wait for people. Written and lifted in the transaction of the
// event, so there is never a throttle that no event explains.
import type { Tx } from '../../platform/postgres/store.ts';

export interface Throttle {
  readonly holds: readonly {
    readonly id: string;
    /** An action name or a pattern. */
    readonly actions: string;
  }[];
  /** What it leaves alone: a drum must not stay hot because a budget burns. */
  readonly except: readonly string[];
  readonly cause: string;
  readonly by: string;
  readonly nowMs: number;
}

/** Counts from the commit on, in every process: a start whose decision is older is stale. */
export async function throttle(
  tx: Tx,
  tenant: string,
  { holds, except, cause, by, nowMs }: Throttle,
): Promise<void> {
  for (const { id, actions } of holds)
    await tx`
      insert into mandate.restriction (tenant, id, kind, scope, floor, except_actions, cause, created_by, created_at)
      values (${tenant}, ${id}, 'throttle', ${`action:${actions}`}, 'red', ${[...except]}, ${cause}, ${by}, ${new Date(nowMs)})`;
  if (holds.length > 0) await tx`select mandate.raise_revision(${tenant})`;
}

/** Whether what stands of these is exactly what would be written now. */
export async function isThrottled(
  tx: Tx,
  tenant: string,
  {
    ids,
    actions,
    except,
  }: {
    readonly ids: readonly string[];
    readonly actions: readonly string[];
    readonly except: readonly string[];
  },
): Promise<boolean> {
  const rows = await tx<{ scope: string; except_actions: readonly string[] }[]>`
    select scope, except_actions from mandate.restriction
    where tenant = ${tenant} and id = any (${[...ids]}::uuid[]) and kind = 'throttle' and lifted_at is null`;
  const scopes = rows.map(({ scope }) => scope);
  return (
    isSame(
      scopes,
      actions.map((each) => `action:${each}`),
    ) && rows.every(({ except_actions: standing }) => isSame(standing, except))
  );
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [new Set(one), new Set(other)];
  return a.size === b.size && [...a].every((each) => b.has(each));
}

export async function liftThrottles(
  tx: Tx,
  tenant: string,
  {
    ids,
    by,
    reason,
    nowMs,
  }: {
    readonly ids: readonly string[];
    readonly by: string;
    readonly reason: string;
    readonly nowMs: number;
  },
): Promise<void> {
  if (ids.length === 0) return;
  await tx`
    update mandate.restriction set lifted_at = ${new Date(nowMs)}, lifted_by = ${by}, lift_reason = ${reason}
    where tenant = ${tenant} and id = any (${[...ids]}::uuid[]) and kind = 'throttle' and lifted_at is null`;
  await tx`select mandate.raise_revision(${tenant})`;
}
