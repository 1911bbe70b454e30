// Against a real SMTP server in this process, which takes, refuses, and breaks off as the test says.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { createEmail } from './email.ts';
import type { EmailNeeds } from './email.ts';
import { channel } from './kit.test.ts';
import type { ChannelAnswer, ChannelMessage } from './message.ts';

interface Post {
  readonly url: string;
  readonly mails: string[];
  readonly envelopes: string[];
}

/** `breakOff` cuts every line as a server does that dies. */
async function openPost(
  t: TestContext,
  optionsWith: (breakOff: () => void) => SMTPServerOptions = () => ({}),
): Promise<Post> {
  const sockets = new Set<Socket>();
  const options = optionsWith(() => {
    for (const socket of sockets) socket.destroy();
  });
  const mails: string[] = [];
  const envelopes: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString('utf8'));
        const from = session.envelope.mailFrom === false ? '' : session.envelope.mailFrom?.address;
        envelopes.push(`${from} > ${session.envelope.rcptTo.map(({ address }) => address).join()}`);
        callback();
      });
    },
    ...options,
  });
  // Clients that break off are the point of some of these tests.
  server.on('error', () => undefined);
  server.server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return { url: `smtp://127.0.0.1:${port}`, mails, envelopes };
}

const MESSAGE: ChannelMessage = {
  id: '01a1f8c9-ce80-7768-81c7-0323a7d4cc4e',
  tenant: 'acme',
  channel: 'ops',
  kind: 'digest',
  urgent: false,
  to: 'ops@example.org',
  user: null,
  subject: 'Mandate: builder-1 merged größe; trust 50 → 51',
  text: 'builder-1 merged größe\n',
  html: '<p>builder-1 merged größe</p>\n',
  blocks: [],
  content: { kind: 'test', by: 'key:test', atMs: 0 },
  link: null,
  sentAgain: false,
  attempt: 1,
  atMs: Date.parse('2026-11-20T10:00:00Z'),
};

function send(
  needs: Partial<EmailNeeds>,
  message: Partial<ChannelMessage> = {},
  {
    secret = null,
    signal = new AbortController().signal,
  }: { secret?: string | null; signal?: AbortSignal } = {},
): Promise<ChannelAnswer> {
  const email = createEmail({
    smtpUrl: null,
    from: 'mandate@example.org',
    domain: () => 'mandate.example.org',
    secrets: () => null,
    ...needs,
  });
  return Promise.resolve(email({ ...MESSAGE, ...message }, channel({ kind: 'email', secret }), signal));
}

test('a mail arrives with a stable message id, in text and HTML, and asks nobody for a reply', async (t) => {
  const post = await openPost(t);
  const answer = await send({ smtpUrl: post.url });
  assert.equal(answer.kind, 'accepted');
  assert.deepEqual(post.envelopes, ['mandate@example.org > ops@example.org']);
  const [mail = ''] = post.mails;
  assert.match(mail, /^Message-ID: <01a1f8c9-ce80-7768-81c7-0323a7d4cc4e@mandate\.example\.org>\r$/m);
  assert.match(mail, /^Auto-Submitted: auto-generated\r$/m);
  assert.match(mail, /^From: Mandate <mandate@example\.org>\r$/m);
  assert.match(mail, /^Date: Fri, 20 Nov 2026 10:00:00 \+0000\r$/m);
  assert.match(mail, /^Subject: =\?UTF-8\?Q\?/m);
  assert.match(mail, /^Content-Type: multipart\/alternative/m);
  assert.match(mail, /Content-Type: text\/plain; charset=utf-8/);
  assert.match(mail, /Content-Type: text\/html; charset=utf-8/);
  assert.doesNotMatch(mail, /X-Mandate-Sent-Again/);
});

test('a copy says that it is one, and has the same message id', async (t) => {
  const post = await openPost(t);
  await send({ smtpUrl: post.url }, { sentAgain: true, attempt: 2 });
  assert.match(post.mails[0] ?? '', /^X-Mandate-Sent-Again: attempt 2\r$/m);
  assert.match(post.mails[0] ?? '', /^Message-ID: <01a1f8c9-ce80-7768-81c7-0323a7d4cc4e@/m);
});

test('a subject or an address with a line break in it adds no header and no recipient', async (t) => {
  const post = await openPost(t);
  await send({ smtpUrl: post.url }, { subject: 'a\r\nBcc: eve@example.org', to: 'ops@example.org' });
  assert.doesNotMatch(post.mails[0] ?? '', /^Bcc:/m);
  const bad = await send({ smtpUrl: post.url }, { to: 'ops@example.org>\r\nRCPT TO:<eve@example.org' });
  assert.equal(bad.kind, 'refused');
  assert.equal(post.mails.length, 1);
});

