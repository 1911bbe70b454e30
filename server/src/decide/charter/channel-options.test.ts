import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionProblems } from './channel-options.ts';

const said = (...of: Parameters<typeof optionProblems>): string =>
  optionProblems(...of)
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('\n');

test('an option that nobody reads, or that is no name of a secret, is told with its place', () => {
  const secret = 'token';
  assert.equal(
    said('slack', { secret, options: { signingSecret: 'slack-signing', api: 'https://slack.com/api' } }),
    '',
  );
  assert.match(
    said('slack', { secret, options: { signingsecret: 'x' } }),
    /^options\.signingsecret: There is no option signingsecret of slack\. Did you mean signingSecret\?/,
  );
  assert.match(
    said('slack', { secret, options: { signingSecret: 'what is this' } }),
    /name of a secret, never the secret itself/,
  );
  assert.match(said('webhook', { secret, options: { api: 'https://x.example' } }), /webhook has no options/);
  assert.match(said('telegram', {}), /^: A telegram channel needs secret/);
  assert.match(said('whatsapp', { secret }), /phoneNumberId/);
  assert.match(
    said('whatsapp', { secret, options: { phoneNumberId: '+49 151' } }),
    /not the telephone number/,
  );
  assert.match(
    said('whatsapp', { secret, options: { phoneNumberId: '1', approvalTemplate: 'x' } }),
    /template without buttons/,
  );
  assert.equal(said('email', {}), '');
});

test('a token is sent over https, or inside a network that the charter names', () => {
  const secret = 'token';
  for (const api of [
    'http://slack.example',
    'https://user:pass@slack.example',
    'https://slack.example/?x=1',
    'slack.example',
  ])
    assert.match(said('slack', { secret, options: { api } }), /https:\/\/ address/, api);
  assert.equal(
    said('slack', { secret, allowPrivate: true, options: { api: 'http://127.0.0.1:4010/api' } }),
    '',
  );
});
