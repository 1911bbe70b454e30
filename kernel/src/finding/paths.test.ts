import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ActionSetting } from '../action-setting.ts';
import type { Action, JsonObject } from '../action.ts';
import { actionOf, settingOfAction } from '../fixtures.test.ts';
import { compileGlobs, matchesGlob } from './glob.ts';
import { DEFAULT_GUARDRAILS } from './guardrail-settings.ts';
import { lookUp, pathParameters, pathSegments, touchesPath } from './paths.ts';

const GUARDED = compileGlobs(DEFAULT_GUARDRAILS.protectedPaths);

function reading(parameters: JsonObject): Action {
  return actionOf('files.read_file', { parameters });
}

function isGuarded(path: string): boolean {
  return touchesPath(reading({ path }), null, GUARDED) !== null;
}

test('the shipped globs guard secrets at any depth', () => {
  const guarded = [
    '.env',
    '.env.local',
    '.envrc',
    'app/.env',
    '/srv/app/.env.production',
    'secrets/db.yaml',
    'a/secrets/b/c',
    'secrets',
    'tls/server.pem',
    'server.key',
    'a/b/credentials.json',
    '~/.aws/credentials',
    '/root/.ssh/id_ed25519',
    '.ssh',
    'C:\\Users\\x\\.aws\\config',
  ];
  const open = [
    'src/env.ts',
    'environment.md',
    'keys.ts',
    'secretsmith/a',
    'docs/secrets.md',
    'pem.ts',
    'credential.json',
    'my.env',
    'a.keys',
    'aws/x',
    '',
  ];
  assert.deepEqual(
    guarded.filter((path) => !isGuarded(path)),
    [],
  );
  assert.deepEqual(
    open.filter((path) => isGuarded(path)),
    [],
  );
});

const DISGUISES: readonly string[] = [
  'src/../.env',
  'src/./.env',
  'src//.env',
  './/./.env',
  '..\\.env',
  'a\\b\\..\\.ENV',
  '.eNv',
  '.ENV.LOCAL',
  'SECRETS/x',
  'Server.PEM',
  '%2eenv',
  '%2Eenv',
  '%252eenv',
  '%25252525252eenv',
  '%2e%65%6e%76',
  'secrets%2fdb',
  'secrets%5Cdb',
  'secrets%255cdb',
  '%c0%aeenv',
  '%e0%80%aeenv',
  'a/%2e%2e/.env',
  '.env%00.png',
  '.env\u0000.png',
  '.e\u0000nv',
  '.env.',
  '.env ',
  '.env...',
  '. /.env',
  'x/.env /y',
  ' .env',
  '.env/',
  'server.key.',
  'server.key::$DATA',
  '.\u0435nv',
  '.\u0415NV',
  '.en\u03bd',
  '\uff0eenv',
  '\uff0e\uff45\uff4e\uff56',
  '\u2024env',
  '.\u1d07nv',
  's\u0435\u0441r\u0435ts/x',
  '\u0455ecrets/x',
  'secrets\u2215x',
  'secrets\uff0fx',
  'secrets\uff3cx',
  'secrets\u2044x',
  '.\ud835\udc52nv',
  '.\ud835\udd8a\ud835\udd93\ud835\udd9b',
  '.e\u200bnv',
  '.\u200denv',
  '\ufeff.env',
  '.e\u00adnv',
  '.env\ufe0f',
  '\u202e.env',
  'serv\u0435r.k\u0435y',
  'server.\u043a\u0435\u0443',
  'credent\u0456als.json',
  'credent\u0131als.json',
  'CREDENT\u0130ALS.JSON',
  '\uff05\uff12\uff45env',
  '%EF%BC%8Eenv',
  '%ef%bc%85%32%65env',
  '\u3002env',
  '\u2025/.env',
  'file:///srv/app/.env',
  'FILE:///x/.env',
  '.env?raw=1',
  '.env#L1',
  'https://host/server.key?x=1',
  'HEAD:secrets/x',
  'a.txt,.env',
  'a.txt .env',
  'a.txt\n.env',
  '".env"',
  '{.env,x}',
  '.e*',
  '.en?',
  '.[e]nv',
  '*',
  '**/*',
  'secret?/x',
  '*.pem',
];

test('no spelling of a guarded path gets past the guard', () => {
  assert.deepEqual(
    DISGUISES.filter((path) => !isGuarded(path)),
    [],
  );
});

test('an ordinary path stays ordinary in every spelling', () => {
  const paths = [
    'src/index.ts',
    'secrets/../src/a.ts',
    'a/b/../c.ts',
    'docs/%65nv.md',
    'src/**/*.ts',
    'main.css?v=2',
    'caf\u00e9/men\u00fc.txt',
    '\u0434\u043e\u043a\u0443\u043c\u0435\u043d\u0442\u044b/\u0444\u0430\u0439\u043b.txt',
    '\u30c6\u30b9\u30c8.md',
    '100%.txt',
    '%zz',
    'a%2',
    '\ud83d\ude00.png',
  ];
  assert.deepEqual(paths.filter(isGuarded), []);
});

test('segments never hold a separator, a dot entry or a tail that Windows drops', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('.', '/', '\\', ' ', 'a', ':'), maxLength: 20 }),
      (path) => {
        for (const segment of pathSegments(path)) assert.match(segment, /^[^/\\:]*[^/\\:. ]$/);
      },
    ),
  );
});

