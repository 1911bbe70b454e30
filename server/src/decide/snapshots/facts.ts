// What Postgres knows of a decision, as of one moment. Decisions that are made at the same time are read for in one
// statement: most of it (revision, charter, restrictions, flags) is the same for all of a tenant.
import type { GivenApproval, Grant, Restriction, TrustState } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { createBatch } from '../../platform/postgres/batch.ts';
import type { Sql } from '../../platform/postgres/store.ts';

export interface Flag {
  readonly key: string;
  readonly scope: string;
  readonly value: unknown;
}

/** Trust as stored, with the version that act_finish() compares. */
export interface AgentTrust extends TrustState {
  readonly version: number;
}

export interface FactsCall {
  readonly tenant: string;
  readonly agent: string;
  readonly actId: string | null;
  readonly digest: string;
  readonly requester: string;
  readonly grantIds: readonly string[];
  readonly chain: readonly string[];
  /** Every counter that a limit on the action could have, with the length of its window. */
  readonly counters: readonly { readonly key: string; readonly windowMs: number }[];
}

export interface FactsRow {
  /** When it was read: what the decision is to be made at. */
  readonly nowMs: number;
  readonly revision: number | null;
  readonly charter: string | null;
  readonly agent: AgentTrust | null;
  readonly chain: readonly (TrustState & { readonly id: string })[];
  readonly restrictions: readonly Restriction[];
  readonly flags: readonly Flag[];
  readonly grants: readonly Grant[];
  readonly used: Readonly<Record<string, number>>;
  readonly approval: (GivenApproval & { readonly actId: string }) | null;
}

export interface FactsNeeds {
  readonly db: Sql;
  readonly clock: Clock;
}

/** What comes back reads for one decision. */
export function createFacts({ db, clock }: FactsNeeds): (call: FactsCall) => Promise<FactsRow> {
  return createBatch<FactsCall, FactsRow>({
    clock,
    async run(calls) {
      const nowMs = clock.nowMs();
      const tenants = [...new Set(calls.map(({ tenant }) => tenant))];
      const rows = new Map<FactsCall, FactsRow>();
      await Promise.all(
        tenants.map(async (tenant) => {
          const own = calls.filter((call) => call.tenant === tenant);
          const shared = await readShared(db, { tenant, calls: own, nowMs });
          for (const [question, call] of own.entries()) rows.set(call, rowOf(call, question, shared));
        }),
      );
      return calls.flatMap((call) => rows.get(call) ?? []);
    },
  });
}

type Named<Value> = Value & { readonly id: string };

/** As decide_facts_of_many() has it. */
interface Shared extends Pick<
  FactsRow,
  'revision' | 'charter' | 'restrictions' | 'flags' | 'grants' | 'used' | 'nowMs'
> {
  readonly agents: readonly Named<AgentTrust>[];
  readonly approvals: readonly (NonNullable<FactsRow['approval']> & { readonly question: number })[];
}

interface SharedCall {
  readonly tenant: string;
  readonly calls: readonly FactsCall[];
  readonly nowMs: number;
}

async function readShared(db: Sql, { tenant, calls, nowMs }: SharedCall): Promise<Shared> {
  const agents = new Set(calls.map(({ agent }) => agent));
  const trusted = new Set([...agents, ...calls.flatMap(({ chain }) => chain)]);
  const grants = new Set(calls.flatMap(({ grantIds }) => grantIds));
  const windows = new Map(
    calls.flatMap(({ counters }) => counters.map(({ key, windowMs }) => [key, windowMs])),
  );
  const starts = [...windows.values()].map((windowMs) =>
    new Date(Math.floor(nowMs / windowMs) * windowMs).toISOString(),
  );
  const [row] = await db<{ facts: Omit<Shared, 'nowMs'> }[]>`
    select mandate.decide_facts_of_many(${tenant}, ${new Date(nowMs)}, ${[...agents]}::text[], ${[...trusted]}::text[],
      ${[...grants]}::uuid[], ${[...windows.keys()]}::text[], ${starts}::timestamptz[],
      ${calls.map(({ actId }) => actId)}::uuid[], ${calls.map(({ digest }) => digest)}::text[],
      ${calls.map(({ requester }) => requester)}::text[]) as facts`;
  if (row === undefined) throw new Error('decide_facts_of_many() gave no row');
  return { ...row.facts, nowMs };
}

/** Of what was read for several decisions, what belongs to this one; nothing else may reach it. */
function rowOf({ agent, chain, grantIds, counters }: FactsCall, question: number, shared: Shared): FactsRow {
  const { nowMs, revision, charter, restrictions, flags } = shared;
  const { id: _, ...trust } = shared.agents.find(({ id }) => id === agent) ?? { id: null };
  return {
    nowMs,
    revision,
    charter,
    restrictions,
    flags,
    agent: 'version' in trust ? trust : null,
    chain: chain.length === 0 ? [] : shared.agents.filter(({ id }) => chain.includes(id)),
    grants: shared.grants.filter(
      ({ id, kind, to }) => grantIds.includes(id) || (kind === 'consent' && to === agent),
    ),
    used: Object.fromEntries(
      counters.flatMap(({ key }) => {
        const used = shared.used[key];
        return used === undefined ? [] : [[key, used]];
      }),
    ),
    approval: approvalOf(question, shared),
  };
}

function approvalOf(of: number, { approvals }: Shared): FactsRow['approval'] {
  const found = approvals.find(({ question }) => question === of);
  if (found === undefined) return null;
  const { question: _, ...approval } = found;
  return approval;
}
