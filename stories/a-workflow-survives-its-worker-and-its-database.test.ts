// A run is on record, not in memory: whoever carries it may die at any moment, and so may the database. What has been
// done is not done again, what waits for a person still waits, and what is left is done by whoever is left.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from '../server/src/platform/postgres/connection.ts';
import { ensureDatabase } from '../server/src/platform/postgres/database.ts';
import { startEmbedded } from '../server/src/platform/postgres/launcher.ts';
import type { EmbeddedPostgres } from '../server/src/platform/postgres/launcher.ts';
import type { Sql } from '../server/src/platform/postgres/sql.ts';
import { startEffects } from '../test/effects.ts';
import type { EffectService } from '../test/effects.ts';
import { approve } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';
import { startWorker } from '../test/worker.ts';

const STEPS = ['prepare', 'build', 'ship', 'verify', 'tell'];
const TEMPLATE = `name: release
agent: builder-1
steps:
  - { id: prepare, action: work.prepare }
  - { id: build, action: work.build, needs: prepare }
  - { id: ship, action: deploy.production, needs: build }
  - { id: verify, action: work.verify, needs: ship }
  - { id: tell, action: work.tell, needs: verify }
`;

interface Run {
  readonly id: string;
  readonly status: string;
  readonly waitsFor: readonly string[];
  readonly steps: readonly {
    readonly step: string;
    readonly status: string;
    readonly actionId?: string;
    readonly approvalId?: string;
  }[];
}

interface Closing {
  after(fn: () => Promise<void>): void;
}

const closing: (() => Promise<void>)[] = [];
const context: Closing = { after: (fn) => void closing.unshift(fn) };
let cluster: Awaited<ReturnType<typeof startCluster>>;
let service: EffectService;
let server: TestServer;
before(async () => {
  cluster = await startCluster(context);
  service = await startEffects(context);
  server = await startServer(context, { charter: charterFor(service), env: cluster.env });
});
after(async () => {
  for (const close of closing) await close();
});