test('paths are found under charter names, conventional names, in lists and nested objects', () => {
  const found = (parameters: JsonObject, setting: ActionSetting | null = null): readonly string[] =>
    pathParameters(reading(parameters), setting).map(({ pointer, value }) => `${pointer}=${value}`);
  assert.deepEqual(found({ path: 'a', content: 'b' }), ['/parameters/path=a']);
  assert.deepEqual(
    found({ file_path: 'a', filePath: 'b', targetPath: 'c', 'source-file': 'd', FILENAME: 'e' }).length,
    5,
  );
  assert.deepEqual(found({ paths: ['a', ['b']] }), ['/parameters/paths/0=a', '/parameters/paths/1/0=b']);
  assert.deepEqual(found({ edits: [{ path: 'a', text: 'x' }] }), ['/parameters/edits/0/path=a']);
  assert.deepEqual(
    found({ files: [{ name: '.env', content: 'x' }] }).filter((text) => text.endsWith('=.env')),
    ['/parameters/files/0/name=.env'],
  );
  assert.deepEqual(found({ files: { '.env': 'x' } }), [
    '/parameters/files/.env=.env',
    '/parameters/files/.env=x',
  ]);
  assert.deepEqual(found({ a: 'file:///x' }), ['/parameters/a=file:///x']);
  assert.deepEqual(found({ blob: 'x', deep: { blob: ['y'] } }, settingOfAction('*', { paths: ['blob'] })), [
    '/parameters/blob=x',
    '/parameters/deep/blob/0=y',
  ]);
  assert.deepEqual(found({ options: { 'a/b': 1, t: 'x' } }, settingOfAction('*', { paths: ['options.t'] })), [
    '/parameters/options/t=x',
  ]);
  const env = (parameters: JsonObject): readonly string[] =>
    found(parameters).filter((text) => text.endsWith('=.env'));
  assert.deepEqual(env({ path: { a: '.env' } }), ['/parameters/path/a=.env']);
  assert.deepEqual(env({ path: [{ a: { content: ['.env'] } }] }), ['/parameters/path/0/a/content/0=.env']);
  assert.deepEqual(
    env({
      files: [
        { path: 'a', content: '.env', mode: 'x' },
        { name: 'b', text: '.env' },
      ],
    }),
    [],
  );
  assert.deepEqual(found({ path: 7, file: null, target: true }), []);
  assert.deepEqual(lookUp({ a: { b: ['x'] } }, '/a/b/0')?.node, 'x');
  assert.equal(lookUp({ a: 'x' }, 'a.b'), null);
});

test('a file named by the resource is guarded as well', () => {
  const action = { ...reading({}), resource: { type: 'file', id: 'app/.env' } };
  assert.equal(touchesPath(action, null, GUARDED)?.pointer, '/resource/id');
  assert.equal(touchesPath({ ...action, resource: { type: 'portal', id: 'app/.env' } }, null, GUARDED), null);
});

test('what is nested too deep to look at counts as touched', () => {
  let node: JsonObject = { path: 'x' };
  for (let i = 0; i < 3000; i += 1) node = { a: node };
  assert.equal(touchesPath(reading(node), null, GUARDED)?.glob, '**');
  assert.equal(touchesPath(reading(node), null, []), null);
});

test('hostile globs and paths come to an end', () => {
  const [glob] = compileGlobs([`${'*a'.repeat(100)}b`]);
  assert.ok(glob !== undefined);
  assert.equal(matchesGlob(glob, ['a'.repeat(20_000)]), false);
  const [folders] = compileGlobs([`${'**/a/'.repeat(15)}b`]);
  assert.ok(folders !== undefined);
  assert.equal(
    matchesGlob(
      folders,
      Array.from({ length: 5_000 }, () => 'a'),
    ),
    false,
  );
  assert.equal(isGuarded(`%${'25'.repeat(50_000)}2eenv`), true);
  assert.equal(isGuarded('../'.repeat(50_000)), false);
});

test('a plainly spelt path and its encoded form are guarded alike, though they are read on different roads', () => {
  const part = fc.constantFrom(
    ...'. .. / // .env .ENV src main secrets a.key K1.PEM x. -_ credentials.json'.split(' '),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const path = parts.join('/');
      const encoded = path.replace(/./g, (char) => `%${char.charCodeAt(0).toString(16)}`);
      assert.equal(isGuarded(path), isGuarded(encoded));
    }),
    { numRuns: 300 },
  );
});

test('a path that is spelt plainly is read like the same one that needs the long way', () => {
  const globs = compileGlobs(['**/*', 'a', '*.o', '/l/a', 'b/..a', '.e*']);
  const path = fc.string({
    unit: fc.constantFrom('a', 'b', 'I', '0', '.', '/', '-', '_'),
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(path, (plain) => {
      for (const glob of globs) {
        const short = touchesPath(reading({ path: plain }), null, [glob]);
        // The colon parts a path as a slash does, and lets nothing pass for plain.
        const long = touchesPath(reading({ path: `:${plain}` }), null, [glob]);
        assert.equal(short === null, long === null, `${glob.source} on ${plain}`);
      }
    }),
    { numRuns: 1_000 },
  );
});
