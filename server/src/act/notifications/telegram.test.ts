// Against a real HTTP server that refuses what Telegram would refuse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTelegramWire, TELEGRAM_TOKEN } from '../../../../test/telegram-wire.ts';
import { ASKED, chat, chatNeeds, messageOf, QUESTION, SIGNAL, TEST_CONTENT } from './chat-kit.test.ts';
import { createTelegram } from './telegram.ts';

test('every answer of Telegram ends in a clear state, and none shows the token', async (t) => {
  const telegram = await openTelegramWire(t);
  const setting = chat('telegram', { api: telegram.url });
  const send = createTelegram(chatNeeds(TELEGRAM_TOKEN));
  const cases: readonly (readonly [number, unknown, string, boolean | null, number | null])[] = [
    [200, { ok: true, result: {} }, 'unknown', null, null],
    [200, 'rubbish', 'unknown', null, null],
    [400, { ok: false, description: 'Bad Request: chat not found' }, 'refused', true, null],
    [403, { ok: false, description: 'Forbidden: bot was blocked by the user' }, 'refused', true, null],
    [401, { ok: false, description: 'Unauthorized' }, 'refused', false, null],
    [
      429,
      { ok: false, description: 'Too Many Requests', parameters: { retry_after: 34 } },
      'refused',
      false,
      34_000,
    ],
    [
      400,
      { ok: false, description: 'upgraded', parameters: { migrate_to_chat_id: -100_123 } },
      'refused',
      true,
      null,
    ],
    [500, { ok: false, description: 'Internal Server Error' }, 'unknown', null, null],
    [502, 'bad gateway', 'unknown', null, null],
  ];
  for (const [status, body, kind, permanent, retryAfterMs] of cases) {
    telegram.faults.push((_request, response) => response.writeHead(status).end(JSON.stringify(body)));
    const answer = await send(messageOf(TEST_CONTENT, '1001'), setting, SIGNAL);
    assert.equal(answer.kind, kind, JSON.stringify(body));
    if (answer.kind === 'refused')
      assert.deepEqual(
        [answer.permanent, answer.retryAfterMs],
        [permanent, retryAfterMs],
        JSON.stringify(body),
      );
  }
  telegram.faults.push((request, response) =>
    response.writeHead(404).end(JSON.stringify({ ok: false, description: request.path })),
  );
  const echoed = JSON.stringify(await send(messageOf(TEST_CONTENT, '1001'), setting, SIGNAL));
  assert.doesNotMatch(echoed, new RegExp(TELEGRAM_TOKEN));
  const nowhere = await send(
    messageOf(TEST_CONTENT, '1001'),
    chat('telegram', { api: 'http://127.0.0.1:1' }),
    SIGNAL,
  );
  assert.equal(nowhere.kind, 'refused');
  assert.doesNotMatch(JSON.stringify(nowhere), new RegExp(TELEGRAM_TOKEN));
});

test('a question that was decided before it could be sent says so and has no buttons', async (t) => {
  const telegram = await openTelegramWire(t);
  const setting = chat('telegram', { api: telegram.url, webhookSecret: 'secret' });
  const decided = { ...ASKED, isOpen: false, decided: 'Denied by ada: no.' };
  await createTelegram(chatNeeds(TELEGRAM_TOKEN, decided))(messageOf(QUESTION, '1001'), setting, SIGNAL);
  await createTelegram(chatNeeds(TELEGRAM_TOKEN))(messageOf(QUESTION, '1001'), setting, SIGNAL);
  assert.deepEqual(
    telegram.messages.map(({ buttons }) => buttons.length),
    [0, 2],
  );
  assert.match(telegram.messages[0]?.text ?? '', /Denied by ada: no\./);
});
