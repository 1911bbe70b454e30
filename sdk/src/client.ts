// The door of the SDK: one client for an agent's program and for the people who watch over it. It decides nothing and
// permits nothing by itself; whatever it cannot get a clear answer to does not run.
import { createActs } from './acts.ts';
import type { Acts } from './acts.ts';
import { createAsking } from './ask.ts';
import type { AskedAction, CallOptions, WaitOptions } from './ask.ts';
import { createBreakers } from './breakers.ts';
import type { Breakers } from './breakers.ts';
import { createDrills } from './drills.ts';
import type { Drills } from './drills.ts';
import { createEvals } from './evals.ts';
import type { Evals } from './evals.ts';
import { createEvents } from './events.ts';
import type { EventsOptions, MandateEvent } from './events.ts';
import { createFlags } from './flags.ts';
import type { Flags } from './flags.ts';
import { createGates } from './gate.ts';
import type { Gate, GateOptions } from './gate.ts';
import { createGovernance } from './governance.ts';
import type { Governance } from './governance.ts';
import { createGovern } from './govern.ts';
import type { Govern } from './govern.ts';
import { createGrants } from './grants.ts';
import type { Grants } from './grants.ts';
import { createIncidents } from './incidents.ts';
import type { Incidents } from './incidents.ts';
import { createKeys } from './keys.ts';
import type { Keys } from './keys.ts';
import { readEnvironment, systemMachine } from './machine.ts';
import type { Fetch, Machine } from './machine.ts';
import { createMetrics } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import { createNotifications } from './notifications.ts';
import type { Notifications } from './notifications.ts';
import { createOffers } from './offers.ts';
import type { Offers } from './offers.ts';
import { createOperator } from './operator.ts';
import type { Operator } from './operator.ts';
import type { Outcome } from './outcome.ts';
import { createCharterPolicy } from './charter.ts';
import type { CharterPolicy } from './charter.ts';
import type { DecisionView } from './decision-view.ts';
import { createPolicy } from './policy.ts';
import type { Policy } from './policy.ts';
import { createReadiness } from './readiness.ts';
import type { Readiness } from './readiness.ts';
import { createReports } from './reports.ts';
import type { Reports } from './reports.ts';
import { createRestrictions } from './restrictions.ts';
import type { Restrictions } from './restrictions.ts';
import { createRollback } from './rollback.ts';
import type { Rollback } from './rollback.ts';
import { createRuns } from './run.ts';
import type { Runs } from './run.ts';
import { createTools } from './tools.ts';
import type { Tools } from './tools.ts';
import { createTransport } from './transport.ts';
import { createWorkflows } from './workflows.ts';
import type { Workflows } from './workflows.ts';

export interface MandateOptions {
  /** Where the server is; `MANDATE_URL`, or http://127.0.0.1:4007. */
  readonly url?: string | undefined;
  /**
   * The key to present; `MANDATE_API_KEY`. A program with several agents hands in a function: it is called with the
   * agent that a call is made for, or null for an operator's call such as `stop`.
   */
  readonly apiKey?: string | ((agent: string | null) => string | Promise<string>) | undefined;
  /** Who asks, where an action does not say. */
  readonly agent?: string | undefined;
  /** Another `fetch`, e.g. one that goes through a proxy. */
  readonly fetch?: Fetch | undefined;
  /** How long one attempt at an answer may take, in milliseconds (30,000). There are at most three. */
  readonly timeoutMs?: number | undefined;
  /** Time and chance, for tests that own them. */
  readonly machine?: Partial<Machine> | undefined;
}

