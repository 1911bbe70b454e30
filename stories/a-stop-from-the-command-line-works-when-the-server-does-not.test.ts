// A stop that needs a healthy server is none. Each scene takes away more of it: the process, its orderly end, the
// database; and the command says each time exactly what it has achieved.
import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCommandLine, postgresPid } from '../test/command-line.ts';
import type { CommandLine, Ran } from '../test/command-line.ts';

/** A loopback port that nothing listens on: TCPMUX, which no system of today runs. */
const NOWHERE = { MANDATE_URL: 'http://127.0.0.1:1' };
const NO_DATABASE = { DATABASE_URL: 'postgres://nobody:nothing@127.0.0.1:1/none' };

function document(ran: Ran): Record<string, unknown> {
  assert.notEqual(ran.stdout, '', ran.stderr);
  return JSON.parse(ran.stdout);
}

describe('a stop from the command line', () => {
  let line: CommandLine;
  before(async () => {
    line = await openCommandLine();
  });
  after(() => line.close());

  const request = (): Promise<Ran> => line.run(['request', 'builder-1', 'test.run_suite']);
  const sentinel = (): Promise<boolean> =>
    access(join(line.dataDir, 'STOP')).then(
      () => true,
      () => false,
    );

  test('goes straight to the database when the server has ended, and is there when it comes back', async () => {
    const first = await line.start();
    assert.equal((await request()).code, 0);
    assert.equal(await first.end('SIGTERM'), 0);
    assert.equal(await postgresPid(line.dataDir), null, 'an orderly end stops the database too');

    const ran = await line.run(['stop', '--reason', 'nobody is at home', '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    const stop = document(ran);
    assert.deepEqual([stop['via'], stop['confirmed'], stop['scope']], ['database', true, 'global']);
    for (const time of ['requestedAt', 'confirmedAt', 'quietAt'])
      assert.ok(!Number.isNaN(Date.parse(String(stop[time]))), time);
    assert.equal(JSON.parse(await readFile(join(line.dataDir, 'STOP'), 'utf8')).reason, 'nobody is at home');
    assert.equal(await postgresPid(line.dataDir), null, 'what was started for the stop is ended with it');

    const second = await line.start();
    assert.equal(second.greeting['stopped'], true);
    assert.equal((await request()).code, 5); // I2
    const resumed = await line.run(['resume', '--reason', 'somebody is']);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(await sentinel(), false);
    assert.equal((await request()).code, 0);
    await second.end('SIGTERM');
  });

  test('adopts the database that a killed server left behind', async () => {
    const server = await line.start();
    await server.end('SIGKILL');
    assert.notEqual(await postgresPid(line.dataDir), null, 'the database outlives a killed server');

    const ran = await line.run(['stop', '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual([document(ran)['via'], document(ran)['confirmed']], ['database', true]);
  });

  test('is lifted without a server only by an admin key', async () => {
    const stranger = await line.run(['resume', '--reason', 'please'], {
      MANDATE_API_KEY: 'mdt_0000000000000000000000000000000000000000000_000000',
    });
    assert.equal(stranger.code, 3, stranger.stderr);
    assert.equal(await sentinel(), true);

    const ran = await line.run(['resume', '--reason', 'all clear', '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(document(ran)['resumed'], true);
    assert.equal(await sentinel(), false);
  });

  test('is the file alone when the database cannot be reached either, and says that it is not confirmed', async () => {
    const server = await line.start();
    const ran = await line.run(['stop', '--reason', 'all is lost', '--json'], { ...NOWHERE, ...NO_DATABASE });
    assert.equal(ran.code, 1, ran.stderr);
    const stop = document(ran);
    assert.deepEqual(
      [stop['via'], stop['confirmed'], stop['confirmedAt'], stop['inFlight']],
      ['sentinel', false, null, null],
    );
    assert.equal(stop['sentinel'], join(line.dataDir, 'STOP'));
    assert.equal((await request()).code, 5, 'a server on that data directory obeys the file');

    const unchecked = await line.run(['resume', '--reason', 'x'], { ...NOWHERE, ...NO_DATABASE });
    assert.equal(unchecked.code, 1, 'without the database nobody can check the key');
    assert.equal(await sentinel(), true);
    assert.equal((await line.run(['resume', '--reason', 'found again'])).code, 0);
    assert.equal((await request()).code, 0);
    await server.end('SIGTERM');
  });

  test('in a narrower scope leaves everybody else alone, and needs the database', async () => {
    const lost = await line.run(['stop', '--scope', 'agent:builder-2'], { ...NOWHERE, ...NO_DATABASE });
    assert.equal(lost.code, 1);
    assert.equal(await sentinel(), false, 'the file would stop everybody');

    const ran = await line.run(['stop', '--scope', 'agent:builder-2', '--json'], NOWHERE);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual([document(ran)['scope'], document(ran)['sentinel']], ['agent:builder-2', null]);
    const server = await line.start();
    assert.equal((await request()).code, 0);
    assert.equal((await line.run(['request', 'builder-2', 'test.run_suite'])).code, 5);
    await server.end('SIGTERM');
  });

  test('is lifted by two persons where the charter asks for two, with or without a server', async () => {
    const charter = join(line.dataDir, 'charter.yaml');
    await writeFile(charter, 'version: 1\nextends: default\nresume: { twoPersons: true }\n');
    const server = await line.start(['--charter', charter]);
    const keyOf = async (user: string): Promise<Readonly<Record<string, string>>> => {
      const made = await line.run([
        'key',
        'create',
        '--role',
        'admin',
        '--user',
        user,
        '--label',
        'a person',
      ]);
      return { MANDATE_API_KEY: made.stdout.trim() };
    };
    const ada = await keyOf('ada');
    const adaAgain = await keyOf('ada');
    const bob = await keyOf('bob');
    await server.end('SIGTERM');
    assert.equal((await line.run(['stop'])).code, 0);

    const nobody = await line.run(['resume', '--reason', 'whoever I am']);
    assert.equal(nobody.code, 3, 'a key without a user is no person by name');
    const first = await line.run(['resume', '--reason', 'I think so', '--json'], ada);
    assert.equal(first.code, 4, first.stderr);
    const again = await line.start(['--charter', charter]);
    const same = await line.run(['resume', '--reason', 'I still think so'], adaAgain);
    assert.equal(same.code, 4, 'the same person twice is one person, whatever key and way it comes by');
    await again.end('SIGTERM');
    assert.equal(await sentinel(), true);
    const second = await line.run(['resume', '--reason', 'so do I'], bob);
    assert.equal(second.code, 0, second.stderr);
    assert.equal(await sentinel(), false);
  });

  test('does not make an installation where there is none', async () => {
    const dataDir = join(line.dataDir, 'not-there');
    const ran = await line.run(['stop'], { ...NOWHERE, MANDATE_DATA_DIR: dataDir });
    assert.equal(ran.code, 69);
    await assert.rejects(access(dataDir));
  });

  test('works with a misspelt setting, which it tells', async () => {
    const ran = await line.run(['stop', '--json'], { ...NOWHERE, ...NO_DATABASE, MANDATE_TENNANT: 'x' });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /MANDATE_TENNANT is not known/);
    assert.equal(await sentinel(), true);
  });
});
