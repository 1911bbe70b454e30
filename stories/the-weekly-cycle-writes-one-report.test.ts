// Once a week a set is looked at as a whole. However often it is asked for, by whomever and at once: one report, at most
// one proposal, nothing half-done; the report stands as it was written, is told by mail, and can be checked against the
// journal by whoever keeps it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { canonicalJson } from '../kernel/src/index.ts';
import type { GovernanceReport } from '../kernel/src/index.ts';
import { createMandate } from '../sdk/src/index.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { openCommandLine } from '../test/command-line.ts';
import { openDoor } from '../test/door.ts';
import type { Answered, Door } from '../test/door.ts';
import { openTestDatabase } from '../test/postgres.ts';
import type { TestDatabase } from '../test/postgres.ts';
import { until } from '../test/until.ts';

/** The shop takes 180 days before anything is proposed; the roastery has earned it from the second second on. */
const CHARTER = `version: 1
extends: default
notify: { to: ['email:ops@example.org'] }
phases:
  roastery: { prefix: roaster., firstStabilization: 1s, timezone: Europe/Berlin }
  shop: { prefix: shop. }
readiness:
  total: { technical: 10, process: 0, organizational: 0 }
  items: [{ name: breakers are on, category: technical, weight: 10, required: true, when: 'breakersConfigured > 0' }]
`;
/** Friday evening, an hour after the cycle of that week. */
const START = Date.parse('2026-11-20T17:00:00Z');
const NEXT_FRIDAY = Date.parse('2026-11-27T16:00:00Z');
const RUN = '/api/v1/governance/run-cycle';

type Shown = GovernanceReport & { readonly sha256: string };

let door: Door;
let database: TestDatabase;
const mails: string[] = [];
const clock = manualClock(START);
const closing: (() => Promise<void>)[] = [];
const t = { after: (fn: () => Promise<void>) => void closing.unshift(fn) };

before(async () => {
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString('utf8').replaceAll(/=\r\n/g, ''));
        done();
      });
    },
  });
  smtp.listen(0, '127.0.0.1');
  await once(smtp.server, 'listening');
  t.after(() => new Promise<void>((resolve) => smtp.close(() => resolve())));
  database = await openTestDatabase();
  t.after(database.drop);
  door = await openDoor(t, {
    clock,
    charter: CHARTER,
    env: {
      DATABASE_URL: database.adminUrl,
      MANDATE_APP_URL: database.logins.appUrl,
      MANDATE_SEQUENCER_URL: database.logins.sequencerUrl,
      MANDATE_CONTROL_URL: database.logins.controlUrl,
      MANDATE_SMTP_URL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
      MANDATE_MAIL_FROM: 'mandate@example.org',
    },
  });
});
after(async () => {
  for (const close of closing) await close();
});

function reportIn(answer: Answered): Shown {
  assert.ok(answer.status === 200 || answer.status === 201, answer.text);
  return JSON.parse(answer.text) as Shown;
}

function reasonsOf({ decision }: GovernanceReport): readonly string[] {
  return decision.kind === 'stay' ? decision.reasons.map(({ code }) => code) : [];
}

async function countOf(kind: string): Promise<number> {
  const [row] = await database.admin<{ count: number }[]>`
    select count(*)::int as count from mandate.journal where kind = ${kind}`;
  return row?.count ?? 0;
}

test('on an empty database there is a report as well, and it says in words why nothing is proposed', async () => {
  const unnamed = await door.call('POST', RUN);
  assert.deepEqual([unnamed.status, unnamed.json?.['code']], [422, 'invalid']);
  assert.match(String(unnamed.json?.['detail']), /roastery, shop/);
  assert.equal((await door.call('POST', `${RUN}?set=bakery`)).status, 404);
  assert.equal((await door.call('GET', '/api/v1/governance/reports/latest?set=shop')).status, 404);
  assert.deepEqual((await door.call('GET', '/api/governance/reports')).json, { items: [] });

  const report = reportIn(await door.call('POST', `${RUN}?set=shop`));
  assert.deepEqual([report.week, report.phase.name, report.metrics.commands.total], ['2026-W47', 'L3', 0]);
  assert.equal(report.metrics.rates.successRate, null);
  assert.deepEqual(reasonsOf(report), ['stabilizing']);
  assert.equal(report.proposal, null);
  const history = (await door.call('GET', '/api/v1/metrics/history?set=shop')).json?.['items'];
  assert.ok(
    Array.isArray(history) && history.some(({ why }: { readonly why: string }) => why === 'cycle'),
    'the figures of the week are kept as history',
  );
});

