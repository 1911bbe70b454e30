// A charter held against its cases, on a desk or in CI: no server, one line for each case, exit code 1 when one fails.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { CaseReport, PlacedResult } from '../decide/charter/cases.ts';
import type { Cli } from './command.ts';
import { commonOptions } from './command.ts';
import { EXIT, usageError } from './exit.ts';
import { harmless } from './output.ts';
import { pathOf, showProblems } from './policy-file.ts';

interface TestOptions {
  readonly cases?: readonly string[];
}

export function registerPolicyTest(policy: Command, cli: Cli): void {
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  policy
    .command('test')
    .description('hold a charter against its cases, without a server')
    .argument('[file]', 'the charter, or a file of cases; MANDATE_CHARTER or charter.yaml without it')
    .option('--cases <file>', 'another file of cases (may be repeated)', collect)
    .addHelpText(
      'after',
      '\nThe cases stand in NAME.cases.yaml beside NAME.yaml, or in files that the charter names under tests.\nExit code 1 where a case fails, or where there is none.',
    )
    .action((file: string | undefined, options: TestOptions, command: Command) =>
      test(cli, command, { file: file ?? defaultFile(cli), caseFiles: options.cases ?? [] }),
    );
}

function defaultFile({ env }: Cli): string {
  const file = env['MANDATE_CHARTER'] ?? 'charter.yaml';
  if (!existsSync(file))
    throw usageError(
      `There is no ${file} here.`,
      'Name the charter: mandate policy test path/to/charter.yaml',
    );
  return file;
}

async function test(
  cli: Cli,
  command: Command,
  { file, caseFiles }: { readonly file: string; readonly caseFiles: readonly string[] },
): Promise<void> {
  const { out } = cli;
  const json = commonOptions(command).json === true;
  const [{ testCharter }, { readCharterFile, shippedCharters }] = await Promise.all([
    import('../decide/charter/cases.ts'),
    import('../decide/charter/disk.ts'),
  ]);
  const report = await testCharter({
    path: pathOf(file),
    caseFiles: caseFiles.map(pathOf),
    readFile: readCharterFile,
    readShipped: shippedCharters,
  });
  if (report.kind === 'refused') return showProblems(cli, report.problems, json);
  if (report.failed > 0) cli.exitWith(EXIT.failure);
  if (json) return out.json(documentOf(report));
  for (const result of report.results) out.data(lineOf(result, out.tint));
  const sum = `${report.passed} of ${report.results.length} cases hold.`;
  out.talk(report.failed === 0 ? sum : out.tintTalk(`${sum} ${report.failed} do not.`, 'red'));
}

function documentOf({ kind: _kind, ...report }: CaseReport): object {
  return { ok: report.failed === 0, ...report };
}

function lineOf({ name, ok, problems, decision, place }: PlacedResult, tint: Cli['out']['tint']): string {
  if (ok) return `${tint('ok    ', 'green')} ${harmless(name)}`;
  const because = decision.reasons.slice(0, 1).map((reason) => `because: ${reason}`);
  return [
    `${tint('failed', 'red')} ${harmless(name)} (${harmless(place.file)}:${place.line}:${place.column})`,
    ...[...problems, ...because].map((text) => `         ${harmless(text)}`),
  ].join('\n');
}
