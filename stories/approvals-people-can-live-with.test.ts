// Approvals that people can live with: somebody stands in, somebody is next in line, what is asked can be changed, what is
// approved can be let run again for a while, and whoever is tired is sent to rest. None of it ever lets more run than
// people saw.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';
import { startEffects } from '../test/effects.ts';
import type { EffectService } from '../test/effects.ts';
import { approve, ask, askHeld, callerOf, look, stop } from '../test/road.ts';
import type { ActReply, Caller } from '../test/road.ts';
import { until } from '../test/until.ts';

const HOUR_MS = 3_600_000;

function charterFor(service: EffectService): string {
  return `version: 1
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { deploy.production: { executor: service } }
approvals:
  unfreeze: { approvers: [ops-lead] }
  charter: { approvers: [tech-lead], quorum: 2 }
  standIns:
    - { user: ben, for: tech-lead, of: ada, from: '2020-01-01', until: '2100-01-01' }
    - { user: old, for: tech-lead, of: ada, until: '2020-01-01' }
  escalate: [{ after: 30m, to: ops-lead }, { after: 1h, to: 'user:cleo' }]
  rememberMax: 2h
tiers:
  green: { actions: [test.run] }
  red:
    actions:
      - { match: deploy.production, approvers: [tech-lead] }
      - { match: portal.write, approvers: [tech-lead], fourEyes: true, escalate: [{ after: 5m, to: product-lead }] }
      - { match: portal.read, approvers: [tech-lead] }
      - { match: portal.clear, quorum: 2 }
  black: { actions: [portal.burn] }
`;
}

let door: Door;
let clock: ManualClock;
let server: Caller;
let service: EffectService;
let agentKey = '';
const closing: (() => Promise<void>)[] = [];

before(async () => {
  const t = { after: (fn: () => Promise<void>) => void closing.unshift(fn) };
  service = await startEffects(t);
  clock = manualClock();
  door = await openDoor(t, { clock, charter: charterFor(service) });
  server = callerOf(door);
  agentKey = (await door.makeKey({ roles: ['agent'], agents: ['worker-1'] })).text;
});
after(async () => {
  for (const close of closing) await close();
});

interface ApprovalReply {
  readonly id: string;
  readonly digest: string;
  readonly status: string;
  readonly actId: string | null;
  readonly detail: string;
  readonly code: string;
  readonly missing: string | null;
  readonly escalatedTo: readonly string[];
  readonly replacedBy: string | null;
  readonly endedWhy: string | null;
  readonly votes: readonly { readonly by: string; readonly as: string }[];
}

/** Wall time only: leases and timers of this process run by the other clock. */
function later(byMs: number): void {
  clock.jumpTo(clock.nowMs() + byMs);
}

const users = new Map<string, string>();
async function keyOf(user: string, ...roles: string[]): Promise<string> {
  const name = `${user}/${roles.join()}`;
  const known = users.get(name);
  if (known !== undefined) return known;
  const made = await door.makeKey({ roles: roles as never, user: { id: user }, label: user });
  users.set(name, made.text);
  return made.text;
}

function see(id: string, key?: string) {
  return server.call<ApprovalReply>(`/api/v1/approvals/${id}`, undefined, key === undefined ? {} : { key });
}

function decide(shown: { id: string; digest: string }, key: string, over: object = {}) {
  const body = { decision: 'approve', digest: shown.digest, ...over };
  return server.call<ApprovalReply>(`/api/v1/approvals/${shown.id}/decision`, body, { key });
}

async function kinds(kind: string): Promise<readonly { readonly data: Record<string, unknown> }[]> {
  const rows = await door.infrastructure.store.withTenant(
    'default',
    (tx) => tx<{ data: string }[]>`select data from mandate.journal where kind = ${kind} order by id`,
  );
  return rows.map((row) => ({ data: JSON.parse(row.data) as Record<string, unknown> }));
}

