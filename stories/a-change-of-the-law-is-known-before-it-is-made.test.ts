// Whoever is about to change the charter is told beforehand whom it would hold and whom it would free, by HTTP, by the
// SDK and on the command line alike; and a tenant leaves audit behind with open eyes.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createMandate } from '@mandate/sdk';
import type { Mandate } from '@mandate/sdk';
import { openCommandLine } from '../test/command-line.ts';
import type { CommandLine, Ran } from '../test/command-line.ts';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';
import { until } from '../test/until.ts';

const AUDIT = `version: 1
extends: default
enforcement: audit
tiers: { green: { actions: [crm.read] } }
`;
const STRICTER = AUDIT.replace('enforcement: audit', 'enforcement: enforce').replace(
  'tiers: { green: { actions: [crm.read] } }',
  'tiers: { red: { actions: [crm.read] }, green: { actions: [crm.write] } }',
);

describe('policies that people can trust', () => {
  const ended: (() => Promise<void>)[] = [];
  let door: Door;
  let operator: { readonly id: string; readonly text: string };
  let mandate: Mandate;
  let line: CommandLine;
  let file: string;

  before(async () => {
    door = await openDoor({ after: (fn) => void ended.push(fn) }, { charter: AUDIT });
    operator = await door.makeKey({ roles: ['operator'], agents: 'any' });
    mandate = createMandate({ url: door.url, apiKey: door.adminKey });
    line = await openCommandLine();
    file = join(line.dataDir, 'stricter.yaml');
    await writeFile(file, STRICTER);
    for (const action of ['crm.read', 'crm.read', 'crm.write', 'deploy.production'])
      assert.equal((await ask(action)).status, 200);
  });
  after(async () => {
    await line.close();
    for (const end of ended.toReversed()) await end();
  });

  const ask = (action: string) =>
    door.call('POST', '/api/v1/actions', { body: { agent: 'worker-1', action, parameters: {} } });
  const run = (...args: readonly string[]): Promise<Ran> =>
    line.run(args, { MANDATE_URL: door.url, MANDATE_API_KEY: door.adminKey });
  const codeOf = async (action: string): Promise<unknown> => {
    const { json } = await door.call('POST', '/api/v1/decisions', {
      body: { agent: 'worker-1', action, parameters: {} },
    });
    return (json?.['decision'] as { code?: unknown } | undefined)?.code;
  };

  test('a simulation says the same over HTTP, in the SDK and on the command line', async () => {
    const { status, json } = await door.call('POST', '/api/v1/charter/simulate', {
      body: { charter: STRICTER, against: '1h' },
    });
    assert.equal(status, 200);
    const summary = 'This change would have held 3 and given another tier to 1 of 4 recorded actions.';
    assert.equal(json?.['summary'], summary);
    const bySdk = await mandate.policy.simulate({ charter: STRICTER });
    assert.deepEqual([bySdk.summary, bySdk.counts], [summary, { held: 3, retiered: 1 }]);
    assert.deepEqual(
      bySdk.differences.map(({ action, change }) => [action, change]),
      [
        ['deploy.production', 'held'],
        ['crm.write', 'retiered'],
        ['crm.read', 'held'],
        ['crm.read', 'held'],
      ],
    );
    const shown = await run('policy', 'simulate', file, '--against', '7d');
    assert.equal(shown.code, 0, shown.stderr);
    assert.ok(shown.stdout.startsWith(`${summary}\n`), shown.stdout);
    for (const { id } of bySdk.differences) assert.ok(shown.stdout.includes(id));
  });

  test('a file and the version in force are held against each other', async () => {
    const { json } = await door.call('GET', '/api/v1/charter');
    const version = String(json?.['version']);
    const shown = await run('policy', 'diff', version.slice(0, 12), file, '--json');
    assert.equal(shown.code, 0, shown.stderr);
    const report = JSON.parse(shown.stdout) as { old: string; counts: unknown };
    assert.deepEqual([report.old, report.counts], [version, { held: 3, retiered: 1 }]);
    const bySdk = await mandate.policy.diff({ old: { version }, new: STRICTER });
    assert.deepEqual(bySdk.counts, report.counts);
  });

  test('what is sealed in recorded actions cannot be asked out of them with the conditions of a charter', async () => {
    const version = String((await door.call('GET', '/api/v1/charter')).json?.['version']);
    const oracle = `version: 1\ntiers: { red: { actions: [{ match: crm.read, when: "parameters.note.startsWith('a')" }] } }\n`;
    const files = { files: [{ kind: 'own', name: 'charter.yaml', text: oracle }] };
    const viewer = await door.makeKey({ roles: ['viewer'] });
    const steward = await door.makeKey({ roles: ['admin'], scopes: ['charter.*'] });
    const own: readonly (readonly [string, string, object])[] = [
      ['POST', 'simulate', { charter: oracle }],
      ['POST', 'simulate', { charter: files }],
      ['POST', 'diff', { old: oracle, new: { version } }],
      ['POST', 'diff', { new: files }],
      ['PUT', 'shadow', { charter: oracle }],
    ];
    const refusal = async (
      { text }: { readonly text: string },
      [method, path, body]: readonly [string, string, object?],
    ) => {
      const { status, json } = await door.call(method, `/api/v1/charter/${path}`, {
        key: text,
        ...(body === undefined ? {} : { body }),
      });
      return [status, /may not: ([a-z]+[.][a-z]+)/.exec(String(json?.['detail']))?.[1]];
    };
    for (const asked of own) {
      assert.deepEqual(await refusal(viewer, asked), [403, 'charter.write'], asked[1]);
      assert.deepEqual(await refusal(operator, asked), [403, 'charter.write'], asked[1]);
      assert.deepEqual(await refusal(steward, asked), [403, 'actions.read'], asked[1]);
    }
    const told: readonly (readonly [string, string, object?])[] = [
      ['POST', 'simulate', {}],
      ['POST', 'diff', { old: { version } }],
      ['POST', 'suggest', {}],
      ['GET', 'enforcement?against=1h'],
      ['GET', 'shadow'],
    ];
    for (const asked of told) {
      assert.deepEqual(await refusal(viewer, asked), [200, undefined], asked[1]);
      assert.deepEqual(await refusal(steward, asked), [403, 'actions.read'], asked[1]);
    }
    assert.deepEqual(await refusal(steward, ['DELETE', 'shadow']), [403, 'actions.read']);
    assert.deepEqual(await refusal(steward, ['GET', 'enforcement']), [200, undefined]);

    const cases = [{ name: 'any', action: 'crm.read', expect: { tier: 'red' } }];
    assert.deepEqual(await refusal(viewer, ['POST', 'test', { cases, text: oracle }]), [
      403,
      'charter.write',
    ]);
    assert.deepEqual(await refusal(viewer, ['POST', 'test', { cases }]), [200, undefined]);

    const shown = await line.run(['policy', 'simulate', file], {
      MANDATE_URL: door.url,
      MANDATE_API_KEY: viewer.text,
    });
    assert.notEqual(shown.code, 0);
    assert.match(shown.stderr, /charter\.write.* takes the role admin/);
    const bySdk = createMandate({ url: door.url, apiKey: viewer.text });
    await assert.rejects(bySdk.policy.simulate({ charter: oracle }), /takes the role admin/);
  });

  test('a charter that would keep a process busy for long is not read over HTTP', async () => {
    const text = `version: 1\n# ${'x'.repeat(262_144)}\n`;
    const half = { kind: 'own', name: 'a.yaml', text: text.slice(0, 150_000) };
    for (const [method, path, body] of [
      ['PUT', '', { text }],
      ['POST', '/check', { text }],
      ['POST', '/simulate', { charter: text }],
      ['POST', '/simulate', { charter: { files: [half, { ...half, name: 'b.yaml' }] } }],
    ] as const) {
      const { status, text: answer } = await door.call(method, `/api/v1/charter${path}`, { body });
      assert.equal(status, 422, path);
      assert.match(answer, /longer than 262144 characters/, path);
    }
  });

  test('a charter with a mistake, or a version that nobody has, is refused with what to do', async () => {
    const wrong = await door.call('POST', '/api/v1/charter/simulate', { body: { charter: 'version: 2' } });
    assert.equal(wrong.status, 422);
    assert.match(wrong.text, /Write version: 1/);
    const none = await door.call('POST', '/api/v1/charter/diff', {
      body: { old: { version: '0'.repeat(12) } },
    });
    assert.equal(none.status, 422);
    assert.match(none.text, /No charter of this tenant has the version 000000000000/);
    await writeFile(file.replace('stricter', 'wrong'), 'version: 1\ntears: {}\n');
    const shown = await run('policy', 'simulate', file.replace('stricter', 'wrong'));
    assert.equal(shown.code, 1);
    assert.match(shown.stderr, /wrong\.yaml:2:1 tears: The key tears is unknown/);
  });

  test('a charter on trial follows the road and binds nobody', async () => {
    const set = await mandate.policy.shadow.set(STRICTER, 'before Monday');
    assert.equal(set.changed, true);
    assert.equal((await ask('crm.read')).status, 200);
    assert.equal((await ask('crm.write')).status, 200);
    const { json } = await door.call('GET', '/api/v1/charter/shadow');
    const shadow = json?.['shadow'] as { decided: number; counts: unknown; version: string };
    assert.deepEqual(
      [shadow.decided, shadow.counts, shadow.version],
      [2, { held: 1, retiered: 1 }, set.version],
    );
    const shown = await run('policy', 'shadow', 'show');
    assert.match(shown.stdout, /^This change would have held 1 .* of 2 decided actions\.\n/);
    assert.equal((await mandate.policy.shadow.stop())?.differed, 2);
    assert.equal(await mandate.policy.shadow.show(), null);
  });

  test('a draft of what audit let pass loads and says what it would still hold', async () => {
    const shown = await run('policy', 'suggest', '--from', '1d');
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /# +1 × deploy\.production: .*rule:deploy\.production/);
    assert.match(shown.stdout, /- crm\.write\n/);
    const bySdk = await mandate.policy.suggest({ against: '1d' });
    // The first line names the time that was looked at, which has moved on in between.
    const body = (text: string): string => text.slice(text.indexOf('\n')).trimEnd();
    assert.equal(body(bySdk.text), body(shown.stdout));
    const checked = await door.call('POST', '/api/v1/charter/check', { body: { text: bySdk.text } });
    assert.deepEqual([checked.json?.['ok'], checked.json?.['version']], [true, bySdk.version]);
  });
  test('enforcing shows first what it would hold, asks, and counts from the next decision on', async () => {
    assert.equal(await codeOf('deploy.production'), 'audited');
    const unasked = await run('enforce');
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /would have held 3 .*of 6 recorded actions/);
    assert.match(unasked.stderr, /enforce --yes/);
    assert.equal(await codeOf('deploy.production'), 'audited');

    const done = await run('enforce', '--yes', '--reason', 'we have seen enough');
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^Enforced, by the flag, whatever the charter says \(audit\)\.\n/);
    assert.equal(await codeOf('deploy.production'), 'approval_required');
    assert.equal((await ask('deploy.production')).status, 202);
    const { enforcement, charter, flag } = await mandate.policy.enforcement();
    assert.deepEqual([enforcement, charter, flag], ['enforce', 'audit', 'enforce']);
  });

  test('the switch stays when the charter file changes', async () => {
    const put = await door.call('PUT', '/api/v1/charter', {
      body: { text: `${AUDIT}environment: staging\n` },
    });
    assert.equal(put.status, 200, put.text);
    assert.equal(await codeOf('deploy.production'), 'approval_required');
  });

  test('an operator may tighten and not widen; whoever did which stands in the journal', async () => {
    const undo = { to: 'charter', reason: 'back to looking' };
    const path = '/api/v1/charter/enforcement';
    const refused = await door.call('PUT', path, { key: operator.text, body: undo });
    assert.equal(refused.status, 403);
    assert.match(refused.text, /takes the role admin/);
    const view = await mandate.policy.enforce({ reason: 'back to looking', undo: true });
    assert.equal(view.enforcement, 'audit');
    assert.equal(await codeOf('deploy.production'), 'audited');
    const again = await door.call('PUT', path, {
      key: operator.text,
      body: { to: 'enforce', reason: 'again' },
    });
    assert.equal(again.status, 200);
    const changes = await until('the journal has all three', async () => {
      const { json } = await door.call('GET', '/api/v1/flags/audit');
      const items = json?.['items'] as { data: { key: string; to: string; reason: string } }[];
      return items.length === 3 && items.map(({ data }) => [data.key, data.to, data.reason]);
    });
    assert.deepEqual(changes, [
      ['enforcement', 'enforce', 'again'],
      ['enforcement', 'charter', 'back to looking'],
      ['enforcement', 'enforce', 'we have seen enough'],
    ]);
  });

  test('a viewer may ask what would be, and put nothing on trial', async () => {
    const viewer = (await door.makeKey({ roles: ['viewer'] })).text;
    const asked = await door.call('POST', '/api/v1/charter/simulate', { key: viewer, body: {} });
    assert.equal(asked.status, 200);
    const put = await door.call('PUT', '/api/v1/charter/shadow', {
      key: viewer,
      body: { charter: STRICTER },
    });
    assert.equal(put.status, 403);
    assert.deepEqual(door.errors(), []);
  });
});
