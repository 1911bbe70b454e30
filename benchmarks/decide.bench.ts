// A whole decision with its guardrails and its trace, at three sizes of charter; and everything that a request costs
// beside sockets and Postgres, step by step, with the very functions that the server uses.
import { actionDigestText, canonicalJson, decide } from '@mandate/kernel';
import type { Action, JsonObject } from '@mandate/kernel';
import { actionRoutes } from '../server/src/act/actions/routes.ts';
import type { ActionRoutesNeeds } from '../server/src/act/actions/routes.ts';
import { sha256Hex } from '../server/src/platform/crypto/hash.ts';
import { parseGuardedJson } from '../server/src/platform/http/json-guard.ts';
import type { Route } from '../server/src/platform/http/route.ts';
import { actionOf, lawOf, snapshotOf } from './lib/charter.ts';
import { floor } from './lib/contenders.ts';
import { race } from './lib/measure.ts';
import type { Timing } from './lib/measure.ts';
import { policyOf } from './lib/policy.ts';
import { duration, publish, times, verdict } from './lib/results.ts';

const SIZES = [40, 1_000, 10_000];
const DECIDE_TARGET_NS = 5_000;
const WHOLE_TARGET_NS = 15_000;

// An ordinary piece of work: some 500 bytes of JSON, most of them a file's content.
const LINES = ['export function greet(name: string): string {', '  return `Hello ${name}`;', '}', ''];
const BODY = JSON.stringify({
  agent: 'builder-1',
  action: 'code.write',
  parameters: { path: 'src/app/main.ts', content: LINES.join('\n').repeat(5).slice(0, 400) },
  estimatedCostUsd: 0.01,
});

/** The schema of the route itself. Its handlers are never called. */
function actionSchema(): NonNullable<Route['body']> {
  const routes = actionRoutes({} as ActionRoutesNeeds);
  const body = routes.find(({ method, path }) => method === 'POST' && path === '/api/v1/actions')?.body;
  if (body === null || body === undefined)
    throw new Error('there is no route POST /api/v1/actions with a body');
  return body;
}

const parsed = JSON.parse(BODY) as { readonly action: string; readonly parameters: JsonObject };
const action: Action = actionOf(parsed.action, parsed.parameters);
const snapshots = SIZES.map((size) => snapshotOf(lawOf(policyOf(size))));
for (const snapshot of snapshots) {
  const { effect, code } = decide(action, snapshot);
  if (effect !== 'execute' || code !== 'allowed')
    throw new Error(`expected an allowed action, got ${effect} ${code}`);
}
const schema = actionSchema();
const [snapshot] = snapshots;
if (snapshot === undefined) throw new Error('no snapshot');
const bytes = new TextEncoder().encode(BODY);
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const STEPS: readonly (readonly [name: string, run: () => unknown])[] = [
  ['read the bytes and parse the JSON, with its guard', () => parseGuardedJson(decoder.decode(bytes))],
  ['check it against the schema (zod)', () => schema.safeParse(parsed)],
  ['decide, guardrails and trace included', () => decide(action, snapshot)],
  ['canonical form and SHA-256 of the action', () => sha256Hex(actionDigestText('default', action))],
];
const [floorTiming, ...timings] = race(
  [
    { name: 'floor', run: floor(policyOf(40)).prepare({ action: 'area1.task1', environment: 'ci' }) },
    ...snapshots.map((each, i) => ({ name: `${SIZES[i]}`, run: () => decide(action, each) })),
    ...STEPS.map(([name, run]) => ({ name, run })),
    { name: 'whole', run: () => STEPS.map(([, run]) => run()) },
  ],
  { rounds: 201, roundMs: 2 },
);
const decisions = timings.slice(0, SIZES.length);
const steps = timings.slice(SIZES.length, -1);
const whole: Timing | undefined = timings.at(-1);
if (whole === undefined || floorTiming === undefined) throw new Error('nothing was measured');

publish({
  name: 'decide',
  command: 'npm run bench -- decide',
  postgres: null,
  tables: [
    {
      title: 'decide() with all stages and its trace',
      head: ['rules', 'p50', 'target', '', 'fastest tenth', 'against a Map lookup and a closure'],
      rows: decisions.map(({ name, medianNs, quietNs, ratio }) => [
        Number(name).toLocaleString('en'),
        duration(medianNs),
        `≤ ${duration(DECIDE_TARGET_NS)}`,
        verdict(medianNs <= DECIDE_TARGET_NS),
        duration(quietNs),
        times(ratio),
      ]),
      notes: [
        `The action has ${BODY.length} bytes of JSON; its decision, trace included, has ${canonicalJson(decide(action, snapshot)).length}.`,
      ],
    },
    {
      title: 'Everything but sockets and Postgres, for the same action',
      head: ['step', 'p50', 'target', '', 'fastest tenth'],
      rows: [
        ...steps.map(({ name, medianNs, quietNs }) => [name, duration(medianNs), '', '', duration(quietNs)]),
        [
          'all of them, one after the other',
          duration(whole.medianNs),
          `≤ ${duration(WHOLE_TARGET_NS)}`,
          verdict(whole.medianNs <= WHOLE_TARGET_NS),
          duration(whole.quietNs),
        ],
      ],
    },
  ],
});
