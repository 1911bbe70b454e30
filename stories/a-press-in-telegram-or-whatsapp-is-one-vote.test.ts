// Approving in Telegram and WhatsApp, by a real server and wire servers that refuse, sign and repeat as the providers do.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openDoor } from '../test/door.ts';
import type { Answered, Door } from '../test/door.ts';
import { openTelegramWire, TELEGRAM_SECRET, TELEGRAM_TOKEN } from '../test/telegram-wire.ts';
import type { TelegramWire } from '../test/telegram-wire.ts';
import { until } from '../test/until.ts';
import {
  openWhatsappWire,
  PHONE_NUMBER_ID,
  signWhatsapp,
  WHATSAPP_SECRET,
  WHATSAPP_TOKEN,
  WHATSAPP_VERIFY,
} from '../test/whatsapp-wire.ts';
import type { WhatsappWire } from '../test/whatsapp-wire.ts';

const ADA = 1001;
const BEN = '4915123456789';

interface Held {
  readonly approvalId: string;
  readonly digest: string;
}

interface Office {
  readonly door: Door;
  readonly telegram: TelegramWire;
  readonly whatsapp: WhatsappWire;
  readonly hold: (parameters?: Readonly<Record<string, unknown>>) => Promise<Held>;
  readonly send: (
    kind: 'telegram' | 'whatsapp',
    request: { raw: string; headers: Readonly<Record<string, string>> },
  ) => Promise<Answered>;
  readonly approval: (
    id: string,
  ) => Promise<{ status: string; votes: readonly { by: string; channel: string }[] }>;
}

async function openOffice(t: TestContext): Promise<Office> {
  const telegram = await openTelegramWire(t);
  const whatsapp = await openWhatsappWire(t);
  const charter = `version: 1
extends: default
notify:
  channels:
    tg: { telegram: [], secret: tg-token, allowPrivate: true, options: { api: '${telegram.url}', webhookSecret: tg-secret } }
    wa:
      whatsapp: []
      secret: wa-token
      allowPrivate: true
      options:
        api: '${whatsapp.url}'
        phoneNumberId: '${PHONE_NUMBER_ID}'
        appSecret: wa-secret
        verifyToken: wa-verify
        template: mandate_note
        approvalTemplate: mandate_approval
users:
  ada: { contacts: { telegram: '${ADA}' } }
  ben: { contacts: { whatsapp: '+49 151 23456789' } }
`;
  const door = await openDoor(t, { charter });
  const secrets = join(door.infrastructure.config.dataDir, 'secrets');
  await mkdir(secrets, { recursive: true });
  const texts = {
    'tg-token': TELEGRAM_TOKEN,
    'tg-secret': TELEGRAM_SECRET,
    'wa-token': WHATSAPP_TOKEN,
    'wa-secret': WHATSAPP_SECRET,
    'wa-verify': WHATSAPP_VERIFY,
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(secrets, name), `${text}\n`);
  await door.makeKey({ roles: ['tech-lead'], user: { id: 'ada' } });
  await door.makeKey({ roles: ['tech-lead'], user: { id: 'ben' } });
  return {
    door,
    telegram,
    whatsapp,
    async hold(parameters = {}) {
      const held = await door.call('POST', '/api/v1/actions', {
        body: { agent: 'builder-1', action: 'deploy.production', parameters },
      });
      assert.equal(held.status, 202, held.text);
      const { id, digest } = (held.json ?? {})['approval'] as { id: string; digest: string };
      return { approvalId: id, digest };
    },
    send: (kind, { raw, headers }) => door.call('POST', `/webhooks/${kind}`, { key: null, raw, headers }),
    async approval(id) {
      const { json } = await door.call('GET', `/api/v1/approvals/${id}`);
      return json as unknown as { status: string; votes: readonly { by: string; channel: string }[] };
    },
  };
}

