// Gathers what one decision may depend on. One statement reads it all, because facts of two different moments
// could together allow what neither moment would have allowed. The revision in it is checked again by act_start().
import { driftTrust, newTrust } from '@mandate/kernel';
import type {
  Action,
  DeploymentFacts,
  Facts,
  Finding,
  GivenApproval,
  Grant,
  Law,
  Mode,
  Restriction,
  Snapshot,
  TrustSettings,
  TrustState,
} from '@mandate/kernel';
import type { Sql } from '../../platform/postgres/store.ts';
import type { Clock } from '../../platform/clock/clock.ts';

export interface Flag {
  readonly key: string;
  readonly scope: string;
  readonly value: unknown;
}

/** Trust as stored, with the version that act_finish() compares. */
export interface AgentTrust {
  readonly version: number;
  readonly score: number;
  readonly streak: number;
  readonly failuresInRow: number;
  readonly gainedToday: number;
  readonly gainedDay: number;
  readonly movedMs: number;
}

export interface Question {
  readonly tenant: string;
  readonly action: Action;
  readonly digest: string;
  /** The waiting act that is decided again; null for a new request. */
  readonly actId: string | null;
  readonly asker: {
    readonly id: string;
    readonly roles: readonly string[];
    readonly userScopes: readonly string[] | null;
    readonly userRoles: readonly string[];
    readonly grantIds: readonly string[];
  };
}

/** The snapshot, and beside it what only the start of the act needs. */
export interface GatheredFacts {
  readonly kind: 'gathered';
  readonly snapshot: Snapshot;
  readonly trust: AgentTrust | null;
  /** The waiting act whose approval the snapshot carries. */
  readonly approvedActId: string | null;
  /** How many distinct agents may be at work at once. */
  readonly slots: number | null;
}

export type Gathered = GatheredFacts | { readonly kind: 'unavailable'; readonly why: string };

export interface SnapshotsNeeds {
  readonly db: Sql;
  readonly clock: Clock;
  readonly lawOf: (tenant: string, version: string) => Promise<Law | null>;
  readonly readFlags: (flags: readonly Flag[]) => {
    readonly mode: Mode;
    readonly restrictions: readonly Restriction[];
    readonly maxConcurrent: number | null;
  };
  readonly deploymentOf: (tenant: string, action: Action) => Promise<DeploymentFacts | null>;
  /** Findings from outside the kernel (plug-ins, detectors). */
  readonly findingsOf: (action: Action) => Promise<readonly Finding[]>;
}

export interface Snapshots {
  gather(question: Question): Promise<Gathered>;
}

export function createSnapshots({
  db,
  clock,
  lawOf,
  readFlags,
  deploymentOf,
  findingsOf,
}: SnapshotsNeeds): Snapshots {
  return {
    async gather({ tenant, action, digest, actId, asker }) {
      const nowMs = clock.nowMs();
      const [deployment, findings, row] = await Promise.all([
        action.action.startsWith('deploy.') ? deploymentOf(tenant, action) : null,
        findingsOf(action),
        readFacts(db, {
          tenant,
          nowMs,
          agent: action.agent,
          actId,
          digest,
          requester: asker.id,
          grantIds: asker.grantIds,
          chain: action.chain,
          counters: countersOf(action, nowMs),
        }),
      ]);
      if (row.revision === null)
        return {
          kind: 'unavailable',
          why: `tenant ${tenant} is not set up: its row is missing, which counts as a stop`,
        };
      if (row.charter === null)
        return {
          kind: 'unavailable',
          why: `tenant ${tenant} has no active charter: activate one with mandate policy or MANDATE_CHARTER`,
        };
      const law = await lawOf(tenant, row.charter);
      if (law === null)
        return {
          kind: 'unavailable',
          why: `the active charter ${row.charter} of tenant ${tenant} could not be loaded by this process`,
        };
      const { mode, restrictions, maxConcurrent } = readFlags(row.flags);
      const facts: Facts = {
        tenant,
        nowMs,
        revision: row.revision,
        mode,
        principal: { id: asker.id, roles: asker.roles },
        trust: leastTrust(action, row, law.charter.trust, nowMs),
        userScopes: asker.userScopes,
        userRoles: asker.userRoles,
        grants: row.grants,
        restrictions: restrictions.length === 0 ? row.restrictions : [...row.restrictions, ...restrictions],
        used: row.used,
        approval: row.approval,
        deployment,
        findings,
      };
      return {
        kind: 'gathered',
        snapshot: { ...facts, law },
        trust: row.agent,
        approvedActId: row.approval?.actId ?? null,
        slots: stricter(law.charter.limits.concurrentAgents, maxConcurrent),
      };
    },
  };
}

