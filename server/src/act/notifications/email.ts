// E-mail over SMTP. The one question that matters is whether the server took the message when the connection breaks: it
// cannot have before it was handed the end of it, and it may have from then on (RFC 5321 4.5.4.1 and RFC 1047).
import { Readable } from 'node:stream';
import type { ChannelSetting } from '@mandate/kernel';
import MailComposer from 'nodemailer/lib/mail-composer';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SMTPConnectionAuth, SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';
import type { ChannelAnswer, ChannelMessage } from './message.ts';
import type { Sender } from './sender.ts';

export interface EmailNeeds {
  /** `smtp://user:password@host:587`, for channels that name no secret of their own; null where none is set. */
  readonly smtpUrl: string | null;
  /** The address that mail comes from; null takes the user of the SMTP URL, where that is an address. */
  readonly from: string | null;
  /** Domain of message ids: that of the address under which people reach the server. */
  readonly domain: () => string;
  /** null when no secret of that name exists. */
  readonly secrets: (name: string) => string | null;
}

export function createEmail(needs: EmailNeeds): Sender {
  return async (message, setting, signal) => {
    const server = serverOf(setting, needs);
    if (typeof server === 'string')
      return { kind: 'refused', error: server, permanent: false, retryAfterMs: null };
    const from = needs.from ?? server.from ?? `mandate@${needs.domain()}`;
    const raw = await rawOf(message, { from, domain: needs.domain() });
    return converse({ server, from, to: message.to, raw }, signal);
  };
}

interface SmtpServer {
  readonly options: SMTPConnectionOptions;
  readonly auth: SMTPConnectionAuth | null;
  readonly from: string | null;
}

/** In words what is missing, where no server can be asked. */
function serverOf({ secret }: ChannelSetting, { smtpUrl, secrets }: EmailNeeds): SmtpServer | string {
  const url = secret === null ? smtpUrl : secrets(secret);
  if (url === null) {
    return secret === null
      ? 'No SMTP server is set. Set MANDATE_SMTP_URL, or name a secret with an SMTP URL in the channel.'
      : `The secret ${secret} does not exist. Put an SMTP URL into the file secrets/${secret} of the data directory.`;
  }
  if (!/^smtps?:\/\/[^\s]+$/.test(url)) return 'The SMTP URL must look like smtp://user:password@host:587.';
  const { auth, ...options } = parseConnectionUrl(url);
  const host = typeof options.host === 'string' ? options.host : '';
  const user = auth?.user ?? '';
  return {
    options: {
      ...options,
      logger: false,
      debug: false,
      // A password goes over an open line only where nobody else is on it.
      ...(user !== '' && !isLoopback(host) && options['requireTLS'] === undefined && options.secure !== true
        ? { requireTLS: true }
        : {}),
    },
    auth: user === '' ? null : { user, pass: auth?.pass ?? '' },
    from: user.includes('@') ? user : null,
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The message as it travels. Its id is the delivery's, so that a copy is known as one by every mail reader. */
function rawOf(
  message: ChannelMessage,
  { from, domain }: { readonly from: string; readonly domain: string },
): Promise<Buffer> {
  const composer = new MailComposer({
    from: { name: 'Mandate', address: from },
    to: [{ name: '', address: message.to }],
    subject: message.subject,
    text: message.text,
    html: message.html,
    messageId: `<${message.id}@${domain}>`,
    date: new Date(message.atMs),
    headers: {
      // Nobody's holiday reply is a message to us (RFC 3834).
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'X-Mandate-Kind': message.kind,
      'X-Mandate-Tenant': message.tenant,
      ...(message.urgent ? { Importance: 'high' } : {}),
      ...(message.sentAgain ? { 'X-Mandate-Sent-Again': `attempt ${message.attempt}` } : {}),
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return new Promise((resolve, reject) => {
    composer.compile().build((error, built) => {
      if (error !== null || built === undefined) reject(error ?? new Error('the message could not be built'));
      else resolve(built);
    });
  });
}

interface Conversation {
  readonly server: SmtpServer;
  readonly from: string;
  readonly to: string;
  readonly raw: Buffer;
}

function converse({ server, from, to, raw }: Conversation, signal: AbortSignal): Promise<ChannelAnswer> {
  return new Promise((resolve) => {
    // Read to its end only once the server has asked for the message: from then on it may have taken it.
    let isHandedOver = false;
    const body = Readable.from([raw]);
    body.once('end', () => {
      isHandedOver = true;
    });
    const connection = new SMTPConnection(server.options);
    const cut = (): void => end(new Error('cut off before the server answered'));
    let ended = false;
    function end(error: unknown, response: string | null = null): void {
      if (ended) return;
      ended = true;
      signal.removeEventListener('abort', cut);
      body.destroy();
      if (response === null) connection.close();
      else connection.quit();
      resolve(response === null ? answerOf(error, isHandedOver) : { kind: 'accepted', reference: response });
    }
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) return cut();
    connection.on('error', end);
    connection.connect((failed) => {
      if (failed) return end(failed);
      const send = (): void =>
        connection.send({ from, to: [to], size: raw.length }, body, (error, info) => {
          if (error !== null || info === undefined) end(error);
          else end(null, info.response);
        });
      if (server.auth === null) return send();
      if (!connection.allowsAuth)
        return end(new Error('The server offers no login, but the SMTP URL names a user.'));
      connection.login(server.auth, (error) => (error ? end(error) : send()));
    });
  });
}

/** What the server said counts; where it said nothing, whether it had the whole message. */
function answerOf(error: unknown, isHandedOver: boolean): ChannelAnswer {
  const text = error instanceof Error ? error.message : String(error);
  const code =
    typeof error === 'object' && error !== null && 'responseCode' in error ? Number(error.responseCode) : 0;
  // 421 closes the connection, also right after the message: then it is no word about the message.
  if (code >= 400 && !(isHandedOver && code === 421)) {
    // A wrong password or a full disk of ours is put right by people; what is refused for good is so by its address.
    const permanent = code >= 500 && code !== 530 && code !== 535 && code !== 538;
    return { kind: 'refused', error: text, permanent, retryAfterMs: null };
  }
  return isHandedOver
    ? { kind: 'unknown', error: `${text} (after the message had been handed over)` }
    : { kind: 'refused', error: text, permanent: false, retryAfterMs: null };
}
