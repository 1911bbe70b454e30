// A question to a service that the charter names: one POST with JSON, through the guarded dialer, and JSON back. Whoever
// asks decides what a missing answer means, so everything that is no answer is thrown.
import type { JsonObject } from '@mandate/kernel';
import { createPost } from './notice-post.ts';
import { parseJson } from './result.ts';

export interface Question {
  readonly url: string;
  /** Sent as bearer token. */
  readonly secret: string | null;
  readonly allowPrivate: boolean;
  readonly body: JsonObject;
  readonly signal: AbortSignal;
}

/** The JSON of a 2xx answer; null for an empty one. Rejects for everything else, and for an address that is not allowed. */
export async function postQuestion({ url, secret, allowPrivate, body, signal }: Question): Promise<unknown> {
  if (secret !== null && url.startsWith('http:') && !allowPrivate)
    throw new Error(
      'a secret is only sent over https (or inside a private network with "allowPrivate: true")',
    );
  const answer = await createPost()({
    url,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': 'mandate',
      ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
    },
    body: JSON.stringify(body),
    allowPrivate,
    signal,
  });
  if (answer.kind !== 'answered') throw new Error(answer.error);
  if (answer.status < 200 || answer.status >= 300) throw new Error(`it answered ${answer.status}`);
  if (answer.text.trim() === '') return null;
  const parsed = parseJson(answer.text);
  if (parsed === null) throw new Error(`it answered ${answer.status}, but not with JSON`);
  return parsed.value;
}