test('a cycle that breaks off has done nothing, and is done again to the same effect', async () => {
  await database.admin`revoke insert on mandate.governance_report from mandate_app`;
  const broken = await door.call('POST', `${RUN}?set=roastery`);
  await database.admin`grant insert on mandate.governance_report to mandate_app`;
  assert.equal(broken.status, 500);
  assert.equal(await countOf('governance.proposed'), 0);
  const { items } = (await door.call('GET', '/api/governance/proposals')).json ?? {};
  assert.deepEqual(items, []);
});

test('of cycles at once one writes the report and proposes, and the others answer with it', async () => {
  clock.advance(2_000);
  const paths = [RUN, '/api/governance/run-cycle', RUN, RUN].map((path) => `${path}?set=roastery`);
  const answers = await Promise.all(paths.map((path) => door.call('POST', path)));
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  assert.deepEqual(statuses, [200, 200, 200, 201]);
  const [first, ...others] = answers.map(reportIn);
  assert.ok(first !== undefined);
  for (const other of others) assert.deepEqual(other, first);
  assert.deepEqual(first.decision, { kind: 'propose', target: 'L3+' });
  const { items } = (await door.call('GET', '/api/v1/governance/proposals?set=roastery')).json ?? {};
  assert.ok(Array.isArray(items) && items.length === 1);
  const [proposal] = items as { id: string; requestedBy: string; details: Record<string, unknown> }[];
  assert.equal(proposal?.id, first.proposal?.id);
  assert.equal(proposal?.requestedBy, 'mandate:cycle');
  assert.deepEqual(proposal?.details['rollbackPlan'], first.proposal?.rollbackPlan);
  assert.equal(first.proposal?.risk.level, 'high', 'nobody has seen these commands run');
  assert.deepEqual(
    [await countOf('governance.proposed'), await countOf('governance.cycle_completed')],
    [1, 2],
  );

  const { sha256, ...report } = first;
  assert.equal(createHash('sha256').update(canonicalJson(report)).digest('hex'), sha256);
  const mandate = createMandate({ url: door.url, apiKey: door.adminKey });
  assert.equal((await mandate.reports.latest('roastery')).id, first.id);
  assert.equal((await mandate.reports.runCycle('roastery')).sha256, sha256);
  const markdown = await mandate.reports.render(first.id, 'markdown');
  assert.match(markdown, /^# Governance report 2026-W47: roastery/);

  const line = await openCommandLine();
  t.after(() => line.close());
  const env = { MANDATE_URL: door.url, MANDATE_API_KEY: door.adminKey };
  const [shown, ran] = await Promise.all([
    line.run(['governance', 'report', '--set', 'roastery'], env),
    line.run(['governance', 'run-cycle', '--set', 'roastery'], env),
  ]);
  assert.deepEqual([shown.code, shown.stdout.trim()], [0, markdown.trim()], shown.stderr);
  assert.equal(ran.stdout.trim(), `2026-W47: L3+ is proposed (${first.proposal?.id})`, ran.stderr);
  assert.match(ran.stderr, /Nothing was looked at now: 2026-W47 has had its report since /);
});

test('the audit root is the tree over the journal as it is: who keeps the report can check it', async () => {
  const { audit } = reportIn(await door.call('GET', '/api/v1/governance/reports/latest?set=roastery'));
  const rows = await database.admin<
    {
      position: number;
      kind: string;
      agent: string | null;
      act_id: string | null;
      actor: string;
      at: number;
      trace_id: string | null;
      data: string;
    }[]
  >`select position, kind, agent, act_id, actor, at, trace_id, data from mandate.journal
    where position between ${audit.firstPosition} and ${audit.lastPosition} order by position`;
  const sha = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
  const tree = (leaves: readonly Buffer[]): Buffer => {
    const [only] = leaves;
    if (only === undefined || leaves.length === 1) return only ?? sha('');
    const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
    return sha(Buffer.concat([Buffer.of(1), tree(leaves.slice(0, split)), tree(leaves.slice(split))]));
  };
  const leaves = rows.map((row) => {
    const header = {
      actId: row.act_id,
      actor: row.actor,
      agent: row.agent,
      at: new Date(row.at).toISOString(),
      dataSha256: sha(row.data).toString('hex'),
      kind: row.kind,
      position: row.position,
      tenant: 'default',
      traceId: row.trace_id,
    };
    return sha(Buffer.concat([Buffer.of(0), Buffer.from(canonicalJson(header))]));
  });
  assert.ok(leaves.length > 1);
  assert.deepEqual([audit.entries, audit.root], [leaves.length, tree(leaves).toString('hex')]);
  await assert.rejects(
    database.admin`update mandate.governance_report set content = '{}'`,
    /a report is written once: update refused/,
  );
  await assert.rejects(database.admin`delete from mandate.governance_report`, /delete refused/);
});

test('a report is told by mail with what matters, and its page opens with a key and runs nothing', async () => {
  const { id, sha256 } = reportIn(await door.call('GET', '/api/v1/governance/reports/latest?set=roastery'));
  const mail = await until('the mail has come', () => {
    clock.advance(100);
    return mails.find((raw) => raw.includes('Subject: Mandate: roastery 2026-W47: L3+ proposed'));
  });
  assert.match(mail, /L3\+ is proposed for roastery, which is at L3\. Readiness 10 of 10 points\./);
  assert.ok(mail.includes(`/reports/${id}`) && mail.includes(sha256));
  const page = await door.call('GET', `/reports/${id}`);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'; style-src 'sha256-/);
  const byForm = await door.call('GET', `/api/governance/reports/${id}?format=html`);
  assert.equal(byForm.text, page.text);
  const markdown = await door.call('GET', `/api/governance/reports/${id}`, {
    headers: { accept: 'text/markdown' },
  });
  assert.equal(markdown.headers.get('content-type'), 'text/markdown; charset=utf-8');
  const agent = await door.makeKey({ roles: ['agent'], agents: ['roaster-1'] });
  for (const path of [`/reports/${id}`, `/api/v1/governance/reports/${id}`])
    assert.equal((await door.call('GET', path, { key: agent.text })).status, 403);
  assert.equal((await door.call('POST', `${RUN}?set=shop`, { key: agent.text })).status, 403);
});

