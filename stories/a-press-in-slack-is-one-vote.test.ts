// Approving in Slack, by a real server and a wire server that checks and signs as Slack does. A press is the vote of a
// person whom the charter knows, once, for just what was shown; whatever else is pressed ends in words and in no effect.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../server/src/platform/clock/clock.ts';
import { openDoor } from '../test/door.ts';
import type { Answered, Door } from '../test/door.ts';
import {
  buttonsOf,
  labelOf,
  openSlackWire,
  SLACK_SIGNING,
  SLACK_TOKEN,
  signSlack,
  textOfBlocks,
} from '../test/slack-wire.ts';
import type { SlackMessage, SlackRequest, SlackWire } from '../test/slack-wire.ts';
import { until } from '../test/until.ts';

interface Office {
  readonly door: Door;
  readonly slack: SlackWire;
  /** How far the server's clock is ahead. */
  aheadMs: number;
  /** Asks for something red; answers with the act and with what came in the team's channel. */
  hold(
    parameters?: Readonly<Record<string, unknown>>,
  ): Promise<{ actId: string; approvalId: string; message: SlackMessage }>;
  send(request: SlackRequest): Promise<Answered>;
  press(message: SlackMessage, user: string, button?: 'Approve' | 'Deny'): Promise<Answered>;
  /** The next reply over a response_url of which this is true. */
  reply(what: string, is: (reply: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  approval(id: string): Promise<Record<string, unknown>>;
}

async function openOffice(t: TestContext, more = ''): Promise<Office> {
  const slack = await openSlackWire(t);
  let aheadMs = 0;
  const clock = { ...systemClock, nowMs: () => Date.now() + aheadMs };
  const charter = `version: 1
extends: default
notify:
  channels:
    team:
      slack: C0TEAM
      secret: slack-token
      allowPrivate: true
      options: { api: '${slack.url}/api', signingSecret: slack-signing }
users:
  ada: { contacts: { slack: U0ADA } }
  ben: { contacts: { slack: U0BEN } }
  cy: { contacts: { slack: U0CY } }
${more}`;
  const door = await openDoor(t, { charter, clock });
  const secrets = join(door.infrastructure.config.dataDir, 'secrets');
  await mkdir(secrets, { recursive: true });
  await writeFile(join(secrets, 'slack-token'), SLACK_TOKEN);
  await writeFile(join(secrets, 'slack-signing'), SLACK_SIGNING);
  await door.makeKey({ roles: ['tech-lead'], user: { id: 'ada' } });
  await door.makeKey({ roles: ['tech-lead'], user: { id: 'ben' } });
  await door.makeKey({ roles: ['viewer'], user: { id: 'cy' } });
  const office: Office = {
    door,
    slack,
    get aheadMs() {
      return aheadMs;
    },
    set aheadMs(ms) {
      aheadMs = ms;
    },
    async hold(parameters = {}) {
      const held = await door.call('POST', '/api/v1/actions', {
        body: { agent: 'builder-1', action: 'deploy.production', parameters },
      });
      assert.equal(held.status, 202, held.text);
      const approvalId = ((held.json ?? {})['approval'] as { id: string }).id;
      const message = await until('it is told in the channel', () =>
        slack.messages.find(
          ({ channel, blocks }) => channel === 'C0TEAM' && textOfBlocks(blocks).includes(approvalId),
        ),
      );
      return { actId: String(held.json?.['id']), approvalId, message };
    },
    send: ({ raw, headers }) => door.call('POST', '/webhooks/slack', { key: null, raw, headers }),
    async press(message, user, button = 'Approve') {
      const answer = await office.send(slack.press(message, { button, user, nowMs: clock.nowMs() }));
      assert.equal(answer.status, 200, answer.text);
      return answer;
    },
    reply: (what, is) => until(what, () => slack.replies.find(is)),
    async approval(id) {
      return (await door.call('GET', `/api/v1/approvals/${id}`)).json ?? {};
    },
  };
  return office;
}

const isEphemeral = (reply: Record<string, unknown>): boolean => reply['response_type'] === 'ephemeral';
const textOf = (reply: Record<string, unknown>): string => String(reply['text']);

test('what waits is shown whole in Slack, a press approves it for the person, and everybody sees who did', async (t) => {
  const office = await openOffice(t);
  const { door, slack } = office;
  const { message, approvalId } = await office.hold({
    version: 'v2',
    note: '<!channel> *now*',
    key: 'AKIAIOSFODNN7EXAMPLQ',
  });
  const shown = textOfBlocks(message.blocks);
  const { digest } = (await office.approval(approvalId)) as { digest: string };
  for (const part of [
    'deploy.production',
    '"version": "v2"',
    'any approver',
    'Asked by',
    'Until',
    digest.slice(0, 12),
  ])
    assert.ok(shown.includes(part), `${part} is shown`);
  assert.match(shown, /rule .*deploy\.production.* asks for approval/);
  assert.doesNotMatch(JSON.stringify(slack.messages), /AKIAIOSFODNN7EXAMPLQ/, 'redacted');
  assert.doesNotMatch(message.text, /<!channel>/);
  assert.deepEqual(buttonsOf(message.blocks).map(labelOf), ['Approve', 'Deny']);
  const own = await until('ada is told in person', () =>
    slack.messages.find(({ channel }) => channel === 'U0ADA'),
  );
  assert.notDeepEqual(buttonsOf(own.blocks), buttonsOf(message.blocks), 'her buttons are hers');

  const peek = await door.call('GET', '/webhooks/slack', { key: null });
  assert.ok(peek.status >= 400);
  assert.equal((await office.approval(approvalId))['status'], 'pending', 'a GET decides nothing');

  await office.press(message, 'U0ADA');
  const { status, votes } = (await office.approval(approvalId)) as {
    status: string;
    votes: readonly { by: string; channel: string }[];
  };
  assert.ok(status === 'approved' || status === 'used', status);
  assert.deepEqual(
    votes.map(({ by, channel }) => [by, channel]),
    [['user:ada', 'slack']],
  );
  const redrawn = await office.reply(
    'the message says who decided',
    (reply) => reply['replace_original'] === true,
  );
  assert.match(textOfBlocks(redrawn['blocks']), /Approved by .*ada/);
  assert.deepEqual(buttonsOf(redrawn['blocks'] as Record<string, unknown>[]), []);
  assert.deepEqual(door.errors(), []);
});

// I6
test('a forged, stale, changed or swapped press does nothing, and a replayed one nothing twice', async (t) => {
  const office = await openOffice(t);
  const { slack } = office;
  const { message, approvalId } = await office.hold();
  const good = slack.press(message, { button: 'Approve', user: 'U0ADA' });
  const now = Date.now();
  const forged: readonly (readonly [string, SlackRequest])[] = [
    ['another secret', signSlack(good.raw, { nowMs: now, secret: 'x'.repeat(32) })],
    ['six minutes old', signSlack(good.raw, { nowMs: now - 360_000 })],
    ['from the future', signSlack(good.raw, { nowMs: now + 360_000 })],
    ['a changed body', { ...good, raw: good.raw.replace('U0ADA', 'U0BEN') }],
    ['no signature', { raw: good.raw, headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    [
      'another time',
      {
        ...good,
        headers: { ...good.headers, 'x-slack-request-timestamp': String(Math.floor(now / 1_000) - 9) },
      },
    ],
  ];
  for (const [what, request] of forged) assert.equal((await office.send(request)).status, 401, what);

  // Slack's own signature, over a button that somebody else with our token has made.
  const [approve] = buttonsOf(message.blocks);
  const value = String(approve?.['value']);
  const own = await until('ada is told in person', () =>
    slack.messages.find(({ channel }) => channel === 'U0ADA'),
  );
  const bent = (changed: string): SlackMessage => ({
    ...message,
    blocks: JSON.parse(JSON.stringify(message.blocks).replaceAll(value, changed)) as Record<
      string,
      unknown
    >[],
  });
  await office.press(bent(`${value.startsWith('A') ? 'B' : 'A'}${value.slice(1)}`), 'U0ADA');
  await office.press(bent('approve'), 'U0ADA');
  await office.press({ ...own, blocks: own.blocks }, 'U0BEN');
  await until('all three are told so', () => slack.replies.filter(isEphemeral).length === 3);
  for (const reply of slack.replies)
    assert.match(textOf(reply), /none of mine, or it was made for somebody else/);
  assert.equal((await office.approval(approvalId))['status'], 'pending');

  assert.equal((await office.send(good)).status, 200);
  const before = (await office.approval(approvalId))['votes'];
  assert.equal((await office.send(good)).status, 200, 'Slack repeats itself, or somebody repeats Slack');
  const replayed = await office.reply('the second is told so', (reply) => /taken before/.test(textOf(reply)));
  assert.match(textOf(replayed), /nothing was done again\. You have approved it\. Approved by .*ada/);
  assert.deepEqual((await office.approval(approvalId))['votes'], before);
});

test('whoever may not decide is told why, alone, and what would help', async (t) => {
  const office = await openOffice(t, 'approvals: { fatigue: { perHour: 1, minReadingTime: 1m } }\n');
  const { door, slack } = office;
  const { message, approvalId } = await office.hold();
  const told = async (user: string, pattern: RegExp, button?: 'Deny'): Promise<string> => {
    await office.press(message, user, button);
    return textOf(
      await office.reply(`${user} is told`, (reply) => isEphemeral(reply) && pattern.test(textOf(reply))),
    );
  };
  await told('U0NOBODY', /I do not know who you are here.*contacts: \{ slack: 'U0NOBODY' \}/);
  await told('U0CY', /user:cy has no vote here: it takes/);
  const link = /(https?:\/\/\S+\/approvals\/\S+\?t=\S+)/.exec(
    await told('U0BEN', /asks? (that people read|for).*reading/),
  )?.[1];
  assert.ok(link !== undefined, 'with a link that is his');
  assert.equal(
    (await door.call('GET', new URL(link).pathname + new URL(link).search, { key: null })).status,
    200,
  );

  // What was refused does not count later because somebody sends it once more, when it would be allowed.
  const hasty = slack.press(message, { button: 'Approve', user: 'U0ADA' });
  assert.equal((await office.send(hasty)).status, 200);
  office.aheadMs = 120_000;
  assert.equal((await office.send(hasty)).status, 200);
  await office.reply('the repeat is told', (reply) => /taken before/.test(textOf(reply)));
  assert.equal((await office.approval(approvalId))['status'], 'pending');
  await office.press(message, 'U0BEN', 'Deny');
  assert.equal((await office.approval(approvalId))['status'], 'denied', 'denying is always possible');
  assert.deepEqual(
    slack.replies.filter((reply) => /U0ADA/.test(JSON.stringify(reply))),
    [],
  );
});

// I6
test('of two approvers at once one decides, and the other is told who did', async (t) => {
  const office = await openOffice(t);
  const { message, approvalId } = await office.hold();
  await Promise.all([office.press(message, 'U0ADA'), office.press(message, 'U0BEN', 'Deny')]);
  const { status, votes } = (await office.approval(approvalId)) as {
    status: string;
    votes: readonly { by: string }[];
  };
  assert.equal(votes.length, 1);
  const winner = votes[0]?.by.replace('user:', '');
  assert.ok(status === 'denied' ? winner === 'ben' : winner === 'ada');
  const told = await office.reply('the other is told', isEphemeral);
  assert.match(textOf(told), new RegExp(`Your vote was not taken.*(Approved|Denied) by .*${winner}`));
});

test('a press after the end, or for what was edited meanwhile, is refused with the next step', async (t) => {
  const office = await openOffice(t);
  const { door } = office;
  const edited = await office.hold({ version: 'v2' });
  const { digest } = (await office.approval(edited.approvalId)) as { digest: string };
  const changed = await door.call('POST', `/api/v1/approvals/${edited.approvalId}/edit`, {
    body: { digest, parameters: { version: 'v3' }, reason: 'v3 has the fix' },
  });
  assert.ok(changed.status < 300, changed.text);
  await office.press(edited.message, 'U0ADA');
  const told = await office.reply('the press is refused', isEphemeral);
  assert.match(textOf(told), /not taken.*It was edited: .*Read the new message/s);

  const late = await office.hold();
  office.aheadMs = 7 * 86_400_000;
  await office.press(late.message, 'U0ADA');
  const ended = await office.reply('the late one too', (reply) => /expired/.test(textOf(reply)));
  assert.match(textOf(ended), /has to ask again|Whoever needs it has to ask again/);
  for (const { approvalId } of [edited, late])
    assert.deepEqual((await office.approval(approvalId))['votes'], []);
});

test('Slack that is down, slow or talks rubbish loses nothing, and a vote does not wait for it', async (t) => {
  const office = await openOffice(t);
  const { slack, door } = office;
  slack.faults.push((_request, response) => response.writeHead(200).end('<html>hello</html>'));
  slack.faults.push((_request, response) =>
    response.writeHead(429, { 'retry-after': '1' }).end(JSON.stringify({ ok: false, error: 'ratelimited' })),
  );
  slack.faults.push(() => undefined);
  const held = await door.call('POST', '/api/v1/actions', {
    body: { agent: 'builder-1', action: 'deploy.production' },
  });
  const states = await until('all have been tried once', async () => {
    const { items } = (await door.call('GET', '/api/v1/notifications')).json as {
      items: readonly { status: string; tries: number; lastError: string | null; mayHaveArrived: boolean }[];
    };
    return items.length === 3 && items.filter(({ lastError }) => lastError !== null).length >= 2 && items;
  });
  const said = states
    .map(({ status, lastError, mayHaveArrived }) => `${status} ${mayHaveArrived} ${lastError}`)
    .join('\n');
  assert.match(said, /pending true Slack answered HTTP 200 with something that is no answer of Slack/);
  assert.match(said, /pending false Slack: ratelimited/);
  const { id, digest } = (held.json ?? {})['approval'] as { id: string; digest: string };
  const voted = await door.call('POST', `/api/v1/approvals/${id}/decision`, {
    body: { decision: 'deny', digest },
  });
  assert.equal(voted.status, 200, voted.text);
});
