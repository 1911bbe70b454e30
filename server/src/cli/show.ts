// How acts, decisions and refusals read. The three things that a person wants from a refusal come first: what was
// refused, why, and what to do next.
import { isProblemCode, nextStepOf } from '../platform/http/problems.ts';
import type { CommandFailed } from './exit.ts';
import { fields, harmless } from './output.ts';
import type { Output, Tint } from './output.ts';
import { entriesAt, listAt, numberAt, textAt, textOf, textsAt, valueAt } from './read.ts';

type Tinter = (text: string, tint: Tint) => string;

const TINTS: Readonly<Record<string, Tint>> = {
  green: 'green',
  yellow: 'yellow',
  red: 'red',
  black: 'bold',
  success: 'green',
  permitted: 'green',
  recorded: 'cyan',
  executing: 'cyan',
  waiting_for_approval: 'yellow',
  failed: 'red',
  denied: 'red',
  unknown: 'red',
};

export function tintOf(word: string): Tint {
  return Object.hasOwn(TINTS, word) ? (TINTS[word] ?? 'bold') : 'bold';
}

/** `deploy.production by builder-1`. */
export function subjectOf(act: unknown): string {
  return harmless(`${textAt(act, 'action')} by ${textAt(act, 'agent')}`);
}

/** JSON in one line, as what it is: nothing in it can command the terminal. */
export function oneLine(value: unknown): string {
  const isEmpty =
    value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);
  return isEmpty ? '' : harmless(typeof value === 'string' ? value : JSON.stringify(value));
}

export function short(hash: string): string {
  return harmless(hash.slice(0, 12));
}

/** The lines of a decision that matter to whoever asked. */
export function decisionPairs(
  decision: unknown,
  tint: Tinter,
): readonly (readonly [string, string | readonly string[]])[] {
  const tier = textAt(decision, 'tier');
  const code = textAt(decision, 'code');
  return [
    ['tier', tier === '' ? '' : `${tint(tier, tintOf(tier))} (${harmless(code)})`],
    ['because', textsAt(decision, 'reasons').map(harmless)],
    [
      'found',
      listAt(decision, 'findings').map((finding) =>
        harmless(
          `${textAt(finding, 'check')} (${textAt(finding, 'severity')}): ${textAt(finding, 'message')}`,
        ),
      ),
    ],
    [
      'restricted by',
      listAt(decision, 'restrictions').map((it) => harmless(`${textAt(it, 'kind')}: ${textAt(it, 'cause')}`)),
    ],
    [
      'trust',
      numberAt(decision, 'trust', 'score') === null
        ? ''
        : `${textAt(decision, 'trust', 'score')} (${textAt(decision, 'trust', 'level')})`,
    ],
    ['charter', short(textAt(decision, 'charterVersion'))],
  ];
}

/** Every part of a decision, also those that changed nothing. */
export function traceLines(decision: unknown, tint: Tinter): string {
  return fields(
    listAt(decision, 'trace').map((entry) => {
      const tier = textAt(entry, 'tier');
      return [
        textAt(entry, 'part'),
        `${tier === '' ? '' : `${tint(tier.padEnd(6), tintOf(tier))} `}${harmless(textAt(entry, 'text'))}`,
      ] as const;
    }),
    tint,
  );
}

/** Every rule that names the action, in the order in which rules are tried, and why it did or did not decide. */
export function consideredLines(answer: unknown, tint: Tinter): string {
  return fields(
    listAt(answer, 'considered').map((rule) => {
      const tier = textAt(rule, 'tier');
      const mark = textAt(rule, 'standing') === 'matched' ? '→' : ' ';
      const final = valueAt(rule, 'final') === true ? ' (final)' : '';
      return [
        harmless(`${mark} ${textAt(rule, 'pattern')}`),
        [
          `${tint(tier.padEnd(6), tintOf(tier))} ${harmless(`${textAt(rule, 'origin')}${final}`)}`,
          harmless(textAt(rule, 'why')),
        ],
      ] as const;
    }),
    tint,
  );
}

/** A refusal or a failure, on stderr. */
export function talkFailure(out: Output, failure: CommandFailed, self: string): void {
  const document = failure.document;
  const decision = valueAt(document, 'decision');
  const code = textAt(document, 'code');
  const tint = out.tintTalk;
  if (numberAt(document, 'status') === null) {
    out.talk(`${tint('mandate:', 'red')} ${failure.message}`);
  } else {
    const next = isProblemCode(code) ? nextStepOf(code, listAt(document, 'errors').length > 0) : '';
    const reasons = textsAt(decision, 'reasons');
    const detail = failure.message.endsWith(next)
      ? failure.message.slice(0, failure.message.length - next.length).trim()
      : failure.message;
    const wait = numberAt(document, 'retryAfterSeconds');
    out.talk(
      `${tint(textAt(document, 'title') || 'Refused', 'red')} (${harmless(code)}, HTTP ${textAt(document, 'status')})`,
    );
    out.talk(
      fields(
        [
          ['because', reasons.length > 0 ? reasons.map(harmless) : harmless(detail)],
          [
            'wrong',
            listAt(document, 'errors').map((error) =>
              harmless(`${textAt(error, 'pointer')}: ${textAt(error, 'detail')}`),
            ),
          ],
          [
            'found',
            listAt(decision, 'findings').map((finding) =>
              harmless(
                `${textAt(finding, 'check')} (${textAt(finding, 'severity')}): ${textAt(finding, 'message')}`,
              ),
            ),
          ],
          ['next', next.replaceAll(/\bmandate (?=[a-z])/g, `${self} `)],
          ['again in', wait === null ? '' : `${wait} s`],
          ['trace', harmless(textAt(document, 'traceId'))],
        ],
        tint,
      ),
    );
  }
  for (const step of failure.steps) out.talk(`  ${step}`);
}

/** Counts as `success 3, denied 1`. */
export function counts(value: unknown, ...path: readonly string[]): string {
  return entriesAt(value, ...path)
    .map(([name, count]) => `${harmless(name)} ${textOf(count)}`)
    .join(', ');
}
