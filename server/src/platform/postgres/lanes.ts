// Transactions on connections of their own. postgres.js 3.4.9 does not survive the end of a session in the middle of
// a transaction, and ending the sessions of hung holders is what a stop does: its rollback then writes to a socket
// that is gone and takes the process down (porsager/postgres#1208), and statements of a dead transaction run inside
// the next one on that connection (#1216), which may be another tenant's. A lane is therefore one driver with one
// connection, leased to one transaction at a time; it never reconnects, and once dead it is thrown away.
import type postgres from 'postgres';
import type { Sql, Tx } from './sql.ts';

/** Opens a driver of exactly one connection that calls `dial` for every socket and `onclose` when one has closed. */
export type OpenLane = (hooks: { readonly isDead: () => boolean; readonly onclose: () => void }) => Sql;

/** A session of one's own, e.g. for advisory locks: the connection is closed when it is released. */
export type Reserved = Tx & { release(): void };

export interface Lanes {
  begin<T>(options: string, fn: (tx: Tx) => T | Promise<T>): Promise<T>;
  reserve(): Promise<Reserved>;
  end(timeoutMs: number): Promise<void>;
}

// What this file knows of a query beyond the driver's types. `handler` is called with the query when it is awaited
// or executed, never for a fragment; `connection.test.ts` and `store.test.ts` fail if a new version changes it.
type Dispatched = Promise<unknown> & { handler: (query: Dispatched) => void; reject: (error: Error) => void };

interface Lane {
  readonly sql: Sql;
  /** Sent and not yet answered. */
  readonly running: Set<Dispatched>;
  isDead: boolean;
}

