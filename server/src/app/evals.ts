// Evals, handed what they need: the reader and the judge of cases that charters have too, the road, and what a governed
// set may do. A case supposes circumstances for a decision only; what is really run meets things as they are.
import { decide, isGoverned, newTrust, settingOf } from '@mandate/kernel';
import type { Action, Decision, GovernedSet, Restriction, Snapshot } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { compareCase } from '../decide/charter/case.ts';
import { readEval } from '../decide/charter/eval-schema.ts';
import type { WrittenEvalCase } from '../decide/charter/eval-schema.ts';
import type { Preview } from '../pipeline.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import { bareAsker } from '../platform/identity/asker.ts';
import type { Asker } from '../platform/identity/asker.ts';
import { createEvals } from '../prove/evals/evals.ts';
import type { EvalsNeeds } from '../prove/evals/evals.ts';
import { evalRoutes } from '../prove/evals/routes.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { Execution } from './execution.ts';
import type { Judgement } from './judgement.ts';

export type EvalParts = ReturnType<typeof buildEvals>;

/** How far back the acts of a set are looked at for what it does. */
const SEEN_MS = 180 * 86_400_000;
const NOBODY_NEEDS = 'It was asked for by a case of evals, which does not wait.';

type Needs = EvalsNeeds<WrittenEvalCase>;

export function buildEvals(
  { store, clock, chance }: Infrastructure,
  { activeLaw }: Pick<Judgement, 'activeLaw'>,
  {
    pipeline,
    outcomes,
    actionsSeen,
  }: Pick<Execution, 'pipeline' | 'outcomes'> & {
    /** Names of the actions under these patterns that began and ended in the window. */
    readonly actionsSeen: (
      tenant: string,
      window: { readonly patterns: readonly string[]; readonly startMs: number; readonly endMs: number },
    ) => Promise<readonly string[]>;
  },
) {
  const setsOf = async (tenant: string): Promise<readonly GovernedSet[]> =>
    (await activeLaw(tenant))?.charter.phases ?? [];

  const judge: Needs['judge'] = async (asker, written) => {
    const supposed = supposedAsker(asker, written);
    const seen = await pipeline.preview(supposed, wantedOf(written));
    if (seen.kind === 'refused')
      return {
        problems: [`Nothing was decided: ${seen.refusal.detail}`],
        decision: null,
        charterVersion: null,
      };
    const unknown = unknownPhase(seen.snapshot, written);
    const decision = decideSupposed(supposed, written, seen);
    const { problems, decision: shown } = compareCase(seen.snapshot.law, written, decision);
    return {
      problems: unknown === null ? problems : [unknown, ...problems],
      decision: shown,
      charterVersion: decision.charterVersion,
    };
  };

  const request: Needs['request'] = async (asker, written) => {
    const answer = await pipeline.request(asker, wantedOf(written));
    if (answer.kind === 'refused')
      return { outcome: 'denied', actId: answer.actId, detail: answer.refusal.detail };
    const { id, status } = answer.view;
    if (status === 'success' || status === 'failed')
      return { outcome: status, actId: id, detail: answer.view.error ?? null };
    // Something was tightened since it was judged, or the agent executes it: nobody is left waiting for a case.
    await outcomes.cancel(asker, id, NOBODY_NEEDS);
    return status === 'waiting_for_approval'
      ? { outcome: status, actId: id, detail: null }
      : { outcome: 'failed', actId: id, detail: `The act is ${status}.` };
  };

  const evals = createEvals<WrittenEvalCase>({
    store,
    clock,
    chance,
    writeEntry,
    sha256: sha256Hex,
    read: readEval,
    judge,
    request,
    async unsafe(tenant, action) {
      const law = await activeLaw(tenant);
      const name = law === null ? null : (settingOf(law, action)?.executor ?? null);
      if (law === null || name === null)
        return `No executor of the charter runs ${action}, so nobody has said that running it is safe.`;
      const { executors } = law.charter;
      return Object.hasOwn(executors, name) && executors[name]?.evals === true
        ? null
        : `The executor ${name} does not say evals: true. Say so only where it changes nothing outside, as a simulator.`;
    },
    charterVersion: async (tenant) => (await activeLaw(tenant))?.version ?? null,
    async setOf(tenant, name) {
      const set = (await setsOf(tenant)).find((each) => each.name === name);
      if (set === undefined) return null;
      const endMs = clock.nowMs();
      const seen = await actionsSeen(tenant, { patterns: set.patterns, startMs: endMs - SEEN_MS, endMs });
      const listed = set.phases.flatMap(({ whitelist }) => whitelist).filter((name) => !name.endsWith('*'));
      const governs = (action: string): boolean => isGoverned(set, action);
      return { commandTypes: [...listed, ...seen].filter(governs), isGoverned: governs };
    },
  });
  return { evals, routes: evalRoutes(evals, setsOf) };
}

