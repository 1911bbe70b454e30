// Readiness from the command line: how far a set is from its next phase and what to do next, and vouching for what cannot
// be measured. Evidence is hashed here, so that the file itself goes nowhere.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { EXIT, usageError } from './exit.ts';
import { fields, harmless, table } from './output.ts';
import { listAt, numberAt, textAt, textsAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { readTime, relative, when } from './times.ts';

interface SetOption {
  readonly set?: string;
}

interface AttestOptions extends SetOption {
  readonly file?: string;
  readonly link?: string;
  readonly sha256?: string;
  readonly date?: string;
  readonly expires?: string;
  readonly note?: string;
}

const SET = ['--set <name>', 'which governed set, where the charter has several'] as const;
const CATEGORIES = ['technical', 'process', 'organizational'] as const;
const LINK_MS = 30_000;
const HASH = /^[0-9a-f]{64}$/i;

/** Adds `readiness`, `score`, `attest`, `attestations` and `withdraw` to `mandate governance`. */
export function registerReadiness(governance: Command, cli: Cli): void {
  governance
    .command('readiness')
    .description('how ready a set is for its next phase: every item with why, and what to do next')
    .option(...SET)
    .option('--latest', 'as it was kept last instead of as it is now')
    .option('--history', 'only when it changed, newest first')
    .action((options: ReadinessOptions, command: Command) =>
      options.history === true ? history(cli, command, options) : readiness(cli, command, options),
    );
  governance
    .command('score')
    .description('the readiness score alone; exit code 1 where the set is not ready')
    .option(...SET)
    .action((options: SetOption, command: Command) => score(cli, command, options));
  governance
    .command('attest')
    .description('vouch for a readiness item with evidence; takes one of its roles and the key of a person')
    .argument('<item>', 'as mandate governance readiness shows it: "runbooks complete"')
    .option(...SET)
    .option('--file <path>', 'a file with the evidence; its SHA-256 is kept, not the file')
    .option('--link <url>', 'where the evidence is; what it holds now is read and hashed')
    .option('--sha256 <hex>', 'the hash, where the link cannot be read from here')
    .option('--date <time>', 'as of when it holds: a time, or how long ago; today by default')
    .option('--expires <time>', 'until when it counts: a time, or 30d; as long as the item allows by default')
    .option('--note <text>', 'for whoever reads it later')
    .action((item: string, options: AttestOptions, command: Command) => attest(cli, command, item, options));
  governance
    .command('attestations')
    .description('what people vouched for, newest first, and whether it still counts')
    .option(...SET)
    .option('--item <name>', 'only of this item')
    .action((options: SetOption & { readonly item?: string }, command: Command) =>
      attestations(cli, command, options),
    );
  governance
    .command('withdraw')
    .description('withdraw an attestation; a set on probation falls at once if it was needed')
    .argument('<id>', 'of the attestation')
    .requiredOption('--reason <text>', 'why, for the record')
    .action((id: string, options: { readonly reason: string }, command: Command) =>
      withdraw(cli, command, id, options.reason),
    );
}

interface ReadinessOptions extends SetOption {
  readonly latest?: boolean;
  readonly history?: boolean;
}

async function readiness(cli: Cli, command: Command, { set, latest }: ReadinessOptions): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const path = `/api/v1/readiness/${latest === true ? 'latest' : 'current'}`;
  const report = await client.need({ method: 'GET', path, query: { set } });
  if (json) return out.json(report);
  const phase = textAt(report, 'currentPhase');
  const days = textAt(report, 'daysSincePhaseStart');
  out.data(
    [
      `${headline(cli, report)}  ${textAt(report, 'overall', 'points')} of ${textAt(report, 'overall', 'maxPoints')} points`,
      fields(
        [
          ['set', harmless(textAt(report, 'set') || 'none: the charter governs nothing in phases')],
          ['phase', phase === '' ? '' : harmless(`${phase}, for ${days} days`)],
          ['on probation', probation(report, cli.clock.nowMs())],
          ['as of', when(textAt(report, 'timestamp'), cli.clock.nowMs())],
        ],
        out.tint,
      ),
    ].join('\n'),
  );
  out.data(
    table(
      ['POINTS', 'ITEM', 'STATUS', 'WHY'],
      CATEGORIES.flatMap((category) =>
        listAt(report, category, 'items').map((item) => [
          `${textAt(item, 'status') === 'met' ? textAt(item, 'weight') : '0'}/${textAt(item, 'weight')}`,
          `${textAt(item, 'name')}${valueAt(item, 'required') === true ? ' *' : ''}`,
          textAt(item, 'status') === 'met'
            ? { text: 'met', tint: 'green' as const }
            : { text: 'unmet', tint: 'red' as const },
          textAt(item, 'details'),
        ]),
      ),
      out.tint,
    ),
  );
  const actions = textsAt(report, 'nextActions');
  if (actions.length === 0) return;
  out.talk('\nNext (* is required):');
  for (const action of actions) out.talk(`  ${harmless(action)}`);
}

function headline({ out }: Cli, report: unknown): string {
  const verdict = textAt(report, 'overall', 'verdict').replaceAll('_', ' ');
  return out.tint(
    harmless(verdict),
    verdict === 'ready' ? 'green' : verdict === 'almost ready' ? 'yellow' : 'red',
  );
}