test('a stand-in votes in the place of a colleague, is recorded as such, and only in their time', async () => {
  const held = await askHeld(server, { action: 'portal.write', parameters: { n: 1 } });
  const old = await decide(held.approval, await keyOf('old', 'operator'));
  assert.deepEqual([old.status, old.body.code], [403, 'forbidden'], 'the time of old is over');
  const viewer = await decide(held.approval, await keyOf('vera', 'viewer'));
  assert.equal(viewer.status, 403);
  assert.match(viewer.body.detail, /tech-lead/);
  const ben = await decide(held.approval, await keyOf('ben', 'operator'));
  assert.deepEqual([ben.status, ben.body.status], [200, 'approved'], JSON.stringify(ben.body));
  assert.equal(ben.body.votes[0]?.as, 'ben for tech-lead (stand-in of ada)');
  const [last] = (await kinds('approval.voted')).slice(-1);
  assert.equal(last?.data['as'], 'ben for tech-lead (stand-in of ada)');
});

test('after its time an approval is the turn of the next in line, who is told once and may vote', async () => {
  const held = await askHeld(server, { action: 'portal.write', parameters: { n: 2 } });
  const pat = await keyOf('pat', 'product-lead');
  const early = await decide(held.approval, pat);
  assert.equal(
    early.body.status,
    'pending',
    'a product-lead counts as one more person, not as the tech-lead',
  );
  const pia = await keyOf('pia', 'product-lead');
  later(5 * 60_000);
  await until('it is handed on', async () => {
    clock.advance(1_000);
    return (await see(held.approval.id)).body.escalatedTo.includes('product-lead');
  });
  const told = (await kinds('approval.escalated')).filter(
    ({ data }) => data['approval'] === held.approval.id,
  );
  assert.deepEqual(
    told.map(({ data }) => data['to']),
    ['product-lead'],
  );
  const late = await decide(held.approval, pia);
  assert.deepEqual([late.status, late.body.status], [200, 'approved'], JSON.stringify(late.body));
  assert.equal(late.body.votes.at(-1)?.as, 'pia for product-lead, tech-lead (handed on to them)');
});

test('an approver lets an action run with other parameters only: a new digest, a new act, and one that points to it', async () => {
  const asked = { action: 'portal.read', parameters: { text: 'delete all', n: 3 } };
  const held = await askHeld(server, asked, { key: agentKey });
  const ada = await keyOf('ada', 'tech-lead');
  const body = {
    digest: held.approval.digest,
    parameters: { text: 'delete one', n: 3 },
    reason: 'one is enough',
  };
  const path = `/api/v1/approvals/${held.approval.id}/edit`;
  const wrong = await server.call<ApprovalReply>(path, { ...body, digest: '0'.repeat(64) }, { key: ada });
  assert.equal(wrong.body.code, 'digest_mismatch');
  const viewer = await server.call<ApprovalReply>(path, body, { key: await keyOf('vera', 'viewer') });
  assert.equal(viewer.status, 403, JSON.stringify(viewer.body));
  assert.equal((await see(held.approval.id)).body.status, 'pending', 'a refused edit changes nothing');
  const edited = await server.call<ApprovalReply>(path, body, { key: ada });
  assert.deepEqual([edited.status, edited.body.status], [201, 'approved'], JSON.stringify(edited.body));
  assert.notEqual(edited.body.digest, held.approval.digest);
  assert.equal((await see(held.approval.id)).body.replacedBy, edited.body.id);
  assert.equal((await approve(server, held.approval)).status, 409, 'what was asked for is over');

  const old = await look(server, held.id, { key: agentKey });
  assert.equal(old.body.status, 'cancelled');
  assert.match(old.body.error ?? '', /delete one/);
  const told = old.body as ActReply & { replacedBy?: string };
  assert.equal(told.replacedBy, edited.body.actId);
  const permitted = await look(server, told.replacedBy ?? '', { key: agentKey });
  const run = permitted.body as ActReply & { run?: { parameters: unknown } };
  assert.deepEqual([run.status, run.run?.parameters], ['permitted', body.parameters]);
});

