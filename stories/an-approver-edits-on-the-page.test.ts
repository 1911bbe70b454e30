// An approver changes the parameters on the page, in a real browser under the page's own policy, sees what would change,
// and only then decides. What is hidden stays hidden, and the mark in its place never becomes a value.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createApprovalLinks } from '../server/src/decide/approvals/link.ts';
import type { ApprovalLinks } from '../server/src/decide/approvals/link.ts';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { openBrowser } from '../test/browser.ts';
import { openDoor } from '../test/door.ts';
import type { Answered, Door } from '../test/door.ts';
import { askHeld, callerOf, look } from '../test/road.ts';
import type { ActReply, Caller } from '../test/road.ts';

const SECRET = 'hunter2hunter2';
const CHARTER = `version: 1
approvals: { fatigue: { minReadingTime: 2s } }
tiers:
  red:
    actions:
      - { match: portal.write, approvers: [tech-lead], except: { when: "has(parameters.to) && parameters.to == 'everybody'", tier: black } }
      - { match: pair.write, approvers: [tech-lead], fourEyes: true }
`;

let door: Door;
let clock: ManualClock;
let server: Caller;
let links: ApprovalLinks;
let agentKey = '';
const closing: (() => Promise<void>)[] = [];

before(async () => {
  clock = manualClock();
  door = await openDoor({ after: (fn) => void closing.unshift(fn) }, { clock, charter: CHARTER });
  server = callerOf(door);
  links = createApprovalLinks({ masterKeys: door.infrastructure.masterKeys, publicUrl: () => door.url });
  agentKey = (await door.makeKey({ roles: ['agent'], agents: ['worker-1'] })).text;
  for (const [id, role] of [
    ['ada', 'tech-lead'],
    ['ben', 'tech-lead'],
    ['vera', 'viewer'],
  ] as const)
    await door.makeKey({ roles: [role], user: { id } });
});
after(async () => {
  for (const close of closing) await close();
});

interface Shown {
  readonly id: string;
  readonly digest: string;
  readonly status: string;
  readonly expiresAt: string;
  readonly actId: string | null;
  readonly replacedBy: string | null;
}

async function held(parameters: Readonly<Record<string, unknown>>, action = 'portal.write') {
  const { id: actId, approval } = await askHeld(server, { action, parameters }, { key: agentKey });
  const { body } = await server.call<Shown>(`/api/v1/approvals/${approval.id}`);
  return { tenant: 'default', ...body, actId };
}

async function shown(id: string): Promise<Shown> {
  return (await server.call<Shown>(`/api/v1/approvals/${id}`)).body;
}

function tokenOf(approval: Shown, user: string): string {
  return new URL(links.linkFor({ tenant: 'default', ...approval }, user)).searchParams.get('t') ?? '';
}

