// Deciding is always on what was shown: the approval is read, shown, and its digest sent back with the decision, so
// that nobody can change the subject in between (I6).
import type { Command } from 'commander';
import { causesInWords } from '../decide/approvals/words.ts';
import { linesOf } from '../platform/http/lines.ts';
import type { Client } from './client.ts';
import type { Cli } from './command.ts';
import { CommandFailed, EXIT, usageError } from './exit.ts';
import { fields, harmless } from './output.ts';
import type { Tint } from './output.ts';
import { entriesAt, listAt, numberAt, textAt, textsAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { oneLine, short, subjectOf, tintOf } from './show.ts';
import { when } from './times.ts';

export interface BallotOptions {
  readonly reason?: string;
  readonly digest?: string;
  readonly yes?: boolean;
  /** Approve: let exactly this run again for so long. */
  readonly remember?: string;
  /** Approve with these parameters (JSON) instead of those that were asked for. */
  readonly with?: string;
  /** Everything that waits with the same digest. */
  readonly identical?: boolean;
}

/** An approval as a person must see it before deciding: all of the subject, nothing abbreviated. */
export function showApproval(
  cli: Cli,
  approval: unknown,
  tint: (text: string, tint: Tint) => string,
): string {
  const nowMs = cli.clock.nowMs();
  const quorum = numberAt(approval, 'quorum') ?? 1;
  const roles = textsAt(approval, 'requiredRoles').join(' and ') || 'any approver';
  const display = valueAt(approval, 'display');
  const rest = entriesAt(display).filter(([name, value]) => name !== 'parameters' && oneLine(value) !== '');
  return [
    `${tint(titleOf(approval), 'bold')}  ${harmless(textAt(approval, 'id'))}`,
    fields(
      [
        ...(textAt(approval, 'subject') === 'action'
          ? [['parameters', parameterLines(display)] as const]
          : []),
        ...rest.map(([name, value]) => [harmless(name), shownLines(value)] as const),
        ['waits because', causesInWords(textsAt(approval, 'causes')).map(harmless)],
        ['needs', harmless(quorum > 1 ? `${roles}, ${quorum} people in all` : roles)],
        [
          'asked',
          `${when(textAt(approval, 'createdAt'), nowMs)} by ${harmless(textAt(approval, 'requester'))}`,
        ],
        ['expires', when(textAt(approval, 'expiresAt'), nowMs)],
        ['handed on to', textsAt(approval, 'escalatedTo').map(harmless).join(', ')],
        [
          'next in line',
          textAt(approval, 'escalatesAt') === '' ? '' : when(textAt(approval, 'escalatesAt'), nowMs),
        ],
        ['made of', harmless(textAt(approval, 'replaces'))],
        [
          'votes',
          listAt(approval, 'votes').map((vote) =>
            harmless(
              `${textAt(vote, 'decision')} by ${textAt(vote, 'as') || textAt(vote, 'by')}${textAt(vote, 'reason') === '' ? '' : `: ${textAt(vote, 'reason')}`}`,
            ),
          ),
        ],
        ['digest', short(textAt(approval, 'digest'))],
      ],
      tint,
    ),
  ].join('\n');
}

/** What is nested reads as lines, everything else as it is. */
function shownLines(value: unknown): string | readonly string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? linesOf(value).map(harmless)
    : oneLine(value);
}

function parameterLines(display: unknown): string | readonly string[] {
  const lines = entriesAt(display, 'parameters').map(
    ([name, value]) => `${harmless(name)}: ${oneLine(value) || '(empty)'}`,
  );
  return lines.length === 0 ? '(none)' : lines;
}

export interface Ballot {
  readonly id: string;
  readonly decision: 'approve' | 'deny';
  readonly options: BallotOptions;
}

export async function castBallot(
  cli: Cli,
  command: Command,
  { id, decision, options }: Ballot,
): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const approval = await findApproval(client, id);
  const digest = textAt(approval, 'digest');
  if (options.digest !== undefined && (options.digest.length < 8 || !digest.startsWith(options.digest))) {
    throw new CommandFailed(
      `This is not what you have seen: its digest is ${short(digest)}, not ${options.digest}.`,
      {
        exitCode: EXIT.failure,
        code: 'digest_mismatch',
        steps: [`Look again: ${cli.self} inbox`],
        document: { digest },
      },
    );
  }
  if (!json) out.talk(showApproval(cli, approval, out.tintTalk));
  if (decision === 'approve' && !json && out.isInteractive && options.yes !== true) await confirmed(cli);
  if (options.identical === true) return castOnIdentical(cli, client, { decision, digest, options, json });
  const path = `/api/v1/approvals/${encodeURIComponent(textAt(approval, 'id'))}`;
  const answer = await vote(
    cli,
    client,
    options.with === undefined
      ? { path: `${path}/decision`, body: { decision, digest, ...wordsOf(options) } }
      : { path: `${path}/edit`, body: editOf(options.with, digest, options) },
  );
  const status = textAt(answer, 'status');
  if (status === 'pending') cli.exitWith(EXIT.held);
  if (json) return out.json(answer);
  const after: Readonly<Record<string, string>> = {
    approved: 'It is decided once more and then runs, or its agent gets the permit.',
    used: 'It is done.',
    denied: 'Whoever asked is told so.',
    pending: `Your vote counts; still missing: ${harmless(textAt(answer, 'missing'))}.`,
  };
  out.data(
    `${out.tint(harmless(status), status === 'approved' || status === 'used' ? 'green' : tintOf(status))}  ${titleOf(answer)}. ${after[status] ?? ''}`,
  );
  const actId = textAt(answer, 'actId');
  if (status === 'approved' && actId !== '')
    out.talk(`What came of it: ${cli.self} audit search --action ${harmless(actId)}`);
}

