// An approver opens a link, reads, and decides with a button. Whatever else follows the link (scanners, previews,
// prefetching browsers, the same form sent twice) decides nothing, and a link opens one approval for one person.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createApprovalLinks } from '../server/src/decide/approvals/link.ts';
import type { ApprovalLinks } from '../server/src/decide/approvals/link.ts';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { openDoor } from '../test/door.ts';
import type { Answered, Door } from '../test/door.ts';
import { askHeld, callerOf } from '../test/road.ts';
import type { Caller } from '../test/road.ts';

const CHARTER = `version: 1
approvals: { fatigue: { minReadingTime: 2s, perHour: 3 } }
tiers:
  green: { actions: [test.run] }
  red: { actions: [{ match: deploy.production, approvers: [tech-lead] }, { match: pair.it, approvers: [tech-lead], quorum: 2 }] }
`;

let door: Door;
let clock: ManualClock;
let server: Caller;
let links: ApprovalLinks;
const closing: (() => Promise<void>)[] = [];

before(async () => {
  clock = manualClock();
  door = await openDoor({ after: (fn) => void closing.unshift(fn) }, { clock, charter: CHARTER });
  server = callerOf(door);
  links = createApprovalLinks({ masterKeys: door.infrastructure.masterKeys, publicUrl: () => door.url });
  for (const [id, roles] of [
    ['ada', ['tech-lead']],
    ['ben', ['tech-lead']],
    ['vera', ['viewer']],
  ] as const)
    await door.makeKey({ roles: [...roles], user: { id } });
});
after(async () => {
  for (const close of closing) await close();
});

let version = 0;
async function held(action = 'deploy.production') {
  version += 1;
  const { approval } = await askHeld(server, {
    action,
    parameters: { version, note: '<b>&"bold"</b>\u202e' },
  });
  const seen = await server.call<{ id: string; digest: string; expiresAt: string }>(
    `/api/v1/approvals/${approval.id}`,
  );
  return { tenant: 'default', ...seen.body };
}

function pathOf(link: string): string {
  return link.slice(door.url.length);
}