test('what an approver edits is decided anew: black stays black, and four eyes hold for the editor', async () => {
  const text = charterFor(service).replace(
    'red:\n    actions:',
    `red:\n    actions:\n      - { match: mail.send, approvers: [tech-lead], fourEyes: true, except: { when: "parameters.to == 'everybody'", tier: black } }`,
  );
  const other = await openOther(text);
  const held = await askHeld(other.server, { action: 'mail.send', parameters: { to: 'ada' } });
  const ada = (await other.door.makeKey({ roles: ['tech-lead'], user: { id: 'ada' } })).text;
  const path = `/api/v1/approvals/${held.approval.id}/edit`;
  const body = { digest: held.approval.digest, parameters: { to: 'everybody' }, reason: 'why not' };
  const black = await other.server.call<ApprovalReply>(path, body, { key: ada });
  assert.deepEqual([black.status, black.body.code], [403, 'denied'], JSON.stringify(black.body));
  assert.equal(
    (await other.server.call<ApprovalReply>(`/api/v1/approvals/${held.approval.id}`)).body.status,
    'pending',
  );
  // The admin key asked for it, and whoever asks does not approve it by editing it.
  const own = await other.server.call<ApprovalReply>(path, { ...body, parameters: { to: 'bob' } });
  assert.deepEqual([own.status, own.body.code], [403, 'forbidden']);
});

async function openOther(charter: string) {
  const t = { after: (fn: () => Promise<void>) => void closing.unshift(fn) };
  const opened = await openDoor(t, { clock: manualClock(), charter });
  return { door: opened, server: callerOf(opened) };
}

test('exactly what was approved runs again for an hour, and nothing else: not over new causes, and not once revoked', async () => {
  const deploy = { action: 'deploy.production', parameters: { version: 7 } };
  const held = await askHeld(server, deploy);
  const ada = await keyOf('ada', 'tech-lead');
  const long = await decide(held.approval, ada, { remember: '3h' });
  assert.deepEqual([long.status, long.body.code], [422, 'invalid'], 'the charter says two hours at most');
  assert.equal((await decide(held.approval, ada, { remember: '1h', reason: 'release day' })).status, 200);
  await until('it has run', async () => (await look(server, held.id)).body.status === 'success');

  const again = await ask(server, deploy);
  assert.deepEqual([again.status, again.body.decision.code], [200, 'remembered'], JSON.stringify(again.body));
  assert.equal(again.body.decision.tier, 'red');
  assert.equal((await ask(server, { ...deploy, parameters: { version: 8 } })).status, 202);
  assert.equal((await ask(server, { ...deploy, agent: 'worker-2' })).status, 202);
  const used = (await kinds('grant.used')).slice(-1)[0]?.data;
  assert.equal(used?.['digest'], held.approval.digest);

  const grants = await server.call<{
    items: { id: string; kind: string; signature?: string; causes?: string[] }[];
  }>('/api/v1/grants');
  const grant = grants.body.items.find(({ kind }) => kind === 'signature');
  assert.deepEqual([grant?.signature, grant?.causes], [held.approval.digest, ['rule:deploy.production']]);

  await server.call(
    '/api/v1/flags/agents.autonomousEnabled',
    { value: false, reason: 'x' },
    { method: 'PUT' },
  );
  const more = await ask(server, deploy);
  assert.equal(more.status, 202, 'a new cause is nothing that anybody saw');
  await server.call(
    '/api/v1/flags/agents.autonomousEnabled',
    { value: true, reason: 'x' },
    { method: 'PUT' },
  );
  await stop(server, { scope: 'agent:worker-1' });
  assert.equal((await ask(server, deploy)).body.code, 'stopped', 'never over a stop');
  await server.call('/api/v1/resume', { scope: 'agent:worker-1', reason: 'on' });
  assert.equal((await ask(server, deploy)).body.decision.code, 'remembered');

  const revoked = await server.call(`/api/v1/grants/${grant?.id ?? ''}`, undefined, { method: 'DELETE' });
  assert.equal(revoked.status, 200);
  assert.equal((await ask(server, deploy)).status, 202, 'it counts on the next decision');
});

