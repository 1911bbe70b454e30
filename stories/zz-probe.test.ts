import { test } from 'node:test';
import { openDoor } from '../test/door.ts';
test('probe', async (t) => {
  const d = await openDoor(t);
  const names = ['.env','./.env','a/../.env','a//..//.env','%2eenv','%2Eenv','%252eenv','.%65nv','.ENV','.Env','.env.local','src\\..\\.env','.\\.env','\\.env','.env\u200b','.\u200benv','\u2024env','\uff0eenv','.\u0435nv','.en\u03bd','.env/','.env ','.env.',' .env','.env::$DATA','secrets/x','Secrets/x','secrets//x','./secrets/x','a/../secrets/x','secret\u0455/x','s\u200becrets/x','secrets%2fx','secrets\\x','%73ecrets/x','%2573ecrets/x','..%2f.env','..%252f.env','/abs/.env','/abs/secrets/x','file:///x/.env','~/.env','.env?x','.env#x','sécrets/x','ѕecrets/x','secrets\u2215x','secrets\uff0fx','\u202evne.','.e\u00adnv','.e\u0301nv','.env\t','.env\n','C:\\x\\.env','\\\\?\\C:\\.env', 'ＳＥＣＲＥＴＳ/x', 'ſecrets/x', '.ENV\u0130', '.env~', '.env;', './/./.env','x/./.env','secrets/../secrets/x', 'a/b/../../.env', '.e\u{1d427}v'];
  for (const name of names) {
    const a = await d.call('POST', '/api/v1/actions', { body: { agent: 'a-1', action: 'code.write', parameters: { path: name, content: 'x' } } });
    const dec = a.json?.['decision'] as { tier: string } | undefined;
    console.log(JSON.stringify(name).padEnd(30), a.status, dec?.tier);
  }
  for (const p of [{ file: '.env' }, { file_path: '.env' }, { paths: ['a', '.env'] }, { destination: '.env' }, { target: '.env' }, { filename: '.env' }, { Path: '.env' }, { files: [{ path: '.env' }] }, { nested: { path: '.env' } }, { to: '.env' }, { filePath: '.env' }, { uri: 'file:///a/.env' }, { edits: [{ file: 'secrets/a' }] }, {dir:'secrets'}, {cwd:'secrets', path:'x'}, {path: {a:'.env'}}, {path: ['.env']}, { path: ['.en','v'] }, {directory:'secrets', name:'x'}, {source:'a',dest:'.env'}, {"p\u0430th":'.env'}, {'path ':'.env'}]) {
    const a = await d.call('POST', '/api/v1/actions', { body: { agent: 'a-1', action: 'code.write', parameters: p } });
    const dec = a.json?.['decision'] as { tier: string } | undefined;
    console.log(JSON.stringify(p).padEnd(40), a.status, dec?.tier);
  }
});
