// The shared policy in the words of each engine, each used the way its documentation shows and prepared beforehand as
// far as it can be: what is timed is one answer to one question.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { matchRule } from '@mandate/kernel';
import { actionOf, lawOf, snapshotOf } from './charter.ts';
import type { PolicyRule, Question } from './policy.ts';

export interface Contender {
  readonly name: string;
  /** Puts a question into the engine's own form, beforehand; what comes back asks it. */
  readonly prepare: (question: Question) => () => boolean;
}

// The peers are no dependency of ours: they lie in benchmarks/node_modules, and their types are not asked for.
const peer = createRequire(new URL('../package.json', import.meta.url));

/** The kernel: rule matching alone, with conditions, as `decide` does it. */
export function mandate(policy: readonly PolicyRule[]): Contender {
  const law = lawOf(policy);
  const facts = snapshotOf(law);
  return {
    name: 'Mandate (matchRule)',
    prepare({ action, environment }) {
      const request = actionOf(action, { environment });
      return () => matchRule(law, request, facts).tier === 'green';
    },
  };
}

/** The least that any engine must do: find the closure of a name and call it. Prefixes by their first word. */
export function floor(policy: readonly PolicyRule[]): Contender {
  const exact = new Map<string, (question: Question) => boolean>();
  for (const { match, isAllowed, environment } of policy)
    exact.set(
      match,
      environment === null
        ? () => isAllowed
        : (question) => isAllowed && question.environment === environment,
    );
  const prefixOf = (action: string): string => `${action.slice(0, action.indexOf('.'))}.*`;
  return {
    name: 'Map lookup and a closure (the floor)',
    prepare: (question) => () =>
      (exact.get(question.action) ?? exact.get(prefixOf(question.action)))?.(question) ?? false,
  };
}

interface Cedar {
  preparsePolicySet(id: string, policies: object): { readonly type: string };
  statefulIsAuthorized(call: object): {
    readonly type: string;
    readonly response?: { readonly decision: string };
  };
}

/** Cedar with a policy set that it has parsed once and keeps. */
export function cedar(policy: readonly PolicyRule[]): Contender {
  const engine = peer('@cedar-policy/cedar-wasm/nodejs') as Cedar;
  const text = policy.map(({ match, isAllowed, environment }) => {
    const conditions = [
      ...(match.endsWith('*') ? [`context.name like "${match}"`] : []),
      ...(environment === null ? [] : [`context.environment == "${environment}"`]),
    ];
    const scope = match.endsWith('*') ? 'action' : `action == Action::"${match}"`;
    const when = conditions.length === 0 ? '' : ` when { ${conditions.join(' && ')} }`;
    return `${isAllowed ? 'permit' : 'forbid'}(principal, ${scope}, resource)${when};`;
  });
  const id = `rules${policy.length}`;
  const parsed = engine.preparsePolicySet(id, { staticPolicies: text.join('\n') });
  if (parsed.type !== 'success') throw new Error(`Cedar does not read the policy: ${JSON.stringify(parsed)}`);
  const principal = { type: 'Agent', id: 'builder-1' };
  const resource = { type: 'Repository', id: 'app' };
  return {
    name: 'Cedar (cedar-wasm 4.13, policies parsed beforehand)',
    prepare({ action, environment }) {
      const call = {
        principal,
        action: { type: 'Action', id: action },
        resource,
        context: { name: action, environment },
        preparsedPolicySetId: id,
        entities: [],
      };
      return () => engine.statefulIsAuthorized(call).response?.decision === 'allow';
    },
  };
}

interface Casbin {
  newModel(text: string): unknown;
  newEnforcer(model: unknown): Promise<{
    addPolicies(rules: readonly (readonly string[])[]): Promise<boolean>;
    enforceSync(...request: readonly string[]): boolean;
  }>;
}

const CASBIN_MODEL = `
[request_definition]
r = act, env
[policy_definition]
p = act, env, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = (r.act == p.act || keyMatch(r.act, p.act)) && (p.env == "any" || r.env == p.env)
`;