export interface Mandate extends Operator {
  /**
   * Asks for an action. What Mandate executes comes back with its result; what the agent executes with a permit (`run`
   * handles it). Throws MandateUnavailable when there is no clear answer and MandateProblem when the question is wrong;
   * a refusal of the action is an outcome with status `denied`.
   */
  request(action: AskedAction, options?: CallOptions): Promise<Outcome>;
  /**
   * Asks, runs `fn` once if the agent may, and reports the outcome. Without `wait` an action that people have to approve
   * comes back as `waiting_for_approval` at once and `fn` is not called; with it the answer comes when it is over.
   */
  readonly run: Runs['run'];
  /** Goes on with an action that was held: by its id, or with the outcome that `wait` or `request` gave. */
  readonly proceed: Runs['proceed'];
  /**
   * Waits for people or for Mandate's own execution. `permitted` means: begin within seconds, with `proceed(outcome, fn)`.
   * Prefer `run(…, { wait: true })` or `proceed(id, fn, { wait: true })`, which cannot come too late.
   */
  wait(id: string, options?: WaitOptions): Promise<Outcome>;
  /** What would be decided now, and why. Nothing is recorded or run, and nothing follows from it. */
  decide(action: AskedAction, options?: CallOptions): Promise<DecisionView>;
  /** Puts a function, or every function of an object, under Mandate; types stay, but for the promise. */
  readonly govern: Govern;
  /** What the adapters of agent frameworks are made of, for a framework that has none. */
  readonly gate: (options?: GateOptions) => Gate;
  /**
   * The law itself: check, explain and test a charter, go back to one of before; what a change of it would have done, a
   * charter on trial, and the way from audit to enforce.
   */
  readonly policy: CharterPolicy & Policy;
  /** What people are told: channels, messages, the digest now, and what was put aside. */
  readonly notifications: Notifications;
  /** The phases in which autonomy is earned: where a set stands, proposals, letting one fall. */
  readonly governance: Governance;
  /** The weekly cycle of governed sets, and its reports. */
  readonly reports: Reports;
  /** How far a set is from its next phase, and vouching for what cannot be measured. */
  readonly readiness: Readiness;
  /** What commands have come to. */
  readonly metrics: Metrics;
  /** Templates of steps and runs of them; each step is an action like any other. Agents take the steps that are theirs. */
  readonly workflows: Workflows & Offers;
  /** Acts on record: look for them, confirm, cancel, and say how one ended whose end is unknown. */
  readonly acts: Acts;
  /** Undoes an act by the action that the charter names for it. */
  readonly rollback: Rollback;
  /** Authority handed on. */
  readonly grants: Grants;
  /** What people may change at run time. */
  readonly flags: Flags;
  /** Everything that stands against agents. */
  readonly restrictions: Restrictions;
  /** API keys. */
  readonly keys: Keys;
  /** What MCP servers say of their tools, as it was pinned. */
  readonly tools: Tools;
  /** What went wrong, as objects with a timeline. */
  readonly incidents: Incidents;
  /** What agents are expected to be allowed and to achieve, tried out. */
  readonly evals: Evals;
  /** What was rehearsed: the kill switch, the journal, outages. */
  readonly drills: Drills;
  /** What guards autonomy: rules, what has tripped, error budgets. */
  readonly breakers: Breakers;
  /** The journal from now on, or after an event; resumes by itself. */
  events(options?: EventsOptions): AsyncGenerator<MandateEvent, void, void>;
}

const DEFAULT_URL = 'http://127.0.0.1:4007';
const TIMEOUT_MS = 30_000;

/** Throws TypeError when there is no key, or the address is none: a client that cannot ask would only fail later. */
export function createMandate(options: MandateOptions = {}): Mandate {
  const machine: Machine = {
    ...systemMachine,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    ...options.machine,
  };
  const key = options.apiKey ?? readEnvironment('MANDATE_API_KEY');
  if (key === null || key === '')
    throw new TypeError(
      'There is no API key. Set MANDATE_API_KEY, or pass createMandate({ apiKey }); mandate key create makes one.',
    );
  const url = addressOf(options.url ?? readEnvironment('MANDATE_URL') ?? DEFAULT_URL);
  const keyOf = typeof key === 'string' ? (): string => key : key;
  const transport = createTransport({ url, keyOf, timeoutMs: options.timeoutMs ?? TIMEOUT_MS, machine });
  const asking = createAsking({ transport, machine, agent: options.agent ?? null });
  const runs = createRuns({ transport, machine, asking });
  return {
    ...createOperator(transport),
    request: asking.request,
    decide: asking.decide,
    wait: asking.wait,
    run: runs.run,
    proceed: runs.proceed,
    govern: createGovern(runs),
    gate: createGates({ asking, runs, machine }),
    policy: { ...createCharterPolicy({ transport, agentOf: asking.agentOf }), ...createPolicy(transport) },
    notifications: createNotifications(transport),
    governance: createGovernance(transport),
    reports: createReports(transport),
    readiness: createReadiness(transport),
    metrics: createMetrics(transport),
    workflows: {
      ...createWorkflows({ transport, machine }),
      ...createOffers({ transport, agentOf: asking.agentOf }),
    },
    acts: createActs(transport),
    grants: createGrants(transport),
    flags: createFlags(transport),
    restrictions: createRestrictions(transport),
    keys: createKeys(transport),
    tools: createTools(transport),
    rollback: createRollback(transport),
    incidents: createIncidents(transport),
    evals: createEvals(transport),
    drills: createDrills(transport),
    breakers: createBreakers(transport),
    events: createEvents({ transport, machine }),
  };
}

function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new TypeError(
      `${JSON.stringify(text)} is no address of a Mandate server, such as ${DEFAULT_URL}. Correct url or MANDATE_URL.`,
    );
  if (url.username !== '' || url.password !== '')
    throw new TypeError('The address must not carry a user or a password; pass the key as apiKey.');
  return url.href.replace(/\/+$/, '');
}
