// Two servers on one database: a phase that people raise on one of them lets commands run on the other, and a fall on the
// other holds the very next decision on the first. Nothing is remembered that could be older than the fall.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createMandate } from '@mandate/sdk';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import type { Role } from '../server/src/platform/identity/roles.ts';
import { wholeFile } from '../test/closing.ts';
import { openCommandLine } from '../test/command-line.ts';
import { openDoor } from '../test/door.ts';
import type { Answered, Door } from '../test/door.ts';
import { until } from '../test/until.ts';

const DAY_MS = 86_400_000;
const CHARTER = `version: 1
phases:
  roastery:
    prefix: roaster.
    firstStabilization: 10d
  shop:
    patterns: [shop.*, till.open]
    ladder:
      - { name: Watched }
      - { name: Free, adds: ['*'], validation: 7d, approvals: [product-lead, ops-lead] }
  press:
    prefix: press.
    firstStabilization: 1s
    ladder:
      - { name: Watched }
      - { name: Free, adds: ['*'], validation: 7d, approvals: [product-lead, ops-lead, tech-lead] }
readiness:
  total: 1
  items: [{ name: on record, category: technical, weight: 1, when: 'true' }]
approvals:
  standIns: [{ user: ben, for: tech-lead }, { user: ben, for: ops-lead }]
  escalate: [{ after: 30m, to: exec-sponsor }]
  proposal: { escalate: [{ after: 2h, to: exec-sponsor }] }
tiers:
  green: { actions: ['*'] }
`;

const clock = manualClock();
const file = wholeFile();
let one: Door;
let two: Door;
before(async () => {
  one = await openDoor(file, { clock, charter: CHARTER });
  two = await openDoor({ after: () => undefined }, { beside: one, charter: CHARTER });
});

interface Judged {
  readonly status: unknown;
  readonly tier: unknown;
  readonly phase: unknown;
}

async function ask(door: Door, action: string): Promise<Judged> {
  const { json } = await door.call('POST', '/api/v1/actions', { body: { agent: 'roaster-1', action } });
  const decision = json?.['decision'] as { tier: string; phase: string | null };
  return { status: json?.['status'], tier: decision.tier, phase: decision.phase };
}

