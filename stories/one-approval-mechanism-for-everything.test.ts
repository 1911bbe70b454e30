// Whatever people decide, they decide it in one way: over HTTP, at the command line and from a program alike. A changed
// charter, an agent to be let go on, an edited call: each is shown, voted on, carried out once, and told in the journal.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createMandate, MandateProblem } from '@mandate/sdk';
import type { Mandate } from '@mandate/sdk';
import { openCommandLine } from '../test/command-line.ts';
import type { CommandLine, Ran } from '../test/command-line.ts';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';
import { startEffects } from '../test/effects.ts';
import type { EffectService } from '../test/effects.ts';
import { ask, askHeld, callerOf, look } from '../test/road.ts';
import type { ActReply, Caller } from '../test/road.ts';
import { until } from '../test/until.ts';

let service: EffectService;
let door: Door;
let line: CommandLine;
let server: Caller;
let agentKey = '';
const people: Record<string, { readonly key: string; readonly mandate: Mandate }> = {};
const closing: (() => Promise<void>)[] = [];

function charterWith(note: string): string {
  return `version: 1
environment: ${note}
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { deploy.production: { executor: service } }
approvals:
  charter: { approvers: [tech-lead], quorum: 2, expires: 1h }
  unfreeze: { approvers: [ops-lead] }
tiers:
  green: { actions: [test.run] }
  red: { actions: [{ match: deploy.production, quorum: 2 }, portal.write] }
`;
}

before(async () => {
  const t = { after: (fn: () => Promise<void>) => void closing.unshift(fn) };
  service = await startEffects(t);
  door = await openDoor(t, { charter: charterWith('first') });
  line = await openCommandLine();
  closing.unshift(() => line.close());
  server = callerOf(door);
  agentKey = (await door.makeKey({ roles: ['agent'], agents: ['worker-1'] })).text;
  for (const [id, role] of [
    ['ada', 'admin'],
    ['ben', 'tech-lead'],
    ['olga', 'ops-lead'],
    ['otto', 'operator'],
  ] as const) {
    const key = (await door.makeKey({ roles: [role], user: { id } })).text;
    people[id] = { key, mandate: createMandate({ url: door.url, apiKey: key }) };
  }
});
after(async () => {
  for (const close of closing) await close();
});

function by(name: string): Mandate {
  const person = people[name];
  assert.ok(person !== undefined);
  return person.mandate;
}

function keyOf(name: string): string {
  return people[name]?.key ?? '';
}

const run = (who: string, ...args: readonly string[]): Promise<Ran> =>
  line.run(args, { MANDATE_URL: door.url, MANDATE_API_KEY: keyOf(who) });

interface Proposed {
  readonly version: string;
  readonly proposed: string;
  readonly changed: boolean;
  readonly approval: { readonly id: string; readonly digest: string };
}

function propose(text: string, key = door.adminKey) {
  return server.call<Proposed>('/api/v1/charter', { text, note: 'a story' }, { method: 'PUT', key });
}

const inForce = async (): Promise<string> =>
  (await server.call<{ version: string }>('/api/v1/charter')).body.version;

test('a change of the charter takes force with the last vote, and not over a change that came first', async () => {
  const first = await inForce();
  const [one, two] = [await propose(charterWith('one')), await propose(charterWith('two'))];
  assert.deepEqual([one.status, one.body.changed, one.body.version], [202, false, first]);
  assert.equal(await inForce(), first, 'nothing has changed yet');
  const shown = await by('ben').approvals.find(one.body.approval.id);
  assert.deepEqual([shown.subject, shown.quorum, shown.actId], ['charter', 2, null]);
  assert.match(JSON.stringify(shown.display), /environment: one/);
  assert.equal((await by('ben').approvals.approve(shown, 'fine')).status, 'pending');
  assert.equal((await by('ada').approvals.approve(shown)).status, 'used');
  assert.equal(await inForce(), one.body.proposed);
  await by('ben').approvals.approve(two.body.approval);
  await assert.rejects(
    by('ada').approvals.approve(two.body.approval),
    (error) => error instanceof MandateProblem && /changed since this was asked/.test(error.message),
  );
  assert.equal(await inForce(), one.body.proposed, 'it would have undone the other');
  assert.equal((await by('ben').approvals.find(two.body.approval.id)).status, 'cancelled');

  const own = await propose(charterWith('three'), keyOf('ada'));
  await assert.rejects(by('ada').approvals.approve(own.body.approval), /Four eyes/);
  const back = await server.call<Proposed>('/api/v1/charter/rollback', {
    version: first,
    reason: 'it was better',
  });
  assert.equal(back.status, 202, JSON.stringify(back.body));
  await by('ben').approvals.approve(back.body.approval);
  assert.equal((await by('ada').approvals.approve(back.body.approval)).status, 'used');
  assert.equal(await inForce(), first);
});

