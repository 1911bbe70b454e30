// How many steps a second a run machine gets done, and what a run costs that waits: Mandate's workflows, where each step
// is decided, begun, ended and recorded like any action, against DBOS alone, and against DBOS whose steps call the two
// functions that begin and end an act and do nothing else.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVER_FLAGS } from '../server/bin/node24.mjs';
import { deriveLogins } from './lib/logins.ts';
import { median } from './lib/measure.ts';
import { publish, times, verdict } from './lib/results.ts';
import type { Carried, Order, WorkflowServed } from './lib/workflow-process.ts';

const ROUNDS = Number(process.env['MANDATE_BENCH_ROUNDS'] ?? 7);
const RUNS = 60;
const STEPS = 20;
const WARM_RUNS = 1_000;
const PARKED = Number(process.env['MANDATE_BENCH_PARKED'] ?? 10_000);

/** What one run leaves of a worker that has just started: everything that it needs has been loaded. */
const ONE: Order = { runs: 1, steps: 1 };

const dataDir = mkdtempSync(join(tmpdir(), 'mandate-bench-'));
const contenders: ChildProcess[] = [];
try {
  await measure();
} finally {
  await stopAll();
  rmSync(dataDir, { recursive: true, force: true });
}

async function stopAll(): Promise<void> {
  for (const contender of contenders.splice(0).toReversed()) {
    if (!contender.connected) continue;
    const ended = once(contender, 'exit');
    contender.send('stop');
    await ended;
  }
}

async function begin(...args: readonly string[]): Promise<{ child: ChildProcess; told: unknown }> {
  const child = fork(fileURLToPath(new URL('./lib/workflow-process.ts', import.meta.url)), [...args], {
    // Mandate as `mandate worker` runs, the others as Node comes.
    execArgv: ['--conditions=mandate-source', '--expose-gc', ...(args[0] === 'mandate' ? SERVER_FLAGS : [])],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  contenders.push(child);
  const [told] = (await once(child, 'message')) as [unknown];
  return { child, told };
}

async function carry(child: ChildProcess, order: Order): Promise<Carried> {
  const answered = once(child, 'message');
  child.send(order);
  const [carried] = (await answered) as [Carried];
  return carried;
}

async function measure(): Promise<void> {
  // The first start makes the database; what is measured is a start like every other.
  await begin('mandate', dataDir);
  await stopAll();
  const mandate = await begin('mandate', dataDir);
  const none = await carry(mandate.child, ONE);
  const { adminUrl, decision } = mandate.told as WorkflowServed;
  const { appUrl } = await deriveLogins(dataDir, adminUrl);
  const bare = await begin('bare', adminUrl, appUrl);
  const functions = await begin('functions', adminUrl, appUrl, JSON.stringify(decision));
  const order: Order = { runs: RUNS, steps: STEPS };
  const perSecond = ({ ms }: Carried): number => (RUNS * STEPS * 1_000) / ms;
  const rounds: { mandate: number; bare: number; functions: number }[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const turn = {
      bare: perSecond(await carry(bare.child, order)),
      mandate: perSecond(await carry(mandate.child, order)),
      functions: perSecond(await carry(functions.child, order)),
    };
    process.stdout.write(`${JSON.stringify(turn)}\n`);
    // The first one warms all three.
    if (round >= 0) rounds.push(turn);
  }
  // The heap takes its size from the work that it does; what is asked is what waits in it afterwards.
  const before = await carry(mandate.child, { runs: WARM_RUNS, steps: -1 });
  const parked = await carry(mandate.child, { runs: PARKED, steps: -1 });
  await stopAll();
  const restarted = await carry((await begin('mandate', dataDir)).child, ONE);
  const grown = (name: string, [from, to]: readonly [Carried, Carried]): readonly string[][] => [
    [`${name}: memory in use`, (to.usedMb - from.usedMb).toFixed(1), '', ''],
    [
      `${name}: resident memory`,
      (to.rssMb - from.rssMb).toFixed(1),
      '< 50',
      verdict(to.rssMb - from.rssMb < 50),
    ],
  ];
  const ofBare = median(rounds.map((round) => round.mandate / round.bare));
  const ofFunctions = median(rounds.map((round) => round.mandate / round.functions));
  const shown = (of: 'mandate' | 'bare' | 'functions'): string =>
    Math.round(median(rounds.map((round) => round[of]))).toLocaleString('en');
  publish({
    name: 'workflow',
    command: 'npm run bench -- workflow',
    postgres: 'embedded',
    tables: [
      {
        title: `Steps a second, ${RUNS} runs of ${STEPS} steps at once`,
        head: ['', 'steps/s', 'Mandate against it', 'wanted', ''],
        rows: [
          ['Mandate: decided, begun, ended, recorded', shown('mandate'), '', '', ''],
          [
            'DBOS alone, steps that do nothing',
            shown('bare'),
            times(ofBare),
            '≥ 0.40×',
            verdict(ofBare >= 0.4),
          ],
          [
            'DBOS whose steps call act_start() and act_finish()',
            shown('functions'),
            times(ofFunctions),
            '≥ 0.80×',
            verdict(ofFunctions >= 0.8),
          ],
        ],
        notes: [
          'Ratios are medians over rounds in which the three take turns. A step of Mandate is no step of DBOS: its act says how it stands, so nothing is checkpointed a second time.',
        ],
      },
      {
        title: `Memory of ${PARKED.toLocaleString('en')} runs that wait for a person`,
        head: ['grown by', 'MB', 'wanted', ''],
        rows: [
          ...grown('the worker that parked them', [before, parked]),
          ...grown('a worker started among them, against one started without', [none, restarted]),
        ],
        notes: [
          `The first worker had worked before; then it started and parked ${PARKED.toLocaleString('en')} runs more (in ${(parked.ms / 1_000).toFixed(1)} s). Resident memory was ${before.rssMb.toFixed(0)} MB before and ${parked.rssMb.toFixed(0)} MB after; that of a worker just started is ${none.rssMb.toFixed(0)} MB without parked runs and ${restarted.rssMb.toFixed(0)} MB with them. In use is what is left after a collection of garbage.`,
        ],
      },
    ],
  });
}
