// DBOS, and the only file that knows it. It hands runs to workers: queued in the transaction that wakes them, carried by
// one worker at a time, handed to another when that one dies. What a run is about, and how it stands, it never sees:
// its rows hold a tenant, an id and a number.
import type { DBOSConfig } from '@dbos-inc/dbos-sdk';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Sql } from '../../platform/postgres/store.ts';

export interface Machine {
  /** Begins to carry runs. The first call on a database makes the schema `dbos`; later ones are no-ops. */
  launch(): Promise<void>;
  isLaunched(): boolean;
  /** Queues every run that is due. Answers how many. */
  enqueueDue(): Promise<number>;
  /** A stop may have been lifted, or a limit raised: whatever was put off is tried again. */
  unblock(): Promise<void>;
  /** Runs at work here that something has happened to. */
  stirred(ids: readonly string[]): Promise<readonly string[]>;
  /** Whether any run is due or at work anywhere. */
  hasWork(): Promise<boolean>;
  /** Hands on what dead workers carried, and what a crash left between two workers. Answers how many runs. */
  takeOver(): Promise<number>;
  /** Forgets segments that ended a while ago, and runs that ended long ago. Answers how many of both. */
  prune(): Promise<number>;
  close(): Promise<void>;
}

export interface MachineNeeds {
  readonly control: Sql;
  readonly clock: Clock;
  /** The migrator's address, with which the schema is made; and the login under which it is used. */
  readonly adminUrl: string;
  readonly controlUrl: string;
  /** Unique per process, and alive as long as its row in mandate.worker says so. */
  readonly worker: string;
  readonly carry: (tenant: string, run: string) => Promise<void>;
  readonly log: {
    info(fields: object, text: string): void;
    warn(fields: object, text: string): void;
    error(fields: object, text: string): void;
  };
}

const APPLICATION = 'mandate';
/** Pinned: the default is a hash of the sources, and every deploy would strand the work that is parked. */
const VERSION = 'mandate-1';
const QUEUE = 'runs';
const WORKFLOW = 'run';
const SCHEMA = 'dbos';
/** Runs that one process carries at once. They mostly wait for the database and for executors. */
const CONCURRENCY = 50;
const POLL_MS = 100;
const POOL = 4;
const BATCH = 500;
const KEPT_MS = 600_000;
/** Three months: as long as somebody may ask what came of a run. Its acts and its journal stay. */
const RUNS_KEPT_MS = 90 * 86_400_000;
const DRAIN_MS = 5_000;

