// A tool that is described anew is another tool to the model that reads the description, whatever its name says. So
// what each MCP server says of its tools is pinned when it is first seen, and a change holds the tool's calls until
// somebody has read and accepted it. The hold is a restriction and the acceptance an approval: no mechanism of its own.
import type { JsonObject, ToolView } from '@mandate/kernel';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { toldTools } from './told.ts';
import type { ToldTool } from './told.ts';

export interface Seen {
  readonly tenant: string;
  readonly upstream: string;
  /** The server's own list, complete. */
  readonly tools: readonly unknown[];
  readonly by: string;
  readonly traceId: string | null;
}

export interface Tools {
  /** Takes note of a list. When it resolves, every tool that has changed is held. */
  seen(list: Seen): Promise<void>;
  list(tenant: string, upstream: string | null): Promise<readonly ToolView[]>;
  /** Forgets what was pinned of a server, so that its next list is taken as it is. */
  forget(order: {
    tenant: string;
    upstream: string;
    by: string;
    reason: string;
    traceId: string | null;
  }): Promise<Forgetting>;
  /** What becomes of the approval of a changed tool. */
  readonly subject: {
    apply(
      tx: Tx,
      approval: Accepted,
    ): Promise<{ readonly kind: 'applied' } | { readonly kind: 'refused'; readonly detail: string }>;
    ended(tx: Tx, approval: Accepted): Promise<void>;
  };
}

export type Forgetting =
  /** How many tools. */
  | { readonly kind: 'forgotten'; readonly count: number }
  /** By whoever stands before this module (app/forget-gate.ts). */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The approval, as far as this module reads it. */
interface Accepted {
  readonly id: string;
  readonly tenant: string;
  readonly content: JsonObject;
  readonly status: string;
  readonly approvedBy: readonly string[];
  readonly nowMs: number;
  readonly traceId: string | null;
}

export interface Question {
  readonly tenant: string;
  readonly upstream: string;
  readonly name: string;
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly content: JsonObject;
  readonly requester: string;
  readonly traceId: string | null;
}

export interface ToolsNeeds {
  readonly store: Pick<Store, 'withTenant'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly sha256: (text: string) => string;
  /** Asks people, in the same transaction; answers with the approval's id. */
  readonly ask: (tx: Tx, question: Question) => Promise<string>;
  /** Takes back what was asked, because it is no longer what the tool says. */
  readonly withdraw: (
    tx: Tx,
    withdrawal: { tenant: string; id: string; why: string; by: string; traceId: string | null },
  ) => Promise<unknown>;
  readonly writeEntry: WriteEntry;
}

interface ToolRow {
  readonly upstream: string;
  readonly name: string;
  readonly hash: string;
  readonly told: JsonObject;
  readonly pinned_at: number;
  readonly pinned_by: string;
  readonly changed_hash: string | null;
  readonly changed_told: JsonObject | null;
  readonly changed_at: number | null;
  readonly restriction_id: string | null;
  readonly approval_id: string | null;
}

