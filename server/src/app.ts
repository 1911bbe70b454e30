// The composition root: the parts are built here, handed what they need as functions, started and ended in order.
// Nothing else in the product knows more than one module. Its four sections are the floors of the house.
import type { Infrastructure } from './infrastructure.ts';
import type { ExecutorFunction } from './act/executors/functions.ts';
import { buildAuthority } from './app/authority.ts';
import { buildCycle } from './app/cycle.ts';
import { openDoors } from './app/doors.ts';
import { buildEvals } from './app/evals.ts';
import { buildEvidence } from './app/evidence.ts';
import { buildExecution } from './app/execution.ts';
import { buildIncidents } from './app/incidents.ts';
import { buildJudgement } from './app/judgement.ts';
import { buildMetrics } from './app/metrics.ts';
import { buildMonitors } from './app/monitors.ts';
import { buildNotifications } from './app/notify.ts';
import { buildReadiness } from './app/readiness.ts';
import { buildScrape } from './app/scrape.ts';
import { keepVigil } from './app/vigil.ts';
import { buildWorkflows } from './app/workflows.ts';
import { startWatchdog } from './act/actions/watchdog.ts';
import { charterOrigin } from './decide/charter/origin.ts';
import type { CharterOrigin } from './decide/charter/origin.ts';
import type { GuardrailFunction, GuardrailOptions } from './decide/guardrails/plugins.ts';
import type { ChannelFunction } from './act/notifications/message.ts';
import { watchSentinel } from './decide/restrictions/sentinel.ts';
import { injectedFetch } from './api/http/injected-fetch.ts';
import type { InjectedFetch } from './api/http/injected-fetch.ts';
import type { Pipeline } from './pipeline.ts';
import type { AdminKey } from './platform/identity/admin-key.ts';
import { createReadingLinks } from './platform/identity/reading-link.ts';
import { DRILL_STOP } from './prove/evidence/kill-switch.ts';
import { createFeed } from './prove/journal/feed.ts';
import { createJournal } from './prove/journal/journal.ts';
import { createSequencer } from './prove/journal/sequencer.ts';
import { createMetrics } from './prove/metrics/metrics.ts';

export { CharterRefused } from './app/judgement.ts';

export interface App {
  readonly pipeline: Pipeline;
  readonly tenant: string;
  readonly adminKey: AdminKey;
  /** Registers a function as executor for an action pattern, in process. */
  registerExecutor(pattern: string, fn: ExecutorFunction): void;
  /** Registers a function that looks at actions before they are judged, in process. */
  registerGuardrail(pattern: string, fn: GuardrailFunction, options?: GuardrailOptions): void;
  /** Adds a channel of the program to those that people are told over, in process. */
  registerChannel(name: string, fn: ChannelFunction): void;
  /** Begins to work without listening: a program that embeds Mandate asks through `fetch`. */
  work(): Promise<void>;
  /** Begins to work and to listen. Answers with the address. */
  start(): Promise<{ readonly url: string }>;
  /** Which charter counts and where it came from, for whoever starts the process; null where none can be read. */
  charterOrigin(): Promise<CharterOrigin | null>;
  /** The HTTP door from inside this process, without a socket. */
  readonly fetch: InjectedFetch;
  /** Ends what runs, then everything else. */
  close(): Promise<void>;
}

export interface AppOptions {
  readonly version: string;
  /** False for a program that embeds Mandate and may be paused by a debugger. */
  readonly watchdog?: boolean;
  /** True for a process that answers nobody and leaves telling people to the servers. */
  readonly isWorker?: boolean;
  /** The charter's text, for a program that embeds Mandate; the charter's path goes before it. */
  readonly charterText?: string | null;
}

/** How long running acts may take to end once they have been told that the process is closing. */
const DRAIN_MS = 10_000;

