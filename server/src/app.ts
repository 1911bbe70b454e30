// The composition root: every part is built here, handed what it needs as functions, and started and stopped here.
// Nothing else in the product knows more than one module.
import { dirname } from 'node:path';
import { canonicalJson, DEFAULT_TRUST, redact, scopeCovers, trustLevel } from '@mandate/kernel';
import type { Json, Law } from '@mandate/kernel';
import { createActions } from './act/actions/actions.ts';
import type { Act } from './act/actions/act.ts';
import { createLease } from './act/actions/lease.ts';
import { createOutcomes } from './act/actions/outcomes.ts';
import { findAct, listActs } from './act/actions/queries.ts';
import { createRejudge } from './act/actions/rejudge.ts';
import { actionRoutes } from './act/actions/routes.ts';
import { createRunning } from './act/actions/running.ts';
import { createSealed } from './act/actions/sealed.ts';
import { createUpkeep } from './act/actions/upkeep.ts';
import { viewOf } from './act/actions/view.ts';
import { createWaiting } from './act/actions/waiting.ts';
import { createTenantExecutors } from './act/executors/tenants.ts';
import { createHttp } from './api/http/server.ts';
import type { HttpNeeds } from './api/http/server.ts';
import { mountOpenPaths } from './api/http/open-paths.ts';
import { mountFeeds } from './api/live/feeds.ts';
import { createAgents } from './decide/agents/agents.ts';
import { agentRoutes } from './decide/agents/routes.ts';
import { createApprovals } from './decide/approvals/approvals.ts';
import { approvalRoutes } from './decide/approvals/routes.ts';
import { createCharters } from './decide/charter/charter.ts';
import { renderError } from './decide/charter/error.ts';
import { readCharterFile, shippedCharters } from './decide/charter/disk.ts';
import { createFollower } from './decide/charter/follow.ts';
import { charterRoutes } from './decide/charter/routes.ts';
import { createGrants } from './decide/grants/grants.ts';
import { grantRoutes } from './decide/grants/routes.ts';
import { createDeploymentFacts } from './decide/guardrails/deployment.ts';
import { createFlags, readFlags } from './decide/restrictions/flags.ts';
import { restrictionRoutes } from './decide/restrictions/routes.ts';
import { watchSentinel } from './decide/restrictions/sentinel.ts';
import { createStandingRestrictions } from './decide/restrictions/standing.ts';
import { createStops } from './decide/restrictions/stop.ts';
import { createSnapshots } from './decide/snapshots/snapshots.ts';
import type { Infrastructure } from './infrastructure.ts';
import { createPipeline } from './pipeline.ts';
import { sha256Hex } from './platform/crypto/hash.ts';
import { createSeals } from './platform/crypto/seal.ts';
import type { Refusal } from './platform/http/problems.ts';
import { ensureAdminKey } from './platform/identity/admin-key.ts';
import type { AdminKey } from './platform/identity/admin-key.ts';
import { createIdentity, REFUSAL_STATUS } from './platform/identity/authenticate.ts';
import { createBruteForce } from './platform/identity/brute-force.ts';
import { createGrantTokens } from './platform/identity/grant-token.ts';
import { createJwt } from './platform/identity/jwt.ts';
import { keyRoutes } from './platform/identity/routes.ts';
import { createKeys } from './platform/identity/keys.ts';
import { createPermits } from './platform/identity/permit.ts';
import { isPermitted } from './platform/identity/roles.ts';
import { createFeed } from './prove/journal/feed.ts';
import { cloudEventOf, createJournal, writeEntry } from './prove/journal/journal.ts';
import { journalRoutes } from './prove/journal/routes.ts';
import { createSequencer } from './prove/journal/sequencer.ts';
import { createStats, statsRoutes } from './prove/metrics/stats.ts';
import { createExecutors } from './act/executors/executors.ts';
import type { ExecutorFunction } from './act/executors/functions.ts';
import type { Pipeline } from './pipeline.ts';
import { readSecret } from './platform/config/secrets.ts';
import { createMetrics } from './prove/metrics/metrics.ts';