test('a phase rises by people on one server and falls on another, for the next decision of both', async () => {
  // given two servers, and people with their roles
  const lead = await one.makeKey({ roles: ['tech-lead'], user: { id: 'tess' } });
  const ora = await one.makeKey({ roles: ['operator'], user: { id: 'ora' } });
  const asOf = async (door: Door, query = '?set=roastery'): Promise<Record<string, unknown>> =>
    (await door.call('GET', `/api/governance/state${query}`)).json ?? {};
  const held = { status: 'waiting_for_approval', tier: 'red', phase: 'L3' };
  const ran = { status: 'permitted', tier: 'green', phase: 'L3+' };

  // then a set that is newly governed begins at its first phase, on both, and several sets stand side by side
  assert.deepEqual(await ask(one, 'roaster.SET_POWER'), held);
  assert.deepEqual(await ask(two, 'roaster.SET_POWER'), held);
  assert.deepEqual(await ask(two, 'till.open'), { ...held, phase: 'Watched' });
  assert.deepEqual(await ask(two, 'mill.grind'), { status: 'permitted', tier: 'green', phase: null });

  // when it is proposed while it stabilises, and after that
  const propose = (): Promise<Answered> =>
    one.call('POST', '/api/v1/governance/proposals', {
      key: ora.text,
      body: { set: 'roastery', reason: 'steady for long' },
    });
  const early = await propose();
  assert.equal(early.status, 409, early.text);
  assert.match(early.text, /stabilisation until 2026-01-11/);
  clock.jumpTo(clock.nowMs() + 10 * DAY_MS);
  const proposed = await propose();
  assert.equal(proposed.status, 201, proposed.text);
  const id = String(proposed.json?.['id']);
  assert.deepEqual(proposed.json?.['commands'], ['roaster.SET_POWER', 'roaster.SET_FAN']);
  // with what the weekly cycle would have shown of it
  const shown = proposed.json?.['details'] as Record<string, unknown>;
  const { commands, risk, rollbackPlan, record } = shown;
  assert.deepEqual(
    (commands as { pattern: string; proposed: number; succeeded: number }[]).map((each) => [
      each.pattern,
      each.proposed,
      each.succeeded,
    ]),
    [
      ['roaster.SET_POWER', 2, 0],
      ['roaster.SET_FAN', 0, 0],
    ],
  );
  assert.match(JSON.stringify(risk), /"level":"high".*nobody has seen it run/);
  assert.match(JSON.stringify(rollbackPlan), /takes roastery to L3/);
  assert.deepEqual(shown['achievements'], [
    '10 days at L3.',
    'Readiness: 1 of 1 points, every required item met.',
    'People approved 0 of 2 proposed commands (0 %).',
    'No critical incident.',
    'No incident came from an autonomous action.',
  ]);
  assert.ok((record as { end: string }).end.startsWith('2026-01-11'), JSON.stringify(record));

  // when the tech-lead approves on the other server
  const approved = await two.call('POST', `/api/governance/proposals/${id}/approve`, {
    key: lead.text,
    body: { reason: 'seen the record', approver: 'tess', role: 'tech-lead' },
  });
  assert.equal(approved.status, 200, approved.text);
  assert.equal(approved.json?.['status'], 'used');

  // then what its whitelist names runs on both, and nothing else
  assert.deepEqual(await ask(one, 'roaster.SET_POWER'), ran);
  assert.deepEqual(await ask(two, 'roaster.SET_FAN'), ran);
  assert.deepEqual(await ask(one, 'roaster.SET_DRUM'), { ...held, phase: 'L3+' });
  assert.equal((await asOf(one))['validationUntil'], '2026-01-25T00:00:00.000Z');

  // when it falls on one, the very next decision of the other is red, whichever it is
  for (const [from, other] of [
    [one, two],
    [two, one],
  ] as const) {
    const before = (await asOf(from))['phase'];
    const fallen = await from.call('POST', '/api/v1/governance/fall', {
      body: { set: 'roastery', reason: 'the sensor lies' },
    });
    assert.deepEqual(
      [fallen.json?.['changed'], fallen.json?.['confirmed'], fallen.json?.['to']],
      [before === 'L3+', true, 'L3'],
    );
    assert.deepEqual(await ask(other, 'roaster.SET_POWER'), held);
    assert.deepEqual(await ask(from, 'roaster.SET_POWER'), held);
  }
  assert.deepEqual(
    await ask(one, 'shop.refund'),
    { ...held, phase: 'Watched' },
    'the other set is as it was',
  );
  const state = await asOf(two);
  assert.deepEqual(
    [state['phase'], state['previous'], state['validationUntil'], state['stabilizationUntil']],
    ['L3', 'L3+', null, '2026-02-10T00:00:00.000Z'],
  );
  assert.deepEqual(
    (state['history'] as { kind: string; by: string }[]).map(({ kind }) => kind),
    ['fallen', 'risen', 'governed'],
  );

  // and the journal tells all of it once
  await until('every change in the journal', async () => {
    clock.advance(100);
    const { json } = await two.call('GET', '/api/v1/audit/entries?kind=governance');
    const items = json?.['items'] as { kind: string; data: { set: string; change?: string } }[];
    return (
      items
        .filter(({ data }) => data.set === 'roastery')
        .map(({ kind, data }) => data.change ?? kind)
        .toSorted()
        .join() === 'fallen,governance.fall_ordered,governance.proposed,governed,risen'
    );
  });
});

