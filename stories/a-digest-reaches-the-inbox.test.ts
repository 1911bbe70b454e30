// What ran yellow is told by mail, by a real server to a real SMTP server, and told although the process that sent it was
// killed before it heard whether the mail was taken. The copy has the same message id and says that it is one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { ask, askHeld } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import { until } from '../test/until.ts';

const charter = `version: 1
extends: default
notify:
  to: ['email:ops@example.org']
  channels:
    hook: { webhook: 'https://169.254.169.254/hook', secret: hook, mode: none }
users:
  ada: { contacts: { email: ada@example.org } }
`;

interface Mail {
  readonly to: string;
  readonly raw: string;
  header(name: string): string;
}

interface Post {
  readonly url: string;
  readonly mails: Mail[];
  /** While true a mail is read and not answered. */
  isHolding: boolean;
}

async function openPost(t: TestContext): Promise<Post> {
  const held: (() => void)[] = [];
  const post: Post = { url: '', mails: [], isHolding: false };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString('utf8').replaceAll(/=\r\n/g, '');
        const header = (name: string): string => new RegExp(`^${name}: (.*)\r$`, 'im').exec(raw)?.[1] ?? '';
        post.mails.push({ to: session.envelope.rcptTo.map(({ address }) => address).join(), raw, header });
        if (post.isHolding) held.push(done);
        else done();
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  t.after(async () => {
    for (const done of held) done();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return Object.assign(post, { url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}` });
}

interface Items {
  readonly items: readonly {
    readonly id: string;
    readonly channel: string;
    readonly status: string;
    readonly tries: number;
    readonly mayHaveArrived: boolean;
    readonly lastError: string | null;
  }[];
}

test('a digest outlives the process that sent it: nothing is lost, and the copy says that it is one', async (t) => {
  const post = await openPost(t);
  const server = await startServer(t, {
    charter,
    env: { MANDATE_SMTP_URL: post.url, MANDATE_MAIL_FROM: 'mandate@example.org' },
  });
  await server.makeKey({ roles: ['tech-lead'], user: { id: 'ada' } });
  const stats = async (): Promise<number> =>
    (await server.call<{ pendingDigestEntries: number }>('/api/v1/stats')).body.pendingDigestEntries;

  assert.equal((await ask(server, { agent: 'builder-1', action: 'deploy.staging' })).status, 200);
  assert.equal((await ask(server, { agent: 'builder-1', action: 'git.create_pull_request' })).status, 200);
  const held = await askHeld(server, { agent: 'builder-1', action: 'deploy.production' });
  await until('two acts wait to be told', async () => (await stats()) === 2);
  const urgent = await until('what waits is told at once', () => {
    const told = post.mails.map(({ to }) => to).toSorted();
    return told.length === 2 && told;
  });
  assert.deepEqual(urgent, ['ada@example.org', 'ops@example.org']);
  const link = (to: string): string => post.mails.find((mail) => mail.to === to)?.raw ?? '';
  assert.match(link('ada@example.org'), new RegExp(`/approvals/${held.approval.id}\\?t=3D`), 'her own link');
  assert.doesNotMatch(link('ops@example.org'), /\?t=3D/, 'nobody’s link');

  // The mail server has the digest and has not said so when the process is killed.
  post.isHolding = true;
  const asked = server.call('/api/v1/notifications/digest', {}).catch(() => null);
  await until('the digest is handed over', () => post.mails.length === 3);
  await server.kill();
  await asked;
  post.isHolding = false;
  // As if a minute and a half had passed, after which the claim of a dead process ends.
  await server.database.admin`update mandate.delivery set lease_until = now() where status = 'sending'`;
  await server.restart();
  await until('it is sent again', () => post.mails.length === 4);

  const [, , first, second] = post.mails;
  assert.equal(first?.header('Message-ID'), second?.header('Message-ID'));
  assert.match(
    first?.header('Subject') ?? '',
    /^Mandate: builder-1 deployed to staging, opened pull request/,
  );
  assert.equal(first?.header('X-Mandate-Sent-Again'), '');
  assert.equal(second?.header('X-Mandate-Sent-Again'), 'attempt 2');
  assert.match(second?.raw ?? '', /Sent again: it is not known whether the first copy arrived\./);
  const { items } = (
    await until('it is known as sent', async () => {
      const answer = await server.call<Items>('/api/v1/notifications?channel=email:ops@example.org');
      return answer.body.items.every(({ status }) => status === 'sent') && answer;
    })
  ).body;
  assert.deepEqual(
    items.map(({ tries, mayHaveArrived }) => [tries, mayHaveArrived]),
    [
      [2, true],
      [1, false],
    ],
  );
  assert.equal(await stats(), 0, 'nothing is left to tell');

  await t.test('what cannot be delivered is put aside, shown, counted and sent again on demand', async () => {
    const tried = await server.call<Items>('/api/v1/notifications/test', { channel: 'hook' });
    assert.equal(tried.body.items[0]?.status, 'pending', 'there is no secret to sign with yet');
    assert.match(tried.body.items[0]?.lastError ?? '', /The secret hook does not exist/);
    await server.database
      .admin`update mandate.delivery set tries = 11, next_at = now() where channel = 'hook'`;
    const dead = await until('it is dead', async () => {
      const { body } = await server.call<Items>('/api/v1/notifications/dead');
      return body.items[0];
    });
    const metrics = await fetch(`${server.url}/metrics`).then((answer) => answer.text());
    assert.match(metrics, /^mandate_notifications_dead\{channel="hook"\} 1$/m);
    assert.match(metrics, /^mandate_notifications_sent_total\{channel="email:ops@example\.org"\} 1$/m);
    const replayed = await server.call<{ ids: readonly string[]; left: number }>(
      '/api/v1/notifications/replay',
      {
        ids: [dead.id],
      },
    );
    assert.deepEqual([replayed.status, replayed.body.ids, replayed.body.left], [200, [dead.id], 0]);
    const agentKey = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
    const forbidden = await server.call('/api/v1/notifications/replay', {}, { key: agentKey });
    assert.equal(forbidden.status, 403, 'agents send nobody anything');
  });
});