export async function casbin(policy: readonly PolicyRule[]): Promise<Contender> {
  const engine = peer('casbin') as Casbin;
  const enforcer = await engine.newEnforcer(engine.newModel(CASBIN_MODEL));
  await enforcer.addPolicies(
    policy.map(({ match, isAllowed, environment }) => [
      match,
      environment ?? 'any',
      isAllowed ? 'allow' : 'deny',
    ]),
  );
  return {
    name: 'casbin 5.51 (enforceSync)',
    prepare:
      ({ action, environment }) =>
      () =>
        enforcer.enforceSync(action, environment),
  };
}

interface AgentGovernance {
  readonly PolicyEngine: new (
    rules?: readonly object[],
    strategy?: string,
  ) => {
    loadPolicy(policy: object): void;
    evaluatePolicy(agent: string, context: object): { readonly allowed: boolean };
    evaluate(action: string, context: object): string;
  };
}

/** Its documented engine: policy documents with conditions. They know no prefixes but `startswith`-free equality, so a prefix is compared by its first word. */
export function agentGovernance(policy: readonly PolicyRule[]): Contender {
  const { PolicyEngine } = peer('@microsoft/agent-governance-sdk') as AgentGovernance;
  const engine = new PolicyEngine();
  engine.loadPolicy({
    name: 'bench',
    agents: ['*'],
    scope: 'global',
    default_action: 'deny',
    rules: policy.map(({ match, isAllowed, environment }, i) => ({
      name: `rule${i}`,
      condition: [
        match.endsWith('*') ? `group == '${match.slice(0, -2)}'` : `name == '${match}'`,
        ...(environment === null ? [] : [`environment == '${environment}'`]),
      ].join(' and '),
      ruleAction: isAllowed ? 'allow' : 'deny',
      priority: 1,
    })),
  });
  return {
    name: 'agent-governance-sdk 4.0 (policy documents)',
    prepare({ action, environment }) {
      const context = { name: action, group: action.slice(0, action.indexOf('.')), environment };
      return () => engine.evaluatePolicy('builder-1', context).allowed;
    },
  };
}

/** Its older flat rules, which it keeps for compatibility: first match, equality only. */
export function agentGovernanceFlat(policy: readonly PolicyRule[]): Contender {
  const { PolicyEngine } = peer('@microsoft/agent-governance-sdk') as AgentGovernance;
  const engine = new PolicyEngine(
    policy.map(({ match, isAllowed, environment }) => ({
      action: match,
      effect: isAllowed ? 'allow' : 'deny',
      ...(environment === null ? {} : { conditions: { environment } }),
    })),
  );
  return {
    name: 'agent-governance-sdk 4.0 (flat rules)',
    prepare({ action, environment }) {
      const context = { environment };
      return () => engine.evaluate(action, context) === 'allow';
    },
  };
}

interface Opa {
  loadPolicy(wasm: Uint8Array): Promise<{
    setData(data: object): void;
    evaluate(input: object): readonly { readonly result: unknown }[];
  }>;
}

const OPA_WASM = fileURLToPath(new URL('../opa/policy.wasm', import.meta.url));

/** null where nobody has compiled the policy: only the opa command can, and no npm package brings it. */
export async function opa(policy: readonly PolicyRule[]): Promise<Contender | null> {
  if (!existsSync(OPA_WASM)) return null;
  const loaded = await (peer('@open-policy-agent/opa-wasm') as Opa).loadPolicy(readFileSync(OPA_WASM));
  const entries = policy.map(
    ({ match, isAllowed, environment }) =>
      [
        match.replace('.*', ''),
        { allowed: isAllowed, ...(environment === null ? {} : { environment }) },
        match.endsWith('*'),
      ] as const,
  );
  loaded.setData({
    exact: Object.fromEntries(entries.filter(([, , isPrefix]) => !isPrefix)),
    prefixes: Object.fromEntries(entries.filter(([, , isPrefix]) => isPrefix)),
  });
  return {
    name: 'OPA (opa-wasm 1.10, rules as data)',
    prepare: (question) => () => loaded.evaluate(question)[0]?.result === true,
  };
}
