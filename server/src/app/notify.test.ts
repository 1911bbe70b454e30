// Which process tells people: one that they can reach. The others leave it to that one, and spend none of its tries.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { openTestDatabase } from '../../../test/postgres.ts';
import type { TestDatabase } from '../../../test/postgres.ts';
import { until } from '../../../test/until.ts';
import { createApp } from '../app.ts';
import type { AppOptions } from '../app.ts';
import { openInfrastructure } from '../infrastructure.ts';
import { loadConfig } from '../platform/config/config.ts';

interface Process {
  readonly url: string | null;
  close(): Promise<void>;
}

const CHARTER = `version: 1
extends: default
notify: { to: ['email:ops@example.org'] }
`;
const masterKey = randomBytes(32).toString('base64');
const mails: string[] = [];
const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onData(stream, _session, done) {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      mails.push(Buffer.concat(chunks).toString('utf8').replaceAll(/=\r\n/g, ''));
      done();
    });
  },
});
let database: TestDatabase;
let dataDir = '';
let smtpUrl = '';

before(async () => {
  database = await openTestDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'mandate-tells-'));
  await writeFile(join(dataDir, 'charter.yaml'), CHARTER);
  smtp.listen(0, '127.0.0.1');
  await once(smtp.server, 'listening');
  smtpUrl = `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`;
});
after(async () => {
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

async function open(
  t: { after(fn: () => Promise<void>): void },
  env: Readonly<Record<string, string>>,
  { isServer = false, ...options }: Partial<AppOptions> & { readonly isServer?: boolean } = {},
): Promise<Process> {
  const config = loadConfig({
    env: {
      PORT: '0',
      LOG_LEVEL: 'silent',
      MANDATE_DATA_DIR: dataDir,
      MANDATE_CHARTER: join(dataDir, 'charter.yaml'),
      MANDATE_MASTER_KEY: masterKey,
      DATABASE_URL: database.adminUrl,
      MANDATE_APP_URL: database.logins.appUrl,
      MANDATE_SEQUENCER_URL: database.logins.sequencerUrl,
      MANDATE_CONTROL_URL: database.logins.controlUrl,
      ...env,
    },
    argv: [],
  });
  const infrastructure = await openInfrastructure(config);
  const app = await createApp(infrastructure, { version: '0.0.0', watchdog: false, ...options });
  const url = isServer ? (await app.start()).url : await app.work().then(() => null);
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= app.close().then(() => infrastructure.close()));
  t.after(close);
  return { url, close };
}

/** Something waits for people, and the process that runs puts down the message. */
async function happen(): Promise<void> {
  const known = await readRows();
  const now = Date.now();
  const [approval] = await database.admin<{ id: string }[]>`
    insert into mandate.approval (tenant, id, digest, subject, display, requester, causes, required_roles, quorum, four_eyes, status, created_at, expires_at)
    values ('default', gen_random_uuid(), 'd', 'action', '{}', 'key:test', '{}', '{tech-lead}', 1, false, 'pending', ${new Date(now)}, ${new Date(now + 3_600_000)})
    returning id`;
  const entry = {
    kind: 'approval.opened',
    agent: null,
    actId: null,
    actor: 'key:test',
    atMs: now,
    traceId: null,
  };
  const data = JSON.stringify({ approval: approval?.id });
  await database.admin`select mandate.journal_write('default', ${JSON.stringify([{ ...entry, data }])}::text::jsonb)`;
  await until('the message is put down', async () => (await readRows()).length > known.length);
}

async function readRows(): Promise<readonly string[]> {
  const rows = await database.admin<
    { state: string }[]
  >`select status || ' ' || tries as state from mandate.delivery order by created_at, id`;
  return rows.map(({ state }) => state);
}

/** Several, one after the other: before it reads the last, a process has been through all that follows the first. */
async function happenAgainAndAgain(): Promise<void> {
  await happen();
  await happen();
  await happen();
}

test('a worker tells nobody, whatever it has been given', async (t) => {
  await open(
    t,
    { MANDATE_SMTP_URL: smtpUrl, MANDATE_PUBLIC_URL: 'https://mandate.example.org' },
    { isWorker: true },
  );
  await happenAgainAndAgain();
  assert.deepEqual(
    await readRows(),
    Array.from({ length: 3 }, () => 'pending 0'),
  );
});

test('a program that listens nowhere leaves to servers what it lacks something for', async (t) => {
  const addressless = await open(t, { MANDATE_SMTP_URL: smtpUrl });
  await happenAgainAndAgain();
  await addressless.close();
  const postless = await open(t, { MANDATE_PUBLIC_URL: 'https://mandate.example.org' });
  await happenAgainAndAgain();
  await postless.close();
  assert.deepEqual(
    await readRows(),
    Array.from({ length: 9 }, () => 'pending 0'),
  );
  assert.deepEqual(mails, []);
});

test('a server sends what they have put down, with links that lead to it', async (t) => {
  const server = await open(t, { MANDATE_SMTP_URL: smtpUrl }, { isServer: true });
  await until('all of it is sent', async () => (await readRows()).every((row) => row === 'sent 1'));
  assert.equal(mails.length, 9);
  for (const mail of mails) assert.ok(mail.includes(`${server.url}/approvals/`), mail);
});

test('a program that listens nowhere sends where it has all that is needed', async (t) => {
  await open(t, {
    MANDATE_SMTP_URL: smtpUrl,
    MANDATE_PUBLIC_URL: 'https://mandate.example.org',
  });
  await happen();
  await until('it is sent', () => mails.length === 10);
});
