// Webhooks in the Standard Webhooks scheme (standardwebhooks.com): the id is the delivery's on every try, the signature
// covers id, time and body, and 2xx is the only answer that counts. The connection is made by whoever guards addresses.
import type { ChannelSetting } from '@mandate/kernel';
import { hmacSha256 } from '../../platform/crypto/hash.ts';
import { iso } from '../../platform/clock/iso.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { ChannelAnswer, ChannelMessage } from './message.ts';
import type { Sender } from './sender.ts';

/** One HTTP request to an address that was checked. Nothing is followed, and little is read. */
export type Post = (request: {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether a private address is meant. */
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
}) => Promise<PostAnswer>;

/**
 * - `answered`: with a status and the beginning of the body
 * - `unsent`: nothing can have arrived; `isForbidden` where it never will, because the address is not allowed
 * - `unknown`: the request may have arrived
 */
export type PostAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly text: string;
    }
  | { readonly kind: 'unsent'; readonly error: string; readonly isForbidden: boolean }
  | { readonly kind: 'unknown'; readonly error: string };

export interface WebhookNeeds {
  readonly clock: Clock;
  readonly post: Post;
  /** null when no secret of that name exists. */
  readonly secrets: (name: string) => string | null;
}

export function createWebhook({ clock, post, secrets }: WebhookNeeds): Sender {
  return async (message, setting, signal) => {
    const key = keyOf(setting, secrets);
    if (typeof key === 'string') return { kind: 'refused', error: key, permanent: false, retryAfterMs: null };
    const body = JSON.stringify(payloadOf(message));
    const id = `msg_${message.id}`;
    const seconds = Math.floor(clock.nowMs() / 1_000);
    const signature = Buffer.from(hmacSha256(key, `${id}.${seconds}.${body}`)).toString('base64');
    const answer = await post({
      url: message.to,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${signature}`,
        'user-agent': 'mandate',
      },
      body,
      allowPrivate: setting.allowPrivate,
      signal,
    });
    return readAnswer(answer);
  };
}

/** The bytes of a `whsec_…` secret; in words what is wrong where there are none. */
function keyOf({ secret }: ChannelSetting, secrets: WebhookNeeds['secrets']): Uint8Array | string {
  if (secret === null)
    return 'The channel names no secret to sign with. Add secret: <name>, and put whsec_ and the base64 of 24 to 64 random bytes into secrets/<name> of the data directory.';
  const text = secrets(secret);
  if (text === null)
    return `The secret ${secret} does not exist. Put whsec_ and the base64 of 24 to 64 random bytes into the file secrets/${secret} of the data directory.`;
  const key = Buffer.from(text.replace(/^whsec_/, ''), 'base64');
  return key.length < 24 || key.length > 64
    ? `The secret ${secret} is not whsec_ and the base64 of 24 to 64 bytes.`
    : key;
}

function payloadOf({
  kind,
  atMs,
  tenant,
  subject,
  text,
  link,
  sentAgain,
  attempt,
  user,
  content,
}: ChannelMessage) {
  return {
    type: `mandate.${kind}`,
    timestamp: iso(atMs),
    data: { tenant, user, subject, text, link, sentAgain, attempt, ...content },
  };
}

function readAnswer(answer: PostAnswer): ChannelAnswer {
  switch (answer.kind) {
    case 'unsent':
      return { kind: 'refused', error: answer.error, permanent: answer.isForbidden, retryAfterMs: null };
    case 'unknown':
      return answer;
    case 'answered':
      return readStatus(answer);
  }
}

function readStatus({ status, headers }: Extract<PostAnswer, { kind: 'answered' }>): ChannelAnswer {
  if (status >= 200 && status < 300) return { kind: 'accepted', reference: `HTTP ${status}` };
  const refused = (error: string, permanent: boolean): ChannelAnswer => ({
    kind: 'refused',
    error,
    permanent,
    retryAfterMs: retryAfterOf(headers['retry-after']),
  });
  if (status === 410) return refused('HTTP 410: nothing is taken there any more. Remove the channel.', true);
  if (status >= 300 && status < 400)
    return refused(`HTTP ${status}: it leads elsewhere. Write the final URL into the charter.`, true);
  // What stands between us and the receiver speaks here, and does not know whether it got through.
  if (status === 502 || status === 504) return { kind: 'unknown', error: `HTTP ${status} from a gateway.` };
  return refused(`HTTP ${status}.`, false);
}

/** Seconds only: a date would have to be believed. */
function retryAfterOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}