function send(id: string, fields: Record<string, string>): Promise<Answered> {
  return door.call('POST', `/approvals/${id}`, {
    key: null,
    raw: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
}

async function ranWith(actId: string): Promise<unknown> {
  const { body } = await look(server, actId, { key: agentKey });
  const { replacedBy } = body as ActReply & { replacedBy?: string };
  const permitted = await look(server, replacedBy ?? '', { key: agentKey });
  return (permitted.body as ActReply & { run?: { parameters: unknown } }).run?.parameters;
}

// I6, I9
test('in a browser an approver changes a value, keeps a hidden one, sees what changes, and approves just that', async (t) => {
  const browser = await openBrowser(t);
  if (browser === null) return;
  const parameters = { text: 'delete <all> & \u202e"more"', count: 3, password: SECRET, to: 'ada' };
  const approval = await held(parameters);
  await browser.goto(links.linkFor(approval, 'ada'));
  assert.ok(!(await browser.text()).includes('Parameters (JSON)'), 'folded away for whoever only decides');
  await browser.click('details.edit summary');
  const before = String(await browser.read("document.querySelector('#parameters').value"));
  assert.deepEqual(JSON.parse(before), { ...parameters, password: '[redacted:password]' });
  assert.ok(!before.includes('\u202e'), 'what turns the direction of writing is spelled out');
  assert.match(await browser.text(), /hidden, from you as well/);

  await browser.fill('#parameters', `${before.slice(0, -2)},}`);
  await browser.submit('button[value="compare"]');
  assert.match(await browser.text(), /Nothing was decided\. What you wrote is not JSON/);
  assert.match(String(await browser.read("document.querySelector('#parameters').value")), /,\}$/);

  await browser.fill(
    '#parameters',
    before.replace('delete <all>', 'delete <one>').replace('"count": 3,', ''),
  );
  await browser.submit('button[value="compare"]');
  const page = await browser.text();
  assert.match(page, /Nothing is decided yet/);
  assert.match(page, /\/text changed\s+asked for\s+delete <all> & \\u\{202e\}"more"\s+yours\s+delete <one>/);
  assert.match(page, /\/count removed\s+asked for\s+3/);
  assert.match(page, /Hidden values that stay what they were: \/password/);
  assert.match(page, /red: It takes an approval/);
  assert.ok(!page.includes('/to ') && !page.includes(SECRET));
  assert.equal((await shown(approval.id)).status, 'pending', 'looking decides nothing');
  const shot = process.env['MANDATE_SCREENSHOT'];
  if (shot !== undefined) await browser.screenshot(shot);

  await browser.fill('#reason', 'one is enough');
  await browser.submit('button[value="edit"]');
  assert.match(await browser.text(), /This is what you let run instead\. It is approved\./);
  assert.deepEqual(browser.complaints(), []);
  const old = await shown(approval.id);
  assert.equal(old.status, 'cancelled');
  const { to, password } = parameters;
  assert.deepEqual(await ranWith(approval.actId), { text: 'delete <one> & \u202e"more"', password, to });
});

// I6
test('neither a GET nor looking decides, and whoever may not decide may not edit either', async () => {
  const approval = await held({ text: 'all', n: 1 });
  const { id, digest } = approval;
  const parameters = JSON.stringify({ text: 'one', n: 1 });
  const edit = { digest, decision: 'edit', parameters, reason: 'one is enough' };
  const query = new URLSearchParams({ ...edit, t: tokenOf(approval, 'ada') }).toString();
  for (const method of ['GET', 'HEAD']) await door.call(method, `/approvals/${id}?${query}`, { key: null });
  const compared = await send(id, { ...edit, decision: 'compare', t: tokenOf(approval, 'ada') });
  assert.equal(compared.status, 200, compared.text);
  for (const [what, token] of [
    ['no token', ''],
    ['a viewer', tokenOf(approval, 'vera')],
    ['of another approval', tokenOf(await held({ text: 'other' }), 'ada')],
    [
      'made for a key that could not vote',
      links.tokenFor({
        tenant: 'default',
        approvalId: id,
        user: 'ada',
        expiresMs: Date.parse(approval.expiresAt),
        roles: ['viewer'],
      }),
    ],
  ] as const)
    for (const decision of ['compare', 'edit']) {
      const refused = await send(id, { ...edit, decision, t: token });
      assert.ok([403, 409].includes(refused.status), `${what}, ${decision}: ${refused.status}`);
      assert.ok(!refused.text.includes('What would change'), what);
    }
  const t = tokenOf(approval, 'ada');
  const other = await send(id, { ...edit, t, digest: '0'.repeat(64) });
  assert.equal(other.status, 409, 'the digest is that of what was shown');
  const silent = await send(id, { ...edit, t, reason: ' ' });
  assert.equal(silent.status, 422);
  assert.match(silent.text, /say in the reason[\s\S]*What would change/);
  assert.equal((await shown(id)).status, 'pending');
  assert.equal((await send(id, { ...edit, t })).status, 200);
  const again = await send(id, { ...edit, t });
  assert.equal(again.status, 409);
  assert.match(again.text, /cannot be edited any more/);
});

test('what the charter forbids is refused before it is decided, with what was typed', async () => {
  const approval = await held({ text: 'all', to: 'ada' });
  const { id, digest } = approval;
  const fields = { t: tokenOf(approval, 'ada'), digest };
  const parameters = JSON.stringify({ text: '</textarea><b>', to: 'everybody' });
  const black = await send(id, { ...fields, decision: 'compare', parameters });
  assert.equal(black.status, 403);
  assert.match(black.text, /Nothing was decided\. [\s\S]*&lt;\/textarea&gt;&lt;b&gt;/);
  const same = await send(id, { ...fields, decision: 'compare', parameters: '{"to":"ada","text":"all"}' });
  assert.match(same.text, /Nothing is changed/);
  const list = await send(id, { ...fields, decision: 'compare', parameters: '[1]' });
  assert.match(list.text, /Parameters are one JSON object/);
  const back = await send(id, { ...fields, decision: 'look' });
  assert.ok(back.status === 200 && !back.text.includes('Nothing was decided'));
  assert.equal((await shown(id)).status, 'pending');
  const long = await held({ text: 'x'.repeat(30_000) });
  const page = await door.call('GET', `/approvals/${long.id}?t=${tokenOf(long, 'ada')}`, { key: null });
  assert.match(page.text, /too long to be changed here/);
});

// I9
test('the mark of a hidden value is never sent as a value, over the page or the API', async () => {
  const parameters = { url: `https://u:${SECRET}@example.org/a`, password: SECRET, n: 1 };
  const approval = await held(parameters);
  const { id, digest } = approval;
  const fields = { t: tokenOf(approval, 'ada'), digest, reason: 'as said' };
  const { body } = await server.call<{ display: { parameters: typeof parameters } }>(
    `/api/v1/approvals/${id}`,
  );
  const seen = body.display.parameters;
  assert.ok(!JSON.stringify(seen).includes(SECRET));
  const ada = (await door.makeKey({ roles: ['tech-lead'], user: { id: 'ada' } })).text;
  const misplaced = { ...seen, url: `${seen.url}/b` };
  for (const decision of ['compare', 'edit']) {
    const page = await send(id, { ...fields, decision, parameters: JSON.stringify(misplaced) });
    assert.equal(page.status, 422, page.text);
    assert.match(page.text, /\/url: this is or holds the mark of a hidden value/);
  }
  const api = (changed: object) =>
    server.call<Shown & { code: string }>(
      `/api/v1/approvals/${id}/edit`,
      { digest, parameters: changed, reason: 'as said' },
      { key: ada },
    );
  assert.deepEqual([(await api(misplaced)).status, (await shown(id)).status], [422, 'pending']);
  const swapped = { ...seen, password: 'another-secret-7' };
  const compared = await send(id, { ...fields, decision: 'compare', parameters: JSON.stringify(swapped) });
  assert.match(compared.text, /\/password<\/code>\s+changed, another hidden value/);
  const changes = /What would change[\s\S]*?<form/.exec(compared.text)?.[0] ?? '';
  assert.ok(!changes.includes('another-secret-7') && !compared.text.includes(SECRET));
  assert.equal((await api({ ...seen, n: 2 })).status, 201);
  assert.deepEqual(await ranWith(approval.actId), { ...parameters, n: 2 });
});

test('under four eyes whoever edits on the page asks others, who see what was written', async () => {
  const approval = await held({ text: 'all' }, 'pair.write');
  const { id, digest } = approval;
  const fields = { digest, parameters: '{"text":"one"}', reason: 'one is enough' };
  const compared = await send(id, { ...fields, t: tokenOf(approval, 'ada'), decision: 'compare' });
  assert.match(compared.text, /Four eyes: you write it[\s\S]*Ask others to approve this instead/);
  const asked = await send(id, { ...fields, t: tokenOf(approval, 'ada'), decision: 'edit' });
  assert.equal(asked.status, 200, asked.text);
  assert.match(asked.text, /Four eyes: user:ada wrote it, so others have to approve it/);
  assert.ok(!asked.text.includes('<form'), 'and there is nothing for her to send');
  const made = await shown((await shown(id)).replacedBy ?? '');
  assert.equal(made.status, 'pending');
  const page = await door.call('GET', `/approvals/${made.id}?t=${tokenOf(made, 'ben')}`, { key: null });
  assert.match(page.text, /<pre>one<\/pre>/);
  clock.advance(2_000);
  const vote = { t: tokenOf(made, 'ben'), digest: made.digest, decision: 'approve' };
  assert.equal((await send(made.id, vote)).status, 200);
  assert.equal((await shown(made.id)).status, 'approved');
});
