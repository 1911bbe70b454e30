// Against a real HTTP server that refuses what Slack would refuse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { buttonsOf, labelOf, openSlackWire, SLACK_TOKEN, textOfBlocks } from '../../../../test/slack-wire.ts';
import { ASKED, chat, chatNeeds, messageOf, QUESTION, SIGNAL, TEST_CONTENT } from './chat-kit.test.ts';
import { TEN_MS } from './kit.test.ts';
import type { ActLine, ChannelAnswer, DigestContent } from './message.ts';
import { documentBlocks, questionBlocks } from './slack-blocks.ts';
import { createSlack, isSlackReplyUrl } from './slack.ts';

function line(words: string): ActLine {
  return {
    actId: 'a1',
    atMs: TEN_MS,
    action: 'git.merge',
    words,
    tier: 'yellow',
    outcome: 'success',
    why: null,
    costMicroUsd: 150_000,
    traceId: '0123456789abcdef0123456789abcdef',
    approvalId: null,
    times: 1,
  };
}

function digest(lines: readonly ActLine[]): DigestContent {
  return {
    kind: 'digest',
    fromMs: TEN_MS - 1_800_000,
    toMs: TEN_MS,
    positions: { after: 0, upTo: 9 },
    agents: [
      {
        agent: 'builder-1',
        lines,
        green: [],
        trust: { before: 50, after: 51, causes: [] },
        costMicroUsd: 150_000,
      },
    ],
    events: [],
    continues: false,
  };
}

test('a digest is drawn in blocks that Slack takes, and of a long one the rest is named, never dropped in silence', async (t) => {
  const slack = await openSlackWire(t);
  const send = createSlack(chatNeeds(SLACK_TOKEN));
  const setting = chat('slack', { api: `${slack.url}/api` });
  const short = await send(messageOf(digest([line('merged <!here> *x* & y')]), 'C0TEAM'), setting, SIGNAL);
  assert.deepEqual(short, { kind: 'accepted', reference: 'C0TEAM/1700000000.000100' });
  const shown = textOfBlocks(slack.messages[0]?.blocks);
  for (const part of ['merged <!here> *x* & y: done, 0.15 USD', 'rust 50 → 51', 'trace 0123456789abcdef'])
    assert.ok(shown.includes(part), part);
  assert.match(slack.messages[0]?.text ?? '', /merged &lt;!here&gt; \*x\* &amp; y/);
  assert.doesNotMatch(JSON.stringify(slack.messages[0]?.blocks), /mrkdwn/);

  const many = Array.from({ length: 200 }, (_, i) => line(`merged pull request #${i} ${'x'.repeat(80)}`));
  assert.equal((await send(messageOf(digest(many), 'C0TEAM'), setting, SIGNAL)).kind, 'accepted');
  assert.match(textOfBlocks(slack.messages[1]?.blocks), /… and 1\d\d more lines; the journal has all of it/);
});

test('whatever is to be said or asked, Slack takes it', async (t) => {
  const slack = await openSlackWire(t);
  const setting = chat('slack', { api: `${slack.url}/api`, signingSecret: 'signing' });
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc.constant(''),
    fc.constant('x'.repeat(9_000)),
  );
  await fc.assert(
    fc.asyncProperty(text, fc.array(text, { maxLength: 8 }), fc.jsonValue(), async (name, why, display) => {
      const asked = {
        ...ASKED,
        title: name,
        agent: name,
        requester: name,
        why,
        display: JSON.parse(JSON.stringify(display)),
      };
      const answer = await createSlack(chatNeeds(SLACK_TOKEN, asked))(
        messageOf(QUESTION, 'C0TEAM'),
        setting,
        SIGNAL,
      );
      assert.equal(answer.kind, 'accepted', JSON.stringify(answer));
    }),
    { numRuns: 40 },
  );
});

test('what is not shown whole has no button to approve it, and what is decided has none at all', () => {
  const values = { approve: 'a', deny: 'd' };
  const draw = (over: Partial<typeof ASKED>): readonly string[] =>
    buttonsOf(
      questionBlocks({
        heading: 'x',
        asked: { ...ASKED, ...over },
        zone: 'UTC',
        values,
        link: null,
        notes: [],
      }) as never,
    ).map(labelOf);
  assert.deepEqual(draw({}), ['Approve', 'Deny']);
  assert.deepEqual(draw({ display: { plan: 'x'.repeat(7_000) } }), ['Deny']);
  assert.deepEqual(draw({ isOpen: false, decided: 'Denied by ada.' }), []);
  assert.deepEqual(documentBlocks([]), []);
});

