// One contender of workflow.bench.ts in a process of its own: bare DBOS, DBOS whose steps call the two functions that
// begin and end an act, or Mandate's workflows as `mandate start` runs them. All on one cluster, each asked over IPC to
// carry so many runs of so many steps at once, and answering with how long it took.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DBOS } from '@dbos-inc/dbos-sdk';

import type { Decision } from '@mandate/kernel';
import { draftAct, draftEntry } from '../../server/src/act/actions/draft.ts';
import type { Journey } from '../../server/src/act/actions/draft.ts';
import { finishAct, startAct } from '../../server/src/act/actions/store.ts';
import { createApp } from '../../server/src/app.ts';
import { openInfrastructure } from '../../server/src/infrastructure.ts';
import { systemClock, createChance } from '../../server/src/platform/clock/clock.ts';
import { loadConfig } from '../../server/src/platform/config/config.ts';
import { connect } from '../../server/src/platform/postgres/connection.ts';
import { bareAsker } from '../../server/src/platform/identity/asker.ts';
import { actionOf } from './charter.ts';

export interface Order {
  readonly runs: number;
  readonly steps: number;
}

export interface Carried {
  readonly ms: number;
  readonly rssMb: number;
  /** What is in use after a collection of garbage. */
  readonly usedMb: number;
}

export interface WorkflowServed {
  readonly adminUrl: string;
  readonly decision: Decision;
}

const CONCURRENCY = 50;
const POLL_MS = 100;
const AGENTS = 200;
const SEALED = Buffer.alloc(900, 0x5e);

const CHARTER = `version: 1
tiers:
  green:
    actions: [bench.run]
  red:
    actions: [bench.hold]
limits: { concurrentAgents: 1000, usdPerDay: 100000000 }
`;

type Contender = (order: Order) => Promise<void>;

const [, , kind = '', ...rest] = process.argv;
let close = (): Promise<void> => DBOS.shutdown();
const carry = await (kind === 'mandate' ? mandate(rest[0] ?? '') : dbos(kind, rest));

