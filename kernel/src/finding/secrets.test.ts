import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { looksMade } from './assignments.ts';
import { checksumBase62 } from './checksum.ts';
import { redact } from './redact.ts';
import { NAMED_SECRET_FORMATS } from './secret-formats-named.ts';
import { SECRET_FORMATS } from './secret-formats.ts';
import { ALPHABETS, parseBody } from './secret-format.ts';
import type { Part, SecretFormat } from './secret-format.ts';
import { isPlaceholder } from './secret-names.ts';
import { findSecrets, titleOf } from './secrets.ts';
import { looksRandom } from './token-match.ts';

const HEX = 'd8f1c0a95b7e4f32a6c8e1907b3d5f24';
const ALNUM = 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5bC7d';
const UUID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';

interface Sample {
  readonly format: SecretFormat;
  readonly token: string;
  /** Where the secret itself starts in the token: behind the label, where the prefix is one. */
  readonly from: number;
}

function partOf(part: Part): fc.Arbitrary<string> {
  if (part.kind === 'literal') return fc.constant(part.text);
  const alphabet = new RegExp(`[${ALPHABETS[part.of]}]`);
  const chars = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter((c) =>
    alphabet.test(c),
  );
  const max = Math.min(part.max, part.min + 40);
  return fc.string({ unit: fc.constantFrom(...chars), minLength: part.min, maxLength: max });
}

function bodyOf(body: string): fc.Arbitrary<string> {
  return fc.tuple(...parseBody(body).map(partOf)).map((parts) => parts.join(''));
}

function sampleOf(format: SecretFormat): fc.Arbitrary<Sample> {
  return fc
    .tuple(bodyOf(format.lead ?? ''), fc.constantFrom(...format.prefixes), bodyOf(format.body))
    .filter(
      ([lead, , body]) => !isPlaceholder(lead + body) && (format.strict !== true || looksRandom(lead + body)),
    )
    .map(([lead, prefix, body]) => ({
      format,
      token: lead + prefix + body,
      from: format.label === true ? lead.length + prefix.length : 0,
    }));
}

const anySample = fc.constantFrom(...SECRET_FORMATS).chain(sampleOf);
const glue = fc.constantFrom(
  '',
  ' ',
  '"',
  "'",
  '\n',
  '(',
  '=',
  ', ',
  'use ',
  'x: ',
  '\\n',
  '%3D',
  '`',
  '[',
  '> ',
);
const after = fc.constantFrom('', ' ', '"', '\n', ')', ' and so on', '",', ' #');

test('a kind has a title for people', () => {
  assert.equal(titleOf('github_pat'), 'GitHub personal access token (classic)');
  assert.equal(titleOf('private_key'), 'private key');
  assert.equal(titleOf('password'), 'password');
});

test('there are more than 300 formats and 700 by name, each with a name, a body that can be read and a public source', () => {
  assert.ok(SECRET_FORMATS.length > 300 && NAMED_SECRET_FORMATS.length > 700);
  for (const format of [...SECRET_FORMATS, ...NAMED_SECRET_FORMATS]) {
    assert.match(format.source, /^(?:RFC \d+|[a-z0-9.-]+\.[a-z]{2,}\b)/i, format.kind);
    assert.ok(format.provider !== '' && format.name !== '', format.kind);
    assert.doesNotThrow(() => parseBody(format.body), format.kind);
  }
  const kinds = SECRET_FORMATS.map(({ kind }) => kind);
  assert.deepEqual(
    kinds.filter((kind, i) => kinds.indexOf(kind) !== i),
    [],
  );
});

test('a token of every format is found, whatever stands around it', () => {
  for (const format of SECRET_FORMATS) {
    fc.assert(
      fc.property(sampleOf(format), glue, after, (sample, before, behind) => {
        const found = findSecrets(before + sample.token + behind);
        const start = before.length + sample.from;
        const end = before.length + sample.token.length;
        assert.ok(
          found.some(
            (secret) =>
              secret.generic === (format.guess ?? false) && secret.start <= start && secret.end >= end,
          ),
          `${format.kind}: ${JSON.stringify(before + sample.token + behind)} gave ${JSON.stringify(found)}`,
        );
      }),
      { numRuns: 12 },
    );
  }
});

test('a value of every named format is found where its name says whose it is', () => {
  for (const { kind, words, body, weak } of NAMED_SECRET_FORMATS) {
    const names = words.split('|').map((list) => list.replaceAll(' ', '_') + (weak === true ? '_key' : ''));
    fc.assert(
      fc.property(fc.constantFrom(...names), bodyOf(body), (name, value) => {
        fc.pre(
          !isPlaceholder(value) &&
            !value.includes('\\') &&
            (parseBody(body).length > 1
              ? /[^A-Za-z]/.test(value.slice(0, 32))
              : looksMade(value) && looksRandom(value.slice(0, 32))),
        );
        const element = `<${name}>\n  ${value}\n</${name}>`;
        for (const text of [`${name.toUpperCase()}="${value}"`, ...(/[<>]/.test(value) ? [] : [element])]) {
          assert.ok(
            findSecrets(text).some(({ generic }) => !generic),
            `${kind}: ${text}`,
          );
        }
      }),
      { numRuns: 4 },
    );
  }
});

