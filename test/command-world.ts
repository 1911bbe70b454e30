// Acts as the road leaves them, with their approvals and journal entries, written by a test that remembers what it did:
// what metrics say is held against that memory, and the database is not asked.
import assert from 'node:assert/strict';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import { jsonb } from '../server/src/platform/postgres/jsonb.ts';
import type { Store, Tx } from '../server/src/platform/postgres/store.ts';
import { createSequencer } from '../server/src/prove/journal/sequencer.ts';
import { createCommandMetrics } from '../server/src/prove/metrics/command-metrics.ts';
import type { CommandMetrics } from '../server/src/prove/metrics/command-metrics.ts';
import type { Counts } from '../server/src/prove/metrics/counts.ts';

/** 2026-03-01T23:40:00Z: a day ends soon. */
export const START_MS = Date.UTC(2026, 2, 1, 23, 40);

/** An act as the test knows it. */
export interface KnownAct {
  readonly id: string;
  readonly action: string;
  readonly createdMs: number;
  /** Why it is held; null where it is not. */
  readonly causes: readonly string[] | null;
  readonly refused: { readonly code: string; readonly black: boolean } | null;
  readonly compensates: KnownAct | null;
  readonly decided: 'approved' | 'denied' | null;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  readonly status: string;
}

export type Asked = Pick<KnownAct, 'action' | 'causes' | 'refused' | 'compensates'>;

/** Runs before the transaction commits: whatever commits late. */
type During = () => Promise<unknown>;

export interface CommandWorld {
  readonly tenant: string;
  readonly clock: ManualClock;
  readonly metrics: CommandMetrics;
  /** A second process on the same database. */
  readonly other: CommandMetrics;
  readonly acts: readonly KnownAct[];
  /** Gives the journal its positions, as the sequencer does. */
  readonly sequence: () => Promise<unknown>;
  /** It is held, refused, or begins at once. */
  readonly ask: (asked: Asked, during?: During) => Promise<KnownAct>;
  decide(act: KnownAct, decision: 'approved' | 'denied'): Promise<void>;
  begin(act: KnownAct): Promise<void>;
  readonly end: (act: KnownAct, status: string, during?: During) => Promise<void>;
  /** Refused before it became an act. */
  refuse(action: string): Promise<void>;
  /** By the definitions of docs/metrics.md, over what was done here. Both ends belong to the window. */
  counted(
    window: { readonly startMs: number; readonly endMs: number },
    covers: (action: string) => boolean,
  ): Counts;
}