/**
 * The trust of whoever is trusted least among the agent and those who handed its authority on, drifted to now. In a
 * chain stand people and keys too, who have no trust; an agent that never acted has what every new one has.
 */
function leastTrust(
  { chain, user }: Action,
  row: FactsRow,
  settings: TrustSettings,
  nowMs: number,
): TrustState | null {
  const own = row.agent === null ? null : driftTrust(row.agent, nowMs, settings).state;
  if (chain.length === 0) return own;
  const states = chain.flatMap((name) => {
    const known = row.chain.find(({ id }) => id === name);
    if (known !== undefined) return [driftTrust(known, nowMs, settings).state];
    return name === user?.id || /^(user|key|jwt):/.test(name) ? [] : [newTrust(settings, nowMs)];
  });
  return states.reduce<TrustState>(
    (least, state) => (state.score < least.score ? state : least),
    own ?? newTrust(settings, nowMs),
  );
}

/** The charter's ceiling and the flag's: whichever leaves less room, so that a flag only ever tightens. */
function stricter(charter: number | null, flag: number | null): number | null {
  if (charter === null) return flag;
  return flag === null ? charter : Math.min(charter, flag);
}

interface FactsRow {
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

interface FactsCall {
  readonly tenant: string;
  readonly nowMs: number;
  readonly agent: string;
  readonly actId: string | null;
  readonly digest: string;
  readonly requester: string;
  readonly grantIds: readonly string[];
  readonly chain: readonly string[];
  readonly counters: readonly { readonly key: string; readonly windowStartMs: number }[];
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Every counter that a limit on this action could have (limit.ts names them); most have no row. */
function countersOf(
  action: Action,
  nowMs: number,
): readonly { readonly key: string; readonly windowStartMs: number }[] {
  const day = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const minute = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  const agents = [...new Set([action.agent, ...action.chain])];
  const counters = [
    { key: 'usd/tenant', windowStartMs: day },
    ...agents.map((agent) => ({ key: `usd/agent:${agent}`, windowStartMs: day })),
  ];
  counters.push({ key: `rate/agent:${action.agent}/${action.action}`, windowStartMs: minute });
  if (action.user !== null) {
    counters.push(
      { key: `usd/user:${action.user.id}`, windowStartMs: day },
      { key: `rate/user:${action.user.id}/${action.action}`, windowStartMs: minute },
    );
  }
  return counters;
}

async function readFacts(db: Sql, call: FactsCall): Promise<FactsRow> {
  const [row] = await db<{ facts: FactsRow }[]>`
    select mandate.decide_facts(${call.tenant}, ${new Date(call.nowMs)}, ${call.agent}, ${call.actId}, ${call.digest}, ${call.requester},
      ${[...call.grantIds]}::uuid[], ${call.counters.map((counter) => counter.key)}::text[],
      ${call.counters.map((counter) => new Date(counter.windowStartMs).toISOString())}::timestamptz[],
      ${[...call.chain]}::text[]) as facts`;
  if (row === undefined) throw new Error('decide_facts() gave no row');
  return row.facts;
}