test('nobody approves alone, for somebody else, twice or what they were not shown; of two at once one is the last', async () => {
  const people: Record<string, string> = {};
  for (const [id, ...roles] of [
    ['otto', 'operator', 'product-lead'],
    ['tessa', 'tech-lead'],
    ['pia', 'product-lead'],
    ['olga', 'ops-lead'],
    ['oscar', 'ops-lead'],
    ['vera', 'viewer'],
  ] as const)
    people[id] = (await one.makeKey({ roles, user: { id } })).text;
  people['machine'] = (await one.makeKey({ roles: ['agent'], agents: ['roaster-1'] })).text;
  const as = (who: string, path: string, body: object): Promise<Answered> =>
    one.call('POST', `/api/v1/governance/${path}`, { key: people[who] ?? null, body });
  clock.jumpTo(clock.nowMs() + 200 * DAY_MS);

  // what cannot be proposed, or let fall, says why and what there is
  const reason = 'steady for months';
  const early: readonly (readonly [path: string, body: object, status: number, detail: RegExp])[] = [
    ['proposals', { reason }, 422, /several sets; say which with set: roastery, shop/],
    ['proposals', { set: 'bakery', reason }, 404, /no governed set bakery; there is roastery, shop/],
    ['proposals', { set: 'shop' }, 422, /reason/],
    ['fall', { set: 'shop', reason, to: 'L9' }, 422, /has no phase L9; it has Watched, Free/],
    ['fall', { set: 'shop', reason, to: 'Free' }, 409, /rises only by an approved proposal/],
  ];
  for (const [path, body, status, detail] of early) {
    const answer = await as('otto', path, body);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, detail);
  }
  assert.equal((await as('machine', 'proposals', { set: 'shop', reason })).status, 403);

  const proposed = await as('otto', 'proposals', { set: 'shop', reason });
  assert.equal(proposed.status, 201, proposed.text);
  const id = String(proposed.json?.['id']);
  assert.match((await as('otto', 'proposals', { set: 'shop', reason })).text, /waits for approval already/);
  assert.equal((await ask(two, 'till.open')).phase, 'Watched');
  const held = await one.call('GET', '/api/v1/approvals?status=pending');
  const action = ((held.json?.['items'] ?? []) as { id: string; subject: string }[]).find(
    ({ subject }) => subject === 'action',
  );
  assert.ok(action !== undefined, 'an act waits, too');

  // when they who may not, or not so, approve it
  const unfit: readonly (readonly [who: string, body: object, status: number, detail: RegExp])[] = [
    ['otto', { reason }, 403, /Four eyes: user:otto asked for this/],
    ['tessa', { reason }, 403, /has no vote here: it takes product-lead and ops-lead/],
    ['pia', { reason, approver: 'olga' }, 403, /olga is somebody else/],
    ['pia', { reason, role: 'ops-lead' }, 403, /user:pia does not have the role ops-lead/],
    ['pia', { reason, digest: '0'.repeat(64) }, 409, /read the approval again/],
    ['pia', {}, 422, /reason/],
    ['vera', { reason }, 403, /governance\.decide|role/i],
    ['machine', { reason }, 403, /governance\.decide|role/i],
  ];
  for (const [who, body, status, detail] of unfit) {
    const answer = await as(who, `proposals/${id}/approve`, body);
    assert.equal(answer.status, status, `${who} ${answer.text}`);
    assert.match(answer.text, detail);
  }
  assert.equal((await as('pia', `proposals/${action.id}/approve`, { reason })).status, 404);
  assert.equal((await one.call('GET', `/api/governance/proposals/${action.id}`)).status, 404);

  // when one of the two roles agrees, nothing rises yet, and nobody counts twice
  const first = await as('pia', `proposals/${id}/approve`, {
    reason,
    approver: 'user:pia',
    role: 'product-lead',
  });
  assert.deepEqual([first.json?.['status'], first.json?.['missingApprovals']], ['pending', ['ops-lead']]);
  const again = await as('pia', `proposals/${id}/approve`, { reason });
  assert.equal(again.status, 409);
  assert.match(again.text, /has voted on this approval already/);
  assert.equal((await ask(one, 'till.open')).phase, 'Watched');

  // when two who are entitled to it agree at once, on two servers, one is the last
  const path = `/api/v1/governance/proposals/${id}/approve`;
  const last = await Promise.all([
    one.call('POST', path, { key: people['olga'] ?? null, body: { reason } }),
    two.call('POST', path, { key: people['oscar'] ?? null, body: { reason } }),
  ]);
  assert.deepEqual(
    last.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 409],
    last.map(({ text }) => text).join(),
  );
  assert.deepEqual(await ask(two, 'till.open'), { status: 'permitted', tier: 'green', phase: 'Free' });

  // and the command line and a program see and do the same
  const mandate = createMandate({ url: two.url, apiKey: people['otto'] ?? '' });
  const state = await mandate.governance.state('shop');
  assert.deepEqual(
    [state?.phase, state?.history.map(({ kind }) => kind), state?.next],
    ['Free', ['risen', 'governed'], null],
  );
  const [own] = await mandate.governance.proposals({ set: 'shop' });
  assert.deepEqual([own?.id, own?.status, own?.approvals.length], [id, 'used', 2]);
  const line = await openCommandLine();
  try {
    const run = (who: string, ...args: readonly string[]) =>
      line.run(['governance', ...args], { MANDATE_URL: one.url, MANDATE_API_KEY: people[who] ?? '' });
    const wanted = await run('otto', 'propose', '--set', 'roastery', '--reason', reason);
    assert.equal(wanted.code, 0, wanted.stderr);
    const rejected = await run(
      'tessa',
      'reject',
      wanted.stdout.trim(),
      '--reason',
      'not before the holidays',
    );
    assert.match(rejected.stdout, /The proposal is denied/, rejected.stderr);
    const late = await run('tessa', 'approve', wanted.stdout.trim(), '--reason', reason);
    assert.equal(late.code, 1);
    assert.match(late.stderr, /denied already/);
    const fallen = await run('otto', 'fall', '--set', 'shop', '--reason', 'a wrong price');
    assert.match(fallen.stdout, /shop fell from Free to Watched/, fallen.stderr);
    assert.match((await run('otto', 'state', '--set', 'shop')).stdout, /shop is at Watched/);
  } finally {
    await line.close();
  }
  assert.deepEqual(await ask(two, 'till.open'), {
    status: 'waiting_for_approval',
    tier: 'red',
    phase: 'Watched',
  });
});

