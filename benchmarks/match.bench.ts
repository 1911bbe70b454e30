// Policy matching against the engines that one would otherwise take: the same policy and the same questions, the
// answers compared before anything is timed. Ratios come from interleaved rounds of one run.
import {
  agentGovernance,
  agentGovernanceFlat,
  casbin,
  cedar,
  floor,
  mandate,
  opa,
} from './lib/contenders.ts';
import type { Contender } from './lib/contenders.ts';
import { race } from './lib/measure.ts';
import type { Timing } from './lib/measure.ts';
import { expected, policyOf, questionsOf } from './lib/policy.ts';
import { duration, publish, times, verdict } from './lib/results.ts';
import type { Table } from './lib/results.ts';

const SIZES = [40, 1_000, 10_000];
const TARGETS: readonly (readonly [name: string, least: number])[] = [
  ['OPA', 100],
  ['Cedar', 500],
  ['casbin', 500],
  ['agent-governance-sdk 4.0 (policy documents)', 500],
];

async function contendersOf(size: number): Promise<readonly Contender[]> {
  const policy = policyOf(size);
  const wasm = await opa(policy);
  return [
    mandate(policy),
    floor(policy),
    ...(wasm === null ? [] : [wasm]),
    cedar(policy),
    await casbin(policy),
    agentGovernance(policy),
    agentGovernanceFlat(policy),
  ];
}

function check(size: number, contenders: readonly Contender[]): void {
  const policy = policyOf(size);
  for (const question of questionsOf(policy)) {
    const right = expected(policy, question);
    for (const { name, prepare } of contenders) {
      if (prepare(question)() !== right)
        throw new Error(
          `${name} answers ${!right} to ${JSON.stringify(question)} at ${size} rules; ${right} is right`,
        );
    }
  }
}

async function raceAt(size: number): Promise<readonly Timing[]> {
  const contenders = await contendersOf(size);
  check(size, contenders);
  const questions = questionsOf(policyOf(size));
  const subjects = contenders.map(({ name, prepare }) => {
    const asks = questions.map(prepare);
    return { name, cycle: asks.length, run: (turn: number) => asks[turn % asks.length]?.() };
  });
  return race(subjects);
}

function tableOf(size: number, timings: readonly Timing[]): Table {
  return {
    title: `${size.toLocaleString('en')} rules`,
    head: [
      'engine',
      'one answer (median)',
      'Mandate is faster by',
      ...(size === SIZES[0] ? ['target', ''] : []),
    ],
    rows: timings.map(({ name, medianNs, ratio }) => {
      const least = TARGETS.find(([start]) => name.startsWith(start))?.[1];
      const target =
        size !== SIZES[0] ? [] : least === undefined ? ['', ''] : [`≥ ${least}×`, verdict(ratio >= least)];
      return [name, duration(medianNs), times(ratio), ...target];
    }),
    ...(timings.some(({ name }) => name.startsWith('OPA'))
      ? {}
      : {
          notes: [
            'OPA was not measured: there is no `benchmarks/opa/policy.wasm` (see its `.rego` for the command).',
          ],
        }),
  };
}

/** The sizes against each other, in rounds of one race. */
function growthOf(contender: (policy: ReturnType<typeof policyOf>) => Contender): readonly Timing[] {
  return race(
    SIZES.map((size) => {
      const asks = questionsOf(policyOf(size)).map(contender(policyOf(size)).prepare);
      return { name: String(size), cycle: asks.length, run: (turn: number) => asks[turn % asks.length]?.() };
    }),
  );
}

const timings = new Map<number, readonly Timing[]>();
for (const size of SIZES) timings.set(size, await raceAt(size));
const ours = growthOf(mandate);
const floors = growthOf(floor);
const growth = ours.at(-1)?.ratio ?? Number.NaN;
publish({
  name: 'match',
  command: 'npm run bench -- match',
  postgres: null,
  tables: [
    ...SIZES.map((size) => tableOf(size, timings.get(size) ?? [])),
    {
      title: 'Growth of Mandate with the number of rules',
      head: ['', '40', '1,000', '10,000', '10,000 / 40', 'target', ''],
      rows: [
        [
          'one answer',
          ...ours.map(({ medianNs }) => duration(medianNs)),
          times(growth),
          '≤ 2×',
          verdict(growth <= 2),
        ],
        [
          'the floor',
          ...floors.map(({ medianNs }) => duration(medianNs)),
          times(floors.at(-1)?.ratio ?? Number.NaN),
          '',
          '',
        ],
      ],
    },
  ],
});