export async function openCommandWorld(store: Store, tenant: string): Promise<CommandWorld> {
  const clock = manualClock(START_MS);
  const acts: KnownAct[] = [];
  const refusals: { readonly action: string; readonly atMs: number }[] = [];
  const alarm = (error: unknown): void => assert.ifError(error);
  const sequencer = createSequencer({ db: store.sequencer, clock, failed: alarm });
  const metricsOf = (): CommandMetrics =>
    createCommandMetrics({
      store,
      clock,
      lawOf: () => Promise.resolve(null),
      incidentsIn: () => Promise.resolve({ total: 0, critical: 0, fromAutonomousActions: 0 }),
      source: null,
      failed: alarm,
    });
  let ids = 0;
  const nextId = (): string => {
    ids += 1;
    return `${ids.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
  };
  const learn = (act: KnownAct, more: Partial<KnownAct>): void => {
    acts[acts.findIndex(({ id }) => id === act.id)] = Object.assign(act, more);
  };
  await store.withTenant(
    tenant,
    (tx) => tx`insert into mandate.tenant (tenant, created_at) values (${tenant}, ${new Date(START_MS)})`,
  );

  return {
    tenant,
    clock,
    metrics: metricsOf(),
    other: metricsOf(),
    acts,
    sequence: () => sequencer.pass(),

    async ask(asked, during) {
      const nowMs = clock.nowMs();
      const { causes, refused } = asked;
      const isHeld = causes !== null && refused === null;
      const status = refused !== null ? 'denied' : isHeld ? 'waiting_for_approval' : 'executing';
      const act: KnownAct = {
        ...asked,
        id: nextId(),
        createdMs: nowMs,
        decided: null,
        startedMs: status === 'executing' ? nowMs : null,
        endedMs: status === 'denied' ? nowMs : null,
        status,
      };
      await store.withTenant(tenant, async (tx) => {
        await writeAct(tx, tenant, { act, approval: isHeld ? nextId() : null });
        const kind = isHeld ? 'action.held' : `action.${refused === null ? 'started' : 'denied'}`;
        await writeEntry(tx, tenant, { kind, actId: act.id, atMs: nowMs });
        await during?.();
      });
      acts.push(act);
      return act;
    },

    async decide(act, decision) {
      const nowMs = clock.nowMs();
      await store.withTenant(tenant, async (tx) => {
        await tx`update mandate.approval set status = ${decision}, decided_at = ${new Date(nowMs)} where tenant = ${tenant} and act_id = ${act.id}`;
        if (decision === 'denied')
          await tx`update mandate.act set status = 'denied', ended_at = ${new Date(nowMs)} where tenant = ${tenant} and id = ${act.id}`;
        await writeEntry(tx, tenant, { kind: `approval.${decision}`, actId: act.id, atMs: nowMs });
      });
      learn(act, {
        decided: decision,
        ...(decision === 'denied' ? { status: 'denied', endedMs: nowMs } : {}),
      });
    },

    async begin(act) {
      const nowMs = clock.nowMs();
      await store.withTenant(tenant, async (tx) => {
        await tx`update mandate.approval set status = 'used' where tenant = ${tenant} and act_id = ${act.id}`;
        await tx`update mandate.act set status = 'executing', started_at = ${new Date(nowMs)} where tenant = ${tenant} and id = ${act.id}`;
        await writeEntry(tx, tenant, { kind: 'action.started', actId: act.id, atMs: nowMs });
      });
      learn(act, { status: 'executing', startedMs: nowMs });
    },

    async end(act, status, during) {
      const nowMs = clock.nowMs();
      await store.withTenant(tenant, async (tx) => {
        await tx`update mandate.act set status = ${status}, ended_at = ${new Date(nowMs)} where tenant = ${tenant} and id = ${act.id}`;
        const kind = `action.${status === 'success' ? 'succeeded' : status}`;
        await writeEntry(tx, tenant, { kind, actId: act.id, atMs: nowMs });
        await during?.();
      });
      learn(act, { status, endedMs: nowMs });
    },

    async refuse(action) {
      const atMs = clock.nowMs();
      const data = { action, code: 'throttled' };
      await store.withTenant(tenant, (tx) =>
        writeEntry(tx, tenant, { kind: 'action.refused', actId: null, atMs, data }),
      );
      refusals.push({ action, atMs });
    },

    counted({ startMs, endMs }, covers) {
      const within = (ms: number | null): boolean => ms !== null && ms >= startMs && ms <= endMs;
      const own = acts.filter(({ action }) => covers(action));
      const asked = own.filter(({ createdMs }) => within(createdMs));
      const ended = own.filter(({ startedMs, endedMs: ms }) => startedMs !== null && within(ms));
      const endedAs = (status: string): number => ended.filter((act) => act.status === status).length;
      const isGate = (act: KnownAct): boolean =>
        hasCause(act, ['finding', 'restriction', 'mode']) || act.refused?.code === 'limit_exceeded';
      const turnedAway = refusals.filter(({ action, atMs }) => covers(action) && within(atMs)).length;
      return {
        proposed: asked.filter((act) => act.causes !== null && act.refused === null).length,
        approved: asked.filter((act) => act.decided === 'approved').length,
        rejected: asked.filter((act) => act.decided === 'denied').length,
        begun: asked.filter((act) => act.startedMs !== null).length,
        violations: asked.filter(violates).length,
        gates: asked.filter(isGate).length + turnedAway,
        heldByRule: asked.filter((act) => act.causes?.includes('rule:roaster.*') === true && !violates(act))
          .length,
        succeeded: endedAs('success'),
        failed: endedAs('failed'),
        cancelled: endedAs('cancelled'),
        unknown: endedAs('unknown'),
        rolledBack: acts.filter(
          ({ status, endedMs: ms, compensates }) =>
            status === 'success' && within(ms) && compensates !== null && covers(compensates.action),
        ).length,
        stopped: 0,
      };
    },
  };
}

function hasCause({ causes }: KnownAct, kinds: readonly string[]): boolean {
  return causes?.some((cause) => kinds.includes(cause.split(':')[0] ?? '')) ?? false;
}

function violates(act: KnownAct): boolean {
  return hasCause(act, ['exception', 'finding']) || act.refused?.black === true;
}

async function writeAct(
  tx: Tx,
  tenant: string,
  { act, approval }: { readonly act: KnownAct; readonly approval: string | null },
): Promise<void> {
  const at = new Date(act.createdMs);
  const decision = {
    effect: act.refused === null ? 'hold' : 'deny',
    code: act.refused?.code ?? 'approval_required',
    causes: act.causes ?? [],
    trace: act.refused?.black === true ? [{ part: 'lift', tier: 'black', text: '' }] : [],
    restrictions: [],
  };
  if (approval !== null)
    await tx`
      insert into mandate.approval (tenant, id, digest, subject, act_id, display, requester, causes, required_roles, quorum, four_eyes, status, created_at, expires_at)
      values (${tenant}, ${approval}, 'd', 'action', ${act.id}, '{}', 'r', ${[...(act.causes ?? [])]}, '{}', 1, false, 'pending', ${at}, ${new Date(act.createdMs + 1e12)})`;
  await tx`
    insert into mandate.act (tenant, id, agent, action, status, tier, severity, principal, digest, display, decision, sealed, approval_id, compensates, created_at, started_at, ended_at)
    values (${tenant}, ${act.id}, 'a', ${act.action}, ${act.status}, 'red', 'medium', 'p', 'd', '{}', ${jsonb(tx, decision)}, '\\x00', ${approval}, ${act.compensates?.id ?? null},
      ${at}, ${act.startedMs === null ? null : at}, ${act.endedMs === null ? null : at})`;
}

async function writeEntry(
  tx: Tx,
  tenant: string,
  { data = {}, ...entry }: { kind: string; actId: string | null; atMs: number; data?: object },
): Promise<void> {
  const row = { ...entry, agent: 'a', actor: 'test', traceId: null, data: JSON.stringify(data) };
  await tx`select mandate.journal_write(${tenant}, ${jsonb(tx, [row])})`;
}
