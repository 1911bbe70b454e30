// Roasts with the machine that roaster.ts has switched on, every command through Mandate:
//
//   MANDATE_API_KEY=<a key of the agent> node --conditions=mandate-source examples/roastery/agent.ts --minutes 2
//
//   --minutes N   goes on with the next batch until the time is up; without it, one batch
//   --every MS    how often it looks at the machine (1500)
//   --machine U   where the machine is (http://127.0.0.1:4017)
//
// With PERSON_KEY (of an operator or approver) somebody stands by and approves what waits; without it, do so with
// `mandate inbox` and `mandate approve`, or nothing will happen at L3.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createMandate } from '@mandate/sdk';
import { readDisplay } from './display.ts';
import { fly } from './flight.ts';
import type { Flight } from './flight.ts';
import { FILTER_ROAST } from './pilot.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    every: { type: 'string', default: '1500' },
    machine: { type: 'string', default: 'http://127.0.0.1:4017' },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const endMs = values.minutes === undefined ? null : performance.now() + Number(values.minutes) * 60_000;
const isOver = (): boolean => endMs !== null && performance.now() >= endMs;
const mandate = createMandate({ agent: 'roaster-1' });
const personKey = process.env['PERSON_KEY'];
const person = personKey === undefined ? null : createMandate({ apiKey: personKey });

async function batch(): Promise<Flight> {
  return fly({
    mandate,
    profile: FILTER_ROAST,
    look: () => readDisplay(values.machine),
    pause: () => sleep(Number(values.every)),
    told: say,
    isOver,
    ...(person === null
      ? {}
      : {
          waits: ({ approval }) =>
            void person.approvals
              .approve(approval, 'I stand at the machine')
              .catch((error: unknown) => say(`not approved: ${String(error)}`)),
        }),
  });
}

const total = new Map<string, number>();
for (;;) {
  const { outcomes, display, gaveUp } = await batch();
  for (const [key, count] of outcomes) total.set(key, (total.get(key) ?? 0) + count);
  const { firstCrackAtS, dropAtS, developmentRatio } = display;
  if (dropAtS !== null)
    say(
      `-- ${display.aborted || gaveUp ? 'aborted' : 'roasted'} in ${clock(dropAtS)}, first crack at ${firstCrackAtS === null ? 'no time' : clock(firstCrackAtS)}, development ${developmentRatio === null ? 'none' : `${Math.round(developmentRatio * 100)} %`}`,
    );
  if (display.mode === 'locked') say('-- the machine is locked: somebody has to look at it and reset it');
  if (endMs === null || isOver() || display.mode === 'locked') break;
}
for (const [key, count] of total) say(`${key}: ${count}`);

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`;
}