export function createTools(needs: ToolsNeeds): Tools {
  const { store, clock, chance, sha256, writeEntry } = needs;

  async function entry(
    tx: Tx,
    { tenant, by, traceId }: Pick<Seen, 'tenant' | 'by' | 'traceId'>,
    kind: string,
    data: JsonObject,
  ): Promise<void> {
    await writeEntry(tx, tenant, { kind, actor: by, atMs: clock.nowMs(), traceId, data });
  }

  async function pin(tx: Tx, { tenant, upstream, by }: Seen, { name, hash, told }: ToldTool): Promise<void> {
    await tx`
      insert into mandate.tool (tenant, upstream, name, hash, told, pinned_at, pinned_by)
      values (${tenant}, ${upstream}, ${name}, ${hash}, ${jsonb(tx, told)}, ${new Date(clock.nowMs())}, ${by})
      on conflict do nothing`;
  }

  /** Held from the commit of this transaction on, in every process. */
  async function hold(
    tx: Tx,
    seen: Seen,
    { name, approval_id: asked }: ToolRow,
    now: ToldTool,
  ): Promise<void> {
    const { tenant, upstream, by, traceId } = seen;
    const nowMs = clock.nowMs();
    if (asked !== null) {
      const why = `${upstream} has changed what it says of ${name} again.`;
      await needs.withdraw(tx, { tenant, id: asked, why, by, traceId });
    }
    // Withdrawing waited for whoever was just accepting: what they left behind is what counts now.
    const row = (await readTools(tx, tenant, upstream)).find((each) => each.name === name);
    if (row === undefined) return;
    const restriction = row.restriction_id ?? chance.uuid();
    if (row.restriction_id === null) {
      const cause = `${upstream} has changed what it says of its tool ${name}; somebody has to accept that first`;
      await tx`
        insert into mandate.restriction (tenant, id, kind, scope, floor, cause, created_by, created_at)
        values (${tenant}, ${restriction}, 'pause', ${`action:${upstream}.${name}`}, 'red', ${cause}, 'mandate:tools', ${new Date(nowMs)})`;
      await tx`select mandate.raise_revision(${tenant})`;
    }
    const content = { upstream, name: row.name, before: row.hash, after: now.hash };
    const approval = await needs.ask(tx, {
      tenant,
      upstream,
      name: row.name,
      before: row.told,
      after: now.told,
      content,
      requester: 'mandate:tools',
      traceId,
    });
    await tx`
      update mandate.tool set changed_hash = ${now.hash}, changed_told = ${jsonb(tx, now.told)}, changed_at = ${new Date(nowMs)},
        restriction_id = ${restriction}, approval_id = ${approval}
      where tenant = ${tenant} and upstream = ${upstream} and name = ${row.name}`;
    await entry(tx, seen, 'tool.changed', { ...content, restriction, approval });
  }

  async function release(
    tx: Tx,
    tenant: string,
    row: Pick<ToolRow, 'restriction_id'>,
    { by, reason }: { readonly by: string; readonly reason: string },
  ): Promise<void> {
    if (row.restriction_id === null) return;
    await tx`
      update mandate.restriction set lifted_at = ${new Date(clock.nowMs())}, lifted_by = ${by}, lift_reason = ${reason}
      where tenant = ${tenant} and id = ${row.restriction_id} and lifted_at is null`;
    await tx`select mandate.raise_revision(${tenant})`;
  }

  return {
    async seen(list) {
      const { tenant, upstream } = list;
      const told = toldTools(list.tools, { upstream, sha256 });
      if (told.length === 0) return;
      // The common case is a list that says what it said: one read, no lock.
      const known = await store.withTenant(tenant, (tx) => readTools(tx, tenant, upstream));
      const byName = new Map(known.map((row) => [row.name, row]));
      const isNews = told.some((tool) => {
        const row = byName.get(tool.name);
        return row === undefined || isNewsOf(row, tool);
      });
      if (!isNews) return;
      await store.withTenant(tenant, async (tx) => {
        await lockUpstream(tx, tenant, upstream);
        const rows = new Map((await readTools(tx, tenant, upstream)).map((row) => [row.name, row]));
        const fresh: string[] = [];
        for (const tool of told) {
          const row = rows.get(tool.name);
          if (row === undefined) {
            await pin(tx, list, tool);
            fresh.push(tool.name);
          } else if (isNewsOf(row, tool)) {
            await hold(tx, list, row, tool);
          }
        }
        if (fresh.length > 0) await entry(tx, list, 'tool.pinned', { upstream, names: fresh });
      });
    },

    list: (tenant, upstream) =>
      store.withTenant(tenant, async (tx) => (await readTools(tx, tenant, upstream)).map(viewOf)),

    forget: ({ tenant, upstream, by, reason, traceId }) =>
      store.withTenant(tenant, async (tx) => {
        await lockUpstream(tx, tenant, upstream);
        const rows = await readTools(tx, tenant, upstream);
        for (const row of rows) {
          await release(tx, tenant, row, { by, reason });
          const why = `What ${upstream} says of its tools has been forgotten: ${reason}`;
          if (row.approval_id !== null)
            await needs.withdraw(tx, { tenant, id: row.approval_id, why, by, traceId });
        }
        await tx`delete from mandate.tool where tenant = ${tenant} and upstream = ${upstream}`;
        if (rows.length > 0)
          await entry(tx, { tenant, by, traceId }, 'tool.forgotten', {
            upstream,
            count: rows.length,
            reason,
          });
        return { kind: 'forgotten', count: rows.length };
      }),

    subject: {
      async apply(tx, approval) {
        const { tenant, content, nowMs, traceId } = approval;
        const upstream = textOf(content['upstream']);
        const name = textOf(content['name']);
        const row = (await readTools(tx, tenant, upstream)).find((each) => each.name === name);
        if (row === undefined || row.changed_hash === null || row.changed_hash !== content['after']) {
          const detail = `${upstream} says something else of ${name} by now. Look at the tool as it is, and decide about that.`;
          return { kind: 'refused', detail };
        }
        const by = approval.approvedBy.join(', ');
        await release(tx, tenant, row, { by, reason: `accepted by approval ${approval.id}` });
        await tx`
          update mandate.tool set hash = changed_hash, told = changed_told, pinned_at = ${new Date(nowMs)}, pinned_by = ${by}
          where tenant = ${tenant} and upstream = ${upstream} and name = ${name}`;
        await clear(tx, tenant, upstream, name);
        await entry(tx, { tenant, by, traceId }, 'tool.accepted', { ...content, approval: approval.id });
        return { kind: 'applied' };
      },

      /** Denied, it stays held and nobody is asked again. Expired, the next list asks anew. */
      async ended(tx, { id, tenant, status }) {
        if (status !== 'expired') return;
        await tx`update mandate.tool set approval_id = null where tenant = ${tenant} and approval_id = ${id}`;
      },
    },
  };
}