/** At most `max` lanes; who finds none waits for one. */
export function createLanes(max: number, open: OpenLane): Lanes {
  const lanes = new Set<Lane>();
  const idle: Lane[] = [];
  const waiting: { readonly resolve: (lane: Lane) => void; readonly reject: (error: Error) => void }[] = [];
  let isEnding = false;
  let emptied: (() => void) | null = null;

  const create = (): Lane => {
    const lane: Lane = {
      sql: open({ isDead: () => lane.isDead, onclose: () => bury(lane) }),
      running: new Set(),
      isDead: false,
    };
    lanes.add(lane);
    return lane;
  };

  const bury = (lane: Lane): void => {
    lane.isDead = true;
    // The driver would try the rest of them on a new connection, outside of their transaction, or leave them unanswered.
    for (const query of lane.running) query.reject(connectionLost());
    lane.running.clear();
    const position = idle.indexOf(lane);
    if (position === -1) return;
    idle.splice(position, 1);
    discard(lane);
  };

  const discard = (lane: Lane): void => {
    lane.isDead = true;
    lanes.delete(lane);
    lane.sql.end({ timeout: 0 }).catch(() => {});
    if (lanes.size === 0) emptied?.();
  };

  const acquire = async (): Promise<Lane> => {
    if (isEnding) throw new Error('The database pool is closed: nothing more may be asked of it.');
    const lane = idle.pop();
    if (lane !== undefined) return lane;
    if (lanes.size < max) return create();
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };

  const release = (lane: Lane): void => {
    lane.running.clear();
    const next = waiting.shift();
    if (lane.isDead || isEnding) discard(lane);
    if (next !== undefined) next.resolve(lanes.has(lane) ? lane : create());
    else if (lanes.has(lane)) idle.push(lane);
  };

  return {
    async begin(options, fn) {
      const lane = await acquire();
      const lease = createLease(lane);
      try {
        // Awaited: were it refused, the statements behind it would run without a transaction.
        await started(lane, lease.tx.unsafe(`begin ${options.replace(/[^a-z ]/gi, '')}`));
        return await settle(lane, lease, fn);
      } finally {
        lease.end();
        release(lane);
      }
    },
    async reserve() {
      const lane = await acquire();
      const lease = createLease(lane);
      return lease.withRelease(() => {
        lease.end();
        // What a session has set, prepared and locked ends with it.
        lane.isDead = true;
        release(lane);
      });
    },
    async end(timeoutMs) {
      isEnding = true;
      for (const { reject } of waiting.splice(0)) reject(connectionLost());
      for (const lane of idle.splice(0)) discard(lane);
      if (lanes.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      emptied = resolve;
      await promise;
      clearTimeout(timer);
      for (const lane of lanes) {
        discard(lane);
        bury(lane);
      }
    },
  };
}

async function started(lane: Lane, begin: Promise<unknown>): Promise<void> {
  try {
    await begin;
  } catch (error) {
    lane.isDead = true;
    throw error;
  }
}

async function settle<T>(lane: Lane, lease: Lease, fn: (tx: Tx) => T | Promise<T>): Promise<T> {
  let value: T;
  try {
    value = await fn(lease.tx);
  } catch (error) {
    await rollBack(lane, lease);
    // "current transaction is aborted" tells nothing; the error that aborted it does.
    throw codeOf(error) === '25P02' ? (lease.firstError() ?? error) : error;
  }
  const { command } = await lease.tx.unsafe('commit').catch((error: unknown) => {
    lane.isDead = true;
    throw error;
  });
  // Postgres answers a commit of an aborted transaction with ROLLBACK and no error: somebody caught one too many.
  if (command === 'ROLLBACK')
    throw (
      lease.firstError() ??
      new Error('The transaction was aborted by a failed statement and has been rolled back.')
    );
  return value;
}

async function rollBack(lane: Lane, lease: Lease): Promise<void> {
  if (lane.isDead) return;
  try {
    await lease.tx.unsafe('rollback');
  } catch {
    // The session is gone, and the transaction with it.
    lane.isDead = true;
  }
}

interface Lease {
  readonly tx: Tx;
  withRelease(release: () => void): Reserved;
  firstError(): unknown;
  /** From now on nothing that came from `tx` reaches the lane, however late it is awaited. */
  end(): void;
}

function createLease(lane: Lane): Lease {
  let isOver = false;
  let first: unknown;
  let savepoints = 0;

  const watch = (made: unknown): unknown => {
    if (!(made instanceof Promise)) return made;
    if (!isDispatched(made))
      throw new Error(
        'This version of postgres.js runs queries in another way: adapt lanes.ts before using it.',
      );
    const dispatch = made.handler;
    made.handler = (dispatched) => {
      if (isOver)
        return dispatched.reject(new Error('This transaction is over: await every query inside of it.'));
      if (lane.isDead) return dispatched.reject(connectionLost());
      lane.running.add(dispatched);
      dispatched.then(
        () => lane.running.delete(dispatched),
        (error: unknown) => {
          lane.running.delete(dispatched);
          first ??= error;
          if (isFatal(error)) lane.isDead = true;
        },
      );
      return dispatch(dispatched);
    };
    return made;
  };

  const savepoint = async <T>(fn: (tx: Tx) => T | Promise<T>): Promise<T> => {
    const name = `s${(savepoints += 1)}`;
    await tx.unsafe(`savepoint ${name}`);
    const before = first;
    try {
      return await fn(tx);
    } catch (error) {
      await tx.unsafe(`rollback to ${name}`);
      first = before;
      throw error;
    }
  };

  const replaced = {
    unsafe: (...args: Parameters<Tx['unsafe']>) => watch(lane.sql.unsafe(...args)),
    file: (...args: Parameters<Tx['file']>) => watch(lane.sql.file(...args)),
    notify: (channel: string, payload: string) => watch(lane.sql`select pg_notify(${channel}, ${payload})`),
    savepoint,
  };
  // The tag keeps all that it can do (fragments, json, arrays, lists); only what runs is watched.
  const facade = (members: Readonly<Record<string, unknown>>): unknown =>
    new Proxy(lane.sql, {
      apply: (sql, self, args) => watch(Reflect.apply(sql, self, args)),
      get: (sql, key) =>
        typeof key === 'string' && Object.hasOwn(members, key) ? members[key] : Reflect.get(sql, key),
    });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a pool's tag with a transaction's members
  const tx = facade(replaced) as Tx;
  return {
    tx,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same with release()
    withRelease: (release) => facade({ ...replaced, release }) as Reserved,
    firstError: () => first,
    end: () => {
      isOver = true;
    },
  };
}

function isDispatched(query: Promise<unknown>): query is Dispatched {
  return (
    'handler' in query &&
    typeof query.handler === 'function' &&
    'reject' in query &&
    typeof query.reject === 'function'
  );
}

// A session ended by an administrator, by a timeout or by the server's own end says so with severity FATAL; a socket
// that closed has a code of the driver's.
function isFatal(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const severity = 'severity' in error ? error.severity : '';
  return severity === 'FATAL' || severity === 'PANIC' || codeOf(error).startsWith('CONNECTION_');
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

function connectionLost(): Error & Pick<postgres.ConnectionError, 'code'> {
  return Object.assign(
    new Error(
      'The connection to Postgres was lost in the middle of a transaction, which has been rolled back.',
    ),
    {
      code: 'CONNECTION_CLOSED' as const,
    },
  );
}
