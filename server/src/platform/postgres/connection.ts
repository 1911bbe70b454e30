// The one place that talks to the postgres.js constructor: addresses, value types and session settings are
// decided here, so that every pool of Mandate reads a bigint, a time or a socket address in the same way.
import { once } from 'node:events';
import { createConnection, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import postgres from 'postgres';
import { createLanes } from './lanes.ts';
import type { Reserved } from './lanes.ts';
import type { Sql, Tx } from './sql.ts';

interface DriverTypes extends Record<string, postgres.PostgresType> {
  readonly bigint: postgres.PostgresType<number | bigint>;
  readonly instant: postgres.PostgresType<number>;
}

/** Where a database is and who asks. The password may be absent where the server's own rules let us in. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | null;
  /** Everything else in the URL's query (`sslmode`, `application_name`, …). */
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Reads a Postgres URL, the libpq form for sockets included (`postgresql://user:pw@/db?host=/run/pg`), which
 * neither `new URL` nor postgres.js understands.
 */
export function parseAddress(url: string): Address {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new Error(`Not a Postgres URL (it must begin with postgres://): ${redactUrl(url)}`);
  let parsed: URL;
  try {
    parsed = new URL(url.replace(/^(postgres(?:ql)?:\/\/(?:[^@/?]*@)?)(?=[/?]|$)/, '$1socket'));
  } catch {
    throw new Error(
      `Cannot read the Postgres URL ${redactUrl(url)}. Percent-encode special characters in user and password.`,
    );
  }
  const settings = Object.fromEntries(parsed.searchParams);
  const { host: directory, port, ...rest } = settings;
  const host = directory ?? decodeURIComponent(parsed.hostname).replace(/^\[(.*)\]$/, '$1');
  const user = decodeURIComponent(parsed.username);
  if (user === '')
    throw new Error(
      `The Postgres URL names no user: ${redactUrl(url)}. Write postgres://user:password@host/database.`,
    );
  // Not from the parsed path, in which `.` and `..` are no names but directions.
  const database = decodeURIComponent(/^postgres(?:ql)?:\/\/[^/?#]*\/?([^?#]*)/.exec(url)?.[1] ?? '');
  if (database === '')
    throw new Error(
      `The Postgres URL names no database: ${redactUrl(url)}. Write postgres://user:password@host/database.`,
    );
  return {
    host: host === 'socket' && directory === undefined && !/@socket[:/?]/.test(url) ? 'localhost' : host,
    port: Number(port ?? (parsed.port || '5432')),
    database,
    user,
    password: parsed.password === '' ? null : decodeURIComponent(parsed.password),
    settings: rest,
  };
}

/** The address as a URL in the form that libpq, `pg` and `parseAddress` all read. */
export function formatAddress(address: Address): string {
  const secret = address.password === null ? '' : `:${encodeURIComponent(address.password)}`;
  const user = `${encodeURIComponent(address.user)}${secret}`;
  const settings = new URLSearchParams(address.settings);
  const isSocket = address.host.startsWith('/');
  if (isSocket) {
    settings.set('host', address.host);
    settings.set('port', String(address.port));
  }
  const host = isSocket ? '' : `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`;
  const query = settings.size > 0 ? `?${settings.toString()}` : '';
  return `postgresql://${user}@${host}/${encodeURIComponent(address.database)}${query}`;
}

/** The same URL with another database, for clones and for the maintenance database. */
export function withDatabase(url: string, database: string): string {
  return formatAddress({ ...parseAddress(url), database });
}

/** The URL without its password, for messages. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z]+:\/\/[^:@/?]*):[^@/]*@/i, '$1:***@');
}

export interface ConnectOptions {
  /** Most connections held at once for single queries, and as many again for transactions. */
  readonly max: number;
  /** Shown in pg_stat_activity, so that an operator can tell who holds a lock. */
  readonly applicationName: string;
  /** Session settings, e.g. `statement_timeout` in ms. */
  readonly session?: Readonly<Record<string, string | number>>;
  /** Give up connecting after so many seconds (10 by default). */
  readonly connectSeconds?: number;
}

/**
 * Opens a pool (lazily: the first query connects).
 *
 * Values: `bigint` is a number while it is safe and a BigInt beyond; `timestamptz` is epoch milliseconds in both
 * directions; `jsonb` is parsed, and written through `sql.json(value)`. A *string* handed to a jsonb parameter
 * would be encoded once more: write canonical text as `${text}::text::jsonb`.
 *
 * Do not use a query's `cancel()`: the driver may drop one that is not yet running without ever answering it. Set
 * `statement_timeout` for the transaction instead.
 */
export function connect(url: string, options: ConnectOptions): Sql {
  const { host, port, database, user, password, settings } = parseAddress(url);
  const { sslmode, ...connection } = settings;
  const connectSeconds = options.connectSeconds ?? 10;
  const driver: postgres.Options<DriverTypes> = {
    ...readPlace(host, port),
    database,
    user,
    ...(password === null ? {} : { password }),
    ...(sslmode === undefined ? {} : { ssl: readSslMode(sslmode) }),
    max: options.max,
    connect_timeout: connectSeconds,
    // Notices ("relation already exists, skipping") are noise to us and would go to the console.
    onnotice: () => {},
    types: { bigint: bigintType, instant: instantType },
    connection: {
      ...connection,
      application_name: options.applicationName,
      TimeZone: 'UTC',
      // act_start() refuses any other isolation; a server-wide default must not decide this for us.
      default_transaction_isolation: 'read committed',
      ...options.session,
    },
  };
  const sql: Sql = postgres(driver);
  const lanes = createLanes(options.max, ({ isDead, onclose }) => {
    const socket = async (): Promise<Socket> => {
      if (isDead()) throw new Error('The connection to Postgres was lost.');
      return dial({ host, port, timeoutMs: connectSeconds * 1000 });
    };
    // Neither timer may close a lane: it looks idle to the driver between two statements of a transaction.
    const hooks = { socket, onclose };
    return postgres({ ...driver, ...hooks, max: 1, max_lifetime: null });
  });
  const endPool = sql.end.bind(sql);
  return Object.assign(sql, {
    begin: <T>(
      ...args:
        | readonly [fn: (tx: Tx) => T | Promise<T>]
        | readonly [options: string, fn: (tx: Tx) => T | Promise<T>]
    ) => (args.length === 1 ? lanes.begin('', args[0]) : lanes.begin(args[0], args[1])),
    reserve: (): Promise<Reserved> => lanes.reserve(),
    end: async (given: { readonly timeout?: number | undefined } = {}) => {
      await Promise.all([lanes.end((given.timeout ?? 60) * 1000), endPool(given)]);
    },
  });
}

async function dial({
  host,
  port,
  timeoutMs,
}: {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}): Promise<Socket> {
  const socket = host.startsWith('/')
    ? createConnection(`${host}/.s.PGSQL.${port}`)
    : createConnection({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  // The driver reads the name that the server's certificate must carry from here.
  return Object.assign(socket, { host });
}

// postgres.js splits a host at its colons unless it comes as a list, which its types keep to themselves.
function readPlace(host: string, port: number): { readonly host: string; readonly port: number } {
  if (!isIPv6(host)) return { host, port };
  const listed: unknown = { host: [host], port: [port] };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above: parseOptions() takes lists as they are
  return listed as { readonly host: string; readonly port: number };
}

function readSslMode(mode: string): boolean | 'require' | 'allow' | 'prefer' | 'verify-full' {
  switch (mode) {
    case 'disable':
      return false;
    case 'allow':
    case 'prefer':
    case 'require':
    case 'verify-full':
      return mode;
    default:
      throw new Error(`sslmode=${mode} is not supported. Use disable, prefer, require or verify-full.`);
  }
}

const bigintType = {
  to: 20,
  from: [20],
  serialize: (value: number | bigint): string => String(value),
  parse: (raw: string): number | bigint => {
    const value = Number(raw);
    return Number.isSafeInteger(value) ? value : BigInt(raw);
  },
};

const instantType = {
  to: 1184,
  from: [1184],
  serialize: (value: number | string | Date): string =>
    typeof value === 'string' ? value : new Date(value).toISOString(),
  parse: (raw: string): number => {
    if (raw === 'infinity') return Number.POSITIVE_INFINITY;
    return raw === '-infinity' ? Number.NEGATIVE_INFINITY : Date.parse(raw);
  },
};