/** The agent of the case itself, with the user that the case supposes: nothing of whoever has it run goes in. */
function supposedAsker({ tenant, id, traceId }: Asker, written: WrittenEvalCase): Asker {
  const agent = agentOf(written);
  return bareAsker({
    id: `case:${agent}`,
    tenant,
    roles: ['agent'],
    agents: [agent],
    user: written.user === undefined ? null : { id: written.user, email: null },
    userScopes: written.scopes ?? null,
    userRoles: written.roles ?? [],
    traceId,
    alsoAsked: [id],
  });
}

function agentOf({ agent }: WrittenEvalCase): string {
  return agent ?? 'new-agent';
}

function wantedOf(written: WrittenEvalCase) {
  const { resource, costUsd } = written;
  const slash = resource?.indexOf('/') ?? -1;
  return {
    agent: agentOf(written),
    action: written.action,
    parameters: written.parameters ?? {},
    context: written.context ?? {},
    resource:
      resource === undefined ? null : { type: resource.slice(0, slash), id: resource.slice(slash + 1) },
    user: null,
    onBehalfOf: null,
    estimatedCostMicroUsd: costUsd === undefined ? null : Math.round(costUsd * 1e6),
    idempotency: null,
    attach: false,
    compensates: null,
  };
}

/** The decision as it is; made once more by the same law where the case supposes what a snapshot holds. */
function decideSupposed(
  { user }: Asker,
  written: WrittenEvalCase,
  { decision, snapshot }: Extract<Preview, { kind: 'decision' }>,
): Decision {
  const { trust, tested, at, phase } = written;
  if (trust === undefined && tested === undefined && at === undefined && phase === undefined) return decision;
  const nowMs = at === undefined ? snapshot.nowMs : Date.parse(at);
  const { idempotency: _key, attach: _attach, compensates: _undone, ...wanted } = wantedOf(written);
  const { estimatedCostMicroUsd: costMicroUsd, ...asked } = wanted;
  const action: Action = { ...asked, user, chain: [], costMicroUsd };
  return decide(action, {
    ...snapshot,
    nowMs,
    ...(trust === undefined
      ? {}
      : { trust: { ...newTrust(snapshot.law.charter.trust, nowMs), score: trust } }),
    ...(tested === undefined ? {} : { deployment: { testsPassed: tested, openCriticalFindings: 0 } }),
    ...(phase === undefined ? {} : { restrictions: inPhase(snapshot, written.action, phase) }),
  });
}

/** What stands, as if every set that governs the action and knows the phase were in it. */
function inPhase({ law, restrictions, nowMs }: Snapshot, action: string, phase: string): Restriction[] {
  const sets = (law.charter.phases ?? []).filter(
    (set) => isGoverned(set, action) && set.phases.some(({ name }) => name === phase),
  );
  const scopes = new Set(sets.flatMap(({ patterns }) => patterns.map((pattern) => `action:${pattern}`)));
  const supposed = sets.flatMap(({ phases, patterns }) =>
    phases
      .filter(({ name }) => name === phase)
      .flatMap(({ name, whitelist }) =>
        patterns.map((pattern): Restriction => ({
          id: `case:${name}`,
          kind: 'phase',
          scope: `action:${pattern}`,
          floor: 'red',
          except: whitelist,
          cause: name,
          by: 'case',
          sinceMs: nowMs,
          untilMs: null,
        })),
      ),
  );
  return [...restrictions.filter(({ kind, scope }) => kind !== 'phase' || !scopes.has(scope)), ...supposed];
}

function unknownPhase({ law }: Snapshot, { action, phase }: WrittenEvalCase): string | null {
  if (phase === undefined) return null;
  const known = (law.charter.phases ?? [])
    .filter((set) => isGoverned(set, action))
    .flatMap((set) => set.phases.map(({ name }) => name));
  if (known.includes(phase)) return null;
  return known.length === 0
    ? `phase: no governed set has ${action}, so it is in no phase.`
    : `phase: there is no phase ${phase}; there are ${known.join(', ')}.`;
}