process.on('message', (message) => {
  if (message === 'stop') return void close().then(() => process.exit(0));
  void (async () => {
    const from = performance.now();
    await carry(message as Order);
    const ms = performance.now() - from;
    // Twice, with a pause: what buffers held outside the heap is given back in the background.
    for (let i = 0; i < 2; i += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    const told: Carried = { ms, rssMb: rss / 1e6, usedMb: (heapUsed + external) / 1e6 };
    process.send?.(told);
  })();
});

async function dbos(
  contender: string,
  [adminUrl = '', appUrl = '', decisionText = '']: readonly string[],
): Promise<Contender> {
  const schema = `dbos_${contender}`;
  const url = adminUrl.replace('@/', '@localhost/');
  DBOS.setConfig({
    name: contender,
    systemDatabaseUrl: url,
    systemDatabaseSchemaName: schema,
    applicationVersion: 'bench',
    useListenNotify: false,
    systemDatabaseIdleTransactionTimeoutMs: 0,
    logLevel: 'error',
  });
  const app = connect(appUrl, { max: 10, applicationName: 'benchmark' });
  const chance = createChance(systemClock);
  const decision = decisionText === '' ? null : (JSON.parse(decisionText) as Decision);
  const versions = new Map<string, number>();

  async function twoFunctions(agent: string): Promise<number> {
    if (decision === null) return 1;
    const journey = journeyOf(agent, chance.uuid());
    const nowMs = systemClock.nowMs();
    const entry = draftEntry(journey, 'action.started', decision, nowMs);
    const started = await startAct(app, {
      tenant: 'default',
      nowMs,
      revision: decision.revision,
      act: draftAct(journey, decision, { status: 'executing', deadlineMs: nowMs + 900_000 }),
      sealed: SEALED,
      startScore: 50,
      slots: 1000,
      approval: null,
      idempotency: { principal: 'bench', key: journey.id, digest: 'd' },
      entries: [entry],
    });
    if (started.kind !== 'started') throw new Error(JSON.stringify(started));
    for (;;) {
      const finished = await finishAct(app, {
        tenant: 'default',
        nowMs,
        actId: journey.id,
        from: ['executing'],
        status: 'success',
        sealedResult: SEALED.subarray(0, 60),
        error: null,
        actualCostMicroUsd: null,
        trust: {
          version: versions.get(agent) ?? 1,
          score: 50,
          streak: 1,
          failuresInRow: 0,
          gainedToday: 10,
          gainedDay: 1,
          movedMs: nowMs,
          levelFell: false,
        },
        freeze: null,
        confirmedBy: null,
        entries: [
          { ...entry, kind: 'action.succeeded', data: { action: 'bench.run' } },
          { ...entry, kind: 'trust.moved', data: { before: 50, after: 50, cause: 'a medium success' } },
        ],
      });
      if (finished.kind === 'trust_moved') {
        versions.set(agent, finished.trust.version);
        continue;
      }
      versions.set(agent, (versions.get(agent) ?? 1) + 1);
      return 1;
    }
  }

  const run = DBOS.registerWorkflow(
    async (agent: string, steps: number): Promise<number> => {
      let done = 0;
      for (let at = 0; at < steps; at += 1)
        done += await DBOS.runStep(() => (decision === null ? Promise.resolve(1) : twoFunctions(agent)), {
          name: `s${at}`,
        });
      return done;
    },
    { name: 'bench' },
  );
  await DBOS.launch();
  await DBOS.registerQueue('bench', { workerConcurrency: CONCURRENCY, minPollingIntervalMs: POLL_MS });
  // The queue is looked for once a second.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  process.send?.(true);
  return async ({ runs, steps }) => {
    const handles = await Promise.all(
      Array.from({ length: runs }, (_, at) =>
        DBOS.startWorkflow(run, { queueName: 'bench' })(`${contender}-${at % AGENTS}`, steps),
      ),
    );
    await Promise.all(handles.map((handle) => handle.getResult({ pollingIntervalMs: 50 })));
  };
}

function journeyOf(agent: string, id: string): Journey {
  return {
    asker: bareAsker({
      id: 'user:bench',
      tenant: 'default',
      roles: ['operator'],
      agents: 'any',
      mayAskForOthers: true,
      traceId: null,
    }),
    action: actionOf('bench.run', { at: 'step' }, agent),
    digest: 'ab'.repeat(32),
    id,
    waiting: false,
    attach: false,
    executor: 'bench',
    idempotency: null,
    compensates: null,
  };
}

async function mandate(dataDir: string): Promise<Contender> {
  writeFileSync(join(dataDir, 'charter.yaml'), CHARTER);
  const config = loadConfig({
    env: {
      PORT: '0',
      MANDATE_DATA_DIR: dataDir,
      MANDATE_CHARTER: join(dataDir, 'charter.yaml'),
      LOG_LEVEL: 'error',
    },
    argv: [],
  });
  const infrastructure = await openInfrastructure(config);
  const app = await createApp(infrastructure, { version: 'bench', watchdog: false });
  app.registerExecutor('bench.*', () => null);
  await app.work();
  // Its Postgres would outlive it.
  close = async () => {
    await app.close();
    await infrastructure.close();
  };
  // It is told once, and this process may be the second on this directory.
  const keyFile = join(dataDir, 'bench.key');
  if (app.adminKey.kind === 'created') writeFileSync(keyFile, app.adminKey.text);
  const key = existsSync(keyFile) ? readFileSync(keyFile, 'utf8') : '';
  const ask = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const response = await app.fetch(`http://mandate${path}`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: new AbortController().signal,
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as Record<string, unknown>;
  };
  const written = new Set<string>();
  const write = async (action: string, steps: number): Promise<string> => {
    const name = `${action.replace('.', '-')}-${steps}`;
    if (written.has(name)) return name;
    await ask('/api/v1/workflow-templates', {
      template: {
        name,
        steps: Array.from({ length: steps }, (_, at) => ({
          id: `s${at}`,
          action,
          role: 'worker',
          parameters: { at: 'step' },
          needs: at === 0 ? [] : [`s${at - 1}`],
        })),
      },
    });
    written.add(name);
    return name;
  };
  const { decision } = await ask('/api/v1/decisions', {
    agent: 'warm',
    action: 'bench.run',
    parameters: { at: 'step' },
  });
  process.send?.({
    adminUrl: infrastructure.addresses.adminUrl,
    decision,
  });
  const open = async (): Promise<number> => {
    const [row] = await infrastructure.store.control<{ open: number }[]>`
      select count(*)::int as open from mandate.workflow_run where ended_at is null and (busy or wake_at is not null)`;
    return row?.open ?? 0;
  };
  return async ({ runs, steps }) => {
    // Negative: runs that are parked at once, because their only step waits for a person.
    const template = await write(steps < 0 ? 'bench.hold' : 'bench.run', Math.abs(steps));
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < runs) {
        const at = next;
        next += 1;
        await ask('/api/v1/workflows', { template, agents: { worker: `mandate-${at % AGENTS}` } });
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    while ((await open()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  };
}