export async function createApp(
  infrastructure: Infrastructure,
  { version, watchdog = true, isWorker = false, charterText = null }: AppOptions,
): Promise<App> {
  const { config, clock, log, store } = infrastructure;
  await prepareTenant(infrastructure);
  const closing = new AbortController();
  const watch = watchdog ? startWatchdog() : null;
  const judgement = await buildJudgement({
    infrastructure,
    charterText,
    onGroup: (groupId, state) => watch?.group(groupId, state),
  });
  const authority = await buildAuthority(infrastructure, judgement.activeLaw);

  // The file may have been there before the process; then it is taken over as soon as there is somebody to do it.
  const sentinel = watchSentinel({
    dataDir: config.dataDir,
    clock,
    appeared: () => queueMicrotask(() => vigil.takeOver(sentinel)),
  });
  let address = `http://${config.host === '0.0.0.0' ? '127.0.0.1' : config.host}:${config.port}`;
  const publicUrl = (): string => config.publicUrl ?? address;
  const execution = buildExecution({
    infrastructure,
    authority,
    judgement,
    sentinel,
    publicUrl,
    turned: () => watch?.turned(),
  });
  const vigil = keepVigil({ infrastructure, judgement, execution, closing: closing.signal });
  const workflows = buildWorkflows({ infrastructure, authority, judgement, execution });
  const incidents = buildIncidents(infrastructure, judgement);
  const evidence = buildEvidence(infrastructure, judgement, execution);
  const measured = buildMetrics({
    infrastructure,
    judgement,
    execution,
    incidentsIn: incidents.incidents.countIn,
  });
  const evals = buildEvals(infrastructure, judgement, {
    ...execution,
    actionsSeen: async (tenant, window) =>
      (await measured.metrics.atLeast.byType(tenant, window))
        .filter(({ total }) => total > 0)
        .map(({ commandType }) => commandType),
  });

  const watching = buildMonitors({
    infrastructure,
    judgement,
    execution,
    incidents,
    metrics: measured.metrics,
    isElsewhere: measured.isElsewhere,
  });
  const ready = buildReadiness({
    infrastructure,
    judgement,
    incidents,
    metrics: measured.metrics,
    evals: evals.evals,
    evidence,
    breakersOf: watching.breakersOf,
    isElsewhere: measured.isElsewhere,
  });
  const weekly = buildCycle({
    infrastructure,
    judgement,
    incidents: incidents.incidents,
    metrics: measured.metrics,
    snapshots: measured.snapshots,
    monitors: watching.monitors,
    isElsewhere: measured.isElsewhere,
    assess: ready.readiness.forCycle,
  });
  const journal = createJournal({ store, clock });
  const feed = createFeed({ journal, clock });
  const sequencer = createSequencer({
    db: store.sequencer,
    clock,
    failed: (error) => log.error({ err: error }, 'journal entries wait for their position'),
  });
  const metrics = createMetrics({
    store,
    tenant: config.tenant,
    prefix: config.metricsPrefix,
    drillStop: DRILL_STOP,
  });
  let isListening = false;
  const readingLinks = createReadingLinks({ masterKeys: infrastructure.masterKeys, clock, publicUrl });
  const notify = buildNotifications({
    infrastructure,
    judgement,
    execution,
    readingLinks,
    sequencer,
    publicUrl,
    tells: () => (isWorker ? 'functions' : isListening ? 'all' : 'own'),
  });
  const doors = await openDoors({
    infrastructure,
    authority,
    judgement,
    execution,
    notify,
    workflows,
    sentinel,
    journal,
    feed,
    metrics,
    checks: vigil.checks,
    isSealed: vigil.isSealed,
    closing: closing.signal,
    version,
    publicUrl,
    scrape: buildScrape({
      infrastructure,
      judgement,
      measured,
      incidents,
      stateOf: judgement.governing.governance.stateOf,
      lastAssessment: ready.readiness.latest,
      objectives: (tenant) => watching.monitors.objectives(tenant, null),
      version,
    }),
    noteScrape: (scrape) => evidence.scrapes.noteScrape(config.tenant, scrape),
    governanceRoutes: [
      ...incidents.routes,
      ...evals.routes,
      ...evidence.routes,
      ...judgement.governing.routes(weekly.cycleOf),
      ...measured.routes,
      ...ready.routes,
      ...watching.routes,
      ...weekly.routes,
    ],
    readings: { links: readingLinks, incidents: incidents.incidents, openReport: weekly.openReport },
  });
  let unlisten: () => Promise<void> = () => Promise.resolve();

  async function begin(): Promise<void> {
    await execution.lease.start();
    sequencer.start();
    await judgement.follower?.start();
    ({ unlisten } = await store.control.listen('mandate_journal', () => {
      feed.wake();
      notify.schedule.wake();
      watching.schedule.wake();
    }));
    await vigil.start();
    workflows.begin();
    await measured.begin();
    watching.schedule.start();
    ready.schedule.start();
    weekly.schedule.start();
    const changes = await store.control.listen('mandate_revision', () => workflows.changed());
    closing.signal.addEventListener('abort', () => void changes.unlisten().catch(() => undefined));
  }

  return {
    pipeline: execution.pipeline,
    tenant: config.tenant,
    adminKey: authority.adminKey,
    registerExecutor: judgement.executors.register,
    registerGuardrail: judgement.lookback.plugins.register,
    registerChannel: (name, fn) => notify.register(config.tenant, name, fn),
    charterOrigin: async () =>
      (await judgement.activeLaw(config.tenant)) === null
        ? null
        : charterOrigin(store, config.tenant, judgement.follower),
    fetch: injectedFetch(doors.fastify, closing.signal),
    async work() {
      await begin();
      notify.schedule.start();
    },
    async start() {
      await begin();
      address = await doors.fastify.listen({ host: config.host, port: config.port });
      isListening = true;
      // Not before: until then the links in a message would lead to no door.
      notify.schedule.start();
      return { url: config.publicUrl ?? address };
    },
    async close() {
      closing.abort();
      execution.waiting.close();
      await vigil.stop();
      const carried = workflows.close();
      await doors.fastify.close();
      execution.running.abortWhere(() => true, 'The server is shutting down.');
      await Promise.race([
        execution.running.drained(),
        new Promise<void>((done) => clock.after(DRAIN_MS, done)),
      ]);
      await carried;
      await notify.close();
      sentinel.close();
      await judgement.follower?.stop();
      await weekly.schedule.stop();
      await ready.schedule.close();
      await watching.schedule.close();
      await measured.close();
      await sequencer.close();
      await judgement.trials.observer.close();
      await judgement.executors.close();
      await execution.lease.close();
      await watch?.close();
      await unlisten();
    },
  };
}

/** The tenant's row; without it everything is stopped. */
async function prepareTenant({ store, config, clock }: Infrastructure): Promise<void> {
  await store.withTenant(config.tenant, async (tx) => {
    await tx`insert into mandate.tenant (tenant, created_at) values (${config.tenant}, ${new Date(clock.nowMs())}) on conflict do nothing`;
  });
}