test('what is let run again ends by itself', async () => {
  const deploy = { action: 'deploy.production', parameters: { version: 70 } };
  const held = await askHeld(server, deploy);
  await decide(held.approval, await keyOf('ada', 'tech-lead'), { remember: '1h' });
  assert.equal((await ask(server, deploy)).body.decision.code, 'remembered');
  later(HOUR_MS);
  assert.equal((await ask(server, deploy)).status, 202);
});

test('only what is identical is decided together', async () => {
  const same = { action: 'portal.clear', parameters: { n: 1 } };
  const one = await askHeld(server, same);
  const two = await askHeld(server, same);
  const other = await askHeld(server, { ...same, parameters: { n: 2 } });
  const ann = await keyOf('ann', 'tech-lead');
  const bulk = (body: object, key: string) =>
    server.call<{ code: string; decided: ApprovalReply[] }>('/api/v1/approvals/bulk', body, { key });
  const { digest } = one.approval;
  const mixed = await bulk({ decision: 'approve', digest, ids: [one.approval.id, other.approval.id] }, ann);
  assert.deepEqual([mixed.status, mixed.body.code], [409, 'digest_mismatch']);
  const first = await bulk({ decision: 'approve', digest }, ann);
  assert.deepEqual(
    first.body.decided.map(({ status }) => status),
    ['pending', 'pending'],
  );
  const bob = await bulk({ decision: 'approve', digest }, await keyOf('bob', 'ops-lead'));
  assert.deepEqual(
    bob.body.decided.map(({ id }) => id).toSorted(),
    [one.approval.id, two.approval.id].toSorted(),
  );
  assert.equal((await see(other.approval.id)).body.status, 'pending');
});

test('an agent goes on after those whom the charter names have agreed, once, and not after a newer freeze', async () => {
  await ask(server, { agent: 'frozen-1' });
  const freeze = () => server.call('/api/v1/agents/frozen-1/freeze', { reason: 'odd' });
  await freeze();
  const ops = await keyOf('olga', 'operator');
  const wish = () =>
    server.call<{ frozen: boolean; approval?: ApprovalReply }>(
      '/api/v1/agents/frozen-1/unfreeze',
      { reason: 'looked at it' },
      { key: ops },
    );
  const asked = await wish();
  assert.deepEqual([asked.status, asked.body.frozen], [202, true]);
  const approval = asked.body.approval;
  assert.ok(approval !== undefined);
  assert.equal((await wish()).body.approval?.id, approval.id, 'one question is one approval');
  const lead = await keyOf('lea', 'ops-lead');
  const given = await decide(approval, lead);
  assert.deepEqual([given.status, given.body.status], [200, 'used'], JSON.stringify(given.body));
  const agent = await server.call<{ frozen: boolean }>('/api/v1/agents/frozen-1');
  assert.equal(agent.body.frozen, false);
  assert.equal((await decide(approval, lead)).status, 409, 'used once');

  await freeze();
  const stale = (await wish()).body.approval;
  await server.call('/api/v1/agents/frozen-1/freeze', { reason: 'odd' });
  await door.infrastructure.store.withTenant('default', async (tx) => {
    await tx`
      insert into mandate.restriction (tenant, id, kind, scope, floor, cause, created_by, created_at)
      values ('default', gen_random_uuid(), 'freeze', 'agent:frozen-1', 'red', 'worse', 'mandate:trust', now())`;
  });
  assert.ok(stale !== undefined);
  const refused = await decide(stale, lead);
  assert.deepEqual([refused.status, refused.body.code], [409, 'conflict']);
  assert.equal((await see(stale.id)).body.status, 'cancelled');
  const still = await server.call<{ frozen: boolean }>('/api/v1/agents/frozen-1');
  assert.equal(still.body.frozen, true);
});
