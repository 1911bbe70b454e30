// How one act reads in full: what came of it, what it was decided by, and what people still have to do about it.
import type { Cli } from './command.ts';
import { fields, harmless } from './output.ts';
import { numberAt, textAt, textOf, valueAt } from './read.ts';
import { decisionPairs, oneLine, subjectOf, tintOf } from './show.ts';
import { when } from './times.ts';

export function actLines({ out }: Cli, act: unknown): string {
  const status = textAt(act, 'status');
  const after = numberAt(act, 'trust', 'after');
  const result = valueAt(act, 'result');
  return [
    headLine(out.tint, act),
    fields(
      [
        ['error', harmless(textAt(act, 'error'))],
        ...resultPairs(result),
        ['permit', textAt(act, 'permit')],
        [
          '',
          status === 'permitted' ? 'the agent begins it with this permit, and reports what came of it' : '',
        ],
        ...decisionPairs(valueAt(act, 'decision'), out.tint).filter(([label]) => label !== 'trust'),
        ['trust', after === null ? '' : `${textOf(valueAt(act, 'trust', 'before'))} → ${after}`],
      ],
      out.tint,
    ),
  ].join('\n');
}

/** An act that was looked up: also what it was asked for, and when. */
export function recordLines(cli: Cli, act: unknown): string {
  const { out, clock, self } = cli;
  const nowMs = clock.nowMs();
  const id = harmless(textAt(act, 'id'));
  const resource = valueAt(act, 'resource');
  const undone = valueAt(act, 'rollback');
  const approval = textAt(act, 'approval', 'id');
  const next: Readonly<Record<string, string>> = {
    unknown: `find out what happened, then: ${self} action resolve ${id} success|failed --reason "…"`,
    waiting_for_approval: `${self} approve ${harmless(approval)}`,
  };
  const status = textAt(act, 'status');
  return [
    headLine(out.tint, act),
    fields(
      [
        ['error', harmless(textAt(act, 'error'))],
        ['parameters', oneLine(valueAt(act, 'parameters'))],
        [
          'resource',
          resource === null || resource === undefined
            ? ''
            : harmless(`${textAt(resource, 'type')}/${textAt(resource, 'id')}`),
        ],
        ...resultPairs(valueAt(act, 'result')),
        ...decisionPairs(valueAt(act, 'decision'), out.tint),
        ['asked for', when(textAt(act, 'createdAt'), nowMs)],
        ['began', when(textAt(act, 'startedAt'), nowMs)],
        ['ended', when(textAt(act, 'endedAt'), nowMs)],
        ['undoes', harmless(textAt(act, 'compensates'))],
        [
          'undone by',
          undone === undefined ? '' : harmless(`${textAt(undone, 'id')} (${textAt(undone, 'status')})`),
        ],
        ['replaced by', harmless(textAt(act, 'replacedBy'))],
        ['trace', harmless(textAt(act, 'traceId'))],
        ['next', Object.hasOwn(next, status) ? (next[status] ?? '') : ''],
      ],
      out.tint,
    ),
  ].join('\n');
}

function headLine(tint: Cli['out']['tint'], act: unknown): string {
  const status = textAt(act, 'status');
  return `${tint(harmless(status), tintOf(status))}  ${subjectOf(act)}  ${harmless(textAt(act, 'id'))}`;
}

/** What a program printed is read line by line; anything else is data. */
function resultPairs(result: unknown): readonly (readonly [string, string | readonly string[]])[] {
  const lines = (text: string): readonly string[] => text.trimEnd().split('\n').map(harmless);
  if (typeof result === 'string') return [['result', lines(result)]];
  const isProgram = ['exitCode', 'stdout', 'stderr'].every((name) => valueAt(result, name) !== undefined);
  if (!isProgram) return [['result', oneLine(result)]];
  return [
    ['exit code', textAt(result, 'exitCode')],
    ['stdout', lines(textAt(result, 'stdout'))],
    ['stderr', lines(textAt(result, 'stderr'))],
  ];
}