/** A cluster of its own: the one that the tests share is not to be killed. */
async function startCluster(t: Closing) {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-cluster-'));
  const log = { info: () => undefined, warn: () => undefined };
  let cluster: EmbeddedPostgres = await startEmbedded({ dataDir: directory, log });
  const url = await ensureDatabase(cluster.adminUrl, 'mandate');
  t.after(async () => {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    env: {
      DATABASE_URL: url,
      MANDATE_APP_URL: '',
      MANDATE_SEQUENCER_URL: '',
      MANDATE_CONTROL_URL: '',
      MANDATE_MASTER_KEY: randomBytes(32).toString('base64'),
    },
    async ask<T>(fn: (sql: Sql) => Promise<T>): Promise<T> {
      const sql = connect(url, { max: 1, applicationName: 'story' });
      try {
        return await fn(sql);
      } finally {
        await sql.end({ timeout: 1 });
      }
    },
    /** Power off, as far as a process can tell. */
    async crash(): Promise<void> {
      process.kill(cluster.pid, 'SIGKILL');
      cluster = await startEmbedded({ dataDir: directory, log });
    },
  };
}

async function write(text: string): Promise<void> {
  const written = await server.call('/api/v1/workflow-templates', { text });
  assert.equal(written.status, 201, JSON.stringify(written.body));
}

async function start(template: string): Promise<string> {
  const started = await server.call<Run>('/api/v1/workflows', { template });
  assert.equal(started.status, 201, JSON.stringify(started.body));
  return started.body.id;
}

async function look(id: string): Promise<Run> {
  return (await server.call<Run>(`/api/v1/workflows/${id}`)).body;
}

function actionsSince(from: number): readonly string[] {
  return service.effects.slice(from).map(({ action }) => action.split('.')[1] ?? '');
}

const charterFor = ({ url }: EffectService): string => `version: 1
executors: { service: { http: '${url}', allowPrivate: true } }
actions:
  work.*: { executor: service }
  work.copy: { executor: service, idempotent: true }
  deploy.production: { executor: service }
tiers: { green: { actions: ['work.*'] }, red: { actions: [deploy.production] } }
`;

// I7
test('a run of five steps with a held one survives kill -9 of every worker and of Postgres, is approved and finishes', async (t) => {
  const worker = await startWorker(t, cluster.env);
  await write(TEMPLATE);
  const id = await start('release');
  const held = await until('the run waits for a person', async () => {
    const run = await look(id);
    return run.status === 'waiting' && run.waitsFor.includes('approval') && run;
  });
  assert.deepEqual(actionsSince(0), ['prepare', 'build']);

  await Promise.all([worker.kill(), server.kill()]);
  await cluster.crash();
  await server.restart();

  const { approvalId = '' } = held.steps.find(({ step }) => step === 'ship') ?? {};
  const shown = await server.call<{ id: string; digest: string }>(`/api/v1/approvals/${approvalId}`);
  assert.equal((await approve(server, shown.body)).status, 200);
  const finished = await until('the run ends', async () => {
    const run = await look(id);
    return run.status === 'succeeded' && run;
  });
  assert.deepEqual(
    finished.steps.map(({ step, status }) => `${step} ${status}`),
    STEPS.map((step) => `${step} succeeded`),
  );
  assert.deepEqual(
    actionsSince(0),
    ['prepare', 'build', 'production', 'verify', 'tell'],
    'every effect once, in order',
  );

  const kinds = await until('the end of the run has its position', async () => {
    const audit = await server.call<{ items: { kind: string }[] }>(`/api/v1/workflows/${id}/audit`);
    const seen = audit.body.items.map(({ kind }) => kind);
    return seen.at(-1) === 'workflow.succeeded' && seen;
  });
  assert.equal(kinds[0], 'workflow.started');
  assert.equal(
    kinds.filter((kind) => kind === 'workflow.step_succeeded').length,
    STEPS.length,
    'each end is told once',
  );
});

// I7
test('what a dead worker had begun is run again within 5 s where the charter calls it idempotent, and else a person decides', async (t) => {
  const before = service.effects.length;
  // Whichever of the three dies, two are left that want what it had begun.
  await Promise.all([startWorker(t, cluster.env), startWorker(t, cluster.env)]);
  await write(
    `name: pair
agent: builder-1
steps:
  - { id: copy, action: work.copy }
  - { id: pay, action: work.pay }
  - { id: end, action: work.end, needs: [copy, pay] }
`,
  );
  service.hold();
  const id = await start('pair');
  await until('both steps are at work', () => service.effects.length === before + 2);
  const pid = await cluster.ask(async (sql) => {
    const [row] = await sql<{ pid: number }[]>`
      select distinct w.pid from mandate.act a join mandate.worker w on w.id = a.worker where a.status = 'executing'`;
    return row?.pid ?? 0;
  });
  const killedMs = performance.now();
  process.kill(pid, 'SIGKILL');

  const again = await until('the copy is made again', () => service.effects[before + 2], { everyMs: 10 });
  const tookMs = performance.now() - killedMs;
  assert.ok(tookMs < 5_000, `it took ${Math.round(tookMs)} ms`);
  assert.equal(again.action, 'work.copy');
  assert.equal(
    again.actId,
    service.effects.find(({ action }) => action === 'work.copy')?.actId,
    'under the same key',
  );
  service.release();

  await server.restart();
  const waiting = await until('the run waits for somebody to say how the payment ended', async () => {
    const run = await look(id);
    return run.waitsFor.includes('person') && run;
  });
  assert.deepEqual(
    actionsSince(before).toSorted(),
    ['copy', 'copy', 'pay'],
    'the payment is not made again by itself',
  );
  const { actionId = '' } = waiting.steps.find(({ step }) => step === 'pay') ?? {};
  const resolved = await server.call(`/api/v1/actions/${actionId}/resolve`, {
    status: 'success',
    reason: 'the bank has it',
  });
  assert.equal(resolved.status, 200, JSON.stringify(resolved.body));
  await until('the run ends', async () => (await look(id)).status === 'succeeded');
  assert.deepEqual(actionsSince(before).toSorted(), ['copy', 'copy', 'end', 'pay']);
  const entries = await until('the end of the run has its position', async () => {
    const audit = await server.call<{ items: { kind: string; actId: string }[] }>(
      `/api/v1/workflows/${id}/audit`,
    );
    return audit.body.items.at(-1)?.kind === 'workflow.succeeded' && audit.body.items;
  });
  assert.deepEqual(
    entries.filter(({ kind }) => kind === 'action.taken_over').map(({ actId }) => actId),
    [again.actId],
    'taken over once, and on record',
  );
});
