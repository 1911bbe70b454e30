// Which rules were considered, which one decides and why: by the server, which knows trust, stops and spending, or by a
// charter file alone.
import type { Command } from 'commander';
import type { JsonObject } from '@mandate/kernel';
import type { Circumstances } from '../decide/charter/case.ts';
import type { Cli } from './command.ts';
import { commonOptions } from './command.ts';
import { usageError } from './exit.ts';
import { fields, harmless } from './output.ts';
import { loadFile, showProblems } from './policy-file.ts';
import { textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { consideredLines, decisionPairs, tintOf, traceLines } from './show.ts';
import { wantedBody } from './wanted.ts';
import type { WantedOptions } from './wanted.ts';

interface ExplainOptions extends WantedOptions {
  readonly agent: string;
  readonly user?: string;
  readonly charter?: string;
  readonly role?: readonly string[];
  readonly scope?: readonly string[];
  readonly trust?: string;
  readonly at?: string;
  readonly tested?: boolean;
}

interface Explain {
  readonly action: string;
  readonly json: string | undefined;
  readonly options: ExplainOptions;
}

export function registerPolicyExplain(policy: Command, cli: Cli): void {
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  policy
    .command('explain')
    .description('what would be decided and why; nothing is recorded or done')
    .argument('<action>', 'e.g. deploy.production')
    .argument('[json]', 'its parameters as a JSON object; - reads them from stdin')
    .option('--agent <name>', 'who would ask; the trust of an agent counts', 'new-agent')
    .option('--user <id>', 'the person behind the agent')
    .option('--cost <usd>', 'what it is expected to cost, in US dollars')
    .option('--resource <type/id>', 'what it touches')
    .option('--context <json>', 'circumstances as a JSON object')
    .option('--charter <file>', 'ask this file instead of a server')
    .option('--role <name>', 'a role of the person (with --charter; may be repeated)', collect)
    .option('--scope <name>', 'a scope of the person (with --charter; may be repeated)', collect)
    .option('--trust <score>', 'the score of the agent, 0 to 100 (with --charter)')
    .option('--at <moment>', 'when, e.g. 2026-11-20T12:00:00Z (with --charter; now without it)')
    .option('--tested', 'tests passed on what is deployed (with --charter)')
    .action((action: string, json: string | undefined, options: ExplainOptions, command: Command) =>
      explain(cli, command, { action, json, options }),
    );
}

async function explain(cli: Cli, command: Command, asked: Explain): Promise<void> {
  const { options } = asked;
  if (options.charter !== undefined) return explainByFile(cli, command, { ...asked, file: options.charter });
  for (const name of ['role', 'scope', 'trust', 'at', 'tested'] as const) {
    if (options[name] !== undefined)
      throw usageError(
        `--${name} goes with --charter: a server knows it by itself.`,
        'Add --charter FILE, or leave it out.',
      );
  }
  const { action, json } = asked;
  const wanted = await wantedBody({ agent: options.agent, action, parameters: json }, options);
  const body = options.user === undefined ? wanted : { ...wanted, user: { id: options.user } };
  const session = await openSession(cli, command);
  const answer = await session.client.need({ method: 'POST', path: '/api/v1/decisions?explain=all', body });
  if (session.json) return cli.out.json(answer);
  show(cli, asked, answer);
}

async function explainByFile(
  cli: Cli,
  command: Command,
  asked: Explain & { readonly file: string },
): Promise<void> {
  const json = commonOptions(command).json === true;
  const circumstances = await readCircumstances(cli, asked);
  const loaded = await loadFile(asked.file);
  if (loaded.kind === 'refused') return showProblems(cli, loaded.problems, json);
  const { judgeBy } = await import('../decide/charter/case.ts');
  const { decision, considered, meant } = judgeBy(loaded.law, circumstances);
  const answer = { decision, considered, meant };
  if (json) return cli.out.json(answer);
  show(cli, asked, answer);
}

async function readCircumstances(cli: Cli, { action, json, options }: Explain): Promise<Circumstances> {
  const body = await wantedBody({ agent: options.agent, action, parameters: json }, options);
  const resource = valueAt(body, 'resource');
  const cost = valueAt(body, 'estimatedCostUsd');
  return {
    agent: options.agent,
    action,
    parameters: objectOf(body['parameters']),
    context: objectOf(body['context']),
    resource: resource === undefined ? null : { type: textAt(resource, 'type'), id: textAt(resource, 'id') },
    user: options.user ?? null,
    roles: options.role ?? [],
    scopes: options.scope ?? null,
    trust: options.trust === undefined ? null : readScore(options.trust),
    costMicroUsd: typeof cost === 'number' ? Math.round(cost * 1e6) : null,
    tested: options.tested === true,
    tenant: 'default',
    nowMs: options.at === undefined ? cli.clock.nowMs() : readMoment(options.at),
  };
}

/** wantedBody has parsed it: it is JSON and no list. */
function objectOf(value: unknown): JsonObject {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse gives nothing else
  return (value ?? {}) as JsonObject;
}

function readScore(text: string): number {
  const score = Number(text);
  if (text.trim() === '' || !(score >= 0 && score <= 100))
    throw usageError(`--trust is ${JSON.stringify(text)}; write a score from 0 to 100.`);
  return score;
}

function readMoment(text: string): number {
  const ms = Date.parse(text);
  if (!/^\d{4}-\d{2}-\d{2}T/.test(text) || Number.isNaN(ms))
    throw usageError(`--at is ${JSON.stringify(text)}; write a moment such as 2026-11-20T12:00:00Z.`);
  return ms;
}

const EFFECTS: Readonly<Record<string, string>> = {
  execute: 'would run',
  hold: 'would wait for a person',
  deny: 'would be denied',
  throttle: 'would be throttled',
  none: 'would only be recorded',
};

function show({ out }: Cli, { action, options }: Explain, answer: unknown): void {
  const decision = valueAt(answer, 'decision');
  out.data(
    `${harmless(action)} by ${harmless(options.agent)} ${out.tint(EFFECTS[textAt(decision, 'effect')] ?? harmless(textAt(decision, 'effect')), tintOf(textAt(decision, 'tier')))}`,
  );
  out.data(fields(decisionPairs(decision, out.tint), out.tint));
  out.data(`\nHow it came about:\n${traceLines(decision, out.tint)}`);
  const considered = consideredLines(answer, out.tint);
  const meant = textAt(answer, 'meant');
  const none =
    meant === '' ? 'None names this action.' : `None names this action. Did you mean ${harmless(meant)}?`;
  out.data(`\nRules considered, in order:\n${considered === '' ? none : considered}`);
}