/**
 * Whether people have to be asked. Once a tool is held, a server that says again what was accepted frees nothing: it may
 * be telling one client this and another one that.
 */
function isNewsOf(row: ToolRow, { hash }: ToldTool): boolean {
  if (row.changed_hash === null) return hash !== row.hash;
  return row.approval_id === null || (hash !== row.changed_hash && hash !== row.hash);
}

/** Lists, acceptances and forgetting of one server come one after the other. */
async function lockUpstream(tx: Tx, tenant: string, upstream: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtext('tools'), hashtext(${`${tenant}/${upstream}`}))`;
}

async function clear(tx: Tx, tenant: string, upstream: string, name: string): Promise<void> {
  await tx`
    update mandate.tool set changed_hash = null, changed_told = null, changed_at = null, restriction_id = null, approval_id = null
    where tenant = ${tenant} and upstream = ${upstream} and name = ${name}`;
}

function readTools(tx: Tx, tenant: string, upstream: string | null): Promise<readonly ToolRow[]> {
  return tx<ToolRow[]>`
    select upstream, name, hash, told, pinned_at, pinned_by, changed_hash, changed_told, changed_at, restriction_id, approval_id
    from mandate.tool where tenant = ${tenant} ${upstream === null ? tx`` : tx`and upstream = ${upstream}`}
    order by upstream, name`;
}

function viewOf(row: ToolRow): ToolView {
  return {
    upstream: row.upstream,
    name: row.name,
    hash: row.hash,
    told: row.told,
    pinnedAt: iso(row.pinned_at),
    pinnedBy: row.pinned_by,
    changed:
      row.changed_hash === null || row.changed_told === null
        ? null
        : {
            hash: row.changed_hash,
            told: row.changed_told,
            at: isoOrNull(row.changed_at),
            approval: row.approval_id,
          },
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