test('an assignment is read as people write it in any language', () => {
  const value = 'd8f1c0a95b7e4f32a6c8e1907b3d5f24';
  const texts = [
    `heroku_token = "${UUID}"`,
    `"newRelicToken" => "${value}${value}"`,
    `var DatadogToken string = "${value}"`,
    `const datadogToken: string = '${value}';`,
    `datadogToken := \`${value}\``,
    `$datadogToken .= "${value}"`,
    `DATADOG_TOKEN ?= "${value}"`,
    `DATADOG_TOKEN :::= "${value}"`,
    `datadog_token: |\n  ${value}`,
    `datadog_token: >-\n  ${value}`,
    `<add key="DatadogToken" value="${value}" />`,
    `<datadogToken>\n    ${value}\n</datadogToken>`,
    `- name: DATADOG_TOKEN\n  value: "${value}"`,
    `define('DATADOG_KEY', '${value}');`,
    `datadogToken,${value},`,
    `client.setDatadogToken("${value}")`,
    `\\"datadog_token\\": \\"${value}\\"`,
    `Heroku API key: ${UUID}`,
    `herokuapikey=${UUID}`,
  ];
  for (const text of texts)
    assert.deepEqual(
      findSecrets(text).map(({ generic }) => generic),
      [false],
      text,
    );
});

test('a provider whose name is a common word is only believed where the name says key, or the value is no hash', () => {
  const hash = 'd8f1c0a95b7e4f32a6c8e1907b3d5f24';
  assert.deepEqual(findSecrets(`manifest: "${hash}"`), []);
  const kinds = (text: string) => findSecrets(text).map(({ kind, generic }) => [kind, generic]);
  assert.deepEqual(kinds(`manifest: "q8Zk3wpXw92LmN0vaB3dE5fG7hJ9kL1m"`), [['manifest_key', true]]);
  assert.deepEqual(kinds(`manifest_key: "${hash}"`), [['manifest_key', false]]);
  assert.deepEqual(findSecrets(`heroku_app_id: "${UUID}"`), []);
});

test('redaction never lets a token through, in values, keys, lists or nested objects', () => {
  fc.assert(
    fc.property(anySample, glue, after, (sample, before, behind) => {
      const text = before + sample.token + behind;
      const shown = JSON.stringify(
        redact({ note: text, [text]: 1, list: [{ deep: [text] }], token: sample.token }),
      );
      assert.ok(
        !shown.includes(JSON.stringify(sample.token.slice(sample.from)).slice(1, -1)),
        `${sample.format.kind}: ${shown}`,
      );
    }),
    { numRuns: 400 },
  );
});

