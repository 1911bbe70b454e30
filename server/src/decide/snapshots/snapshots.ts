// Gathers what one decision may depend on. One statement reads it all, because facts of two different moments
// could together allow what neither moment would have allowed. The revision in it is checked again by act_start().
import { driftTrust, newTrust, withResource } from '@mandate/kernel';
import type {
  Action,
  DeploymentFacts,
  Facts,
  Finding,
  Law,
  Mode,
  ResourceWord,
  Restriction,
  Snapshot,
  TrustSettings,
  TrustState,
} from '@mandate/kernel';
import type { Sql } from '../../platform/postgres/store.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import { createFacts } from './facts.ts';
import type { FactsCall, FactsRow, AgentTrust, Flag } from './facts.ts';

export interface Question {
  readonly tenant: string;
  /** As it was asked for; what comes back has it as the charter does. */
  readonly action: Action;
  /** Whose word its resource is. */
  readonly resourceIs: ResourceWord;
  /** Of the action as the charter has it, or of the act that waits. */
  readonly digestOf: (action: Action) => string;
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
  /** Touching what its parameters say, where the charter reads that from them: what is decided, recorded and begun. */
  readonly action: Action;
  readonly digest: string;
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
    readonly enforcement: 'enforce' | 'audit' | null;
    readonly restrictions: readonly Restriction[];
    readonly maxConcurrent: number | null;
  };
  readonly deploymentOf: (tenant: string, action: Action) => Promise<DeploymentFacts | null>;
  /** What came before; null where the charter does not ask. Only reads, so it may be asked for by a law that turns out to be in force no more. */
  readonly pastOf: (asked: AskedBeside) => Promise<Pick<Beside, 'taint' | 'past'>> | null;
  /** What plug-ins find; null where none looks. Services are told of the action, so only by the law of this very decision. */
  readonly findingsOf: (asked: AskedBeside) => Promise<Beside['findings']> | null;
}

export interface AskedBeside extends Pick<Question, 'tenant' | 'action' | 'asker'> {
  readonly law: Law;
}

/** What a snapshot holds beside the facts of the database. */
export interface Beside extends Pick<Facts, 'taint' | 'past'> {
  readonly findings: readonly Finding[];
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
  pastOf,
  findingsOf,
}: SnapshotsNeeds): Snapshots {
  const readFacts = createFacts({ db, clock });
  // By tenant, the law of its last decision: what it asks to be looked at is looked at while the facts are read.
  const lastLaws = new Map<string, Law>();
  return {
    async gather(question) {
      let expected = lastLaws.get(question.tenant);
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const gathered = await read(question, expected);
        if (gathered.kind !== 'other_law') return gathered;
        expected = gathered.law;
      }
      return { kind: 'unavailable', why: `the charter of tenant ${question.tenant} keeps changing` };
    },
  };

  async function read(question: Question, expected: Law | undefined): Promise<Gathered | OtherLaw> {
    const { tenant, actId, asker, resourceIs } = question;
    const action =
      expected === undefined ? question.action : withResource(expected, question.action, resourceIs);
    const digest = question.digestOf(action);
    const early = expected === undefined ? null : pastOf({ tenant, action, asker, law: expected });
    const [deployment, pastEarly, row] = await Promise.all([
      action.action.startsWith('deploy.') ? deploymentOf(tenant, action) : null,
      early,
      readFacts({
        tenant,
        agent: action.agent,
        actId,
        digest,
        requester: asker.id,
        grantIds: asker.grantIds,
        chain: action.chain,
        counters: countersOf(action),
      }),
    ]);
    const { nowMs } = row;
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
    if (law !== expected) lastLaws.set(tenant, law);
    // What was looked up belongs to the resource that another charter reads.
    if (law !== expected && isOther(withResource(law, question.action, resourceIs), action))
      return { kind: 'other_law', law };
    const asked = { tenant, action, asker, law };
    const [past, findings] = await Promise.all([
      law === expected ? pastEarly : pastOf(asked),
      findingsOf(asked),
    ]);
    const { mode, enforcement, restrictions, maxConcurrent } = readFlags(row.flags);
    const facts: Facts = {
      tenant,
      nowMs,
      revision: row.revision,
      mode,
      // Left out where nobody overrides: what is sealed with every act stays as small as it was.
      ...(enforcement === null ? {} : { enforcement }),
      principal: { id: asker.id, roles: asker.roles },
      trust: leastTrust(action, row, law.charter.trust, nowMs),
      userScopes: asker.userScopes,
      userRoles: asker.userRoles,
      grants: row.grants,
      restrictions: restrictions.length === 0 ? row.restrictions : [...row.restrictions, ...restrictions],
      used: row.used,
      approval: row.approval,
      deployment,
      findings: findings ?? NO_FINDINGS,
      ...past,
    };
    return {
      kind: 'gathered',
      action,
      digest,
      snapshot: { ...facts, law },
      trust: row.agent,
      approvedActId: row.approval?.actId ?? null,
      slots: stricter(law.charter.limits.concurrentAgents, maxConcurrent),
    };
  }
}

/** What was read goes by a resource that the charter in force does not see. */
interface OtherLaw {
  readonly kind: 'other_law';
  readonly law: Law;
}

/** Only a charter that came in between has it read again. */
const ATTEMPTS = 4;

function isOther({ resource: a }: Action, { resource: b }: Action): boolean {
  return a?.type !== b?.type || a?.id !== b?.id;
}

const NO_FINDINGS: readonly Finding[] = [];

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

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Every counter that a limit on this action could have (limit.ts names them); most have no row. */
function countersOf(action: Action): FactsCall['counters'] {
  const agents = [...new Set([action.agent, ...action.chain])];
  const counters = [
    { key: 'usd/tenant', windowMs: DAY_MS },
    ...agents.flatMap((agent) => [
      { key: `usd/agent:${agent}`, windowMs: DAY_MS },
      // What its acts have cost above their estimates (the cost guardrail).
      { key: `overrun/agent:${agent}`, windowMs: DAY_MS },
      { key: `rate/agent:${agent}/${action.action}`, windowMs: MINUTE_MS },
    ]),
  ];
  if (action.user !== null) {
    counters.push(
      { key: `usd/user:${action.user.id}`, windowMs: DAY_MS },
      { key: `overrun/user:${action.user.id}`, windowMs: DAY_MS },
      { key: `rate/user:${action.user.id}/${action.action}`, windowMs: MINUTE_MS },
    );
  }
  return counters;
}
