// Who may do what in the database. Four group roles carry the rights; three logins, one per duty, are members of
// one group each. They are separate logins and not SET ROLE, because whoever can inject SQL can also RESET ROLE.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { connect, formatAddress, parseAddress } from './connection.ts';
import type { Sql } from './sql.ts';
import type { Logins } from './store.ts';

/** The duties that have a login. The group is `mandate_<duty>`. */
export type Duty = 'app' | 'sequencer' | 'control';

export const duties: readonly Duty[] = ['app', 'sequencer', 'control'];

const groups = ['mandate_owner', ...duties.map((duty) => `mandate_${duty}`)];

/**
 * Creates the group roles where they are missing, and lets the migrator act as mandate_owner. The migrator needs
 * CREATEROLE or superuser the first time; the error names the statements that an administrator can run instead.
 */
export async function ensureGroups(sql: Sql): Promise<void> {
  const [me] = await sql<{ readonly name: string; readonly isSuper: boolean; readonly version: number }[]>`
    select current_user as name, rolsuper as "isSuper", current_setting('server_version_num')::int as version
    from pg_roles where rolname = current_user`;
  if (me === undefined) throw new Error('The migrator of DATABASE_URL is not listed in pg_roles.');
  if (me.version < 150_000)
    throw new Error(
      `Postgres ${Math.floor(me.version / 10_000)} is too old: Mandate needs 15 or newer (it relies on security_invoker views).`,
    );
  const existing = await sql<
    { readonly name: string }[]
  >`select rolname as name from pg_roles where rolname = any(${groups})`;
  for (const group of groups) {
    if (existing.some(({ name }) => name === group)) continue;
    await orExplain(me.name, () => ignoringRace(() => sql.unsafe(`create role ${group} nologin`)));
  }
  if (me.isSuper) return;
  const mode = me.version >= 160_000 ? 'set' : 'member';
  const [member] = await sql<{ readonly actsAsOwner: boolean }[]>`
    select pg_has_role(current_user, 'mandate_owner', ${mode}) and pg_has_role(current_user, 'mandate_owner', 'usage') as "actsAsOwner"`;
  if (member?.actsAsOwner === true) return;
  const how = me.version >= 160_000 ? ' with inherit true, set true' : '';
  await orExplain(me.name, () =>
    ignoringRace(() => sql.unsafe(`grant mandate_owner to ${quoteName(me.name)}${how}`)),
  );
}

export interface LoginNeeds {
  /** The migrator's address; the logins get the same host and database. */
  readonly adminUrl: string;
  /** The server's secret (at least 16 characters): every process that knows it derives the same passwords. */
  readonly secret: string;
  /** Distinguishes the logins of several databases in one cluster (default: the database's name). */
  readonly scope?: string;
}

/** Creates the three logins, or renews their passwords where the secret has changed, and answers with their addresses. */
export async function ensureLogins(sql: Sql, needs: LoginNeeds): Promise<Logins> {
  if (needs.secret.length < 16)
    throw new Error('The secret from which database passwords are derived needs at least 16 characters.');
  const urls = loginUrls(needs);
  await Promise.all([
    ensureLogin(sql, 'app', urls.appUrl),
    ensureLogin(sql, 'sequencer', urls.sequencerUrl),
    ensureLogin(sql, 'control', urls.controlUrl),
  ]);
  await grantTermination(sql, urls);
  return urls;
}

/** The addresses of the three logins, without asking the database. */
export function loginUrls({ adminUrl, secret, scope }: LoginNeeds): Logins {
  const admin = parseAddress(adminUrl);
  const suffix = createHash('sha256')
    .update(scope ?? admin.database)
    .digest('hex')
    .slice(0, 8);
  const url = (duty: Duty): string => {
    const user = `mandate_${duty}_${suffix}`;
    const password = createHmac('sha256', secret).update(`mandate login ${user}`).digest('base64url');
    return formatAddress({ ...admin, user, password });
  };
  return { appUrl: url('app'), sequencerUrl: url('sequencer'), controlUrl: url('control') };
}