/** `deploy.production by builder-1`, or what else is to be decided. */
function titleOf(approval: unknown): string {
  return harmless(textAt(approval, 'title')) || subjectOf(approval);
}

function wordsOf({ reason, remember }: BallotOptions): object {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(remember === undefined ? {} : { remember }),
  };
}

function editOf(text: string, digest: string, { reason, remember }: BallotOptions): object {
  if (reason === undefined)
    throw usageError('What is changed needs a reason, for whoever asked.', 'Add --reason "…".');
  if (remember !== undefined)
    throw usageError('What is edited is approved just this once.', 'Leave --remember out.');
  let parameters: unknown;
  try {
    parameters = JSON.parse(text);
  } catch {
    parameters = null;
  }
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
    throw usageError(
      '--with takes all parameters as one JSON object.',
      `Such as --with '{"version":"4.2"}'.`,
    );
  return { digest, parameters, reason };
}

async function castOnIdentical(
  cli: Cli,
  client: Client,
  {
    decision,
    digest,
    options,
    json,
  }: {
    readonly decision: 'approve' | 'deny';
    readonly digest: string;
    readonly options: BallotOptions;
    readonly json: boolean;
  },
): Promise<void> {
  if (options.with !== undefined)
    throw usageError('One action is edited at a time.', 'Leave --identical or --with out.');
  const body = { decision, digest, ...wordsOf(options) };
  const answer = await vote(cli, client, { path: '/api/v1/approvals/bulk', body });
  const decided = listAt(answer, 'decided');
  if (decided.some((each) => textAt(each, 'status') === 'pending')) cli.exitWith(EXIT.held);
  if (json) return cli.out.json(answer);
  for (const each of decided)
    cli.out.data(
      `${cli.out.tint(harmless(textAt(each, 'status')), tintOf(textAt(each, 'status')))}  ${titleOf(each)}  ${harmless(textAt(each, 'id'))}`,
    );
  for (const each of listAt(answer, 'refused'))
    cli.out.talk(harmless(`${textAt(each, 'id')} was not taken: ${textAt(each, 'detail')}`));
}

/** People paste the id that they have at hand, and that is often the act's. */
async function findApproval(client: Client, id: string): Promise<unknown> {
  if (!/^[0-9a-f-]{36}$/i.test(id))
    throw usageError(
      `${JSON.stringify(id)} is no id of an approval.`,
      'Ids are UUIDs such as 01a1f8c2-4fbf-71e2-bb84-a5c057c1d73f; the inbox lists them.',
    );
  const found = await client.send({ method: 'GET', path: `/api/v1/approvals/${id}` });
  if (found.kind === 'ok') return found.body;
  if (found.kind === 'problem' && found.status === 404) {
    const act = await client.send({ method: 'GET', path: `/api/v1/actions/${id}` });
    const approvalId = act.kind === 'ok' ? textAt(act.body, 'approval', 'id') : '';
    if (approvalId !== '') return client.need({ method: 'GET', path: `/api/v1/approvals/${approvalId}` });
  }
  return client.need({ method: 'GET', path: `/api/v1/approvals/${id}` });
}

async function confirmed(cli: Cli): Promise<void> {
  const { confirm } = await import('@clack/prompts');
  const answer = await confirm({
    message: 'Approve exactly this?',
    initialValue: false,
    output: cli.out.talkStream,
  });
  if (answer !== true)
    throw new CommandFailed('Not approved; it goes on waiting.', { exitCode: EXIT.held, code: 'cancelled' });
}

async function vote(
  cli: Cli,
  client: Client,
  { path, body }: { readonly path: string; readonly body: object },
): Promise<unknown> {
  try {
    return await client.need({ method: 'POST', path, body });
  } catch (error) {
    const isOwn = error instanceof CommandFailed && /asked for this and cannot approve/.test(error.message);
    if (!isOwn) throw error;
    throw new CommandFailed(error.message, {
      exitCode: error.exitCode,
      code: 'forbidden',
      steps: [
        'Another person has to decide, with a key of their own:',
        `${cli.self} key create --role <role> --label <person>`,
      ],
      document: error.document,
    });
  }
}