test('Telegram asks the person, takes the press once, and the message says who decided', async (t) => {
  const { telegram, hold, send, approval, door } = await openOffice(t);
  const { approvalId, digest } = await hold({ version: 'v2', note: '<b>now</b>' });
  const message = await until('ada is asked', () => telegram.messages[0]);
  assert.equal(message.chatId, ADA);
  for (const part of [
    'deploy.production',
    '"note": "<b>now</b>"',
    'Decides: ',
    digest.slice(0, 12),
    '/approvals/',
  ])
    assert.ok(message.text.includes(part), part);
  assert.deepEqual(
    message.buttons.map(({ text }) => text),
    ['Approve', 'Deny'],
  );

  const press = telegram.press(message, { button: 'Approve', user: ADA });
  const unproven = [
    {},
    { 'x-telegram-bot-api-secret-token': 'wrong' },
    { 'x-telegram-bot-api-secret-token': '' },
  ];
  for (const headers of unproven)
    assert.equal(
      (await send('telegram', { ...press, headers: { 'content-type': 'application/json', ...headers } }))
        .status,
      401,
    );
  const stranger = telegram.press(message, { button: 'Approve', user: 2002, id: 'stranger' });
  assert.equal((await send('telegram', stranger)).status, 200);
  const told = await until('the stranger is told', () =>
    telegram.answers.find((each) => each['callback_query_id'] === 'stranger'),
  );
  assert.match(String(told['text']), /do not know who you are/);
  assert.equal(told['show_alert'], true);
  const bent = telegram.press(message, { button: 'Approve', user: ADA, id: 'bent', data: 'A'.repeat(64) });
  assert.equal((await send('telegram', bent)).status, 200);
  assert.equal((await approval(approvalId)).status, 'pending');

  assert.equal((await send('telegram', press)).status, 200);
  const { status, votes } = await approval(approvalId);
  assert.ok(status === 'approved' || status === 'used', status);
  assert.deepEqual(
    votes.map(({ by, channel }) => [by, channel]),
    [['user:ada', 'telegram']],
  );
  await until(
    'the message says who decided',
    () => /Approved by .*ada/.test(message.text) && message.buttons.length === 0,
  );
  const answered = telegram.answers.length;
  assert.equal((await send('telegram', press)).status, 200, 'Telegram repeats itself');
  const again = await until('it is told so', () => telegram.answers[answered]);
  assert.match(String(again['text']), /taken before, and nothing was done again/);
  assert.equal((await approval(approvalId)).votes.length, 1);
  assert.deepEqual(door.errors(), []);
});

// I6
test('what does not fit a message cannot be approved by its button', async (t) => {
  const { telegram, hold } = await openOffice(t);
  await hold({ plan: 'step '.repeat(1_500) });
  const message = await until('ada is asked', () => telegram.messages[0]);
  assert.deepEqual(
    message.buttons.map(({ text }) => text),
    ['Deny'],
  );
  assert.match(message.text, /not all of it fits here/);
  assert.match(message.text, /Look at it and decide: http\S+\?t=\S+/);
});

test('Telegram that asks to wait, refuses or talks rubbish ends in a clear state', async (t) => {
  const { telegram, door, hold } = await openOffice(t);
  telegram.faults.push((_request, response) => response.writeHead(200).end('not json'));
  await hold();
  const pending = await until('the first try is over', () =>
    deliveryOf(door, 'tg', ({ tries, lastError }) => tries === 1 && lastError !== null),
  );
  assert.deepEqual([pending.status, pending.mayHaveArrived], ['pending', true]);
  assert.doesNotMatch(JSON.stringify(pending), new RegExp(TELEGRAM_TOKEN));
  telegram.faults.push((_request, response) =>
    response
      .writeHead(403, { 'content-type': 'application/json' })
      .end(
        JSON.stringify({ ok: false, error_code: 403, description: 'Forbidden: bot was blocked by the user' }),
      ),
  );
  await hold({ another: true });
  const dead = await until('it is put aside', () =>
    deliveryOf(door, 'tg', ({ status }) => status === 'dead'),
  );
  assert.match(dead.lastError ?? '', /blocked by the user.*has to write to the bot first/);
});