function open(link: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answered> {
  return door.call(method, pathOf(link), { key: null, headers });
}

function fieldsOf(page: string): Record<string, string> {
  const hidden = [...page.matchAll(/<input\s+type="hidden"\s+name="(\w+)"\s+value="([^"]*)"/g)];
  return Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
}

function send(id: string, fields: Record<string, string>): Promise<Answered> {
  return door.call('POST', `/approvals/${id}`, {
    key: null,
    raw: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
}

async function statusOf(id: string): Promise<string> {
  return (await server.call<{ status: string }>(`/api/v1/approvals/${id}`)).body.status;
}

test('a page shows all that is to be approved, nothing of it as markup, under a policy that lets nothing else in', async () => {
  const approval = await held();
  const page = await open(links.linkFor(approval, 'ada'));
  assert.equal(page.status, 200, page.text);
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  assert.match(page.text, /deploy\.production by worker-1/);
  assert.match(page.text, new RegExp(approval.digest));
  assert.match(page.text, /&lt;b&gt;&amp;&quot;bold&quot;&lt;\/b&gt;\\u\{202e\}/);
  assert.ok(!page.text.includes('<script') && !page.text.includes('\u202e'));
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(policy, /^default-src 'none'; style-src 'sha256-/);
  const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page.text) ?? [];
  assert.ok(
    policy.includes(createHash('sha256').update(style).digest('base64')),
    'the style passes its own policy',
  );
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
  assert.equal(page.headers.get('cache-control'), 'no-store');
  assert.equal(page.headers.get('x-frame-options'), 'DENY');
});

// I6
test('however often a scanner follows a link, nothing is decided', async () => {
  const approval = await held();
  const link = links.linkFor(approval, 'ada');
  for (let round = 0; round < 5; round += 1) {
    assert.equal((await open(link)).status, 200);
    assert.equal((await open(`${link}&decision=approve&digest=${approval.digest}`)).status, 200);
    assert.equal((await open(link, 'HEAD')).status, 405);
    assert.equal((await open(link, 'GET', { 'sec-purpose': 'prefetch;prerender' })).status, 200);
  }
  assert.equal(await statusOf(approval.id), 'pending');
});

test('a button decides what was shown, once, and whoever sends it again is told so', async () => {
  const approval = await held();
  const page = await open(links.linkFor(approval, 'ada'));
  const fields = fieldsOf(page.text);
  assert.equal(fields['digest'], approval.digest);
  const other = await send(approval.id, { ...fields, digest: '0'.repeat(64), decision: 'approve' });
  assert.equal(other.status, 409, 'the digest is that of what was shown');
  const none = await send(approval.id, fields);
  assert.equal(none.status, 422, 'no button, no decision');
  clock.advance(2_000);
  const done = await send(approval.id, { ...fields, decision: 'approve', reason: 'release 7' });
  assert.equal(done.status, 200, done.text);
  assert.match(done.text, /You have approved it/);
  assert.equal(await statusOf(approval.id), 'approved');
  const replay = await send(approval.id, { ...fields, decision: 'deny' });
  assert.equal(replay.status, 409);
  assert.match(replay.text, /is approved already/);
  assert.match(replay.text, /ada for tech-lead/);
  assert.ok(!replay.text.includes('<form'));
  assert.equal(await statusOf(approval.id), 'approved');
});

test('a link opens one approval for one person, who may do what they may, until it ends', async () => {
  const [one, two] = [await held(), await held()];
  const link = links.linkFor(one, 'ada');
  const token = new URL(link).searchParams.get('t') ?? '';
  assert.equal((await open(`${door.url}/approvals/${two.id}?t=${token}`)).status, 403, 'of another approval');
  assert.equal((await open(link.slice(0, -3))).status, 403, 'changed on its way');
  assert.equal((await open(`${door.url}/approvals/${one.id}`)).status, 401, 'no link, no key');
  assert.equal((await send(two.id, { t: token, digest: two.digest, decision: 'approve' })).status, 403);

  const viewer = await open(links.linkFor(one, 'vera'));
  assert.ok(viewer.status === 200 && !viewer.text.includes('<form'));
  assert.match(viewer.text, /ada for tech-lead; ben for tech-lead/);
  const forged = await send(one.id, {
    t: links.tokenFor({
      tenant: 'default',
      approvalId: one.id,
      user: 'vera',
      expiresMs: Date.parse(one.expiresAt),
      roles: null,
    }),
    digest: one.digest,
    decision: 'approve',
  });
  assert.equal(forged.status, 403, 'a link is no role');
  clock.jumpTo(Date.parse(one.expiresAt));
  assert.equal((await open(link)).status, 410);
  assert.equal((await send(one.id, { t: token, digest: one.digest, decision: 'approve' })).status, 410);
});

test('a person with a key opens the same page, and gets a form of their own', async () => {
  const approval = await held('pair.it');
  const ada = await door.makeKey({ roles: ['tech-lead'], user: { id: 'ada' } });
  const page = await door.call('GET', `/approvals/${approval.id}`, { key: ada.text });
  clock.advance(2_000);
  const first = await send(approval.id, { ...fieldsOf(page.text), decision: 'approve' });
  assert.match(first.text, /You have approved it\. Still needed: one more person/);
  assert.match(first.text, /You have voted, ada; others still have to/);
  const bare = await open(`${door.url}/approvals/${approval.id}`);
  assert.match(bare.text, /name="key" type="password"/, 'a browser sends no key by itself');
  const ben = await door.makeKey({ roles: ['tech-lead'], user: { id: 'ben' } });
  const typed = await send(approval.id, { key: ben.text });
  assert.equal(typed.status, 200, typed.text);
  assert.ok(typed.text.includes('Your decision, ben') && !typed.text.includes(ben.text));
  assert.equal((await send(approval.id, { key: 'mdt_nothing' })).status, 401);
  const { actId } = (await server.call<{ actId: string }>(`/api/v1/approvals/${approval.id}`)).body;
  const act = await door.call('GET', `/acts/${actId}`, { key: ben.text });
  assert.match(act.text, /<h1>pair\.it<\/h1>[\s\S]*waiting for approval/);
  const stranger = await door.makeKey({ roles: ['agent'], agents: ['somebody-else'] });
  assert.equal((await door.call('GET', `/acts/${actId}`, { key: stranger.text })).status, 404);
  const admin = await door.call('GET', `/approvals/${approval.id}`, { key: door.adminKey });
  assert.match(admin.text, /names no person/);
  assert.equal((await door.call('GET', `/approvals/${approval.id}`, { key: 'mdt_nothing' })).status, 401);
});

test('the page of a key decides no more than that key, however much its person holds by other keys', async () => {
  const approval = await held();
  const user = { id: 'ada' };
  const pageFor = async (wanted: Parameters<Door['makeKey']>[0]) => {
    const key = await door.makeKey(wanted);
    const page = await door.call('GET', `/approvals/${approval.id}`, { key: key.text });
    return { ...key, page };
  };
  const reading = await pageFor({ roles: ['tech-lead'], scopes: ['approvals.read'], user });
  assert.ok(reading.page.status === 200 && !reading.page.text.includes('<form'), 'it may read only');
  assert.match(reading.page.text, /decide none/);
  const direct = await door.call('POST', `/api/v1/approvals/${approval.id}/decision`, {
    key: reading.text,
    body: { decision: 'approve', digest: approval.digest },
  });
  assert.equal(direct.status, 403, direct.text);
  const viewing = await pageFor({ roles: ['viewer'], user });
  assert.ok(viewing.page.status === 200 && !viewing.page.text.includes('<form'), 'it has no vote of its own');

  const token = (roles: readonly string[]) =>
    links.tokenFor({
      tenant: 'default',
      approvalId: approval.id,
      user: 'ada',
      expiresMs: Date.parse(approval.expiresAt),
      roles,
    });
  clock.advance(2_000);
  const ballot = { digest: approval.digest, decision: 'approve' };
  const viewer = await send(approval.id, { ...ballot, t: token(['viewer']) });
  assert.equal(viewer.status, 403, 'a link made for a viewer key votes as viewer');
  assert.equal(await statusOf(approval.id), 'pending');
  const grown = await send(approval.id, { ...ballot, t: token(['exec-sponsor']) });
  assert.equal(grown.status, 403, 'roles in a link are no roles of the person');

  const full = await pageFor({ roles: ['tech-lead'], scopes: ['approvals.*'], user: { id: 'carl' } });
  const fields = { ...fieldsOf(full.page.text), decision: 'approve' };
  await door.call('DELETE', `/api/v1/keys/${full.id}`);
  const other = await door.makeKey({ roles: ['ops-lead'], user: { id: 'carl' } });
  clock.advance(2_000);
  assert.equal((await send(approval.id, fields)).status, 403, 'what the key lost, its page has lost');
  await door.call('DELETE', `/api/v1/keys/${other.id}`);
  assert.equal(await statusOf(approval.id), 'pending');
});

test('who is tired is sent to rest, is told who else could, and may always deny', async () => {
  const ben = { roles: ['tech-lead'] as const, user: { id: 'ben' } };
  const key = (await door.makeKey({ ...ben, roles: [...ben.roles] })).text;
  const decide = (approval: { id: string; digest: string }, decision: string) =>
    server.call<{ code: string; detail: string; status: string }>(
      `/api/v1/approvals/${approval.id}/decision`,
      { decision, digest: approval.digest },
      { key },
    );
  const unread = await held();
  const blind = await decide(unread, 'approve');
  assert.deepEqual([blind.status, blind.body.code], [429, 'throttled']);
  assert.match(blind.body.detail, /never shown to user:ben/);
  await server.call(`/api/v1/approvals/${unread.id}`, undefined, { key });
  clock.advance(1_000);
  const quick = await decide(unread, 'approve');
  assert.equal(quick.status, 429);
  assert.match(quick.body.detail, /1 s ago.*2 s of reading.*Who else could: ada for tech-lead\. Denying/);
  assert.equal((await decide(unread, 'deny')).body.status, 'denied', 'denying is always possible');
  for (let round = 0; round < 3; round += 1) {
    const approval = await held();
    await server.call('/api/v1/approvals?status=pending', undefined, { key });
    clock.advance(2_000);
    assert.equal((await decide(approval, 'approve')).body.status, 'approved');
  }
  const fourth = await held();
  await server.call(`/api/v1/approvals/${fourth.id}`, undefined, { key });
  clock.advance(2_000);
  const tired = await decide(fourth, 'approve');
  assert.deepEqual([tired.status, tired.body.code], [429, 'throttled']);
  assert.match(tired.body.detail, /approved 3 different things within an hour/);
  assert.ok(Number(tired.headers.get('retry-after')) > 3_000, String(tired.headers.get('retry-after')));

  const stats = await server.call<{
    approvers: {
      approver: string;
      approved: number;
      denied: number;
      medianReadingMs: number;
      shareUnder2s: number;
    }[];
  }>('/api/v1/approvals/stats?hours=1');
  const own = stats.body.approvers.find(({ approver }) => approver === 'user:ben');
  assert.deepEqual(
    [own?.approved, own?.denied, own?.medianReadingMs, own?.shareUnder2s],
    [3, 1, 2_000, 0],
    JSON.stringify(stats.body),
  );
});
