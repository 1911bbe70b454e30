// What agents really send, most of it full of random-looking text, and none of it a secret: a guardrail that cries wolf
// is switched off. Also the text of this repository's own manual, charters and examples.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../action.ts';
import { findLeaks } from './leaks.ts';
import { textLeaves } from './leaves.ts';
import { findSecrets } from './secrets.ts';
import { readName } from './traits.ts';

const SHA = '3f786850e387550fdab836ed7e6dc881de23001b';
const SHA256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const UUID = '550e8400-e29b-41d4-a716-446655440000';

const ACTIONS: readonly (readonly [action: string, parameters: Json])[] = [
  [
    'git.commit',
    {
      branch: 'feature/token-refresh-2',
      message: `Fix token refresh after ${SHA.slice(0, 12)}`,
      parent: SHA,
    },
  ],
  [
    'git.create_pull_request',
    { title: 'Rotate API keys monthly', head: SHA, base: 'main', reviewers: ['a.keyes', 'tokenrow'] },
  ],
  [
    'git.merge',
    {
      branch: 'main',
      commit: SHA,
      circleci_build: SHA,
      sentry_release: SHA256,
      github_sha: SHA,
      mergeKey: UUID,
    },
  ],
  [
    'deploy.staging',
    {
      image: `ghcr.io/acme/api@sha256:${SHA256}`,
      heroku_app_id: UUID,
      vercel_project_id: 'prj_Zx81kQpL93mVbT20aB3dE5fG',
      cloudflare_zone_id: 'd8f1c0a95b7e4f32a6c8e1907b3d5f24',
      netlify_site_id: UUID,
    },
  ],
  [
    'code.write',
    {
      path: 'src/auth/session.ts',
      content: `import { createHmac, timingSafeEqual } from 'node:crypto';
const TOKEN_TTL_MS = 15 * 60_000; const apiKey = process.env.API_KEY ?? ''; let password: string | undefined;
export interface Credentials { readonly accessToken: string; readonly refreshToken?: string; apiKey: ApiKey2 }
const token = await getToken2(user.id); const secret = config.auth.jwt2.secret; if (token === undefined) throw new TokenError('token_expired_v2');
headers.set('Authorization', \`Bearer \${token}\`); headers['x-api-key'] = apiKeys[0]; const key = cacheKey(id, 'v2', 1234);
const PASSWORD_PATTERN = /^(?=.*\\d)(?=.*[a-z]).{12,}$/; const secretName = 'prod/db/password-2024'; vault.getSecret('prod/db/password-2024');
if (pem.includes('-----BEGIN PRIVATE KEY-----')) { return parse(pem, '-----BEGIN RSA PRIVATE KEY-----'); }
t('password_reset_2fa_title'); expect(screen.getByLabelText('Password')).toHaveValue(''); it('rejects a token2 that expired', () => {});`,
    },
  ],
  [
    'code.write',
    {
      path: 'migrations/0042_add_tokens.sql',
      content: `create table api_tokens (id uuid primary key default gen_random_uuid(), token_hash bytea not null, secret_name text, password_changed_at timestamptz);
insert into roles values ('${UUID}', 'token:read'), ('7f0c1c2e-0000-4000-8000-abcdefabcdef', 'secret:list'); -- password: see the vault`,
    },
  ],
  [
    'code.write',
    {
      path: 'app.css',
      content:
        ".btn{color:#3f7868;background:url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==)}.sk-circle1{top:0}.key-2:before{content:'\\f084'}@font-face{src:url('a.woff2?v=4.7.0')}",
    },
  ],
  [
    'code.write',
    {
      path: 'dist/app.min.js',
      content: `!function(e,t){"object"==typeof exports?t(exports):t((e=e||self).Auth={})}(this,function(e){var t="token",n={key:13,api:1},r=function(e){return e.token||e.password&&e.key2};e.setToken=function(e){n.token=e,t=e.apiKey},e.v="2.11.3";var o={password:"",apiKey:null,secret:void 0,Bearer:1};for(var i in o)n[i]=o[i];s.a=s.b(function(e,n){return e.s.t===n.k2})})`,
    },
  ],
  [
    'code.write',
    {
      path: 'package-lock.json',
      content: `{"node_modules/algoliasearch":{"version":"4.24.0","resolved":"https://registry.npmjs.org/algoliasearch/-/algoliasearch-4.24.0.tgz","integrity":"sha512-oaH6BRZ8s+7n5ZtEJOCRWiP2TlpO3bEm0dYBPV3KmKbbx2mcTFRAGEXr5HaVHvQfTpMzYZHbv4s9z+ZS9Bqg8A=="},"node_modules/jose":{"integrity":"sha1-P3hoUOOHVQ/auDbtfm3Igd4jABs="}}`,
    },
  ],
  [
    'code.write',
    {
      path: 'go.sum',
      content: `golang.org/x/oauth2 v0.15.0 h1:s8pnnxNVzjWyrvYdFUQq5llS1PX2zhPXmccZv99h7uQ=\ngoogle.golang.org/api v0.81.0/go.mod h1:o8WF5AvfidafWbFjsRyupxyEQJNUWxLZJCK5NXrxZZ8=`,
    },
  ],
  [
    'code.write',
    {
      path: 'Cargo.lock',
      content: `[[package]]\nname = "secrecy"\nversion = "0.8.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "${SHA256}"`,
    },
  ],
  [
    'code.write',
    {
      path: '.env.example',
      content:
        'OPENAI_API_KEY=sk-...\nANTHROPIC_API_KEY=sk-ant-api03-...\nSTRIPE_KEY=sk_test_xxxxxxxxxxxxxxxxxxxxxxxx\nAWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\nDATABASE_URL=postgres://user:password@localhost:5432/app\nREDIS_URL=redis://localhost:6379\nSECRET_KEY=<your-secret-key>\nAPI_TOKEN=${API_TOKEN}\nGITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nHF_TOKEN=your-hugging-face-token\nPASSWORD=changeme123\nJWT_SECRET=replace-with-32-random-bytes',
    },
  ],
  [
    'docs.write',
    {
      path: 'docs/setup.md',
      content: `Set \`GITHUB_TOKEN\` to a token that starts with \`ghp_\`, or \`github_pat_\`. Keys look like \`sk-proj-your-api-key-goes-here\` or \`xoxb-your-bot-token\`.
Run \`export API_KEY=<YOUR_API_KEY>\`, then \`curl -u user:password https://api.example.org\` or \`curl -H "Authorization: Bearer <token>"\` or \`-H "Authorization: Bearer $TOKEN"\`.
A private key begins with \`-----BEGIN OPENSSH PRIVATE KEY-----\` and ends with \`-----END OPENSSH PRIVATE KEY-----\`.
The password is never shown. Token: see above. API key: https://console.example.org/d?to=%2F%5Bteam%5D%2Fapi-keys-2. Bearer tokens are described in RFC 6750.`,
    },
  ],
  [
    'docs.write',
    {
      path: 'docker-compose.yml',
      content:
        'services:\n  db:\n    image: postgres:17.2@sha256:' +
        SHA256 +
        '\n    environment:\n      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it}\n      DATABASE_URL: postgres://postgres:postgres@localhost:5432/app\n  cache:\n    image: redis:7.4\n',
    },
  ],
  [
    'docs.write',
    {
      path: '.github/workflows/ci.yml',
      content: `      - uses: actions/checkout@${SHA} # v4.2.2\n        with: { token: '\${{ secrets.GITHUB_TOKEN }}' }\n      - run: npm publish\n        env: { NODE_AUTH_TOKEN: '\${{ secrets.NPM_TOKEN }}', SENTRY_AUTH_TOKEN: "\${{ secrets.SENTRY }}" }`,
    },
  ],
  [
    'mail.send',
    {
      to: 'j.doe+tokens@example.org',
      subject: 'Your password was changed on 2026-11-20',
      body: `Hello,\nsomebody asked for a new password. If it was you: https://app.example.org/reset?id=${UUID}. Message-ID: <CAF=+2x8kLm${UUID}@mail.example.org>`,
    },
  ],
  [
    'http.get',
    {
      url: `https://example.org:8443/a/${UUID}/b?page=2&next_page_token=CAUQAA123456789abc&sort=key_2#token`,
      headers: {
        accept: 'application/json',
        'if-none-match': `W/"${SHA}"`,
        traceparent: `00-${SHA256.slice(0, 32)}-${SHA.slice(0, 16)}-01`,
      },
    },
  ],
  [
    'files.upload',
    {
      name: 'a.png',
      contentType: 'image/png',
      base64: Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * i * 31 + i * 7) & 255)).toString(
        'base64',
      ),
    },
  ],
  [
    'llm.complete',
    {
      model: 'claude-x-2',
      max_tokens: 4096,
      token_count: 128731,
      stop: ['</key>'],
      usage: { prompt_tokens: 812, completion_tokens: 77 },
      messages: [
        { role: 'user', content: 'How do I store an API key? My password manager says hunter2 is weak.' },
      ],
    },
  ],
  [
    'analytics.query',
    {
      sql: "select count(*) from sessions where token_type = 'refresh_v2' and user_id = 81236712 group by api_version",
      hash: SHA256,
      manifest: SHA256,
      segment: 'de-2026-11',
      linear: 'ENG-2231',
      notion_page: SHA256.slice(0, 32),
      trello_board: '5f1e2d3c4b5a697887960a1b',
      jira: 'OPS-2026',
      auth0: 'my-service-account-2-for-the-roaster-in-hamburg',
      airtable_base: 'appZx81kQpL93mVbT',
      confluent_cluster: 'lkc-7x2k9q1m4z8p2',
    },
  ],
  [
    'roaster.SET_POWER',
    {
      key: 'drum-2',
      token: 9,
      pin: 27,
      watts: 2200,
      at: '2026-11-20T12:00:00Z',
      signature_algorithm: 'ES256',
      publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DMRORITMUUPLPNGODhNNFY3GrFvxLq a@b',
    },
  ],
  [
    'test.run',
    {
      command: ['npm', 'test', '--', '--token-file', './token.txt', '--grep', 'password 2fa'],
      env: {
        CI: '1',
        NODE_OPTIONS: '--max-old-space-size=4096',
        GIT_COMMIT: SHA,
        BUILD_TAG: 'jenkins-api-2231',
      },
    },
  ],
];