/** What a browser without a key gets; with `key`, what the form of the page gets. */
function browse(path: string, key?: string): Promise<Answered> {
  if (key === undefined) return door.call('GET', path, { key: null });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return door.call('POST', path, { key: null, raw: new URLSearchParams({ key }).toString(), headers });
}

test('the links of a mail open just what it is about in a browser, and without one a page that takes a key', async () => {
  const opened = await door.call('POST', '/api/v1/incidents', {
    body: { severity: 'critical', title: 'Drum too hot', cause: 'the probe hung', set: 'shop' },
  });
  assert.equal(opened.status, 201, opened.text);
  const incident = (JSON.parse(opened.text) as { readonly id: string }).id;
  const mail = await until('the incident is told', () => {
    clock.advance(100);
    return mails.find((raw) => raw.includes(incident));
  });
  assert.match(mail, /Subject: Mandate: Critical incident: Drum too hot: the probe hung/);
  assert.match(mail, /Severity critical .* governed set shop .* incident/);
  assert.match(mail, /Next: mandate incident show .* mandate incident resolve/);

  const report = reportIn(await door.call('GET', '/api/v1/governance/reports/latest?set=roastery')).id;
  const linkIn = (kind: string, id: string): string => {
    const found = mails.flatMap((raw) => raw.match(new RegExp(`/${kind}s/${id}[?]t=(3D)?[\\w.-]+`)) ?? []);
    return (found[0] ?? assert.fail(`no mail leads to ${kind} ${id}`)).replace('t=3D', 't=');
  };
  const asked = mails.find((raw) => raw.includes('asks people to decide')) ?? assert.fail('no proposal told');
  assert.match(asked, /mandate:cycle asks people to decide: Raise roastery from L3 to L3\+/);
  assert.match(asked, /step, adds: /, 'and what it would bring');
  const links = [linkIn('incident', incident), linkIn('report', report)];
  const agent = await door.makeKey({ roles: ['agent'], agents: ['roaster-1'] });
  for (const [link, says] of [
    [links[0] ?? '', /Drum too hot[\s\S]*the probe hung/],
    [links[1] ?? '', /L3\+ is proposed/],
  ] as const) {
    const [path = ''] = link.split('?');
    const page = await browse(link);
    assert.equal(page.status, 200, page.text);
    assert.match(page.text, says);
    assert.match(page.headers.get('content-security-policy') ?? '', /form-action 'none'/);
    const nobody = await browse(path);
    assert.equal(nobody.status, 401);
    assert.match(nobody.text, /<form method="post"[\s\S]*name="key" type="password"/);
    assert.doesNotMatch(nobody.text, says);
    assert.match((await browse(path, door.adminKey)).text, says);
    assert.equal((await browse(path, 'mdt_nothing')).status, 401);
    assert.equal((await browse(path, agent.text)).status, 403);
    assert.equal((await browse(link.slice(0, -2))).status, 403, 'changed on its way');
  }
  const [, token = ''] = (links[0] ?? '').split('?');
  assert.equal((await browse(`/reports/${report}?${token}`)).status, 403, 'of something else');
});

