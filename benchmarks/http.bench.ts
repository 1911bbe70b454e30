// The whole server against what Postgres alone can do: agents ask over HTTP, and pgbench calls the same functions with
// the same values as the same login. In turns, in one run, on one machine that all of them share.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action, Decision } from '@mandate/kernel';
import { connect } from '../server/src/platform/postgres/connection.ts';
import type { Sql } from '../server/src/platform/postgres/sql.ts';
import { actionOf } from './lib/charter.ts';
import { load } from './lib/load.ts';
import type { Client, Load } from './lib/load.ts';
import { median } from './lib/measure.ts';
import { pgbench, pgbenchVersion } from './lib/pgbench.ts';
import type { Bench } from './lib/pgbench.ts';
import { startProcess } from './lib/processes.ts';
import type { Served } from './lib/processes.ts';
import { publish, times, verdict } from './lib/results.ts';
import { finishScript, insertScript, startScript } from './lib/statements.ts';
import type { StatementNeeds } from './lib/statements.ts';

const CLIENTS = 16;
const SECONDS = Number(process.env['MANDATE_BENCH_SECONDS'] ?? 3);
const ROUNDS = Number(process.env['MANDATE_BENCH_ROUNDS'] ?? 7);
/** Decisions are quick, so short rounds in greater number say more than long ones. */
const DECISION_SECONDS = 1;
const DECISION_ROUNDS = ROUNDS * 3;
const CONTENT = 'export function greet(name: string): string {\n  return `Hello ${name}`;\n}\n'
  .repeat(6)
  .slice(0, 400);
const PARAMETERS = { path: 'src/app/main.ts', content: CONTENT };
const COST_USD = 0.01;

const version = pgbenchVersion();
if (version === null) {
  process.stdout.write(
    'SKIPPED: pgbench is not installed, and without it there is nothing to hold the server against.\nOn Debian: apt-get install postgresql-contrib\n',
  );
  process.exit(0);
}

