import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_NOTIFY } from '@mandate/kernel';
import type { Charter } from '@mandate/kernel';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';

async function load(yaml: string, base: string | null = null): Promise<Charter | readonly string[]> {
  const texts = new Map([
    ['charter.yaml', yaml],
    ['base.yaml', base ?? ''],
  ]);
  const loaded = await loadCharter({
    path: 'charter.yaml',
    readFile: async (file) => texts.get(file.replace(/^\.\//, '')) ?? null,
    readShipped: () => Promise.resolve(null),
  });
  return loaded.kind === 'loaded' ? loaded.charter : loaded.problems.map(renderError);
}

async function notifyOf(yaml: string, base: string | null = null): Promise<Charter['notify']> {
  const charter = await load(`version: 1\n${yaml}`, base);
  assert.ok('notify' in charter, JSON.stringify(charter));
  return charter.notify;
}

test('a charter that says nothing of notify has no channels, and the shipped policy for those of a program', async () => {
  assert.deepEqual(await notifyOf(''), DEFAULT_NOTIFY);
});

test('what `to` lists becomes a channel of its own name, under the policy beside it', async () => {
  const notify = await notifyOf(
    "notify: { digest: 1h, quiet: '22:00-07:00 Europe/Berlin', to: ['email:ops@example.org', 'webhook:https://hook.example/x'] }",
  );
  const { 'email:ops@example.org': mail, 'webhook:https://hook.example/x': hook } = notify.channels;
  assert.deepEqual([mail?.kind, mail?.to, mail?.secret], ['email', ['ops@example.org'], null]);
  assert.deepEqual([hook?.kind, hook?.to, hook?.secret], ['webhook', ['https://hook.example/x'], 'webhook']);
  assert.deepEqual(
    [mail?.digestMs, mail?.quiet, mail?.tiers.yellow],
    [3_600_000, '22:00-07:00 Europe/Berlin', 'digest'],
  );
});

test('a channel inherits what it leaves out, and says the rest for itself', async () => {
  const { channels } = await notifyOf(`notify:
  digest: 15m
  quiet: '22:00-07:00 Europe/Berlin'
  urgent: [approval, stop]
  channels:
    plain: { email: a@example.org }
    loud: { webhook: 'https://hook.example/', secret: hook, mode: realtime, quiet: none, wake: [] , tries: 3, timeout: 5s }
    red-only: { email: [a@example.org, b@example.org], tiers: [red, black] }
    mixed: { function: true, tiers: { green: digest, red: realtime } }
    silent: { email: a@example.org, mode: none }
`);
  const { plain, loud, 'red-only': redOnly, mixed, silent } = channels;
  assert.deepEqual(
    [plain?.digestMs, plain?.urgent, plain?.wake],
    [900_000, ['approval', 'stop'], ['approval', 'stop']],
  );
  assert.deepEqual([loud?.quiet, loud?.wake, loud?.tries, loud?.timeoutMs], [null, [], 3, 5_000]);
  assert.deepEqual(loud?.tiers, { green: 'none', yellow: 'realtime', red: 'realtime', black: 'realtime' });
  assert.deepEqual(redOnly?.tiers, { green: 'none', yellow: 'none', red: 'digest', black: 'digest' });
  assert.deepEqual(mixed?.tiers, { green: 'digest', yellow: 'digest', red: 'realtime', black: 'digest' });
  assert.deepEqual(silent?.tiers, { green: 'none', yellow: 'none', red: 'none', black: 'none' });
  assert.deepEqual([mixed?.kind, mixed?.to, redOnly?.to.length], ['function', [], 2]);
});

test('channels are inherited by name and replaced whole', async () => {
  const { channels } = await notifyOf(
    'extends: ./base.yaml\nnotify: { channels: { b: { email: new@example.org } } }',
    'version: 1\nnotify: { channels: { a: { email: a@example.org }, b: { email: b@example.org, mode: none } } }',
  );
  assert.deepEqual(Object.keys(channels).toSorted(), ['a', 'b']);
  assert.deepEqual([channels['b']?.to, channels['b']?.tiers.red], [['new@example.org'], 'digest']);
});

const MISTAKES: readonly (readonly [string, string])[] = [
  [
    'notify: { channels: { x: { secret: a } } }',
    'charter.yaml:2:26 notify.channels.x: The channel leads nowhere. Write exactly one of email, webhook, slack, telegram, whatsapp, function.',
  ],
  [
    "notify: { channels: { x: { email: a@b.c, webhook: 'https://h.example' } } }",
    'charter.yaml:2:26 notify.channels.x: The channel has email and webhook. Write exactly one of email, webhook, slack, telegram, whatsapp, function.',
  ],
  [
    "notify: { quiet: '22:00-22:00 Europe/Berlin' }",
    'charter.yaml:2:18 notify.quiet: These quiet hours have no end. Write another end, or none.',
  ],
  [
    'users: { ada: { contacts: { slack: U1 } } }',
    'charter.yaml:2:36 users.ada.contacts.slack: No channel leads over slack. Declare one under notify.channels: slack: { slack: [] }.',
  ],
  [
    'notify: { channels: { pager: { function: true } } }\nusers: { ada: { contacts: { pagr: x } } }',
    'charter.yaml:3:35 users.ada.contacts.pagr: There is no channel pagr. Did you mean pager?',
  ],
];

test('a channel or contact that cannot mean anything is refused where it is written', async () => {
  // I5
  for (const [yaml, says] of MISTAKES) assert.deepEqual(await load(`version: 1\n${yaml}`), [says]);
});

test('contacts of people are handed on, by e-mail without any channel and by name of a channel', async () => {
  const charter = await load(
    'version: 1\nnotify: { channels: { pager: { function: true } } }\nusers: { ada: { contacts: { email: ada@example.org, pager: "7" } } }',
  );
  assert.ok('users' in charter);
  assert.deepEqual(charter.users['ada']?.contacts, { email: 'ada@example.org', pager: '7' });
});
