import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ConfigInvalid, type ConfigSources, describeConfig, loadConfig } from './config.ts';
import { renderEnvExample } from './settings.ts';

const person: ConfigSources = { env: {}, home: '/home/ada', uid: 1000, cwd: '/work' };

function problemsOf(env: Record<string, string>, argv: readonly string[] = []): readonly string[] {
  try {
    loadConfig({ ...person, env, argv });
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems;
    throw error;
  }
  return [];
}

test('an empty environment is a complete configuration', () => {
  const config = loadConfig({ ...person, env: { PATH: '/bin', LOG_LEVEL: '' } });
  assert.equal(config.port, 4007);
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.logLevel, 'info');
  assert.equal(config.databaseUrl, null);
  assert.equal(config.origins.port, 'default');
});

test('the data directory follows the account and XDG_STATE_HOME', () => {
  const table: readonly (readonly [Partial<ConfigSources>, string])[] = [
    [{}, '/home/ada/.local/state/mandate'],
    [{ env: { XDG_STATE_HOME: '/state' } }, '/state/mandate'],
    [{ env: { XDG_STATE_HOME: 'relative' } }, '/home/ada/.local/state/mandate'],
    [{ uid: 0 }, '/var/lib/mandate'],
    [{ uid: 0, env: { MANDATE_DATA_DIR: '/srv/m' } }, '/srv/m'],
    [{ env: { MANDATE_DATA_DIR: './data' } }, '/work/data'],
  ];
  for (const [sources, expected] of table)
    assert.equal(loadConfig({ ...person, ...sources }).dataDir, expected);
});

test('a flag wins over the environment, and each value knows where it is from', () => {
  const config = loadConfig({
    ...person,
    env: { PORT: '5000', HOST: '0.0.0.0', METRICS_PREFIX: 'simcorp' },
    argv: ['--port', '6000', '--data-dir=/d'],
  });
  assert.equal(config.port, 6000);
  assert.equal(config.host, '0.0.0.0');
  assert.equal(config.dataDir, '/d');
  assert.equal(config.metricsPrefix, 'simcorp');
  const { port, host, dataDir, metricsPrefix, logLevel } = config.origins;
  assert.deepEqual([port, host, dataDir, metricsPrefix, logLevel], ['flag', 'env', 'flag', 'env', 'default']);
});

test('a wrong value is refused with its name, what was found and what is allowed', () => {
  const table: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ PORT: 'http' }, /^PORT is "http", which is not a TCP port from 0/],
    [{ PORT: '70000' }, /^PORT is "70000"/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL is "loud", which is not one of trace/],
    [{ MANDATE_URL: 'ftp://x' }, /^MANDATE_URL is "ftp:\/\/x", which is not an http/],
    [{ METRICS_PREFIX: '9lives' }, /^METRICS_PREFIX is "9lives"/],
    [{ MANDATE_TENANT: 'Ann Other' }, /^MANDATE_TENANT is "Ann Other"/],
    [{ MANDATE_CHATER: 'x' }, /^MANDATE_CHATER is not known\. Did you mean MANDATE_CHARTER\?/],
    [{ MANDATE_MASTERKEY: 'x' }, /Did you mean MANDATE_MASTER_KEY\?/],
    [{ MANDATE_APP_URL: 'postgres://a@b/c' }, /^MANDATE_SEQUENCER_URL and MANDATE_CONTROL_URL must be set/],
    [{ MANDATE_JWKS: 'https://id/jwks', MANDATE_JWT_ISSUER: 'id' }, /^MANDATE_JWT_AUDIENCE must be set/],
    [{ MANDATE_JWT_TENANT: 'a' }, /^MANDATE_JWT_TENANT has no effect without MANDATE_JWKS/],
  ];
  for (const [env, expected] of table) {
    const problems = problemsOf(env);
    assert.equal(problems.length, 1, JSON.stringify(env));
    assert.match(problems[0] ?? '', expected);
  }
  assert.match(problemsOf({}, ['--prot', '1'])[0] ?? '', /--prot is not known\. Did you mean --port\?/);
  assert.match(problemsOf({}, ['--port'])[0] ?? '', /--port needs a value/);
  assert.match(problemsOf({}, ['serve'])[0] ?? '', /"serve" is not a flag/);
});

test('every problem is told at once', () => {
  assert.equal(problemsOf({ PORT: 'x', LOG_LEVEL: 'y', MANDATE_Z: '1' }).length, 3);
});

test('a secret is echoed neither in an error nor by config show', () => {
  const key = 'c2VjcmV0IHNlY3JldCE!';
  const problems = problemsOf({ MANDATE_MASTER_KEY: key, DATABASE_URL: 'mysql://root:hunter2@db/x' });
  assert.equal(problems.length, 2);
  for (const problem of problems) assert.doesNotMatch(problem, /c2VjcmV0|hunter2/);
  const config = loadConfig({
    ...person,
    env: { DATABASE_URL: 'postgres://m:hunter2@db:5432/x', MANDATE_API_KEY: 'mdt_secret' },
  });
  const shown = describeConfig(config);
  assert.doesNotMatch(JSON.stringify(shown), /hunter2|mdt_secret/);
  assert.deepEqual(
    shown.find((line) => line.env === 'DATABASE_URL'),
    { env: 'DATABASE_URL', value: 'postgres://m:***@db:5432/x', origin: 'env' },
  );
});

test('.env.example lists every setting as the code knows it', () => {
  const file = new URL('../../../../.env.example', import.meta.url);
  assert.equal(readFileSync(file, 'utf8'), renderEnvExample());
});