const dataDir = mkdtempSync(join(tmpdir(), 'mandate-bench-'));
const mandate = await startProcess<Served>('./mandate-process.ts', [dataDir]);
const { url, tenant, adminKey, appUrl } = mandate.told;
const sql = connect(appUrl, { max: 1, applicationName: 'benchmark' });
try {
  await measure();
} finally {
  await sql.end({ timeout: 1 });
  await mandate.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const [server] = await sql<{ version: string }[]>`select current_setting('server_version') as version`;
  const keys = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => makeKey(`agent-${i}`)));
  const clientsFor = (action: string): readonly Client[] =>
    keys.map((key, i) => ({
      key,
      body: JSON.stringify({
        agent: `agent-${i}`,
        action,
        parameters: PARAMETERS,
        estimatedCostUsd: COST_USD,
      }),
    }));
  const post = (path: string, action: string, expects: string): Promise<Load> =>
    load({ url, path, clients: clientsFor(action), seconds: SECONDS, expects });
  const preview = (to: string): Promise<Load> =>
    load({
      url: to,
      path: '/api/v1/decisions',
      clients: clientsFor('code.write'),
      seconds: DECISION_SECONDS,
      expects: '"decision"',
    });

  const answer = await ask('/api/v1/decisions', keys[0] ?? '', clientsFor('code.write')[0]?.body ?? '');
  const raws = await Promise.all(
    ['postgres', 'together', 'memory'].map((lookup) =>
      startProcess<{ readonly url: string }>('./raw-process.ts', [dataDir, appUrl, lookup, answer]),
    ),
  );
  const rounds: Round[] = [];
  const previews: Preview[] = [];
  try {
    // Warm: code compiled, statements prepared, agents registered and as trusted as a day's successes make them. While
    // their levels move, all in the same second, decisions go stale more often than the server repeats them.
    const warm = { url, path: '/api/v1/actions', seconds: 2 };
    await load({ ...warm, clients: clientsFor('bench.run'), expects: '"success"', forgives: '"stale"' });
    await load({ ...warm, clients: clientsFor('code.write'), expects: '"permitted"' });
    for (let round = 0; round < ROUNDS; round += 1) {
      const permitted = await post('/api/v1/actions', 'code.write', '"permitted"');
      const start = await bench(`start${round}`, 'code.write', (needs) => startScript(needs, 'permitted'));
      const paced = await bench(
        `paced${round}`,
        'code.write',
        (needs) => startScript(needs, 'permitted'),
        permitted.perSecond,
      );
      const success = await post('/api/v1/actions', 'bench.run', '"success"');
      const finish = await bench(`finish${round}`, 'bench.run', finishScript);
      const pacedFinish = await bench(`pacedf${round}`, 'bench.run', finishScript, success.perSecond);
      const insert = await bench(`insert${round}`, 'code.write', insertScript);
      rounds.push({ permitted, start, paced, success, finish, pacedFinish, insert });
    }
    const [alone, together, memory] = raws.map((raw) => raw.told.url);
    for (let round = -1; round < DECISION_ROUNDS; round += 1) {
      const turn = {
        mandate: await preview(url),
        alone: await preview(alone ?? ''),
        together: await preview(together ?? ''),
        memory: await preview(memory ?? ''),
      };
      // The first one warms all four.
      if (round >= 0) previews.push(turn);
    }
  } finally {
    await Promise.all(raws.map((raw) => raw.stop()));
  }
  report({ rounds, previews }, server?.version ?? 'unknown');

  async function bench(
    run: string,
    action: string,
    scriptOf: (needs: StatementNeeds) => string,
    rate: number | null = null,
  ): Promise<Bench> {
    const decision = (
      JSON.parse(await ask('/api/v1/decisions', keys[0] ?? '', clientsFor(action)[0]?.body ?? '')) as {
        readonly decision: Decision;
      }
    ).decision;
    const needs: StatementNeeds = {
      tenant,
      action: { ...actionOf(action, PARAMETERS, 'agent-0'), costMicroUsd: COST_USD * 1e6 } satisfies Action,
      decision,
      run,
    };
    const result = await pgbench({
      appUrl,
      script: scriptOf(needs),
      clients: CLIENTS,
      seconds: SECONDS,
      rate,
    });
    await checkRows(sql, run, result.transactions);
    return result;
  }
}

interface Round {
  readonly permitted: Load;
  readonly start: Bench;
  readonly paced: Bench;
  readonly success: Load;
  readonly finish: Bench;
  readonly pacedFinish: Bench;
  readonly insert: Bench;
}

/** One turn of POST /api/v1/decisions against servers of node:http and ajv. */
interface Preview {
  readonly mandate: Load;
  /** A statement of its own for the key of each request. */
  readonly alone: Load;
  /** The keys of one moment in one statement, by Mandate's own code. */
  readonly together: Load;
  readonly memory: Load;
}

interface Measured {
  readonly rounds: readonly Round[];
  readonly previews: readonly Preview[];
}

/** Every transaction that pgbench counts must have left its act: a refusal is fast and would flatter Postgres. */
async function checkRows(db: Sql, run: string, transactions: number): Promise<void> {
  const [row] = await db.begin(async (tx) => {
    await tx`select set_config('app.tenant', ${tenant}, true)`;
    return tx<{ acts: number; open: number }[]>`
      select count(*)::int as acts, (count(*) filter (where status = 'executing'))::int as open from mandate.act where agent like ${`${run}-%`}`;
  });
  if (row === undefined || row.acts < transactions || row.open > CLIENTS)
    throw new Error(
      `pgbench ${run} counts ${transactions} transactions, but left ${row?.acts} acts, ${row?.open} of them open`,
    );
}

async function ask(path: string, key: string, body: string): Promise<string> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return text;
}

async function makeKey(agent: string): Promise<string> {
  const made = JSON.parse(
    await ask('/api/v1/keys', adminKey, JSON.stringify({ label: agent, roles: ['agent'], agents: [agent] })),
  ) as { readonly text: string };
  return made.text;
}