const SPECIFIC: readonly (readonly [kind: string, text: string])[] = [
  ['aws_access_key_id', 'key AKIAQ3EGRWZ5LKD2XYT7'],
  ['aws_secret_access_key', 'aws_secret_access_key = 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'],
  ['aws_secret_access_key', '{"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYtZ9qLw2Rk8"}'],
  ['github_pat', `git clone https://x/ && export GH=ghp_${ALNUM.slice(0, 36)}`],
  ['private_key', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----'],
  ['private_key', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA'],
  ['private_key', '-----BEGIN PGP PRIVATE KEY BLOCK-----\nx'],
  ['private_key', 'PuTTY-User-Key-File-3: ssh-ed25519'],
  ['private_key', '{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQ\\n-----END PRIVATE KEY-----\\n"}'],
  ['netrc_password', 'machine api.example.org\n  login deploy\n  password s3cr3tp4ss'],
  ['command_password', 'curl -sS -u deploy:s3cr3tp4ss https://api.example.org/v1'],
  ['docker_config_auth', '{"auths": {"ghcr.io": {"auth": "ZGVwbG95OnMzY3IzdHA0c3M="}}}'],
  ['npmrc_token', '//registry.npmjs.org/:_authToken=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'],
  ['url_password', 'https://d8f1c0a95b7e4f32a6c8e1907b3d5f24d8f1c0a9:x-oauth-basic@github.com/a/b.git'],
  ['jwt', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'],
  ['url_password', 'postgres://app:tiger@db.internal:5432/main'],
  ['url_password', 'mongodb+srv://app:p%40ss@cluster0.mongodb.net'],
  ['url_password', 'redis://:hunter2@cache:6379'],
  ['url_password', 'https://oauth2:t0ps3cret@gitlab.example.org/a.git'],
  ['ado_password', 'Server=db;User Id=sa;Password=Tiger!42;'],
  ['azure_account_key', `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${ALNUM}${ALNUM}abcdef==;`],
  ['bearer_token', `Authorization: Bearer ${ALNUM}`],
  ['basic_auth_header', 'Authorization: Basic YWRtaW46aHVudGVyMmh1bnRlcjI='],
  ['heroku_api_key', 'HEROKU_API_KEY=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'],
  ['datadog_api_key', `datadog_api_key: "${HEX}"`],
];

test('well-known secrets are named for what they are', () => {
  for (const [kind, text] of SPECIFIC) {
    const found = findSecrets(text).filter(({ generic }) => !generic);
    assert.deepEqual(
      found.map((secret) => secret.kind),
      [kind],
      text,
    );
  }
});

const GENERIC = [
  'password = "hunter2hunter2"',
  "DB_PASSWORD='Tr0ub4dor&3'",
  'api_key: 9f8a7c6b5d4e3f2a1b0c',
  '"client_secret": "q8Zk3-pXw92LmN0v"',
  'token=Zx81kQpL93mVbT20',
];

test('an assignment that merely looks secret is only a guess', () => {
  for (const text of GENERIC)
    assert.deepEqual(
      findSecrets(text).map(({ generic }) => generic),
      [true],
      text,
    );
});

const HARMLESS = [
  'The token of appreciation was a bearer of good news; no password is required to read the secret garden.',
  'id 550e8400-e29b-41d4-a716-446655440000, request req-7f0c1c2e-0000-4000-8000-abcdefabcdef, api-7f0c1c2e-0000-4000-8000-abcdefabcdef',
  'commit 3f786850e387550fdab836ed7e6dc881de23001b fixes 89e6c98d92887913cadf06b2adb97f26cde4849b',
  'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 md5 d41d8cd98f00b204e9800998ecf8427e',
  '"integrity": "sha512-oaH6BRZ8s+7n5ZtEJOCRWiP2TlpO3bEm0dYBPV3KmKbbx2mcTFRAGEXr5HaVHvQfTpMzYZHbv4s9z+ZS9Bqg8A=="',
  '"resolved": "https://registry.npmjs.org/fast-check/-/fast-check-4.10.2.tgz",',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'password: string; token?: string; const apiKey = process.env.API_KEY; const secret = await vault.read(path);',
  'PASSWORD=$DB_PASSWORD TOKEN=${TOKEN} api_key={{ api_key }} secret=<your-secret-here> password=********',
  'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx and AKIAXXXXXXXXXXXXXXXX are placeholders',
  'max_tokens: 4096, token_type: "access_token_2_v1", next_page_token="CAUQAA123456789abc"',
  'https://example.org:8443/a?b=c, mailto:a@b.example, ssh://git@github.com/x/y.git, postgres://localhost/db, file:///a:b/c',
  'postgres://app:${PASSWORD}@db/main and https://<user>:<password>@host',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----',
  '.btn-sk-live { color: #fff } .sk-folding-cube{width:40px} const key_live = "live_update_of_the_dashboard_view"',
  'test_that_a_user_with_2_factors_can_log_in_and_out_again test_UserCanLogIn cache-key-d41d8cd98f00b204e9800998ecf8427e',
  'Bearer authentication_with_tokens_is_required and sk-averylongwordwithoutanydigitsinitatall live_theWholeDayLongInTheMiddleOfNowhere',
  'const token = createSessionToken2Fa8x(user); secret = config.auth2.jwt9.signing3Key; api_key = keys4[stage7]',
  'Bearer authentication is required; Basic authentication is not. 12:30:00 a=b c:d e://f',
  'SKU SK-1234, order AC-99, SG.pl, s.toLowerCase().replaceAll, re_export_everything, pat.match, 00D, EAAA, hooks.slack.com/docs',
];

test('ordinary text, identifiers, hashes, images and templates are no secrets', () => {
  for (const text of HARMLESS) assert.deepEqual(findSecrets(text), [], text);
});

test('random base64, hexadecimal and UUIDs are no secrets, however much of them', () => {
  const base64 = fc
    .uint8Array({ minLength: 200, maxLength: 3000 })
    .map((bytes) => Buffer.from(bytes).toString('base64'));
  const hex = fc
    .uint8Array({ minLength: 16, maxLength: 64 })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
  fc.assert(
    fc.property(fc.oneof(base64, hex, fc.uuid()), (text) => assert.deepEqual(findSecrets(text), [])),
    { numRuns: 300, seed: 7 },
  );
});

test('a token with a right checksum is found even when it is glued to other letters', () => {
  const random = ALNUM.slice(0, 30);
  const token = `ghp_${random}${checksumBase62(random)}`;
  assert.deepEqual(
    findSecrets(`zz${token}`).map(({ kind, start }) => [kind, start]),
    [['github_pat', 2]],
  );
  assert.deepEqual(findSecrets(`zzghp_${ALNUM.slice(0, 36)}`), []);
});