test('the sets follow the charter on the way back too, and a start puts right what has lost its rows', async () => {
  // given a charter that governs, and one that does not
  const versionOf = ({ json }: Answered): string => String(json?.['version']);
  const put = (text: string): Promise<Answered> => one.call('PUT', '/api/v1/charter', { body: { text } });
  const back = async (version: string): Promise<unknown> => {
    const body = { version, reason: 'as it was' };
    const answer = await two.call('POST', '/api/v1/charter/rollback', { body });
    return [answer.status, answer.json?.['changed']];
  };
  const held = { status: 'waiting_for_approval', tier: 'red', phase: 'L3' };
  const free = { status: 'permitted', tier: 'green', phase: null };
  const governed = versionOf(await one.call('GET', '/api/v1/charter'));
  assert.deepEqual(await ask(one, 'roaster.SET_DRUM'), held);
  const plain = versionOf(await put(`version: 1\ntiers:\n  green: { actions: ['*'] }\n`));
  assert.deepEqual(await ask(two, 'roaster.SET_DRUM'), free);

  // when somebody goes back to the one and to the other, then the phase comes and goes with it, on both servers
  assert.deepEqual(await back(governed), [200, true]);
  assert.deepEqual(await ask(one, 'roaster.SET_DRUM'), held);
  assert.deepEqual(await back(plain), [200, true]);
  assert.deepEqual(await ask(one, 'roaster.SET_DRUM'), free);
  assert.deepEqual(await back(governed), [200, true]);
  assert.deepEqual(await back(governed), [200, false]);

  // when the rows of a phase are lost, and another process starts under the very same charter
  await one.database.admin`delete from mandate.governed_set where name = 'roastery'`;
  await one.database.admin`delete from mandate.restriction where scope like 'action:roaster.%'`;
  await openDoor({ after: () => undefined }, { beside: one, charter: CHARTER });
  assert.deepEqual(await ask(two, 'roaster.SET_DRUM'), held);
  assert.deepEqual(await ask(one, 'till.open'), { ...held, phase: 'Watched' });

  // then so does reading it again, where only what enforces it was lost
  await one.database.admin`delete from mandate.restriction where scope like 'action:roaster.%'`;
  assert.equal((await put(CHARTER)).json?.['changed'], false);
  assert.deepEqual(await ask(two, 'roaster.SET_DRUM'), held);
});

