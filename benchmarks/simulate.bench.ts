// A replay of ten thousand recorded actions under a proposed charter, against the least that any replay must do: read
// the same rows and open what was sealed in them. In turns, in one process, on a durable Postgres.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPolicy, buildTrials } from '../server/src/app/policy.ts';
import { createCharters } from '../server/src/decide/charter/charter.ts';
import { readCharterFile, shippedCharters } from '../server/src/decide/charter/disk.ts';
import type { Evidence, Side } from '../server/src/decide/policy/replay.ts';
import { createWalk } from '../server/src/decide/policy/walk.ts';
import { createFlags } from '../server/src/decide/restrictions/flags.ts';
import { openInfrastructure } from '../server/src/infrastructure.ts';
import type { Infrastructure } from '../server/src/infrastructure.ts';
import { loadConfig } from '../server/src/platform/config/config.ts';
import { createSeals } from '../server/src/platform/crypto/seal.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import { actionOf, factsOf } from '../test/plain.ts';
import { pastAct, recordActs } from '../test/recorded-acts.ts';
import { median } from './lib/measure.ts';
import { publish, times, verdict } from './lib/results.ts';

const ACTS = 10_000;
const ROUNDS = Number(process.env['MANDATE_BENCH_ROUNDS'] ?? 7);
const TENANT = 'default';
const CONTENT = 'export function greet(name: string): string {\n  return `Hello ${name}`;\n}\n'
  .repeat(6)
  .slice(0, 400);
const BEFORE = 'version: 1\nextends: default\n';
const AFTER =
  'version: 1\nextends: default\ntiers: { red: { actions: [git.merge] }, green: { actions: [crm.read] } }\n';
const ACTIONS = ['code.write', 'test.run_suite', 'git.merge', 'crm.read', 'deploy.staging', 'docs.write'];

const dataDir = mkdtempSync(join(tmpdir(), 'mandate-bench-'));
const config = loadConfig({ env: { MANDATE_DATA_DIR: dataDir, LOG_LEVEL: 'error' }, argv: [] });
const infrastructure = await openInfrastructure(config);
try {
  await measure(infrastructure);
} finally {
  await infrastructure.close();
  rmSync(dataDir, { recursive: true, force: true });
}

async function measure({ store, clock, chance, log, masterKeys }: Infrastructure): Promise<void> {
  await store.withTenant(
    TENANT,
    (tx) => tx`insert into mandate.tenant (tenant, created_at) values (${TENANT}, now())`,
  );
  const charters = createCharters({
    store,
    clock,
    log,
    readFile: readCharterFile,
    readShipped: shippedCharters,
  });
  await charters.activate({ tenant: TENANT, text: BEFORE, author: 'bench', note: null });
  const law = (await charters.active(TENANT))?.law;
  if (law === undefined) throw new Error('the charter is not in force');
  const seals = createSeals({ store, masterKeys, chance, clock });
  await recordActs({ store, seals }, TENANT, {
    acts: Array.from({ length: ACTS }, (_, n) =>
      pastAct(
        law,
        actionOf(ACTIONS[n % ACTIONS.length] ?? '', {
          agent: `agent-${n % 16}`,
          parameters: { path: `src/app/file-${n % 100}.ts`, content: CONTENT, branch: 'feature' },
        }),
        factsOf({ tenant: TENANT, nowMs: clock.nowMs(), used: { 'usd/tenant': n } }),
      ),
    ),
    untilMs: clock.nowMs() - 1_000,
  });

  const unseal = async (tenant: string, actId: string, sealed: Uint8Array): Promise<Evidence> =>
    JSON.parse((await seals.open(tenant, `act:${actId}`, sealed)).toString('utf8')) as Evidence;
  const walk = createWalk({ store, clock, unseal });
  const policy = buildPolicy({
    infrastructure: { store, clock, chance },
    trials: buildTrials({ store, clock, log }, charters),
    flags: createFlags({ store, clock, writeEntry }),
    unseal: async (tenant, sealed, place) =>
      JSON.parse((await seals.open(tenant, place, sealed)).toString('utf8')) as unknown,
  });
  const found = await policy.charters.find(TENANT, AFTER, '');
  if (found.kind === 'refused') throw new Error(found.refusal.detail);
  const after: Side = { law: found.law };

  async function floor(): Promise<number> {
    const from = performance.now();
    let opened = 0;
    const range = { fromMs: 0, toMs: clock.nowMs() };
    await walk({ tenant: TENANT, range, most: ACTS, visit: () => void (opened += 1) });
    if (opened !== ACTS) throw new Error(`${opened} of ${ACTS} acts were opened`);
    return performance.now() - from;
  }
  let summary = '';
  let named = 0;
  async function simulate(): Promise<number> {
    const from = performance.now();
    const done = await policy.simulate({ tenant: TENANT, range: {}, before: 'own', after, limit: ACTS });
    const ms = performance.now() - from;
    if (done.kind === 'refused') throw new Error(done.refusal.detail);
    const { report } = done;
    ({ summary } = report);
    named = report.differences.length;
    const counted = Object.values(report.counts).reduce((sum, count) => sum + count, 0);
    if (report.acts !== ACTS || counted !== named || report.drifted.count > 0)
      throw new Error(`a replay that is not whole: ${JSON.stringify({ ...report, differences: named })}`);
    return ms;
  }

  await floor();
  const firstMs = await simulate();
  const rounds: { readonly floorMs: number; readonly simulateMs: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    rounds.push({ floorMs: await floor(), simulateMs: await simulate() });
  const [server] = await store.app<
    { version: string }[]
  >`select current_setting('server_version') as version`;
  const simulateMs = median(rounds.map((round) => round.simulateMs));
  const ratio = median(rounds.map((round) => round.simulateMs / round.floorMs));
  const ms = (value: number): string => `${Math.round(value)} ms`;
  publish({
    name: 'simulate',
    command: 'npm run bench -- simulate',
    postgres: server?.version ?? null,
    tables: [
      {
        title: `policy simulate over ${ACTS.toLocaleString('en')} recorded actions`,
        head: ['', 'time', 'target', ''],
        rows: [
          ['simulate, the first time', ms(firstMs), '< 2 s', verdict(firstMs < 2_000)],
          ['simulate', ms(simulateMs), '< 2 s', verdict(simulateMs < 2_000)],
          [
            'reading and opening the same rows (the floor)',
            ms(median(rounds.map((it) => it.floorMs))),
            '',
            '',
          ],
          ['simulate, of the floor', times(ratio), '', ''],
        ],
        notes: [
          `Each action is decided twice, under its own charter and under the proposed one. ${summary} All ${named.toLocaleString('en')} differences are in the answer by name.`,
          `Medians of ${ROUNDS} rounds in turns. The server and Postgres share the cores.`,
        ],
      },
    ],
  });
}
