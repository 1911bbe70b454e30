// Breakers and objectives through the real door: what a rule may be changed to and what is refused, with its place; who may;
// what a charter may write; and that people hear of it at once.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createMandate } from '@mandate/sdk';
import { wholeFile } from '../../../../test/closing.ts';
import { openDoor } from '../../../../test/door.ts';
import type { Door } from '../../../../test/door.ts';
import { until } from '../../../../test/until.ts';

const SLO = `    - apiVersion: openslo/v1
      kind: SLO
      metadata: { name: roast-time, annotations: { mandate.dev/response: throttle } }
      spec:
        service: roastery
        indicator:
          spec: { thresholdMetric: { metricSource: { type: Mandate, spec: { actions: roaster.* } } } }
        timeWindow: [{ duration: 30d, isRolling: true }]
        budgetingMethod: Occurrences
        objectives: [{ target: 0.99, op: lte, value: 60000 }]
`;
const CHARTER = `version: 1
phases:
  roastery: { prefix: roaster., ladder: [{ name: Open, adds: ['*'] }] }
  shop: { prefix: shop., ladder: [{ name: Open, adds: ['*'] }] }
monitors:
  breakers:
    Any Failure: { condition: commands.failed > 0, window: 1h, action: alert_only, alertSeverity: alert, sets: roastery }
  slos:
${SLO}tiers:
  green: { actions: ['*'] }
`;

let door: Door;
const heard: string[] = [];
const file = wholeFile();
before(async () => {
  door = await openDoor(file, { charter: CHARTER });
  door.app.registerChannel('phone', ({ text }) => Promise.resolve(void heard.push(text)));
});

type Listed = Readonly<Record<string, unknown>>;

async function list(path: string): Promise<readonly Listed[]> {
  const { status, text } = await door.call('GET', path);
  assert.equal(status, 200, text);
  return JSON.parse(text) as readonly Listed[];
}

const patch = (name: string, body: unknown, key?: string) =>
  door.call('PATCH', `/api/circuit-breaker/rules/${encodeURIComponent(name)}?set=shop`, {
    body,
    ...(key === undefined ? {} : { key }),
  });

test('rules are listed, changed and created, and nothing that would guard nothing is taken', async () => {
  // given the rules that ship, in a set for which the charter writes none
  const rules = await list('/api/v1/circuit-breaker/rules?set=shop');
  assert.deepEqual(
    rules.map(({ name, enabled, condition, window, action, alertSeverity }) => [
      name,
      enabled,
      condition,
      window,
      action,
      alertSeverity,
    ]),
    [
      ['Critical Incident', true, 'incidents.critical > 0', '1m', 'revert_to_l3', 'critical'],
      ['High Error Rate', true, 'errorRate > 0.05', '5m', 'revert_to_l3', 'critical'],
      ['High Rollback Rate', true, 'rollbackRate > 0.1', '15m', 'alert_only', 'warning'],
      ['Repeated Command Failures', true, 'commandType.failures >= 3', '5m', 'pause_command_type', 'alert'],
    ],
  );
  assert.deepEqual(
    (await list('/api/circuit-breaker/rules/enabled?set=roastery')).map(({ name }) => name),
    ['Any Failure'],
  );

  // when it is changed wrongly, then it stays as it was and the place is told
  const wrong: readonly (readonly [string, unknown, string, number | null])[] = [
    ['High Error Rate', { condition: 'errorRat > 0.05' }, '/condition', 1],
    ['High Error Rate', { condition: '1 > 0 &&\n  commands.fail > 1' }, '/condition', 3],
    ['High Error Rate', { condition: 'errorRate' }, '/condition', 1],
    ['High Error Rate', { action: 'pause_command_type' }, '/condition', 1],
    ['High Error Rate', { window: '0m' }, '/window', null],
    ['High Error Rate', { window: '99y' }, '/window', null],
    ['High Error Rate', { action: 'explode' }, '/action', null],
    ['High Error Rate', { alertSeverity: 'loud' }, '/alertSeverity', null],
    ['High Error Rate', { minSamples: 0 }, '/minSamples', null],
    ['High Error Rate', { minSamples: '20' }, '/minSamples', null],
    ['Brand New', { condition: 'errorRate > 0.5' }, '/window', null],
    ['x'.repeat(101), { enabled: false }, '/name', null],
  ];
  for (const [name, body, pointer, column] of wrong) {
    const { status, json, text } = await patch(name, body);
    assert.equal(status, 422, text);
    const errors = json?.['errors'] as readonly { pointer: string; column?: number }[] | undefined;
    const error = errors?.[0];
    assert.deepEqual([error?.pointer, error?.column ?? null], [pointer, column], text);
  }
  for (const body of [{}, { reason: 'nothing' }, { sets: [] }])
    assert.equal((await patch('High Error Rate', body)).status, 422, JSON.stringify(body));
  assert.deepEqual(await list('/api/v1/circuit-breaker/rules?set=shop'), rules);

  // when it is changed rightly, through the SDK as well
  const off = await patch('High Error Rate', { enabled: false, reason: 'a rehearsal' });
  assert.deepEqual(
    [off.status, off.json?.['enabled'], off.json?.['condition']],
    [200, false, 'errorRate > 0.05'],
  );
  const mandate = createMandate({ url: door.url, apiKey: door.adminKey });
  const made = await mandate.breakers.setRule(
    'Brand New',
    { condition: 'incidents.total > 2', window: '1h', action: 'alert_only' },
    'shop',
  );
  assert.deepEqual([made.enabled, made.alertSeverity, made.problem], [true, 'warning', null]);
  const enabled = (await mandate.breakers.rules('shop')).filter((rule) => rule.enabled);
  assert.deepEqual(
    enabled.map(({ name }) => name),
    ['Brand New', 'Critical Incident', 'High Rollback Rate', 'Repeated Command Failures'],
  );

  // then nobody else may, and every change is in the journal
  const { text: operator } = await door.makeKey({ roles: ['operator'] });
  assert.equal((await patch('High Error Rate', { enabled: false }, operator)).status, 403);
  await until('both changes in the journal', async () => {
    const { json } = await door.call('GET', '/api/v1/audit/entries?kind=breaker.rule_changed');
    const items: unknown = json?.['items'];
    return Array.isArray(items) && items.length === 2;
  });
});