test('a server that refuses the recipient for good is not asked again, one that is busy is', async (t) => {
  const refusing = (code: number) => (): SMTPServerOptions => ({
    onRcptTo: (_address, _session, callback) =>
      callback(Object.assign(new Error(code === 550 ? 'no such user' : 'try later'), { responseCode: code })),
  });
  const gone = await send({ smtpUrl: (await openPost(t, refusing(550))).url });
  const busy = await send({ smtpUrl: (await openPost(t, refusing(451))).url });
  assert.deepEqual([gone.kind, 'permanent' in gone && gone.permanent], ['refused', true]);
  assert.deepEqual([busy.kind, 'permanent' in busy && busy.permanent], ['refused', false]);
});

test('a server that refuses the message after it has read it has certainly not taken it', async (t) => {
  const post = await openPost(t, () => ({
    onData(stream, _session, callback) {
      stream.resume();
      stream.on('end', () => callback(Object.assign(new Error('mailbox full'), { responseCode: 452 })));
    },
  }));
  const answer = await send({ smtpUrl: post.url });
  assert.deepEqual([answer.kind, 'permanent' in answer && answer.permanent], ['refused', false]);
});

test('a connection that breaks after the message was handed over leaves open whether it was taken', async (t) => {
  const post = await openPost(t, (breakOff) => ({
    onData(stream) {
      stream.resume();
      stream.on('end', breakOff);
    },
  }));
  const answer = await send({ smtpUrl: post.url });
  assert.equal(answer.kind, 'unknown', JSON.stringify(answer));
});

test('a connection that breaks before that has certainly brought nothing', async (t) => {
  const post = await openPost(t, (breakOff) => ({ onRcptTo: breakOff }));
  const answer = await send({ smtpUrl: post.url });
  assert.deepEqual(
    [answer.kind, 'permanent' in answer && answer.permanent],
    ['refused', false],
    JSON.stringify(answer),
  );
});

test('a server that never answers is left when the time is over: before the message nothing was sent, after it nobody knows', async (t) => {
  const cut = new AbortController();
  const silent = await openPost(t, () => ({ onRcptTo: () => cut.abort() }));
  assert.equal((await send({ smtpUrl: silent.url }, {}, { signal: cut.signal })).kind, 'refused');
  const late = new AbortController();
  const reading = await openPost(t, () => ({
    onData(stream) {
      stream.resume();
      stream.on('end', () => late.abort());
    },
  }));
  assert.equal((await send({ smtpUrl: reading.url }, {}, { signal: late.signal })).kind, 'unknown');
});

test('nobody there, nothing set, or no secret: refused for now, in words that say what to do', async () => {
  const nobody = await send({ smtpUrl: 'smtp://127.0.0.1:1' });
  assert.equal(nobody.kind, 'refused');
  const unset = await send({});
  assert.match('error' in unset ? unset.error : '', /Set MANDATE_SMTP_URL/);
  const missing = await send({}, {}, { secret: 'ops-smtp' });
  assert.match('error' in missing ? missing.error : '', /The secret ops-smtp does not exist/);
  const nonsense = await send({ smtpUrl: 'https://example.org' });
  assert.match('error' in nonsense ? nonsense.error : '', /must look like smtp:/);
});

test('a login is made where the URL names a user, and a wrong password is no reason to give up for good', async (t) => {
  const post = await openPost(t, () => ({
    authOptional: false,
    onAuth: ({ username, password }, _session, callback) =>
      password === 'right' ? callback(null, { user: username ?? '' }) : callback(new Error('wrong password')),
  }));
  const withUser = (password: string): string =>
    post.url.replace('smtp://', `smtp://ops%40example.org:${password}@`);
  const good = await send(
    { smtpUrl: null, from: null, secrets: () => withUser('right') },
    {},
    { secret: 'ops-smtp' },
  );
  assert.equal(good.kind, 'accepted', JSON.stringify(good));
  assert.deepEqual(
    post.envelopes,
    ['ops@example.org > ops@example.org'],
    'the user is the sender where nothing else is set',
  );
  const bad = await send({ smtpUrl: withUser('wrong') });
  assert.deepEqual([bad.kind, 'permanent' in bad && bad.permanent], ['refused', false]);
  assert.doesNotMatch('error' in bad ? bad.error : '', /wrong@|:wrong/);
});
