// Against a real HTTP server that knows the window of 24 hours and refuses what Meta would refuse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWhatsappWire, PHONE_NUMBER_ID, WHATSAPP_TOKEN } from '../../../../test/whatsapp-wire.ts';
import { ASKED, chat, chatNeeds, messageOf, QUESTION, SIGNAL, TEST_CONTENT } from './chat-kit.test.ts';
import { createWhatsapp } from './whatsapp.ts';

const NUMBER = '4915123456789';

function needs(window: { isOpen: boolean }, asked = ASKED) {
  return {
    ...chatNeeds(WHATSAPP_TOKEN, asked),
    isWindowOpen: () => Promise.resolve(window.isOpen),
    closeWindow: () => {
      window.isOpen = false;
      return Promise.resolve();
    },
  };
}

test('outside of the day a template asks: with buttons where one line shows everything, else with a link', async (t) => {
  const whatsapp = await openWhatsappWire(t);
  const options = { api: whatsapp.url, phoneNumberId: PHONE_NUMBER_ID, appSecret: 'secret' };
  const templates = { ...options, template: 'note', approvalTemplate: 'ask' };
  const window = { isOpen: true };
  const send = createWhatsapp(needs(window));
  const wrong = await send(messageOf(QUESTION, `+${NUMBER}`), chat('whatsapp', templates), SIGNAL);
  assert.deepEqual(
    [wrong.kind, 'permanent' in wrong && wrong.permanent, window.isOpen],
    ['refused', false, false],
  );
  const asked = await send(messageOf(QUESTION, `+${NUMBER}`), chat('whatsapp', templates), SIGNAL);
  assert.equal(asked.kind, 'accepted');
  const long = { ...ASKED, display: { plan: 'x'.repeat(900) } };
  await createWhatsapp(needs(window, long))(messageOf(QUESTION, NUMBER), chat('whatsapp', templates), SIGNAL);
  await send(messageOf(TEST_CONTENT, NUMBER), chat('whatsapp', templates), SIGNAL);
  assert.deepEqual(
    whatsapp.messages.map(({ template, buttons }) => [template, buttons.length]),
    [
      ['ask', 2],
      ['note', 0],
      ['note', 0],
    ],
  );
  assert.match(whatsapp.messages[1]?.text ?? '', /Look at it and decide: https:/);
  const none = await send(messageOf(QUESTION, NUMBER), chat('whatsapp', options), SIGNAL);
  assert.deepEqual([none.kind, 'permanent' in none && none.permanent], ['refused', true]);
  assert.match('error' in none ? none.error : '', /options\.template/);
});

test('every answer of WhatsApp ends in a clear state', async (t) => {
  const whatsapp = await openWhatsappWire(t);
  const setting = chat('whatsapp', { api: whatsapp.url, phoneNumberId: PHONE_NUMBER_ID });
  const send = createWhatsapp(needs({ isOpen: true }));
  const error = (code: number): string => JSON.stringify({ error: { code, message: 'm' } });
  const cases: readonly (readonly [number, string, string, boolean | null])[] = [
    [200, '{"messages":[]}', 'unknown', null],
    [200, 'rubbish', 'unknown', null],
    [400, error(131_026), 'refused', true],
    [400, error(100), 'refused', true],
    [401, error(190), 'refused', false],
    [400, error(130_429), 'refused', false],
    [429, error(80_007), 'refused', false],
    [500, error(131_000), 'unknown', null],
    [503, 'down', 'unknown', null],
  ];
  for (const [status, body, kind, permanent] of cases) {
    whatsapp.faults.push((_request, response) => response.writeHead(status).end(body));
    const answer = await send(messageOf(TEST_CONTENT, NUMBER), setting, SIGNAL);
    assert.equal(answer.kind, kind, body);
    if (answer.kind === 'refused') assert.equal(answer.permanent, permanent, body);
  }
});