test('no action of the corpus has a secret, nor anything that looks like one', () => {
  for (const [action, parameters] of ACTIONS) {
    const { certain, likely, isOver } = findLeaks(textLeaves(parameters), readName);
    assert.deepEqual({ certain, likely, isOver }, { certain: [], likely: [], isOver: false }, action);
  }
});

test("nothing in this repository's manual, charters and examples is a secret", () => {
  for (const folder of ['docs', 'charters', 'examples', 'decisions']) {
    const root = new URL(`../../../${folder}/`, import.meta.url);
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (
        !entry.isFile() ||
        entry.parentPath.includes('node_modules') ||
        !/\.(?:md|ya?ml|json|mjs|ts)$/.test(entry.name)
      )
        continue;
      const path = `${entry.parentPath}/${entry.name}`;
      const certain = findSecrets(readFileSync(path, 'utf8')).filter(({ generic }) => !generic);
      assert.deepEqual(certain, [], path);
    }
  }
});

test('hashes, identifiers and base64 are no secrets under any name of a thing', () => {
  const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
  const hex = (size: number) => bytes(size).map((value) => Buffer.from(value).toString('hex'));
  const value = fc.oneof(
    hex(16),
    hex(20),
    hex(32),
    fc.uuid(),
    bytes(48).map((b) => Buffer.from(b).toString('base64')),
  );
  const name = fc.constantFrom(
    ...'commit sha integrity checksum digest etag id uuid trace_id span requestId heroku_app_id sentry_release cacheKey publicKey github_sha image manifest fingerprint nonce'.split(
      ' ',
    ),
  );
  const shape = fc.constantFrom(
    (n: string, v: string) => `"${n}": "${v}"`,
    (n: string, v: string) => `${n}=${v}`,
    (n: string, v: string) => `const ${n} = '${v}';`,
    (n: string, v: string) => `<${n}>${v}</${n}>`,
    (n: string, v: string) => `f("${n}", "${v}")`,
  );
  fc.assert(
    fc.property(name, value, shape, (n, v, write) => assert.deepEqual(findSecrets(write(n, v)), [])),
    { numRuns: 600, seed: 11 },
  );
});