export function createMachine(needs: MachineNeeds): Machine {
  const { control, clock, log, worker } = needs;
  let launching: Promise<void> | null = null;
  let launched = false;
  let shutdown: () => Promise<void> = () => Promise.resolve();

  async function launch(): Promise<void> {
    // Loaded when a workflow is used for the first time: it costs a tenth of a second and ten megabytes.
    const { DBOS } = await import('@dbos-inc/dbos-sdk');
    if (DBOS.isInitialized())
      throw new Error(
        'Another server in this process carries workflows already; one process carries those of one database. Start a process of its own.',
      );
    await prepare();
    DBOS.registerWorkflow(
      async (tenant: string, run: string): Promise<null> => {
        await needs.carry(tenant, run);
        return null;
      },
      { name: WORKFLOW },
    );
    const config: DBOSConfig = {
      name: APPLICATION,
      systemDatabaseUrl: urlFor(needs.controlUrl),
      systemDatabaseSchemaName: SCHEMA,
      systemDatabasePoolSize: POOL,
      // Set behind the back of the first query, which the driver warns of on every start.
      systemDatabaseIdleTransactionTimeoutMs: 0,
      applicationVersion: VERSION,
      executorID: worker,
      listenQueues: [QUEUE],
      runMigrations: false,
      useListenNotify: false,
      logger: quietLogger(),
    };
    DBOS.setConfig(config);
    await DBOS.launch();
    shutdown = () => DBOS.shutdown({ deregister: true, workflowCompletionTimeoutMS: DRAIN_MS });
    launched = true;
  }

  /** The schema is made by the migrator once; afterwards a look is enough. */
  async function prepare(): Promise<void> {
    const [{ migrateSystemDatabase, verifySystemDatabase }, { GlobalLogger }] = await Promise.all([
      import('@dbos-inc/dbos-sdk/internal/system_database'),
      import('@dbos-inc/dbos-sdk/internal/telemetry/logs'),
    ]);
    // The public DBOS.migrate() writes to standard output, which is data.
    const logger = new GlobalLogger(undefined, { logger: quietLogger() });
    try {
      await verifySystemDatabase(urlFor(needs.controlUrl), logger, undefined, SCHEMA, false);
    } catch {
      await migrateSystemDatabase(urlFor(needs.adminUrl), logger, SCHEMA, 'mandate_control');
    }
    const { DBOSClient } = await import('@dbos-inc/dbos-sdk');
    // Known before the launch, which looks for queues only once a second.
    const client = await DBOSClient.create({
      systemDatabaseUrl: urlFor(needs.controlUrl),
      systemDatabaseSchemaName: SCHEMA,
      systemDatabasePoolSize: 1,
      systemDatabaseIdleTransactionTimeoutMs: 0,
      applicationName: APPLICATION,
      logger: quietLogger(),
    });
    try {
      await client.registerQueue(QUEUE, { workerConcurrency: CONCURRENCY, minPollingIntervalMs: POLL_MS });
    } finally {
      await client.destroy();
    }
  }

  function quietLogger() {
    const text = (entry: unknown): string => (entry instanceof Error ? entry.message : String(entry));
    return {
      info: () => undefined,
      debug: () => undefined,
      warn: (entry: unknown) => log.warn({ detail: text(entry) }, 'the run machine warns'),
      error: (entry: unknown) => log.error({ detail: text(entry) }, 'the run machine met a mistake'),
    };
  }

  return {
    async launch() {
      launching ??= launch();
      try {
        await launching;
      } catch (error) {
        launching = null;
        throw error;
      }
    },
    isLaunched: () => launched,

    async enqueueDue() {
      const now = new Date(clock.nowMs());
      const queued = await control`
        with due as (
          select tenant, id from mandate.workflow_run where wake_at <= ${now} and not busy and ended_at is null
          order by wake_at limit ${BATCH} for update skip locked
        ), taken as (
          update mandate.workflow_run r set busy = true, segment = segment + 1 from due
          where r.tenant = due.tenant and r.id = due.id returning r.tenant, r.id, r.segment
        )
        select dbos.enqueue_workflow(${WORKFLOW}, ${QUEUE}, array[to_json(tenant), to_json(id)], workflow_id => id || '/' || segment,
          app_version => ${VERSION}, application_name => ${APPLICATION}) from taken`;
      return queued.count;
    },

    async unblock() {
      const now = new Date(clock.nowMs());
      await control`
        with freed as (
          update mandate.workflow_step set until_at = ${now}
          where status = 'put_off' and not superseded and why <> 'timer' and until_at > ${now} returning tenant, run
        )
        update mandate.workflow_run r set wake_at = ${now} from freed where r.tenant = freed.tenant and r.id = freed.run and r.ended_at is null`;
    },

    async stirred(ids) {
      if (ids.length === 0) return [];
      const rows = await control<{ id: string }[]>`
        select id from mandate.workflow_run where id = any(${[...ids]}) and busy and wake_at <= ${new Date(clock.nowMs())}`;
      return rows.map(({ id }) => id);
    },

    async hasWork() {
      const [row] = await control<{ found: boolean }[]>`
        select exists (select 1 from mandate.workflow_run where (wake_at <= ${new Date(clock.nowMs())} and not busy and ended_at is null) or busy) as found`;
      return row?.found ?? false;
    },

    async takeOver() {
      // A worker whose lease has run out acts no more (its own clock tells it sooner). After a restart of Postgres nobody
      // has had the time to renew one, so everybody is given some.
      const handed = await control`
        update dbos.workflow_status s set status = 'ENQUEUED', started_at_epoch_ms = null, owner_xid = null,
          queue_name = coalesce(queue_name, ${QUEUE}), updated_at = (extract(epoch from now()) * 1000)::bigint
        where status = 'PENDING' and application_name = ${APPLICATION} and executor_id <> ${worker}
          and now() > pg_postmaster_start_time() + interval '3 seconds'
          and not exists (select 1 from mandate.worker w where w.id::text = s.executor_id and w.lease_until > now())`;
      const lost = await control`
        update mandate.workflow_run r set busy = false, wake_at = ${new Date(clock.nowMs())}
        where busy and not exists (
          select 1 from dbos.workflow_status s where s.workflow_uuid = r.id || '/' || r.segment and s.status in ('ENQUEUED', 'PENDING', 'DELAYED'))`;
      return handed.count + lost.count;
    },

    async prune() {
      const { DBOS } = await import('@dbos-inc/dbos-sdk');
      let count = 0;
      for (;;) {
        const old = await control<{ id: string }[]>`
          select workflow_uuid as id from dbos.workflow_status
          where application_name = ${APPLICATION} and status not in ('ENQUEUED', 'PENDING', 'DELAYED')
            and completed_at < (extract(epoch from now()) * 1000)::bigint - ${KEPT_MS} limit ${BATCH}`;
        if (old.length > 0) await DBOS.deleteWorkflows(old.map(({ id }) => id));
        count += old.length;
        if (old.length < BATCH) break;
      }
      return count + (await forgetRuns(control, clock.nowMs()));
    },

    async close() {
      await launching?.catch(() => undefined);
      launched = false;
      await shutdown();
    },
  };
}

/** In small pieces, so that nobody waits for a lock. */
export async function forgetRuns(control: Sql, nowMs: number): Promise<number> {
  const before = new Date(nowMs - RUNS_KEPT_MS);
  let count = 0;
  for (;;) {
    const [row] = await control<{ forgotten: number }[]>`
      select mandate.workflow_forget(${before}, ${BATCH}) as forgotten`;
    const forgotten = row?.forgotten ?? 0;
    count += forgotten;
    if (forgotten < BATCH) return count;
  }
}

/** `new URL` takes no empty host; where the address names a socket directory, `pg` goes by that all the same. */
function urlFor(url: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/[^@/?]*@)\//, '$1localhost/');
}