test('one admin gets by the flag enforcement nothing that the charter asks several people for', async () => {
  const set = (value: string) =>
    server.call<{ value?: string; detail?: string }>(
      '/api/v1/flags/enforcement',
      { value, reason: 'a story' },
      { method: 'PUT' },
    );
  const audit = await set('audit');
  assert.equal(audit.status, 403);
  assert.match(audit.body.detail ?? '', /asks several people for such a change \(approvals\.charter\)/);
  const other = await server.call(
    '/api/v1/charter/enforcement',
    { to: 'audit', reason: 'a story' },
    { method: 'PUT' },
  );
  assert.equal(other.status, 403);
  assert.equal((await set('enforce')).body.value, 'enforce', 'whoever tightens asks nobody');
  assert.equal((await set('audit')).status, 403);
  assert.equal(
    (await set('charter')).body.value,
    'charter',
    'the charter enforces, so this lets nothing pass',
  );

  const lax = await propose(`${charterWith('lax')}enforcement: audit\n`);
  await by('ben').approvals.approve(lax.body.approval);
  await by('ada').approvals.approve(lax.body.approval);
  assert.equal((await set('enforce')).status, 200);
  assert.equal((await set('charter')).status, 403, 'that would be audit again');
});

test('the command line shows what waits and decides it, whatever it is', async () => {
  await ask(server, { agent: 'worker-1' });
  await by('ada').agents.freeze('worker-1', 'odd');
  const wish = await run('otto', 'agent', 'unfreeze', 'worker-1', '--reason', 'looked at it');
  assert.equal(wish.code, 4, wish.stderr);
  const waiting = await by('otto').agents.unfreeze('worker-1', 'looked at it');
  assert.ok(waiting.frozen && waiting.approval !== null);
  const inbox = await run('olga', 'inbox');
  assert.match(inbox.stdout, /Unfreeze worker-1/);
  assert.match(inbox.stdout, /needs +ops-lead/);
  assert.match(inbox.stdout, /waits because +The charter asks for it \(approvals\.unfreeze\)/);
  const done = await run('olga', 'approve', waiting.approval.id, '--reason', 'fine', '--yes');
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /used {2}Unfreeze worker-1\. It is done\./);
  assert.equal((await by('ada').agents.find('worker-1')).frozen, false);

  const same = { action: 'portal.write', parameters: { n: 1 } };
  const [one] = [await askHeld(server, same), await askHeld(server, same)];
  const all = await run('ben', 'approve', one.approval.id, '--identical', '--remember', '15m', '--yes');
  assert.equal(all.code, 0, all.stderr);
  assert.equal(all.stdout.match(/approved {2}portal\.write by worker-1/g)?.length, 2, all.stdout);
  const held = await askHeld(server, { ...same, parameters: { n: 2 } });
  const edited = await run(
    'ben',
    'approve',
    held.approval.id,
    '--with',
    '{"n":3}',
    '--reason',
    'three',
    '--yes',
    '--json',
  );
  assert.equal(edited.code, 0, edited.stderr);
  const approval = JSON.parse(edited.stdout) as { replaces: string; status: string };
  assert.deepEqual([approval.replaces, approval.status], [held.approval.id, 'approved']);
  const stats = await run('ben', 'inbox', '--stats');
  assert.match(stats.stdout, /user:ben +\d+/);
});