test('without a signing secret there are no buttons, because no press could be believed', async (t) => {
  const slack = await openSlackWire(t);
  const send = createSlack(chatNeeds(SLACK_TOKEN));
  await send(messageOf(QUESTION, 'C0TEAM'), chat('slack', { api: `${slack.url}/api` }), SIGNAL);
  assert.deepEqual(buttonsOf(slack.messages[0]?.blocks ?? []), []);
  assert.match(JSON.stringify(slack.messages[0]?.blocks), /https:\/\/mandate\.example\/approvals\/x/);
});

test('every answer of Slack ends in a clear state', async (t) => {
  const slack = await openSlackWire(t);
  const setting = chat('slack', { api: `${slack.url}/api` });
  const send = createSlack(chatNeeds(SLACK_TOKEN));
  const cases: readonly (readonly [number, string, string, boolean | null, number | null])[] = [
    [200, '{"ok":false,"error":"channel_not_found"}', 'refused', true, null],
    [200, '{"ok":false,"error":"not_in_channel"}', 'refused', false, null],
    [200, '{"ok":false,"error":"invalid_auth"}', 'refused', false, null],
    [200, '{"ok":false,"error":"fatal_error"}', 'unknown', null, null],
    [200, '{"ok":true}', 'unknown', null, null],
    [200, '[]', 'unknown', null, null],
    [200, '<html>', 'unknown', null, null],
    [200, '', 'unknown', null, null],
    [429, '{"ok":false,"error":"ratelimited"}', 'refused', false, 7_000],
    [302, '', 'refused', true, null],
    [404, 'nothing', 'refused', false, null],
    [503, 'down', 'unknown', null, null],
  ];
  for (const [status, body, kind, permanent, retryAfterMs] of cases) {
    slack.faults.push((_request, response) => response.writeHead(status, { 'retry-after': '7' }).end(body));
    const answer: ChannelAnswer = await send(messageOf(TEST_CONTENT, 'C0TEAM'), setting, SIGNAL);
    assert.equal(answer.kind, kind, `${status} ${body}`);
    if (answer.kind !== 'refused') continue;
    assert.equal(answer.permanent, permanent, body);
    if (retryAfterMs !== null) assert.equal(answer.retryAfterMs, retryAfterMs, body);
  }
});

test('a token goes nowhere but over https or inside, and stands in no error', async (t) => {
  const slack = await openSlackWire(t);
  const send = createSlack(chatNeeds(SLACK_TOKEN));
  const message = messageOf(TEST_CONTENT, 'C0TEAM');
  const open = await send(
    message,
    chat('slack', { api: `${slack.url}/api` }, { allowPrivate: false }),
    SIGNAL,
  );
  const inside = await send(
    message,
    chat('slack', { api: 'https://127.0.0.1:1/api' }, { allowPrivate: false }),
    SIGNAL,
  );
  for (const answer of [open, inside])
    assert.deepEqual([answer.kind, 'permanent' in answer && answer.permanent], ['refused', true]);
  slack.faults.push((_request, response) =>
    response.end(JSON.stringify({ ok: false, error: `bad ${SLACK_TOKEN}` })),
  );
  const echoed = await send(message, chat('slack', { api: `${slack.url}/api` }), SIGNAL);
  assert.match(JSON.stringify(echoed), /bad \[secret\]/);
  for (const token of [null, '', 'two\nlines', 'a/../b'])
    assert.equal((await createSlack(chatNeeds(token))(message, chat('slack', {}), SIGNAL)).kind, 'refused');
  assert.equal((await send(message, chat('slack', {}, { secret: null }), SIGNAL)).kind, 'refused');
});

test('a press is answered at Slack and nowhere else', () => {
  const setting = chat('slack', {}, { allowPrivate: false });
  const wire = chat('slack', { api: 'http://127.0.0.1:4010/api' });
  assert.equal(isSlackReplyUrl('https://hooks.slack.com/actions/T1/2/3', setting), true);
  assert.equal(isSlackReplyUrl('http://127.0.0.1:4010/actions/1', wire), true);
  for (const url of [
    'http://hooks.slack.com/x',
    'https://hooks.slack.com.evil.example/x',
    'https://hooks.slack.com@evil.example/x',
    'http://127.0.0.1:4010/actions/1',
    'http://169.254.169.254/',
    'nonsense',
  ])
    assert.equal(isSlackReplyUrl(url, setting), false, url);
});