test('the next one comes by itself on Friday at five where the set is, also when nobody looked at that time', async () => {
  clock.jumpTo(NEXT_FRIDAY + 1_800_000);
  const report = await until('the schedule has run it', async () => {
    clock.advance(5_000);
    const latest = reportIn(await door.call('GET', '/api/v1/governance/reports/latest?set=roastery'));
    return latest.week === '2026-W48' && latest;
  });
  assert.deepEqual([report.createdBy, report.period.end], ['schedule', '2026-11-27T16:00:00.000Z']);
  assert.deepEqual(reasonsOf(report), ['proposal_pending'], 'and it proposes nothing twice');
  const state = (await door.call('GET', '/api/governance/state?set=roastery')).json;
  assert.deepEqual(state?.['cycle'], {
    last: { report: report.id, week: '2026-W48', at: report.createdAt, decision: 'stay' },
    next: '2026-12-04T16:00:00.000Z',
  });
  const again = await door.call('POST', `${RUN}?set=roastery`);
  assert.deepEqual([again.status, again.json?.['id']], [200, report.id]);
  const before = reportIn(await door.call('GET', '/api/governance/reports/latest?set=roastery'));
  const { items } = (await door.call('GET', '/api/governance/reports?set=roastery&limit=1')).json ?? {};
  assert.ok(Array.isArray(items) && items.length === 1);
  assert.equal((items[0] as { id: string }).id, before.id);
  assert.ok(
    (report.audit.firstPosition ?? Infinity) <= (before.audit.lastPosition ?? 0) + 1,
    'no entry in between',
  );
});

test('a report that comes early leaves no day out of the next, and one from a clock that ran ahead stops none', async () => {
  const runAt = async (atMs: number): Promise<readonly [number, Shown]> => {
    clock.jumpTo(atMs);
    const answer = await door.call('POST', `${RUN}?set=roastery`);
    return [answer.status, reportIn(answer)];
  };
  const day = (date: string): number => Date.parse(`${date}T12:00:00Z`);
  const [, early] = await runAt(day('2026-11-30'));
  assert.deepEqual(early.period, { start: '2026-11-23T12:00:00.000Z', end: '2026-11-30T12:00:00.000Z' });
  const [, next] = await runAt(day('2026-12-11'));
  assert.deepEqual([next.week, next.period.start], ['2026-W50', early.period.end]);
  // Eleven days are held against the eleven before.
  assert.deepEqual(next.previous.period, {
    start: '2026-11-19T12:00:00.000Z',
    end: '2026-11-30T11:59:59.999Z',
  });
  // The clock is set right, and all of these turn out to be of the future.
  const [status, back] = await runAt(START - 14 * 86_400_000);
  assert.deepEqual([status, back.week, back.period.start], [201, '2026-W45', '2026-10-30T17:00:00.000Z']);
  const broken = door.errors().filter((line) => !line.includes('governance_report'));
  assert.deepEqual(broken, [], 'nobody is woken but by what the test broke');
});
