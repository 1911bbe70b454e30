// Reading the law: whether a charter file is sound, without any server, and what it would say to an action.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import { EXIT } from './exit.ts';
import { fields, harmless } from './output.ts';
import { textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { consideredLines, decisionPairs, tintOf, traceLines } from './show.ts';
import { wantedBody } from './wanted.ts';
import type { WantedOptions } from './wanted.ts';

export function registerPolicy(program: Command, cli: Cli): void {
  const policy = program
    .command('policy')
    .helpGroup(GROUPS.law)
    .description('check a charter; explain what it says to an action');
  policy
    .command('check')
    .description('look for mistakes in a charter, without a server')
    .argument('<file>', 'the charter, e.g. charter.yaml')
    .addHelpText(
      'after',
      '\nEach mistake as file:line:column pointer: what is wrong and what to do. Exit code 1 where there is any.',
    )
    .action((file: string, _options: object, command: Command) => check(cli, command, file));
  policy
    .command('explain')
    .description('what would be decided and why; nothing is recorded or done')
    .argument('<action>', 'e.g. deploy.production')
    .argument('[json]', 'its parameters as a JSON object; - reads them from stdin')
    .option('--agent <name>', 'who would ask; the trust of an agent counts', 'new-agent')
    .option('--cost <usd>', 'what it is expected to cost, in US dollars')
    .option('--resource <type/id>', 'what it touches')
    .option('--context <json>', 'circumstances as a JSON object')
    .action((action: string, json: string | undefined, options: ExplainOptions, command: Command) =>
      explain(cli, command, { action, json, options }),
    );
}

async function check(cli: Cli, command: Command, file: string): Promise<void> {
  const { out } = cli;
  const [{ loadCharter }, { readCharterFile, shippedCharters }, { renderError }] = await Promise.all([
    import('../decide/charter/load.ts'),
    import('../decide/charter/disk.ts'),
    import('../decide/charter/error.ts'),
  ]);
  const loaded = await loadCharter({
    path: resolve(file),
    readFile: readCharterFile,
    readShipped: shippedCharters,
  });
  const isSound = loaded.kind === 'loaded';
  if (!isSound) cli.exitWith(EXIT.failure);
  if (commonOptions(command).json === true) {
    return out.json(
      isSound
        ? { ok: true, version: loaded.version, files: loaded.files, warnings: loaded.warnings }
        : { ok: false, problems: loaded.problems },
    );
  }
  if (!isSound) {
    for (const problem of loaded.problems) out.data(harmless(renderError(problem)));
    return out.talk(
      out.tintTalk(
        loaded.problems.length === 1
          ? 'One mistake; such a charter is refused as a whole.'
          : `${loaded.problems.length} mistakes; such a charter is refused as a whole.`,
        'red',
      ),
    );
  }
  for (const warning of loaded.warnings)
    out.data(`${out.tint('warning', 'yellow')} ${harmless(renderError(warning))}`);
  out.data(
    `${out.tint('Sound.', 'green')} Version ${loaded.version.slice(0, 12)}, read from ${loaded.files.map(harmless).join(', ')}.`,
  );
}

interface ExplainOptions extends WantedOptions {
  readonly agent: string;
}

async function explain(
  cli: Cli,
  command: Command,
  {
    action,
    json,
    options,
  }: { readonly action: string; readonly json: string | undefined; readonly options: ExplainOptions },
): Promise<void> {
  const { out } = cli;
  const body = await wantedBody({ agent: options.agent, action, parameters: json }, options);
  const session = await openSession(cli, command);
  const answer = await session.client.need({ method: 'POST', path: '/api/v1/decisions?explain=all', body });
  if (session.json) return out.json(answer);
  const decision = valueAt(answer, 'decision');
  const effects: Readonly<Record<string, string>> = {
    execute: 'would run',
    hold: 'would wait for a person',
    deny: 'would be denied',
    throttle: 'would be throttled',
    none: 'would only be recorded',
  };
  out.data(
    `${harmless(action)} by ${harmless(options.agent)} ${out.tint(effects[textAt(decision, 'effect')] ?? harmless(textAt(decision, 'effect')), tintOf(textAt(decision, 'tier')))}`,
  );
  out.data(fields(decisionPairs(decision, out.tint), out.tint));
  out.data(`\nHow it came about:\n${traceLines(decision, out.tint)}`);
  const considered = consideredLines(answer, out.tint);
  out.data(`\nRules considered, in order:\n${considered === '' ? 'None names this action.' : considered}`);
}
