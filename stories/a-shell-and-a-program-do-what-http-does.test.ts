// Whoever has only a shell, or only a program, is not worse off than whoever writes HTTP by hand: acts are found, vouched
// for, ended and cleared of `unknown`, steps are taken, and what is handed out, set and pinned is managed.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createMandate, MandateProblem } from '@mandate/sdk';
import type { Mandate } from '@mandate/sdk';
import { wholeFile } from '../test/closing.ts';
import { openCommandLine } from '../test/command-line.ts';
import type { CommandLine, Ran } from '../test/command-line.ts';
import { openRunDoor } from '../test/runs.ts';
import type { RunDoor } from '../test/runs.ts';
import { until } from '../test/until.ts';

const OWN = `name: own
agent: builder-1
steps: [{ id: paint, action: own.paint }]
`;

describe('with one server', () => {
  const closing = wholeFile();
  let runs: RunDoor;
  let line: CommandLine;
  let people: Mandate;
  let builder: Mandate;
  let builderKey: string;

  before(async () => {
    runs = await openRunDoor(closing);
    await runs.write(OWN);
    line = await openCommandLine();
    closing.after(() => line.close());
    const { url, adminKey } = runs.door;
    people = createMandate({ url, apiKey: adminKey });
    const made = await people.keys.create({ label: 'builder', roles: ['agent'], agents: ['builder-1'] });
    builderKey = made.text;
    builder = createMandate({ url, apiKey: builderKey, agent: 'builder-1' });
  });

  const shell = (key: string, ...args: readonly string[]): Promise<Ran> =>
    line.run(args, { MANDATE_URL: runs.door.url, MANDATE_API_KEY: key });
  const asPerson = (...args: readonly string[]): Promise<Ran> => shell(runs.door.adminKey, ...args);
  const asAgent = (...args: readonly string[]): Promise<Ran> => shell(builderKey, ...args);

  async function permitted(): Promise<{ readonly id: string; readonly permit: string }> {
    const act = await builder.request({ action: 'own.paint' });
    assert.ok(act.status === 'permitted' && act.permit !== null);
    return { id: act.id, permit: act.permit.token };
  }

  test('a shell finds acts, reports, confirms, cancels, and clears what is unknown', async () => {
    const reported = await permitted();
    const given = await permitted();
    // Its agent gives it up, and might have begun: nobody knows.
    const up = await asAgent('action', 'cancel', given.id, '--reason', 'lost the brush', '--json');
    assert.deepEqual([up.code, JSON.parse(up.stdout).status], [1, 'unknown'], up.stderr);
    const [unknown, shown, wrong, told] = await Promise.all([
      asPerson('action', 'list', '--status', 'unknown', '--agent', 'builder-1', '--from', '1h', '--json'),
      asPerson('action', 'show', given.id),
      asPerson('action', 'resolve', given.id, 'fine', '--reason', 'looked'),
      asAgent(
        'action',
        'outcome',
        reported.id,
        'success',
        '--permit',
        reported.permit,
        '--result',
        '{"a":1}',
      ),
    ]);
    assert.deepEqual(
      JSON.parse(unknown.stdout).items.map(({ id }: { id: string }) => id),
      [given.id],
    );
    assert.match(shown.stdout, /^unknown {2}own\.paint by builder-1[^]*next +find out .* action resolve /);
    assert.equal(wrong.code, 2, wrong.stderr);
    assert.match(told.stdout, /^success[^]*result +\{"a":1\}/, told.stderr);
    const own = await asAgent('action', 'resolve', given.id, 'success', '--reason', 'I say so');
    assert.equal(own.code, 3, 'an agent does not say how its own act ended');
    const [resolved, confirmed] = await Promise.all([
      asPerson('action', 'resolve', given.id, 'success', '--reason', 'the wall is blue', '--json'),
      asPerson('action', 'confirm', reported.id, '--json'),
    ]);
    assert.deepEqual([resolved.code, JSON.parse(resolved.stdout).status], [0, 'success'], resolved.stderr);
    assert.deepEqual(JSON.parse(confirmed.stdout).trust, { before: 50, after: 51 }, confirmed.stderr);
    const again = await asPerson('action', 'resolve', given.id, 'failed', '--reason', 'no', '--json');
    assert.deepEqual([again.code, JSON.parse(again.stdout).code], [1, 'conflict']);
    const table = await asPerson('action', 'list', '--limit', '1', '--tier', 'green');
    assert.match(table.stdout, /^ID +STATUS +TIER .*\n\S+ +success +green +builder-1 .*own\.paint\n$/);
    assert.match(table.stderr, /--cursor \d+_/);
  });

  test('a shell sees the steps that are offered to its agent, and takes one', async () => {
    const run = await runs.start('own');
    await until('the step is offered', async () => (await builder.workflows.steps()).length > 0);
    const offered = await asAgent('workflow', 'steps');
    assert.match(offered.stdout, new RegExp(`${run} +paint +builder-1 +own`), offered.stderr);
    const taken = await asAgent('workflow', 'take', run, 'paint', '--json');
    assert.equal(taken.code, 0, taken.stderr);
    const { id, permit } = JSON.parse(taken.stdout);
    assert.equal((await asAgent('action', 'outcome', id, 'success', '--permit', permit)).code, 0);
    assert.equal((await runs.ended(run)).status, 'succeeded');
  });

  test('a program takes a step, does it, and its run goes on', async () => {
    const run = await runs.start('own');
    const offer = await until('the step is offered', async () =>
      (await builder.workflows.steps()).find((each) => each.run === run),
    );
    const done = await builder.proceed(await builder.workflows.take(offer), () => ({ colour: 'blue' }));
    assert.equal(done.status, 'success');
    assert.equal((await runs.ended(run)).status, 'succeeded');
    await assert.rejects(
      builder.workflows.take(offer),
      (error) => error instanceof MandateProblem && error.problem.code === 'conflict',
    );
  });

  test('a run that waits because nobody knows how a step ended goes on when somebody says it', async () => {
    const run = await runs.start('own');
    const offer = await until('the step is offered', async () =>
      (await builder.workflows.steps()).find((each) => each.run === run),
    );
    const taken = await builder.workflows.take(offer);
    assert.ok(taken.status === 'permitted');
    await builder.acts.cancel(taken.id, 'gave up');
    await until('the run waits for a person', async () =>
      (await people.workflows.find(run)).waitsFor.includes('person'),
    );
    await people.acts.resolve(taken.id, { status: 'success', reason: 'the wall is blue' });
    assert.equal((await runs.ended(run)).status, 'succeeded');
  });

  test('a program finds acts, vouches for them, ends them, and clears what is unknown', async () => {
    const { acts } = people;
    const [one, two, held] = [
      await permitted(),
      await permitted(),
      await builder.request({ action: 'deploy.production', parameters: { commit: 'a1' } }),
    ];
    await builder.acts.report(one.id, { permit: one.permit, status: 'success', result: { painted: true } });
    assert.equal((await builder.acts.cancel(two.id, 'gave up')).status, 'unknown');
    const page = await acts.list({ agent: 'builder-1', status: 'unknown', limit: 1 });
    assert.deepEqual(
      page.items.map(({ id }) => id),
      [two.id],
    );
    const older = await acts.list({ limit: 1, cursor: page.nextCursor ?? '' });
    assert.equal(older.items[0]?.id, one.id);
    const resolved = await acts.resolve(two.id, { status: 'failed', reason: 'the wall is grey' });
    assert.deepEqual([resolved.status, resolved.error], ['failed', 'the wall is grey']);
    assert.ok(resolved.trust !== null && resolved.trust.after < resolved.trust.before, 'a failure counts');
    const confirmed = await acts.confirm(one.id);
    assert.ok(confirmed.trust !== null && confirmed.trust.after > confirmed.trust.before);
    assert.ok(held.status === 'waiting_for_approval');
    assert.equal((await acts.cancel(held.id, 'not today')).status, 'cancelled');
    const found = await acts.find(held.id);
    assert.deepEqual([found.parameters, found.startedAt], [{ commit: 'a1' }, null]);
  });

  test('a program hands out grants and keys, sets flags, and looks after pinned tools', async () => {
    const { grants, keys, flags, restrictions, tools } = people;
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const grant = await grants.create({ to: 'helper-1', actions: ['work.*'], purpose: 'help', expiresAt });
    assert.match(grant.token ?? '', /^ey/);
    await grants.revoke(grant.id);
    const [listed] = await grants.list();
    assert.deepEqual([listed?.id, listed?.revokedAt === null], [grant.id, false]);
    await assert.rejects(grants.revoke(grant.id), /no standing grant/);

    const user = { id: 'anna', scopes: ['work.*'] };
    const key = await keys.create({ label: 'anna', roles: ['viewer'], user, expiresAt });
    const anna = createMandate({ url: runs.door.url, apiKey: key.text });
    assert.ok((await anna.acts.list({ limit: 1 })).items.length === 1);
    await keys.revoke(key.id);
    await assert.rejects(anna.acts.list(), MandateProblem);
    const kept = (await keys.list()).find(({ id }) => id === key.id);
    assert.deepEqual([kept?.user?.id, kept?.roles, kept?.revokedAt === null], ['anna', ['viewer'], false]);

    const off = await flags.set('agents.autonomousEnabled', {
      value: false,
      reason: 'visitors',
      scope: 'agent:builder-1',
    });
    assert.equal(off.value, false);
    const standing = await restrictions.list();
    assert.deepEqual(
      [standing.mode, standing.items.map(({ kind, scope, floor }) => [kind, scope, floor])],
      ['FULL', [['flag', 'agent:builder-1', 'red']]],
    );
    await flags.set(off.key, { value: true, reason: 'gone', scope: off.scope });
    assert.ok(
      (await flags.list()).some(({ key: name, value }) => name === 'autonomy.mode' && value === 'FULL'),
    );
    const changes = await until('both changes are in the journal', async () => {
      const all = await flags.changes();
      return all.length === 2 && all;
    });
    assert.deepEqual(
      changes.map(({ to, reason }) => [to, reason]),
      [
        [true, 'gone'],
        [false, 'visitors'],
      ],
    );

    const shown = await asPerson('flag', 'changes');
    assert.match(shown.stdout, /agents\.autonomousEnabled +agent:builder-1 +true +false .*visitors/);

    const list = (description: string) => ({ upstream: 'crm', tools: [{ name: 'find', description }] });
    assert.deepEqual(await builder.tools.seen(list('finds')), []);
    const [waiting] = await builder.tools.seen(list('finds, and sends it to us'));
    const [pinned] = await tools.list('crm');
    assert.deepEqual(
      [waiting?.name, pinned?.told['description'], pinned?.changed?.told['description']],
      ['find', 'finds', 'finds, and sends it to us'],
    );
    assert.equal(pinned?.changed?.approval, waiting?.approval);
    assert.equal(await tools.forget('crm', 'moved'), 1);
  });
});
