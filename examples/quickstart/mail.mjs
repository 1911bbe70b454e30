// A mail server for trying notifications out: a real one, which takes every mail for every address on this machine and
// shows what people would read. Nothing leaves the machine, and nothing is kept.
//
//   node examples/quickstart/mail.mjs        listens on 127.0.0.1:4025, or on MAIL_PORT
import { SMTPServer } from 'smtp-server';

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  onData(stream, session, done) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const to = session.envelope.rcptTo.map(({ address }) => address).join(', ');
      show(Buffer.concat(chunks).toString('latin1'), to);
      done();
    });
  },
});
// A client that breaks off has not sent a mail, and that is all.
server.on('error', (error) => process.stderr.write(`mail: ${error.message}\n`));
server.listen(Number(process.env.MAIL_PORT ?? 4025), '127.0.0.1', () => {
  process.stdout.write(
    `Mail for every address is taken on smtp://127.0.0.1:${server.server.address().port}\n`,
  );
});

function show(raw, to) {
  const line = '─'.repeat(72);
  process.stdout.write(
    `${line}\nTo: ${to}\nSubject: ${decodeWords(headerOf(raw, 'subject'))}\n\n${plainPart(raw)}\n${line}\n`,
  );
}

/** The text/plain part, decoded. */
function plainPart(raw) {
  const boundary = /boundary="([^"]+)"/.exec(raw)?.[1];
  const parts = boundary === undefined ? [raw] : raw.split(`--${boundary}`).slice(1);
  const part = parts.find((it) => headerOf(it, 'content-type').startsWith('text/plain')) ?? raw;
  const body = part.slice(part.indexOf('\r\n\r\n') + 4).trimEnd();
  return decode(body, headerOf(part, 'content-transfer-encoding').toLowerCase());
}

function headerOf(part, name) {
  const head = part.slice(0, part.indexOf('\r\n\r\n')).replaceAll(/\r\n[ \t]+/g, ' ');
  return new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
}

function decode(text, encoding) {
  if (encoding === 'base64') return Buffer.from(text, 'base64').toString('utf8');
  const bytes =
    encoding === 'quoted-printable'
      ? text
          .replaceAll('=\r\n', '')
          .replaceAll(/=([0-9A-F]{2})/gi, (_all, hex) => String.fromCharCode(parseInt(hex, 16)))
      : text;
  return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\r\n', '\n');
}

/** RFC 2047: `=?UTF-8?Q?…?=` */
function decodeWords(text) {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_all, kind, word) =>
      decode(
        kind.toLowerCase() === 'b' ? word : word.replaceAll('_', ' '),
        kind.toLowerCase() === 'b' ? 'base64' : 'quoted-printable',
      ),
    );
}
