// Checks the three logins by what they can do, not by how they came about: supplied by an operator or derived by us,
// a login with too much power voids row-level security, and one with too little makes a stop hang.
import { parseAddress } from './connection.ts';
import { duties, quoteName } from './roles.ts';
import type { Duty } from './roles.ts';
import type { Sql } from './sql.ts';
import type { Logins, Store } from './store.ts';

interface Standing {
  readonly name: string;
  readonly isMember: boolean;
  /** Roles it is or may become that row-level security does not bind. */
  readonly powers: readonly string[];
  /** Other groups of Mandate that it may become. */
  readonly others: readonly string[];
  readonly maySignalAll: boolean;
  /** Differs where two logins lead to different databases. */
  readonly place: string;
}

/** Throws one error with every problem of the logins and the statements that mend them. */
export async function verifyLogins(store: Pick<Store, Duty>, logins: Logins): Promise<void> {
  const asked = [
    standingOf(store.app, 'app', logins.appUrl),
    standingOf(store.sequencer, 'sequencer', logins.sequencerUrl),
    standingOf(store.control, 'control', logins.controlUrl),
  ] as const;
  // All three to their end, also when one fails: a pool that is closed while it still connects hangs, and then fails
  // where nobody listens.
  await Promise.allSettled(asked);
  const [app, sequencer, control] = await Promise.all(asked);
  const problems = [
    ...problemsOf('app', app),
    ...problemsOf('sequencer', sequencer),
    ...problemsOf('control', control),
  ];
  if (new Set([app.name, sequencer.name, control.name]).size < 3)
    problems.push(
      `the three logins must be three users, but are ${app.name}, ${sequencer.name} and ${control.name}: create one for each duty`,
    );
  if (app.place !== sequencer.place || app.place !== control.place)
    problems.push(
      `the three logins lead to different databases (${app.place}; ${sequencer.place}; ${control.place}): let all three URLs name the same one`,
    );
  const [reach] = await store.control<
    { readonly mayEnd: boolean }[]
  >`select pg_has_role(current_user, ${app.name}::name, 'usage') as "mayEnd"`;
  if (!control.maySignalAll && reach?.mayEnd !== true)
    problems.push(
      `${control.name} (${variableOf('control')}) may not end the sessions of ${app.name}, so a stop could hang behind a hung request. Run: grant ${quoteName(app.name)} to ${quoteName(control.name)}; (or: grant pg_signal_backend to ${quoteName(control.name)};)`,
    );
  if (problems.length > 0)
    throw new Error(
      `The database logins are not safe to use, so Mandate does not start:\n- ${problems.join('\n- ')}`,
    );
}

/** The environment variable that supplies a duty's login. */
function variableOf(duty: Duty): string {
  return `MANDATE_${duty.toUpperCase()}_URL`;
}

async function standingOf(sql: Sql, duty: Duty, url: string): Promise<Standing> {
  const group = `mandate_${duty}`;
  const others = [
    'mandate_owner',
    ...(duty === 'app' ? duties.filter((other) => other !== 'app').map((other) => `mandate_${other}`) : []),
  ];
  let rows: readonly Standing[];
  try {
    rows = await sql<Standing[]>`
      select current_user as name,
        pg_has_role(current_user, ${group}::name, 'usage') as "isMember",
        array(select rolname::text from pg_roles where (rolsuper or rolbypassrls) and pg_has_role(current_user, oid, 'member')) as powers,
        array(select rolname::text from pg_roles where rolname = any(${others}) and pg_has_role(current_user, oid, 'member')) as others,
        pg_has_role(current_user, 'pg_signal_backend', 'usage') as "maySignalAll",
        current_database() || ' on the server started at ' || pg_postmaster_start_time() as place`;
  } catch (error) {
    const { user, host, port, database } = parseAddress(url);
    throw new Error(
      `${user} (${variableOf(duty)}) cannot use the database ${database} at ${host}:${port}: ${error instanceof Error ? error.message : String(error)}. Check that URL, and that the user exists, has this password and may connect.`,
      { cause: error },
    );
  }
  const [standing] = rows;
  if (standing === undefined)
    throw new Error(`${variableOf(duty)} answered a question about itself with nothing.`);
  return standing;
}

function problemsOf(duty: Duty, { name, isMember, powers, others }: Standing): string[] {
  const who = `${name} (${variableOf(duty)})`;
  const quoted = quoteName(name);
  const problems: string[] = [];
  if (powers.includes(name))
    problems.push(
      `${who} is superuser or bypasses row-level security. Run: alter role ${quoted} nosuperuser nobypassrls;`,
    );
  // A superuser is a member of everything; saying so once is enough.
  else {
    for (const role of powers)
      problems.push(
        `${who} may become ${role}, whom row-level security does not bind. Run: revoke ${quoteName(role)} from ${quoted};`,
      );
    for (const role of others)
      problems.push(`${who} may become ${role}, which is not its duty. Run: revoke ${role} from ${quoted};`);
  }
  if (!isMember)
    problems.push(`${who} is not a member of mandate_${duty}. Run: grant mandate_${duty} to ${quoted};`);
  return problems;
}
