// One call of a chat's API: over the guarded dialer, https unless the charter means a private network, JSON both ways,
// and with the token in nothing that anybody reads afterwards.
import type { ChannelSetting, JsonObject } from '@mandate/kernel';
import type { ChannelAnswer } from './message.ts';
import type { Post } from './webhook.ts';

export interface ProviderNeeds {
  readonly post: Post;
  /** null when no secret of that name exists. */
  readonly secrets: (name: string) => string | null;
}

export interface ProviderCall {
  readonly setting: ChannelSetting;
  /** A whole URL; it may hold the token, as Telegram's do. */
  readonly url: string;
  readonly token: string | null;
  /** Whether the token goes along as a bearer token. */
  readonly bearer: boolean;
  readonly body: JsonObject;
  readonly signal: AbortSignal;
}

/**
 * - `json`: it answered with a JSON object
 * - `rubbish`: it answered with something else
 * - `refused`: nothing was sent; `permanent` where it never will be
 * - `unknown`: the request may have arrived
 */
export type ProviderAnswer =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly value: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: 'rubbish';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
    }
  | Extract<ChannelAnswer, { kind: 'refused' | 'unknown' }>;

export type ProviderJson = Extract<ProviderAnswer, { kind: 'json' }>;

export async function callProvider(
  post: Post,
  { setting, url, token, bearer, body, signal }: ProviderCall,
): Promise<ProviderAnswer> {
  const { allowPrivate } = setting;
  if (!url.startsWith('https://') && !allowPrivate)
    return refused(
      'A token is only sent over https. Write options.api with https://, or allowPrivate: true inside a network of your own.',
      true,
    );
  const answer = await post({
    url,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'mandate',
      ...(bearer && token !== null ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify(body),
    allowPrivate,
    signal,
  });
  const hide = (text: string): string => (token === null ? text : text.replaceAll(token, '[secret]'));
  if (answer.kind === 'unsent') return refused(hide(answer.error), answer.isForbidden);
  if (answer.kind === 'unknown') return { kind: 'unknown', error: hide(answer.error) };
  const { status, headers, text } = answer;
  const value = objectOf(hide(text));
  return value === null ? { kind: 'rubbish', status, headers } : { kind: 'json', status, headers, value };
}

/** The address of an API: the channel's `options.api`, or the public one. Without a slash at its end. */
export function apiOf({ options }: ChannelSetting, usual: string): string {
  return (options['api'] ?? usual).replace(/\/+$/, '');
}

/** The token of a channel; as an answer what is missing, which people put right. */
export function tokenOf(
  { secret }: ChannelSetting,
  secrets: ProviderNeeds['secrets'],
  what: string,
): string | Extract<ChannelAnswer, { kind: 'refused' }> {
  if (secret === null)
    return refused(`The channel names no secret. Add secret: <name>, and put ${what} into secrets/<name>.`);
  const token = secrets(secret);
  if (token === null)
    return refused(
      `The secret ${secret} does not exist. Put ${what} into the file secrets/${secret} of the data directory.`,
    );
  // A line break or a slash in it would make another request of it.
  return /^[\x21-\x7e]+$/.test(token) && !/[/?#\\]/.test(token)
    ? token
    : refused(`The secret ${secret} is not ${what}.`);
}

/** What became of a message: `read` says it of JSON, everything else says it by itself. */
export function readAnswer(
  name: string,
  answer: ProviderAnswer,
  read: (json: ProviderJson) => ChannelAnswer,
): ChannelAnswer {
  switch (answer.kind) {
    case 'refused':
    case 'unknown':
      return answer;
    case 'rubbish':
      return rubbishAnswer(name, answer);
    case 'json':
      return read(answer);
  }
}

/** What an answer says that is none: nobody knows whether the message was taken, unless the status says that it was not. */
export function rubbishAnswer(
  name: string,
  { status, headers }: Extract<ProviderAnswer, { kind: 'rubbish' }>,
): Extract<ChannelAnswer, { kind: 'refused' | 'unknown' }> {
  const text = `${name} answered HTTP ${status} with something that is no answer of ${name}.`;
  if (status === 429) return refused(text, false, retryAfterMs(headers));
  if (status >= 300 && status < 400)
    return refused(`${text} It leads elsewhere; write the right address under options.api.`, true);
  if (status >= 400 && status < 500) return refused(text);
  return { kind: 'unknown', error: text };
}

/** Seconds only: a date would have to be believed. */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | null {
  const written = headers['retry-after'];
  return written !== undefined && /^\d{1,6}$/.test(written) ? Number(written) * 1_000 : null;
}

export function refused(
  error: string,
  permanent = false,
  afterMs: number | null = null,
): Extract<ChannelAnswer, { kind: 'refused' }> {
  return { kind: 'refused', error, permanent, retryAfterMs: afterMs };
}

/** The object behind a name; an empty one where there is none. */
export function within(value: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  return recordOf(Object.hasOwn(value, name) ? value[name] : undefined) ?? {};
}

export function recordOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : null;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    return null;
  }
}