test('WhatsApp takes a template outside of the day, buttons inside of it, and each press once', async (t) => {
  const { whatsapp, hold, send, approval, door } = await openOffice(t);
  const first = await hold({ version: 'v2' });
  const template = await until('ben is asked by a template', () => whatsapp.messages[0]);
  assert.deepEqual([template.to, template.template], [BEN, 'mandate_approval']);
  assert.match(template.text, /deploy\.production.*"version":"v2"/);
  const forged = whatsapp.press(template, { button: 'Deny', from: BEN });
  const unsigned = { ...forged, headers: { 'content-type': 'application/json' } };
  assert.equal((await send('whatsapp', unsigned)).status, 401);
  assert.equal((await send('whatsapp', signWhatsapp(JSON.parse(forged.raw), 'another secret'))).status, 401);
  assert.equal((await send('whatsapp', { ...forged, raw: `${forged.raw} ` })).status, 401);
  assert.equal((await approval(first.approvalId)).status, 'pending');

  whatsapp.open.add(BEN);
  assert.equal((await send('whatsapp', forged)).status, 200);
  const { status, votes } = await approval(first.approvalId);
  assert.deepEqual(
    [status, votes.map(({ by, channel }) => [by, channel])],
    ['denied', [['user:ben', 'whatsapp']]],
  );
  const reply = await until('ben is answered', () => whatsapp.messages[1]);
  assert.deepEqual([reply.type, reply.to, reply.text], ['text', BEN, 'You have denied it.']);

  const second = await hold({ version: 'v3' });
  const asked = await until('he is asked freely now', () => whatsapp.messages[2]);
  assert.deepEqual(
    [asked.type, asked.buttons.map(({ title }) => title)],
    ['interactive', ['Approve', 'Deny']],
  );
  const approve = whatsapp.press(asked, { button: 'Approve', from: BEN, id: 'wamid.same' });
  assert.equal((await send('whatsapp', approve)).status, 200);
  assert.equal((await send('whatsapp', approve)).status, 200, 'Meta repeats itself');
  await until('both are answered', () => whatsapp.messages.length === 5);
  assert.match(
    whatsapp.messages.map(({ text }) => text).join('\n'),
    /You have approved it\.[^]*taken before/,
  );
  assert.equal((await approval(second.approvalId)).votes.length, 1);
  const stranger = whatsapp.press(asked, { button: 'Approve', from: '4915199999999' });
  assert.equal((await send('whatsapp', stranger)).status, 200);
  assert.deepEqual(door.errors(), []);
});

test('a message that WhatsApp took and did not deliver is sent as a template, or put aside', async (t) => {
  const { whatsapp, hold, send, door } = await openOffice(t);
  whatsapp.open.add(BEN);
  assert.equal((await send('whatsapp', whatsapp.writes(BEN))).status, 200);
  await hold();
  const free = await until('he is asked freely', () => whatsapp.messages[0]);
  assert.equal(free.type, 'interactive');
  await until('it is known as sent', () => deliveryOf(door, 'wa', ({ status }) => status === 'sent'));
  const late = whatsapp.fails(free, 131_047, 'Re-engagement message');
  assert.equal((await send('whatsapp', late)).status, 200);
  const template = await until('it goes out as a template', () => whatsapp.messages[1]);
  assert.equal(template.template, 'mandate_approval');
  await until('which is known as sent', () => deliveryOf(door, 'wa', ({ status }) => status === 'sent'));
  assert.equal((await send('whatsapp', late)).status, 200, 'the old news once more changes nothing');
  assert.equal(
    (await send('whatsapp', whatsapp.fails(template, 131_026, 'Message undeliverable'))).status,
    200,
  );
  const dead = await until('it is put aside', () =>
    deliveryOf(door, 'wa', ({ status }) => status === 'dead'),
  );
  assert.match(dead.lastError ?? '', /WhatsApp 131026: Message undeliverable/);
  assert.equal(whatsapp.messages.length, 2);
});

test('the verification of the webhook decides nothing and echoes only to who knows the token', async (t) => {
  const { door, hold, approval } = await openOffice(t);
  const { approvalId } = await hold();
  const ask = (token: string, challenge: string): Promise<Answered> =>
    door.call(
      'GET',
      `/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=${encodeURIComponent(challenge)}`,
      { key: null },
    );
  const good = await ask(WHATSAPP_VERIFY, '1158201444');
  assert.deepEqual([good.status, good.text], [200, '1158201444']);
  assert.match(good.headers.get('content-type') ?? '', /^text\/plain/);
  assert.equal((await ask('wrong', '1158201444')).status, 403);
  assert.equal((await ask(WHATSAPP_VERIFY, '<script>')).status, 403);
  assert.equal((await approval(approvalId)).status, 'pending');
  for (const tenant of ['nobody', '*', ''])
    assert.equal(
      (
        await door.call('POST', `/webhooks/slack?tenant=${encodeURIComponent(tenant)}`, {
          key: null,
          body: {},
        })
      ).status,
      404,
    );
});

interface DeliveryItem {
  readonly channel: string;
  readonly status: string;
  readonly tries: number;
  readonly lastError: string | null;
  readonly mayHaveArrived: boolean;
}

async function deliveryOf(
  door: Door,
  channel: string,
  is: (item: DeliveryItem) => boolean,
): Promise<DeliveryItem | undefined> {
  const { json } = await door.call('GET', `/api/v1/notifications?channel=${channel}`);
  return (json as unknown as { items: readonly DeliveryItem[] }).items.find(is);
}