test('a set is named where there are several, and what does not exist is said so', async () => {
  const cases: readonly (readonly [string, string, number, RegExp])[] = [
    ['GET', 'events', 422, /roastery, shop/],
    ['GET', 'rules?set=mill', 404, /no governed set mill; there is roastery, shop/],
    ['GET', 'events?set=shop&limit=0', 422, /limit/],
    ['GET', 'events?set=shop&page=2', 422, /page/],
    ['POST', 'events/0/resolve', 404, /0 is no id/],
    ['POST', 'events/00000000-0000-4000-8000-000000000000/resolve', 404, /no breaker event/],
  ];
  for (const [method, path, status, says] of cases) {
    const answer = await door.call(
      method,
      `/api/v1/circuit-breaker/${path}`,
      method === 'POST' ? { body: { reason: 'looked at' } } : {},
    );
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, says);
  }
  assert.deepEqual(await list('/api/v1/circuit-breaker/events?set=shop&limit=5'), []);
  assert.deepEqual(await list('/api/circuit-breaker/events/unresolved?set=shop'), []);
});

test('a failure trips a rule of the charter, and people hear of it once and at once, with the act and its trace', async () => {
  const fail = async (action: string): Promise<string> => {
    const asked = await door.call('POST', '/api/v1/actions', { body: { agent: 'worker-1', action } });
    const id = String(asked.json?.['id']);
    const outcome = { permit: asked.json?.['permit'], status: 'failed', error: 'the sensor lies' };
    await door.call('POST', `/api/v1/actions/${id}/outcome`, { body: outcome });
    return id;
  };
  const id = await fail('roaster.SET_POWER');
  const [event] = await until('the event', async () => {
    const events = await list('/api/v1/circuit-breaker/events?set=roastery');
    return events.length > 0 && events;
  });
  assert.deepEqual(
    [event?.['ruleName'], event?.['actId'], event?.['agent'], event?.['resolved']],
    ['Any Failure', id, 'worker-1', false],
  );
  const told = await until('somebody is told', () => heard.find((text) => text.includes('Any Failure')));
  assert.match(told, /commands\.failed > 0 over 1h; commands\.failed 1/);
  assert.ok(told.includes(String(event?.['traceId'])) && told.includes(`/acts/${id}?t=`), told);
  assert.equal(heard.filter((text) => text.includes('Any Failure')).length, 1);

  const resolve = () =>
    door.call('POST', `/api/circuit-breaker/events/${String(event?.['id'])}/resolve`, {
      body: { reason: 'sensor replaced' },
    });
  assert.equal((await resolve()).json?.['reason'], 'sensor replaced');
  const again = await resolve();
  assert.equal(again.status, 409, again.text);
  assert.match(again.text, /resolved it already: sensor replaced/);

  const [slo] = await list('/api/v1/slos?set=roastery');
  assert.deepEqual(
    [slo?.['name'], slo?.['target'], slo?.['good'], slo?.['total'], slo?.['status'], slo?.['throttled']],
    ['roast-time', 0.99, 0, 1, 'exhausted', false],
  );

  // when the charter no longer names the set, then what is open of it is still shown and may still be resolved
  await fail('roaster.SET_FAN');
  const [left] = await until('another event', async () => {
    const events = await list('/api/v1/circuit-breaker/events/unresolved?set=roastery');
    return events.length > 0 && events;
  });
  const text = CHARTER.replace('sets: roastery', 'sets: shop').replace('  roastery: {', '  roasting: {');
  const put = await door.call('PUT', '/api/v1/charter', { body: { text } });
  assert.equal(put.status, 200, put.text);
  assert.match(
    (await door.call('GET', '/api/v1/circuit-breaker/events/unresolved')).text,
    /which with set: roasting, shop\. Of sets that it no longer names something is unresolved: roastery\./,
  );
  assert.match(
    (await door.call('GET', '/metrics', { key: null })).text,
    /circuit_breaker_events_unresolved\{set="roastery"\} 1/,
  );
  for (const path of ['events', 'events/unresolved'])
    assert.ok(
      (await list(`/api/v1/circuit-breaker/${path}?set=roastery`)).some(({ id }) => id === left?.['id']),
      path,
    );
  assert.equal(
    (
      await door.call('POST', `/api/circuit-breaker/events/${String(left?.['id'])}/resolve`, {
        body: { reason: 'the set is called something else now' },
      })
    ).status,
    200,
  );
  assert.deepEqual(door.errors(), []);
});