function probation(report: unknown, nowMs: number): string {
  const until = textAt(report, 'overall', 'validation', 'until');
  if (until === '') return '';
  return `until ${when(until, nowMs)}: ${textAt(report, 'overall', 'validation', 'score')}, falls under ${textAt(report, 'overall', 'validation', 'threshold')}`;
}

async function history(cli: Cli, command: Command, { set }: SetOption): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/readiness/history', query: { set } });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return out.talk('Nothing was kept yet: it is with the next check, within a minute.');
  out.data(
    table(
      ['WHEN', 'PHASE', 'POINTS', 'READY', 'BECAUSE OF'],
      items.map((item) => [
        relative(textAt(item, 'timestamp'), clock.nowMs()),
        textAt(item, 'phase'),
        `${textAt(item, 'points')}/${textAt(item, 'maxPoints')}`,
        valueAt(item, 'ready') === true ? 'yes' : 'no',
        textAt(item, 'because'),
      ]),
      out.tint,
    ),
  );
}

async function score(cli: Cli, command: Command, { set }: SetOption): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/readiness/score', query: { set } });
  const ready = valueAt(answer, 'ready') === true;
  if (!ready) cli.exitWith(EXIT.failure);
  if (json) return out.json(answer);
  out.data(String(numberAt(answer, 'score') ?? ''));
  if (ready) return out.talk('Ready.');
  out.talk(`Not ready: it takes ${textAt(answer, 'threshold')} and every required item.`);
  for (const blocker of textsAt(answer, 'blockers')) out.talk(`  ${harmless(blocker)}`);
}

async function attest(cli: Cli, command: Command, item: string, options: AttestOptions): Promise<void> {
  const { out, clock } = cli;
  const nowMs = clock.nowMs();
  const evidence = await evidenceOf(options);
  const time = (text: string | undefined, flag: string, side: 'past' | 'future'): string | undefined =>
    text === undefined ? undefined : readTime(text, flag, { nowMs, side });
  const body = {
    item,
    set: options.set,
    evidence,
    date: time(options.date, '--date', 'past'),
    expiresAt: time(options.expires, '--expires', 'future'),
    note: options.note,
  };
  const { client, json } = await openSession(cli, command);
  const given = await client.need({ method: 'POST', path: '/api/v1/readiness/attestations', body });
  if (json) return out.json(given);
  out.data(harmless(textAt(given, 'id')));
  out.talk(
    harmless(
      `Attested ${textAt(given, 'item')} of ${textAt(given, 'set')} as ${textAt(given, 'role')}; it counts until ${when(textAt(given, 'expiresAt'), nowMs)}.`,
    ),
  );
}

async function evidenceOf({ file, link, sha256 }: AttestOptions): Promise<object> {
  if ((file === undefined) === (link === undefined))
    throw usageError('An attestation takes one piece of evidence.', 'Give --file PATH or --link URL.');
  if (sha256 !== undefined && !HASH.test(sha256))
    throw usageError('--sha256 takes the SHA-256 of the evidence: 64 hex digits.');
  if (file !== undefined) {
    const content = await readFile(file).catch((error: unknown) => {
      throw usageError(`${file} cannot be read: ${error instanceof Error ? error.message : ''}`);
    });
    const found = createHash('sha256').update(content).digest('hex');
    if (sha256 !== undefined && sha256.toLowerCase() !== found)
      throw usageError(
        `${file} has another SHA-256: ${found}.`,
        'Leave --sha256 out, or give the right file.',
      );
    return { file: basename(file), sha256: found };
  }
  return { url: link, sha256: sha256 ?? (await hashOfLink(link ?? '')) };
}

async function hashOfLink(link: string): Promise<string> {
  try {
    const response = await fetch(link, { signal: AbortSignal.timeout(LINK_MS) });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    const hash = createHash('sha256');
    for await (const chunk of response.body ?? []) hash.update(chunk);
    return hash.digest('hex');
  } catch (error) {
    throw usageError(
      `${link} cannot be read from here: ${error instanceof Error ? error.message : ''}`,
      'Give the SHA-256 of what it holds with --sha256.',
    );
  }
}

async function attestations(
  cli: Cli,
  command: Command,
  { set, item }: SetOption & { readonly item?: string },
): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const path = '/api/v1/readiness/attestations';
  const answer = await client.need({ method: 'GET', path, query: { set, item } });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return out.talk('Nobody has attested anything yet.');
  out.data(
    table(
      ['ID', 'SET', 'ITEM', 'BY', 'ROLE', 'STATUS', 'UNTIL', 'EVIDENCE'],
      items.map((each) => [
        textAt(each, 'id'),
        textAt(each, 'set'),
        textAt(each, 'item'),
        textAt(each, 'by'),
        textAt(each, 'role'),
        { text: textAt(each, 'status'), tint: textAt(each, 'status') === 'counts' ? 'green' : 'dim' },
        relative(textAt(each, 'expiresAt'), clock.nowMs()),
        textAt(each, 'evidence', 'file') || textAt(each, 'evidence', 'url'),
      ]),
      out.tint,
    ),
  );
}

async function withdraw(cli: Cli, command: Command, id: string, reason: string): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const path = `/api/v1/readiness/attestations/${encodeURIComponent(id)}/withdraw`;
  const answer = await client.need({ method: 'POST', path, body: { reason } });
  if (json) return cli.out.json(answer);
  cli.out.data(harmless(`Withdrawn: ${textAt(answer, 'item')} of ${textAt(answer, 'set')}.`));
}