export interface App {
  readonly pipeline: Pipeline;
  readonly tenant: string;
  readonly adminKey: AdminKey;
  /** Registers a function as executor for an action pattern, in process. */
  registerExecutor(pattern: string, fn: ExecutorFunction): void;
  /** Begins to serve and to work. Answers with the address. */
  start(): Promise<{ readonly url: string }>;
  /** Ends what runs, then everything else. */
  close(): Promise<void>;
}

export interface AppOptions {
  readonly version: string;
  /** False for a program that embeds Mandate and may be paused by a debugger. */
  readonly watchdog?: boolean;
}

/** The charter has mistakes and there is no earlier version to go on with. */
export class CharterRefused extends Error {
  override readonly name = 'CharterRefused';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const SEQUENCER_LAG_S = 5;
const OVER: ReadonlySet<string> = new Set(['success', 'failed', 'denied', 'cancelled', 'expired', 'unknown', 'recorded']);
const UPKEEP_MS = 1_000;
const PRUNE_MS = 3_600_000;
const DRAIN_MS = 10_000;

export async function createApp(infrastructure: Infrastructure, { version, watchdog = true }: AppOptions): Promise<App> {
  const { config, clock, chance, log, masterKeys, store, telemetry } = infrastructure;
  const { tenant } = config;
  await prepareTenant(infrastructure);

  // Who asks.
  const keys = createKeys({ app: store.app, masterKeys, clock, chance });
  const grantTokens = createGrantTokens(masterKeys, clock);
  const permits = createPermits(masterKeys);
  const grants = createGrants({ store, clock, chance, issueToken: (grant) => grantTokens.issue(grant), writeEntry });
  const { jwks, jwtIssuer, jwtAudience, jwtTyp, jwtTenant } = config;
  const jwt = jwks === null || jwtIssuer === null || jwtAudience === null ? null : createJwt({ jwks, issuer: jwtIssuer, audience: jwtAudience, typ: jwtTyp, tenant: jwtTenant }, clock);
  const identity = createIdentity({ store, keys, grants: grantTokens, jwt, bruteForce: createBruteForce({ clock }), clock, areGrantsAlive: grants.areAlive });
  const adminKey = await ensureAdminKey({ keys, store, chance, dataDir: config.dataDir, tenant });

  // What we know when we judge.
  const charters = createCharters({ store, clock, log, readFile: readCharterFile, readShipped: shippedCharters });
  const path = config.charter ?? null;
  const follower = path === null ? null : createFollower({ charters, clock, log, tenant, path, author: 'mandate:charter-file' });
  const activated = follower === null ? await activateDefault() : await follower.reload();
  if (activated.kind === 'refused') throw new CharterRefused(activated.problems.map(renderError));
  const executors = createTenantExecutors(() =>
    createExecutors({ settings: {}, baseDir: path === null ? config.dataDir : dirname(path), secrets: (name) => readSecret(config.dataDir, name), environment: process.env, log, after: (waitMs, run) => clock.after(waitMs, run) }),
  );
  const lawOf = async (of: string, charter: string): Promise<Law | null> => {
    const law = await charters.lawOf(of, charter);
    if (law !== null) executors.configure(of, charter, law.charter.executors);
    return law;
  };
  const activeLaw = async (of: string): Promise<Law | null> => (await charters.active(of))?.law ?? null;
  const flags = createFlags({ store, clock, writeEntry });
  const law = await activeLaw(tenant);
  await flags.seed(tenant, law?.charter.resources ?? {});
  const metrics = createMetrics({ store, tenant, prefix: config.metricsPrefix });
  const snapshots = createSnapshots({ db: store.app, clock, lawOf, readFlags, deploymentOf: createDeploymentFacts(store), findingsOf: () => Promise.resolve([]) });
  const stops = createStops({ control: store.control, clock, chance, writeEntry });
  const sentinel = watchSentinel({ dataDir: config.dataDir, clock, appeared: () => queueMicrotask(() => inBackground(takeOverSentinel, 'the file STOP could not be put on record as a stop; this process obeys the file all the same')) });
  const agents = createAgents({ store, clock, chance, writeEntry, levelOf: async (of, score) => trustLevel(score, (await activeLaw(of))?.charter.trust ?? DEFAULT_TRUST) });
  const approvals = createApprovals({ store, clock, writeEntry });

  // What we do once allowed.
  const seals = createSeals({ store, masterKeys, chance, clock });
  const seal = async (of: string, value: Json, purpose: string): Promise<Uint8Array> => (await seals.of(of)).sealJson(purpose, value);
  const unseal = async (of: string, sealed: Uint8Array, purpose: string): Promise<Json> => JSON.parse((await seals.open(of, purpose, sealed)).toString('utf8')) as Json;
  const sealed = createSealed({ seal, unseal });
  const running = createRunning();
  const waiting = createWaiting({ clock, isOver: async (of, actId) => OVER.has((await findAct(store, of, actId))?.status ?? 'denied') });
  const actions = createActions({ store, clock, chance, seal, redact, ended: waiting.ended });
  const lease = createLease({ db: store.app, clock, chance, watchdog, lost: (error) => log.warn({ err: error }, 'the heartbeat did not get through; nothing new begins until it does') });
  const show = async (act: Act, known: { permit?: string; result?: Json }) => {
    const approval = act.status === 'waiting_for_approval' && act.approvalId !== null ? await approvals.find(act.tenant, act.approvalId) : null;
    const result = known.result ?? (act.sealedResult === null ? null : await sealed.openResult(act));
    return viewOf(act, {
      ...(act.status === 'success' ? { result } : {}),
      ...(known.permit === undefined ? {} : { permit: known.permit }),
      ...(approval === null ? {} : { approval: { id: approval.id, digest: approval.digest, expiresAt: approval.expiresAt, requiredRoles: approval.requiredRoles, url: `${publicUrl()}/api/v1/approvals/${approval.id}` } }),
    });
  };
  const barred = (): Refusal | null => {
    if (sentinel.isStopped()) return { code: 'stopped', detail: 'The file STOP is in the data directory.' };
    return lease.isHeld() ? null : { code: 'unavailable', detail: 'This process has lost its lease and begins nothing until its heartbeat gets through again.', retryAfterMs: 1_000 };
  };
  const pipeline = createPipeline({
    clock,
    chance,
    snapshots,
    actions,
    running,
    executorsOf: executors.of,
    sealed,
    sha256: sha256Hex,
    issuePermit: (act) => Promise.resolve(permits.sign({ actId: act.id, tenant: act.tenant, agent: act.agent, digest: act.digest, startByMs: act.startByMs ?? 0, deadlineMs: act.deadlineMs ?? 0 })),
    show,
    barred,
    rejudge: createRejudge({ store, uuid: chance.uuid, writeEntry }),
    stands: async (asker) => {
      const key = asker.keyId === null ? null : await keys.findById(asker.keyId);
      const keyStands = asker.keyId === null || (key !== null && key.revokedMs === null && (key.expiresMs === null || key.expiresMs > clock.nowMs()));
      return keyStands && (asker.grantIds.length === 0 || (await grants.areAlive(asker.tenant, asker.grantIds)));
    },
    worker: lease.worker,
  });
  const outcomes = createOutcomes({ store, clock, actions, running, readPermit: permits.verify, lawOf: activeLaw, writeEntry });
  const upkeep = createUpkeep({
    store,
    clock,
    actions,
    proceed: pipeline.proceed,
    trustSettings: async (of) => (await activeLaw(of))?.charter.trust ?? DEFAULT_TRUST,
    failed: (error, what) => log.error({ err: error }, what),
    writeEntry,
  });

  // What we can show afterwards.
  const journal = createJournal({ store, clock });
  const sequencer = createSequencer({ db: store.sequencer, clock, failed: (error) => log.error({ err: error }, 'journal entries wait for their position') });
  const feed = createFeed({ journal, clock });

  const closing = new AbortController();
  const traced: HttpNeeds['traced'] = (name, headers, run) => telemetry.within(typeof headers['traceparent'] === 'string' ? headers['traceparent'] : undefined, () => telemetry.span(name, {}, () => run(telemetry.traceId() ?? '')));

  const routes = [
    ...actionRoutes({
      request: (asker, wanted) => metrics.measured(() => pipeline.request(asker, wanted)),
      proceed: pipeline.proceed,
      preview: pipeline.preview,
      delegate: identity.delegate,
      find: (of, id) => findAct(store, of, id),
      list: (of, query) => listActs(store, of, query),
      show: (act) => show(act, {}),
      waitFor: waiting.waitFor,
      outcomes,
    }),
    ...approvalRoutes(approvals),
    ...agentRoutes(agents),
    ...grantRoutes(grants),
    ...restrictionRoutes({
      stops,
      flags,
      standing: createStandingRestrictions(store, clock),
      twoPersons: async (of) => (await activeLaw(of))?.charter.resume.twoPersons ?? false,
      sentinel,
      flagAudit: (of) => journal.read(of, { after: 0, limit: 200, kind: 'flag', agent: null, actId: null, fromMs: null, toMs: null, newestFirst: true }),
    }),
    ...charterRoutes(charters),
    ...keyRoutes({ keys, store, clock, writeEntry }),
    ...journalRoutes(journal),
    ...statsRoutes(createStats({ store, clock })),
  ];
  const door = createHttp({
    routes,
    version,
    authenticate: async (request) => {
      const answer = await identity.authenticate(request);
      return answer.kind === 'principal' ? answer : { ...answer, status: REFUSAL_STATUS[answer.code] };
    },
    isPermitted,
    digestOf: (value) => sha256Hex(canonicalJson(value as Json)),
    traced,
    failed: (error, traceId, where) => log.error({ err: error, traceId, path: where }, 'a request met a mistake of ours'),
  });
  mountOpenPaths({ fastify: door.fastify, prove: door.prove, version, checks: () => readiness(), metrics: metrics.text });
  await mountFeeds({
    fastify: door.fastify,
    prove: door.prove,
    traced,
    closing: closing.signal,
    async *follow(of, from, signal) {
      for await (const entries of feed.follow(of, from, signal)) yield entries.map((entry) => cloudEventOf(of, entry));
    },
  });
  const revisionListener = { unlisten: () => Promise.resolve() };

  /** What nobody waits for must not end the process when the database is away: least of all a stop. */
  function inBackground(work: () => Promise<unknown>, failed: string): void {
    work().catch((error: unknown) => {
      if (!closing.signal.aborted) log.error({ err: error }, failed);
    });
  }

  /** A stop must reach what runs here, whoever ordered it and in whatever process. */
  async function obeyStops(): Promise<void> {
    if (running.count() === 0) return;
    const standing = (await store.control<{ tenant: string; scope: string; cause: string }[]>`
      select tenant, scope, cause from mandate.restriction where kind = 'stop' and lifted_at is null and level in ('stop', 'seal')`) as readonly { tenant: string; scope: string; cause: string }[];
    for (const stop of standing) {
      running.abortWhere((act) => (stop.tenant === '*' || stop.tenant === act.tenant) && scopeCovers(stop.scope, act), `Stopped: ${stop.cause}`);
    }
  }

  /** The file came first (perhaps because nothing else worked): now it also becomes a stop on record. */
  async function takeOverSentinel(): Promise<void> {
    running.abortWhere(() => true, 'Stopped by the file STOP in the data directory.');
    const note = await sentinel.read();
    await stops.stop({ tenant: '*', scope: 'global', level: 'stop', reason: note.reason, by: note.by, traceId: null });
  }

  async function activateDefault() {
    const active = await charters.active(tenant);
    if (active !== null) return { kind: 'unchanged' as const, version: active.version, ownPaths: [] };
    return charters.activate({ tenant, text: 'version: 1\nextends: default\n', author: 'mandate:first-start', note: 'no charter was given' });
  }

  function publicUrl(): string {
    return config.publicUrl ?? `http://${config.host === '0.0.0.0' ? '127.0.0.1' : config.host}:${config.port}`;
  }

  async function readiness() {
    const check = async (name: string, look: () => Promise<string>) => {
      try {
        return { name, ok: true, detail: await look() };
      } catch (error) {
        return { name, ok: false, detail: error instanceof Error ? error.message : 'failed' };
      }
    };
    return Promise.all([
      check('postgres', async () => ((await store.app`select 1`), 'answers')),
      check('charter', async () => (await activeLaw(tenant))?.version ?? fail('this process cannot read the active charter')),
      check('worker', () => Promise.resolve(lease.isHeld() ? 'lease held' : fail('the lease is lost'))),
      check('sequencer', async () => {
        const [row] = await store.sequencer<{ age: number | null }[]>`select extract(epoch from now() - min(at))::double precision as age from mandate.journal where position is null`;
        return (row?.age ?? 0) < SEQUENCER_LAG_S ? 'up to date' : fail(`the oldest entry without a position is ${row?.age ?? 0} s old`);
      }),
    ]);
  }

  let stopUpkeep: () => void = () => undefined;
  let prunedMs = 0;
  async function keepUp(): Promise<void> {
    try {
      await obeyStops();
      // Not awaited: an approved act may run for minutes, and until it ends no stop would be looked for and nothing swept.
      inBackground(upkeep.runApproved, 'approved acts could not be looked for; they are in a second');
      await upkeep.sweep();
      if (clock.monotonicMs() - prunedMs > PRUNE_MS) {
        prunedMs = clock.monotonicMs();
        await upkeep.prune();
      }
    } catch (error) {
      if (!closing.signal.aborted) log.error({ err: error }, 'upkeep did not get through; it is tried again in a second');
    }
    if (!closing.signal.aborted) stopUpkeep = clock.after(UPKEEP_MS, () => void keepUp());
  }

  return {
    pipeline,
    tenant,
    adminKey,
    registerExecutor: executors.register,
    async start() {
      await lease.start();
      sequencer.start();
      await follower?.start();
      const listeners = await Promise.all([
        store.control.listen('mandate_revision', () => inBackground(obeyStops, 'stops could not be looked for; they are in a second')),
        store.control.listen('mandate_journal', () => feed.wake()),
        store.control.listen('mandate_approved', () => inBackground(upkeep.runApproved, 'approved acts could not be looked for; they are in a second')),
      ]);
      revisionListener.unlisten = async () => void (await Promise.all(listeners.map((each) => each.unlisten())));
      void keepUp();
      const address = await door.fastify.listen({ host: config.host, port: config.port });
      return { url: config.publicUrl ?? address };
    },
    async close() {
      closing.abort();
      stopUpkeep();
      await door.fastify.close();
      running.abortWhere(() => true, 'The server is shutting down.');
      await Promise.race([running.drained(), new Promise<void>((done) => clock.after(DRAIN_MS, done))]);
      sentinel.close();
      await follower?.stop();
      await sequencer.close();
      await executors.close();
      await lease.close();
      await revisionListener.unlisten();
    },
  };
}

/** The tenant's row; without it everything is stopped. */
async function prepareTenant({ store, config, clock }: Infrastructure): Promise<void> {
  await store.withTenant(config.tenant, async (tx) => {
    await tx`insert into mandate.tenant (tenant, created_at) values (${config.tenant}, ${new Date(clock.nowMs())}) on conflict do nothing`;
  });
}

function fail(why: string): never {
  throw new Error(why);
}