test('each role of a proposal takes a person of its own, and whoever may stop may order a fall', async () => {
  const reason = 'steady for months';
  const keyOf = async (id: string, ...roles: readonly Role[]): Promise<string> =>
    (await one.makeKey({ roles, user: { id } })).text;
  const [ora, amy, ben, pia, eve, olga, paul] = await Promise.all([
    keyOf('ora', 'operator'),
    keyOf('amy', 'admin'),
    keyOf('ben', 'product-lead'),
    keyOf('pia', 'product-lead'),
    keyOf('eve', 'exec-sponsor'),
    keyOf('olga', 'ops-lead'),
    keyOf('paul', 'product-lead'),
  ]);
  const propose = (key: string): Promise<Answered> =>
    one.call('POST', '/api/v1/governance/proposals', { key, body: { set: 'press', reason } });
  const approve = (id: unknown, key: string, role?: Role): Promise<Answered> =>
    one.call('POST', `/api/v1/governance/proposals/${String(id)}/approve`, { key, body: { reason, role } });
  const counted = ({ json }: Answered): unknown => {
    const approvals = json?.['approvals'] as { by: string; roles: readonly string[] }[];
    return [json?.['status'], approvals.at(-1)?.roles, json?.['missingApprovals']];
  };

  clock.advance(2_000);
  // A key that names nobody neither proposes nor approves: two of them may be the same person's.
  const nameless = await propose(one.adminKey);
  assert.equal(nameless.status, 403, nameless.text);
  assert.match(nameless.text, /A person has to propose this, and key:\S+ names none/);
  const first = (await propose(ora)).json?.['id'];
  const admin = await approve(first, one.adminKey);
  assert.equal(admin.status, 403, admin.text);
  assert.match(admin.text, /names no person/);

  // Who holds several roles, or all of them, fills one place: three people are not enough where two could be one.
  const all = ['product-lead', 'ops-lead', 'tech-lead'];
  const anyone = await approve(first, amy);
  assert.deepEqual(counted(anyone), ['pending', all, all.slice(1)], anyone.text);
  const next = await approve(first, paul);
  assert.deepEqual(counted(next), ['pending', ['product-lead'], ['tech-lead']], next.text);
  const third = await approve(first, pia);
  assert.deepEqual(counted(third), ['pending', ['product-lead'], ['tech-lead']], third.text);
  assert.match(String(third.json?.['missing']), /role tech-lead \(each role takes a person of its own\)\.$/);
  const again = await approve(first, pia);
  assert.equal(again.status, 409, again.text);
  assert.equal((await ask(two, 'press.x')).phase, 'Watched');

  // A fall ordered by an approver takes it back, also where there is nowhere to fall to.
  const fall = (key: string): Promise<Answered> =>
    two.call('POST', '/api/governance/fall', { key, body: { set: 'press', reason: 'smoke' } });
  const ordered = await fall(paul);
  assert.deepEqual(
    [ordered.status, ordered.json?.['changed'], ordered.json?.['to']],
    [200, false, 'Watched'],
  );
  assert.match((await approve(first, olga)).text, /cancelled already: smoke/);

  // Who stands in for two roles and holds a third counts for the one that they name. Next in line for actions is nobody for
  // this; who is for this fills one place, whichever is left.
  const second = (await propose(ora)).json?.['id'];
  assert.deepEqual(counted(await approve(second, ben, 'tech-lead')), [
    'pending',
    ['tech-lead'],
    ['product-lead', 'ops-lead'],
  ]);
  clock.jumpTo(clock.nowMs() + 31 * 60_000);
  clock.advance(10_000);
  const early = await approve(second, eve);
  assert.equal(early.status, 403, early.text);
  clock.jumpTo(clock.nowMs() + 90 * 60_000);
  const handed = await until('it has been handed on', async () => {
    clock.advance(5_000);
    const answer = await approve(second, eve);
    return answer.status === 200 && answer;
  });
  assert.deepEqual(counted(handed), ['pending', all, ['ops-lead']], handed.text);
  const last = await approve(second, pia);
  assert.deepEqual(counted(last), ['used', ['product-lead'], []], last.text);
  // The leap of the clock has cost the process its lease, so only the judgement is looked at.
  const { tier, phase } = await ask(two, 'press.x');
  assert.deepEqual([tier, phase], ['green', 'Free']);
  assert.equal((await fall(paul)).json?.['to'], 'Watched');
});