test('a charter is told where a breaker or an objective would watch nothing', async () => {
  const set = 'phases: { a: { prefix: a., ladder: [{ name: L3 }] } }\n';
  const breaker = (it: string): string => `version: 1\n${set}monitors: { breakers: { B: ${it} } }\n`;
  const slo = (from: string, to: string): string =>
    `version: 1\n${set}monitors:\n  slos:\n${SLO.replace(from, to)}`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      breaker('{ condition: errorRat > 1, window: 5m, action: alert_only }'),
      /:3:41 monitors\.breakers\.B\.condition: .*did you mean 'errorRate'/,
    ],
    [
      breaker('{ condition: errorRate > 1, window: 0m, action: alert_only }'),
      /breakers\.B\.window: `0m` is too short/i,
    ],
    [
      breaker('{ condition: errorRate > 1, window: 5m, action: pause_command_type }'),
      /which one should be paused/,
    ],
    [breaker('{ condition: errorRate > 1, window: 5m, action: alert_only, sets: [b] }'), /no governed set b/],
    [breaker('{ condition: errorRate > 1, window: 5m, action: stop }'), /revert_to_l3/],
    [
      'version: 1\nmonitors: { breakers: { B: { condition: errorRate > 1, window: 5m, action: alert_only } } }\n',
      /this charter has none/,
    ],
    [slo('target: 0.99', 'target: 1'), /no error budget/],
    [slo('target: 0.99', 'target: 0.5'), /no burn rate could ever be reached/],
    [slo('duration: 30d', 'duration: 1h'), /1d to 90d/],
    [slo(', op: lte, value: 60000', ''), /needs op and value/],
    [slo('isRolling: true', 'isRolling: false'), /Only rolling windows/],
    [slo('type: Mandate', 'type: Prometheus'), /counted over the acts of Mandate/],
    [slo('Occurrences', 'Timeslices'), /budgetingMethod: Occurrences/],
    [slo('kind: SLO', 'kind: Service'), /only kind: SLO/],
  ];
  for (const [charter, says] of cases) {
    const { text } = await door.call('POST', '/api/v1/charter/check', { body: { text: charter } });
    assert.match(text, says, charter);
  }
  const fine = `version: 1\n${set}monitors:\n  slos:\n${SLO}`;
  const { text } = await door.call('POST', '/api/v1/charter/check', { body: { text: fine } });
  assert.match(text, /"ok":true/);
});