function report({ rounds, previews }: Measured, postgres: string): void {
  const perSecond = (values: readonly number[]): string => Math.round(median(values)).toLocaleString('en');
  const rate = (pick: (round: Round) => { readonly perSecond: number }): string =>
    perSecond(rounds.map((round) => pick(round).perSecond));
  const ms = (pick: (round: Round) => { readonly p99Ms: number }): string =>
    `${median(rounds.map((round) => pick(round).p99Ms)).toFixed(1)} ms`;
  const share = (a: (round: Round) => number, b: (round: Round) => number): number =>
    median(rounds.map((round) => a(round) / b(round)));
  const atLeast = (
    name: string,
    a: (round: Round) => Load,
    b: (round: Round) => { readonly perSecond: number },
    least: number | null,
  ): string[] => {
    const ratio = share(
      (round) => a(round).perSecond,
      (round) => b(round).perSecond,
    );
    return [
      name,
      rate(a),
      rate(b),
      times(ratio),
      least === null ? '' : `≥ ${least}×`,
      least === null ? '' : verdict(ratio >= least),
    ];
  };
  const against = (name: string, other: (preview: Preview) => Load, least: number | null): string[] => {
    const ratio = median(previews.map((each) => each.mandate.perSecond / other(each).perSecond));
    return [
      name,
      perSecond(previews.map(({ mandate: { perSecond: own } }) => own)),
      perSecond(previews.map((each) => other(each).perSecond)),
      times(ratio),
      least === null ? '' : `≥ ${least}×`,
      least === null ? '' : verdict(ratio >= least),
    ];
  };
  const atMost = (name: string, a: (round: Round) => Load, b: (round: Round) => Bench): string[] => {
    const ratio = share(
      (round) => a(round).p99Ms,
      (round) => b(round).p99Ms,
    );
    return [name, ms(a), ms(b), times(ratio), '≤ 3×', verdict(ratio <= 3)];
  };
  publish({
    name: 'http',
    command: 'npm run bench -- http',
    postgres,
    tables: [
      {
        title: `POST /api/v1/actions, ${CLIENTS} clients, an agent each, shared ceilings (requests a second)`,
        head: ['', 'Mandate', 'the other', 'ratio', 'target', ''],
        rows: [
          atLeast(
            'permitted, against pgbench calling act_start',
            (r) => r.permitted,
            (r) => r.start,
            0.4,
          ),
          atLeast(
            'success, against pgbench calling act_start and act_finish',
            (r) => r.success,
            (r) => r.finish,
            0.5,
          ),
          atLeast(
            'permitted, against bare inserts of the two rows',
            (r) => r.permitted,
            (r) => r.insert,
            null,
          ),
          atLeast(
            'success, against bare inserts of the two rows',
            (r) => r.success,
            (r) => r.insert,
            null,
          ),
          atMost(
            'permitted: p99, against pgbench paced to the same rate',
            (r) => r.permitted,
            (r) => r.paced,
          ),
          atMost(
            'success: p99, against pgbench paced to the same rate',
            (r) => r.success,
            (r) => r.pacedFinish,
          ),
        ],
        notes: [
          `${version}, as the server's own login over the same socket. Medians of ${ROUNDS} rounds of ${SECONDS} s. Clients, server and Postgres share the cores. Every act is durable: fsync and synchronous_commit are on.`,
        ],
      },
      {
        title: `POST /api/v1/decisions, ${CLIENTS} clients (requests a second)`,
        head: ['', 'Mandate', 'the other', 'ratio', 'target', ''],
        rows: [
          against('against node:http and ajv, each key looked up in Postgres', ({ alone }) => alone, 0.6),
          against('… the keys of one moment in one statement', ({ together }) => together, null),
          against('… the key remembered in memory', ({ memory }) => memory, null),
        ],
        notes: [
          `Medians of ${DECISION_ROUNDS} rounds of ${DECISION_SECONDS} s; a ratio is the median of the ratios within a round. Mandate remembers no key and no fact: it makes two statements, one for the keys and one for the facts of all requests that come at the same moment. The others have no facts to read.`,
        ],
      },
    ],
  });
}