test('a program edits, decides together and reads the figures', async () => {
  const held = await askHeld(server, { action: 'portal.write', parameters: { n: 10 } });
  const edited = await by('ben').approvals.edit(held.approval, { n: 11 }, 'eleven');
  assert.deepEqual([edited.status, edited.title], ['approved', 'portal.write by worker-1']);
  assert.equal((await by('ben').approvals.find(held.approval.id)).replacedBy, edited.id);
  const next = await askHeld(server, { action: 'portal.write', parameters: { n: 12 } });
  const denied = await by('ben').approvals.bulk({
    decision: 'deny',
    digest: next.approval.digest,
    reason: 'no',
  });
  assert.deepEqual(
    denied.map(({ status }) => status),
    ['denied'],
  );
  const { approvers, all } = await by('ben').approvals.stats(1);
  assert.ok(approvers.some(({ approver, approved }) => approver === 'user:ben' && approved > 0));
  assert.ok(all.approved >= 1 && all.denied >= 1);
});

// I6
test('an edited call begins as the one that was asked for would have: by itself, by its permit, or by its repeat', async () => {
  const before = service.effects.length;
  const deploy = await askHeld(server, { action: 'deploy.production', parameters: { version: 1 } });
  const edited = await by('ben').approvals.edit(deploy.approval, { version: 2 }, 'two');
  assert.equal(edited.status, 'pending', 'two people are asked for, and the editor is one');
  const asked = await look(server, deploy.id);
  assert.match(asked.body.error ?? '', /Mandate runs it as/);
  assert.equal((await by('olga').approvals.approve(edited)).status, 'approved');
  await until('the edited one has run', () => service.effects.length === before + 1);
  assert.equal(service.effects.at(-1)?.actId, edited.actId);

  const attached = { agent: 'worker-1', action: 'portal.write', parameters: { n: 20 }, attach: true };
  const call = (parameters: object) =>
    server.call<ActReply>('/api/v1/actions', { ...attached, parameters }, { key: agentKey });
  const first = (await call({ n: 20 })).body;
  assert.ok(first.approval !== undefined);
  const changed = await by('ben').approvals.edit(first.approval, { n: 21 }, 'one more');
  assert.match((await look(server, first.id)).body.error ?? '', /Call again with these parameters/);
  const other = (await call({ n: 20 })).body;
  assert.equal(other.status, 'waiting_for_approval', 'what was asked for is not what was approved');
  const repeat = (await call({ n: 21 })).body;
  assert.deepEqual([repeat.id, repeat.status], [changed.actId, 'permitted'], JSON.stringify(repeat));
});

test('what several people approve runs again only as long as each of them wants', async () => {
  const deploy = { action: 'deploy.production', parameters: { version: 30 } };
  const held = await askHeld(server, deploy);
  await by('ben').approvals.approve(held.approval, 'a', { remember: '8h' });
  await by('olga').approvals.approve(held.approval, 'b', { remember: '15m' });
  const once = await askHeld(server, { ...deploy, parameters: { version: 31 } });
  await by('ben').approvals.approve(once.approval, 'a', { remember: '8h' });
  await by('olga').approvals.approve(once.approval, 'b');
  const { items } = (
    await server.call<{
      items: { signature?: string; expiresAt: string; createdAt: string; purpose: string }[];
    }>('/api/v1/grants')
  ).body;
  const given = items.find(({ signature }) => signature === held.approval.digest);
  assert.ok(given !== undefined);
  assert.equal(Date.parse(given.expiresAt) - Date.parse(given.createdAt), 15 * 60_000);
  assert.match(given.purpose, /Approved by ben for tech-lead and olga for ops-lead/);
  assert.ok(!items.some(({ signature }) => signature === once.approval.digest), 'one of them wanted it once');
});
