// Agents may write code, but not .env and not secrets/. However such a path is spelt on its way in, the answer may be
// stricter than it need be and must never be green.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoor } from '../test/door.ts';

const spellings: readonly string[] = [
  '.env',
  './.env',
  '././/.env',
  'a/../.env',
  'a//..//.env',
  'a/b/../../.env',
  '/abs/.env',
  '~/.env',
  'C:\\x\\.env',
  '.ENV',
  '.Env',
  '.env/',
  '.env.',
  '.env ',
  ' .env',
  '.env\t',
  '.env\n',
  '.env.local',
  '.env::$DATA',
  'src\\..\\.env',
  '.\\.env',
  '\\.env',
  '\\\\?\\C:\\.env',
  '%2eenv',
  '%2Eenv',
  '.%65nv',
  '%252eenv',
  '..%2f.env',
  '..%252f.env',
  'file:///x/.env',
  '.env\u200b',
  '.\u200benv',
  '.e\u00adnv',
  '\u2024env',
  '\uff0eenv',
  '.\u0435nv',
  '.en\u03bd',
  '.e\u{1d427}v',
  'secrets/x',
  './secrets/x',
  'a/../secrets/x',
  'secrets//x',
  '/abs/secrets/x',
  'secrets/../secrets/x',
  'Secrets/x',
  'SECRETS/X',
  'secrets\\x',
  'secrets%2fx',
  '%73ecrets/x',
  '%2573ecrets/x',
  's\u200becrets/x',
  'secret\u0455/x',
  '\u0455ecrets/x',
  '\uff33\uff25\uff23\uff32\uff25\uff34\uff33/x',
  '\u017fecrets/x',
  'secrets\u2215x',
  'secrets\uff0fx',
  'deploy/server.key',
  'deploy/server.KEY',
  'deploy/server.pem\u200b',
];

const places: readonly Readonly<Record<string, unknown>>[] = [
  { path: '.env' },
  { Path: '.env' },
  { file: '.env' },
  { file_path: '.env' },
  { filePath: '.env' },
  { filename: '.env' },
  { destination: '.env' },
  { dest: '.env' },
  { target: '.env' },
  { to: '.env' },
  { uri: 'file:///work/.env' },
  { paths: ['src/main.ts', '.env'] },
  { files: [{ path: 'src/main.ts' }, { path: '.env' }] },
  { edits: [{ file: 'secrets/token' }] },
  { options: { nested: { path: 'secrets/token' } } },
  { path: { a: '.env' } },
];

test('no spelling of a guarded path lets code be written there', async (t) => {
  const door = await openDoor(t);
  const key = (await door.makeKey({ roles: ['agent'], agents: ['builder-1'] })).text;
  const ask = async (parameters: object) => {
    const body = { agent: 'builder-1', action: 'code.write', parameters: { content: 'x', ...parameters } };
    const answer = await door.call('POST', '/api/v1/actions', { key, body });
    return { answer, tier: (answer.json?.['decision'] as { readonly tier?: string } | undefined)?.tier };
  };
  const open = await ask({ path: 'src/main.ts' });
  assert.equal(open.tier, 'green', 'an ordinary path is green, or this test proves nothing');
  const tried = [...spellings.map((path) => ({ path })), ...places];
  const through: string[] = [];
  for (const parameters of tried) {
    const { answer, tier } = await ask(parameters);
    const isHeld = tier === 'red' || tier === 'black';
    if (!isHeld || answer.json?.['permit'] !== undefined)
      through.push(`${JSON.stringify(parameters)}: ${answer.status} ${tier ?? 'no tier'}`);
  }
  assert.deepEqual(through, []);
  assert.deepEqual(door.errors(), []);
});

test('an agent that the charter does not name is refused where registration is closed', async (t) => {
  const door = await openDoor(t, {
    charter:
      'version: 1\nextends: default\nregistration: closed\nagents:\n  builder-1: { class: background }\n',
  });
  const ask = (agent: string) =>
    door.call('POST', '/api/v1/actions', { body: { agent, action: 'git.read' } });
  assert.equal((await ask('builder-1')).status, 200);
  for (const agent of ['builder-2', 'Builder-1', 'builder-1.', 'constructor', 'toString', '__proto__']) {
    const answer = await ask(agent);
    if (answer.status !== 422) {
      assert.equal(answer.status, 403, `${agent}: ${answer.text}`);
      assert.equal(answer.json?.['code'], 'agent_unknown', agent);
    }
    assert.equal(
      (await door.call('GET', `/api/v1/agents/${agent}`)).status,
      404,
      `${agent} is not on record as an agent`,
    );
  }
  assert.deepEqual(door.errors(), []);
});
