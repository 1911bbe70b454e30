// Asks for an action as an agent would, and says in the exit code what came of it.
import type { Command } from 'commander';
import { actLines } from './act-lines.ts';
import type { Client } from './client.ts';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { EXIT, exitOfStatus, usageError } from './exit.ts';
import { fields, harmless } from './output.ts';
import { textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { decisionPairs, subjectOf } from './show.ts';
import { when } from './times.ts';
import { wantedBody } from './wanted.ts';
import type { WantedOptions } from './wanted.ts';

interface RequestOptions extends WantedOptions {
  readonly wait?: string | boolean;
  readonly idempotencyKey?: string;
}

/** The server holds an answer at most so long. */
const HOLD_S = 30;
const DEFAULT_WAIT_S = 300;
/** What runs inside the request may take its time. */
const RUN_MS = 3_600_000;
const LOOK_MS = 1_000;

export function registerRequest(program: Command, cli: Cli): void {
  program
    .command('request')
    .helpGroup(GROUPS.ask)
    .description('ask for an action; it is decided, and done or permitted')
    .argument('<agent>', 'who asks, e.g. builder-1')
    .argument('<action>', 'what for, e.g. test.run_suite')
    .argument('[json]', 'its parameters as a JSON object; - reads them from stdin')
    .option('--cost <usd>', 'what it is expected to cost, in US dollars')
    .option('--resource <type/id>', 'what it touches, e.g. repository/shop')
    .option('--context <json>', 'circumstances as a JSON object')
    .option('--wait [seconds]', `wait for people and for the end (default ${DEFAULT_WAIT_S} s)`)
    .option('--idempotency-key <key>', 'the same key and request give the same act, never a second one')
    .addHelpText(
      'after',
      '\nExit codes: 0 done or permitted · 1 failed · 3 denied · 4 waits for approval · 5 stopped',
    )
    .action(function (this: Command, agent: string, action: string, parameters: string | undefined) {
      return run(cli, this, { wanted: { agent, action, parameters }, options: this.opts<RequestOptions>() });
    });
}

interface Asked {
  readonly wanted: {
    readonly agent: string;
    readonly action: string;
    readonly parameters: string | undefined;
  };
  readonly options: RequestOptions;
}

async function run(cli: Cli, command: Command, { wanted, options }: Asked): Promise<void> {
  const { out } = cli;
  const waitS = readWait(options.wait);
  const body = await wantedBody(wanted, options);
  const { client, json } = await openSession(cli, command);
  const untilMs = cli.clock.monotonicMs() + waitS * 1_000;
  const headers: Record<string, string> =
    options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey };
  let act = await client.need({ method: 'POST', path: '/api/v1/actions', body, headers, timeoutMs: RUN_MS });
  if (waitS > 0 && isOpen(act)) {
    if (!json && textAt(act, 'status') === 'waiting_for_approval') out.talk(heldLines(cli, act));
    act = await waitForEnd(cli, client, { act, untilMs });
  }
  const code = codeOf(act);
  cli.exitWith(code);
  if (json) return out.json(act);
  if (code === EXIT.held) {
    out.talk(waitS > 0 ? 'It still waits; nothing was done.' : heldLines(cli, act));
    return out.data(
      `${out.tint('waiting_for_approval', 'yellow')}  ${subjectOf(act)}  ${harmless(textAt(act, 'id'))}`,
    );
  }
  out.data(actLines(cli, act));
}

function readWait(given: string | boolean | undefined): number {
  if (given === undefined || given === false) return 0;
  if (given === true) return DEFAULT_WAIT_S;
  const seconds = Number(given);
  if (!Number.isFinite(seconds) || seconds < 0)
    throw usageError(`--wait is ${JSON.stringify(given)}; write a number of seconds.`);
  return seconds;
}

function isOpen(act: unknown): boolean {
  return ['waiting_for_approval', 'executing'].includes(textAt(act, 'status'));
}

function codeOf(act: unknown) {
  const status = textAt(act, 'status');
  // A held act that was denied while we waited is a denial; one that a stop took is a stop.
  return status === 'cancelled' && textAt(act, 'error').startsWith('Stopped')
    ? EXIT.stopped
    : exitOfStatus(status);
}

async function waitForEnd(
  cli: Cli,
  client: Client,
  of: { readonly act: unknown; readonly untilMs: number },
): Promise<unknown> {
  const { wait } = await import('../platform/clock/clock.ts');
  let { act } = of;
  for (;;) {
    const leftS = Math.ceil((of.untilMs - cli.clock.monotonicMs()) / 1_000);
    if (leftS <= 0 || !isOpen(act)) return act;
    const holdS = Math.min(leftS, HOLD_S);
    const startedMs = cli.clock.monotonicMs();
    const before = textAt(act, 'status');
    act = await client.need({
      method: 'GET',
      path: `/api/v1/actions/${textAt(act, 'id')}`,
      headers: { prefer: `wait=${holdS}` },
      timeoutMs: (holdS + 30) * 1_000,
    });
    // A server that answers at once without news is asked again later, not as fast as it can.
    if (textAt(act, 'status') === before && cli.clock.monotonicMs() - startedMs < LOOK_MS)
      await Promise.all([wait(cli.clock, LOOK_MS), stayAwake(LOOK_MS)]);
  }
}

/** The clock's timers keep no process alive. */
function stayAwake(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function heldLines(cli: Cli, act: unknown): string {
  const { out, self } = cli;
  return [
    `${out.tintTalk('Waits for a person', 'yellow')}: ${subjectOf(act)}`,
    fields(
      [
        ...decisionPairs(valueAt(act, 'decision'), out.tintTalk).filter(
          ([label]) => label === 'because' || label === 'found',
        ),
        ['expires', when(textAt(act, 'approval', 'expiresAt'), cli.clock.nowMs())],
        ['approve', `${self} approve ${harmless(textAt(act, 'approval', 'id'))}`],
      ],
      out.tintTalk,
    ),
  ].join('\n');
}
