// What a channel needs besides where it leads, by kind. An option that nobody reads is an error: whoever misspells the
// name of a signing secret would have messages without buttons, and not know why.
import { nearest } from '@mandate/kernel';
import type { ChannelKind } from '@mandate/kernel';

type ChatKind = Extract<ChannelKind, 'slack' | 'telegram' | 'whatsapp'>;

/** Options by kind; those that name a secret end in a name, never in the secret itself. */
const OPTIONS: Readonly<Record<ChatKind, readonly string[]>> = {
  slack: ['api', 'signingSecret'],
  telegram: ['api', 'webhookSecret'],
  whatsapp: [
    'api',
    'phoneNumberId',
    'appSecret',
    'verifyToken',
    'template',
    'approvalTemplate',
    'templateLanguage',
  ],
};
const SECRETS: ReadonlySet<string> = new Set(['signingSecret', 'webhookSecret', 'appSecret', 'verifyToken']);

export interface WrittenChannelOptions {
  readonly secret?: string | undefined;
  readonly allowPrivate?: boolean | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
}

/** Each problem with its path below the channel. */
export function optionProblems(
  kind: ChannelKind,
  { secret, allowPrivate, options = {} }: WrittenChannelOptions,
): readonly { readonly path: readonly string[]; readonly message: string }[] {
  const isChat = kind === 'slack' || kind === 'telegram' || kind === 'whatsapp';
  const known = isChat ? OPTIONS[kind] : [];
  const problems = Object.entries(options).flatMap(([name, value]) => {
    const message = known.includes(name)
      ? valueProblem(name, value, allowPrivate === true)
      : unknownOption(kind, name, known);
    return message === null ? [] : [{ path: ['options', name], message }];
  });
  if (!isChat) return problems;
  const missing: (readonly [readonly string[], string])[] = [];
  if (secret === undefined)
    missing.push([[], `A ${kind} channel needs secret: the name of the secret with its token.`]);
  if (kind === 'whatsapp' && options['phoneNumberId'] === undefined)
    missing.push([[], 'A whatsapp channel needs options.phoneNumberId: the number that sends.']);
  if (options['approvalTemplate'] !== undefined && options['template'] === undefined)
    missing.push([
      ['options', 'approvalTemplate'],
      'Name a template without buttons as well: what does not fit one line goes out as that.',
    ]);
  return [...problems, ...missing.map(([path, message]) => ({ path, message }))];
}

function unknownOption(kind: ChannelKind, name: string, known: readonly string[]): string {
  if (known.length === 0) return `A channel of kind ${kind} has no options.`;
  const guess = nearest(name, known);
  return `There is no option ${name} of ${kind}. ${guess === null ? `There are ${known.join(', ')}.` : `Did you mean ${guess}?`}`;
}

function valueProblem(name: string, value: string, allowPrivate: boolean): string | null {
  if (SECRETS.has(name))
    return /^[a-z0-9][a-z0-9._-]*$/i.test(value)
      ? null
      : 'Write the name of a secret, never the secret itself.';
  if (name === 'api') {
    const scheme = allowPrivate
      ? /^https?:\/\/[^\s/@?#]+(\/[^\s?#]*)?$/
      : /^https:\/\/[^\s/@?#]+(\/[^\s?#]*)?$/;
    return scheme.test(value)
      ? null
      : 'Write an https:// address without user, query or fragment; http:// only with allowPrivate: true.';
  }
  if (name === 'phoneNumberId')
    return /^\d+$/.test(value)
      ? null
      : 'Write the phone number id of the Cloud API: digits, in quotes. It is not the telephone number.';
  return null;
}
