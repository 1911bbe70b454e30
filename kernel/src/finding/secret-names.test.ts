import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { suspect } from './assignments.ts';
import { secretName } from './secret-names.ts';

test('names that merely mention a secret are not secret names', () => {
  const table: readonly (readonly [string, string | null])[] = [
    ['password', 'password'],
    ['dbPassword', 'password'],
    ['DB_PASSWORD', 'password'],
    ['passwordConfirmation', 'password'],
    ['x-api-key', 'api_key'],
    ['apiKey', 'api_key'],
    ['AWSSecretAccessKey', 'access_key'],
    ['authorization', 'authorization'],
    ['Set-Cookie', 'cookie'],
    ['github_token', 'token'],
    ['token2', 'token'],
    ['connectionString', 'connection_string'],
    ['pin', 'pin'],
    ['gpio_pin', null],
    ['max_tokens', null],
    ['nextPageToken', null],
    ['token_type', null],
    ['secret_name', null],
    ['password_file', null],
    ['public_key', null],
    ['key', null],
    ['cacheKey', null],
    ['dbpasswd', 'passwd'],
    ['SMTP_PASS', 'smtp_pass'],
    ['pass', null],
    ['compass', null],
    ['secret_key_base', 'secret_key'],
    ['AUTH_SALT', 'auth_salt'],
  ];
  for (const [name, word] of table) assert.equal(secretName(name), word, name);
});

test('no secret name is dismissed unread', () => {
  const word = fc.constantFrom(
    ...'api key keys Access TOKEN token2 pass word phrase session id pin mfa code recovery connection string PSK cvv x Key'.split(
      ' ',
    ),
  );
  const joint = fc.constantFrom('', '_', '-', '.', ' ', 'é');
  fc.assert(
    fc.property(fc.array(fc.tuple(word, joint), { minLength: 1, maxLength: 4 }), (parts) => {
      const name = parts.flat().join('');
      const word = secretName(name);
      if (word !== null) assert.equal(suspect(name)?.word, word);
    }),
    { numRuns: 500 },
  );
});