async function ensureLogin(sql: Sql, duty: Duty, url: string): Promise<void> {
  const { user, password, database } = parseAddress(url);
  if (!(await canLogIn(url))) {
    const [found] = await sql`select 1 from pg_roles where rolname = ${user}`;
    if (found === undefined) await ignoringRace(() => sql.unsafe(`create role ${quoteName(user)} nologin`));
    await ignoringRace(() =>
      sql.unsafe(`alter role ${quoteName(user)} login password '${scramVerifier(user, password ?? '')}'`),
    );
  }
  const [rights] = await sql<{ readonly isMember: boolean; readonly mayConnect: boolean }[]>`
    select pg_has_role(${user}::name, ${`mandate_${duty}`}::name, 'usage') as "isMember",
      has_database_privilege(${user}::name, ${database}, 'connect') as "mayConnect"`;
  if (rights?.isMember !== true)
    await ignoringRace(() => sql.unsafe(`grant mandate_${duty} to ${quoteName(user)}`));
  if (rights?.mayConnect !== true)
    await ignoringRace(() =>
      sql.unsafe(`grant connect on database ${quoteName(database)} to ${quoteName(user)}`),
    );
}

// Control ends sessions that hold the barrier. Membership in the two logins gives exactly that, and a migrator that
// is no superuser may grant it; pg_signal_backend would reach every session of the cluster.
async function grantTermination(sql: Sql, urls: Logins): Promise<void> {
  const control = parseAddress(urls.controlUrl).user;
  for (const url of [urls.appUrl, urls.sequencerUrl]) {
    const { user } = parseAddress(url);
    const [rights] = await sql<
      { readonly mayEnd: boolean }[]
    >`select pg_has_role(${control}::name, ${user}::name, 'usage') as "mayEnd"`;
    if (rights?.mayEnd !== true)
      await ignoringRace(() => sql.unsafe(`grant ${quoteName(user)} to ${quoteName(control)}`));
  }
}

async function canLogIn(url: string): Promise<boolean> {
  const sql = connect(url, { max: 1, applicationName: 'mandate login check' });
  try {
    await sql`select 1`;
    return true;
  } catch (error) {
    // Wrong password or no such role (28P01, 28000), or not allowed in (42501): all mended below. Anything else
    // (server gone, too many connections) would not be, and hiding it would rewrite good passwords.
    if (['28P01', '28000', '42501'].includes(codeOf(error))) return false;
    throw error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/**
 * The SCRAM-SHA-256 verifier as Postgres stores it (RFC 5802, RFC 7677), so that the password itself never travels
 * in a statement and cannot end up in a server log. The salt is derived: the same password gives the same verifier.
 */
export function scramVerifier(user: string, password: string): string {
  const iterations = 4096;
  const salt = createHash('sha256').update(`mandate scram ${user} ${password}`).digest().subarray(0, 16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

// Roles belong to the cluster, an advisory lock to a database: two databases that start at once meet here. Created
// by the other one (42710, 23505) is as good as created by us; a row that both rewrite (XX000) is written again.
async function ignoringRace(statement: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await statement();
      return;
    } catch (error) {
      const code = codeOf(error);
      if (code === '42710' || code === '23505') return;
      if (code !== 'XX000' || attempt === 20) throw error;
    }
  }
}

async function orExplain(migrator: string, statement: () => Promise<void>): Promise<void> {
  try {
    await statement();
  } catch (error) {
    if (codeOf(error) !== '42501') throw error;
    const create = groups.map((group) => `create role ${group} nologin;`).join(' ');
    throw new Error(
      `The user ${migrator} of DATABASE_URL may not create roles. Let an administrator run: alter role ${quoteName(migrator)} createrole; or, where that is not wanted: ${create} grant mandate_owner to ${quoteName(migrator)}; and supply MANDATE_APP_URL, MANDATE_SEQUENCER_URL and MANDATE_CONTROL_URL.`,
      { cause: error },
    );
  }
}

/** A name as an SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
