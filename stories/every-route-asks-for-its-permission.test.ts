// Who may turn which handle, asked of the running server: every route that it documents, with a key of every role.
// The permission of each route is written down here a second time, so that a route that is opened by mistake is seen.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isPermitted, ROLES } from '../server/src/platform/identity/roles.ts';
import type { Permission, Role } from '../server/src/platform/identity/roles.ts';
import { wholeFile } from '../test/closing.ts';
import type { Door } from '../test/door.ts';
import { openDoor } from '../test/door.ts';

let door: Door;
const file = wholeFile();
before(async () => {
  door = await openDoor(file);
});

const OPEN = 'open';

/** Every documented operation. `open` asks for no key; what is missing here fails the first test. */
const PERMISSION_OF: Readonly<Record<string, Permission | typeof OPEN>> = {
  'POST /api/v1/actions': 'actions.request',
  'GET /api/v1/actions': 'actions.read',
  'GET /api/v1/actions/{id}': 'actions.read',
  'POST /api/v1/actions/{id}/begin': 'actions.request',
  'POST /api/v1/actions/{id}/outcome': 'actions.report',
  'POST /api/v1/actions/{id}/confirm': 'actions.confirm',
  'POST /api/v1/actions/{id}/resolve': 'actions.resolve',
  'POST /api/v1/actions/{id}/cancel': 'actions.cancel',
  'POST /api/v1/actions/{id}/rollback': 'actions.rollback',
  'POST /api/v1/decisions': 'actions.request',
  'GET /api/v1/approvals': 'approvals.read',
  'GET /api/v1/approvals/{id}': 'approvals.read',
  'GET /api/v1/approvals/stats': 'approvals.read',
  'POST /api/v1/approvals/{id}/decision': 'approvals.decide',
  'POST /api/v1/approvals/{id}/edit': 'approvals.decide',
  'POST /api/v1/approvals/bulk': 'approvals.decide',
  'GET /api/v1/agents': 'agents.read',
  'GET /api/v1/agents/{agent}': 'agents.read',
  'GET /api/v1/agents/{agent}/trust': 'agents.read',
  'POST /api/v1/trust/simulate': 'agents.read',
  'POST /api/v1/agents/{agent}/freeze': 'agents.freeze',
  'POST /api/v1/agents/{agent}/unfreeze': 'agents.unfreeze',
  'POST /api/v1/grants': 'grants.write',
  'GET /api/v1/grants': 'grants.read',
  'DELETE /api/v1/grants/{id}': 'grants.write',
  'GET /api/v1/stop': 'restrictions.read',
  'POST /api/v1/stop': 'stop',
  'POST /api/v1/resume': 'resume',
  'GET /api/v1/restrictions': 'restrictions.read',
  'GET /api/v1/governance/state': 'governance.read',
  'POST /api/v1/governance/fall': 'governance.fall',
  'GET /api/v1/governance/proposals': 'governance.read',
  'POST /api/v1/governance/proposals': 'governance.write',
  'GET /api/v1/governance/proposals/{id}': 'governance.read',
  'POST /api/v1/governance/proposals/{id}/approve': 'governance.decide',
  'POST /api/v1/governance/proposals/{id}/reject': 'governance.decide',
  'GET /api/governance/state': 'governance.read',
  'POST /api/governance/fall': 'governance.fall',
  'GET /api/governance/proposals': 'governance.read',
  'POST /api/governance/proposals': 'governance.write',
  'GET /api/governance/proposals/{id}': 'governance.read',
  'POST /api/governance/proposals/{id}/approve': 'governance.decide',
  'POST /api/governance/proposals/{id}/reject': 'governance.decide',
  'GET /api/v1/flags': 'flags.read',
  'GET /api/v1/flags/audit': 'flags.read',
  'PUT /api/v1/flags/{key}': 'flags.write',
  'GET /api/v1/charter': 'charter.read',
  'GET /api/v1/charter/versions': 'charter.read',
  'GET /api/v1/charter/versions/{version}': 'charter.read',
  'GET /api/v1/charter/versions/{version}/diff/{other}': 'charter.read',
  'POST /api/v1/charter/rollback': 'charter.write',
  'POST /api/v1/charter/test': 'charter.read',
  'POST /api/v1/charter/check': 'charter.write',
  'PUT /api/v1/charter': 'charter.write',
  'POST /api/v1/charter/simulate': 'charter.read',
  'POST /api/v1/charter/diff': 'charter.read',
  'POST /api/v1/charter/suggest': 'charter.read',
  'GET /api/v1/charter/shadow': 'charter.read',
  'PUT /api/v1/charter/shadow': 'charter.write',
  'DELETE /api/v1/charter/shadow': 'charter.write',
  'GET /api/v1/charter/enforcement': 'charter.read',
  'PUT /api/v1/charter/enforcement': 'flags.write',
  'POST /api/v1/keys': 'keys.write',
  'GET /api/v1/keys': 'keys.read',
  'DELETE /api/v1/keys/{key}': 'keys.write',
  'GET /api/v1/audit/entries': 'journal.read',
  'GET /api/v1/stats': 'stats.read',
  'GET /api/v1/metrics/current': 'governance.read',
  'GET /api/metrics/current': 'governance.read',
  'GET /api/v1/metrics/latest': 'governance.read',
  'GET /api/metrics/latest': 'governance.read',
  'GET /api/v1/metrics/weekly': 'governance.read',
  'GET /api/metrics/weekly': 'governance.read',
  'GET /api/v1/metrics/command-types': 'governance.read',
  'GET /api/metrics/command-types': 'governance.read',
  'GET /api/v1/metrics/history': 'governance.read',
  'GET /api/metrics/history': 'governance.read',
  'GET /api/v1/readiness/current': 'governance.read',
  'GET /api/readiness/current': 'governance.read',
  'GET /api/v1/readiness/latest': 'governance.read',
  'GET /api/readiness/latest': 'governance.read',
  'GET /api/v1/readiness/score': 'governance.read',
  'GET /api/readiness/score': 'governance.read',
  'GET /api/v1/readiness/history': 'governance.read',
  'GET /api/readiness/history': 'governance.read',
  'GET /api/v1/readiness/attestations': 'governance.read',
  'GET /api/readiness/attestations': 'governance.read',
  'POST /api/v1/readiness/attestations': 'approvals.decide',
  'POST /api/readiness/attestations': 'approvals.decide',
  'POST /api/v1/readiness/attestations/{id}/withdraw': 'approvals.decide',
  'POST /api/readiness/attestations/{id}/withdraw': 'approvals.decide',
  'GET /api/v1/tools': 'charter.read',
  'POST /api/v1/tools/forget': 'charter.write',
  'POST /api/v1/tools/seen': 'actions.request',
  'GET /api/v1/notifications': 'notifications.read',
  'GET /api/v1/notifications/channels': 'notifications.read',
  'GET /api/v1/notifications/dead': 'notifications.read',
  'POST /api/v1/notifications/replay': 'notifications.write',
  'POST /api/v1/notifications/digest': 'notifications.write',
  'POST /api/v1/notifications/test': 'notifications.write',
  'POST /api/v1/workflow-templates': 'workflows.write',
  'GET /api/v1/workflow-templates': 'workflows.read',
  'GET /api/v1/workflow-templates/{name}': 'workflows.read',
  'POST /api/v1/workflows': 'workflows.write',
  'GET /api/v1/workflows': 'workflows.read',
  'GET /api/v1/workflows/{id}': 'workflows.read',
  'GET /api/v1/workflows/{id}/audit': 'journal.read',
  'GET /api/v1/workflows/{id}/events': 'journal.read',
  'POST /api/v1/workflows/{id}/pause': 'workflows.write',
  'POST /api/v1/workflows/{id}/resume': 'workflows.write',
  'POST /api/v1/workflows/{id}/cancel': 'workflows.write',
  'POST /api/v1/workflows/{id}/retry': 'workflows.write',
  'GET /api/v1/workflow-steps': 'actions.read',
  'POST /api/v1/workflows/{id}/take': 'actions.request',
  'GET /api/v1/circuit-breaker/events': 'governance.read',
  'GET /api/v1/circuit-breaker/events/unresolved': 'governance.read',
  'POST /api/v1/circuit-breaker/events/{id}/resolve': 'incidents.resolve',
  'GET /api/v1/circuit-breaker/rules': 'governance.read',
  'GET /api/v1/circuit-breaker/rules/enabled': 'governance.read',
  'PATCH /api/v1/circuit-breaker/rules/{name}': 'breakers.write',
  'GET /api/circuit-breaker/events': 'governance.read',
  'GET /api/circuit-breaker/events/unresolved': 'governance.read',
  'POST /api/circuit-breaker/events/{id}/resolve': 'incidents.resolve',
  'GET /api/circuit-breaker/rules': 'governance.read',
  'GET /api/circuit-breaker/rules/enabled': 'governance.read',
  'PATCH /api/circuit-breaker/rules/{name}': 'breakers.write',
  'GET /api/v1/slos': 'governance.read',
  'POST /api/v1/incidents': 'incidents.open',
  'GET /api/v1/incidents': 'governance.read',
  'GET /api/v1/incidents/{id}': 'governance.read',
  'PATCH /api/v1/incidents/{id}': 'governance.write',
  'POST /api/v1/incidents/{id}/notes': 'governance.write',
  'POST /api/v1/incidents/{id}/resolve': 'incidents.resolve',
  'POST /api/v1/evals': 'governance.write',
  'GET /api/v1/evals': 'governance.read',
  'GET /api/v1/evals/{name}': 'governance.read',
  'POST /api/v1/evals/{name}/run': 'governance.write',
  'GET /api/v1/evals/coverage': 'governance.read',
  'POST /api/v1/governance/drills': 'governance.write',
  'GET /api/v1/governance/drills': 'governance.read',
  'POST /api/governance/drills': 'governance.write',
  'GET /api/governance/drills': 'governance.read',
  'POST /api/v1/governance/run-cycle': 'governance.write',
  'GET /api/v1/governance/reports': 'governance.read',
  'GET /api/v1/governance/reports/latest': 'governance.read',
  'GET /api/v1/governance/reports/{id}': 'governance.read',
  'POST /api/governance/run-cycle': 'governance.write',
  'GET /api/governance/reports': 'governance.read',
  'GET /api/governance/reports/latest': 'governance.read',
  'GET /api/governance/reports/{id}': 'governance.read',
  'GET /api/v1/events': 'journal.read',
  'GET /api/v1/live': 'journal.read',
  'POST /mcp/{upstream}': 'actions.request',
  'GET /mcp/{upstream}': 'actions.request',
  'DELETE /mcp/{upstream}': 'actions.request',
  'GET /metrics': 'metrics.read',
  'GET /health': OPEN,
  'GET /ready': OPEN,
  'GET /openapi.json': OPEN,
};

const NOWHERE = '00000000-0000-4000-8000-000000000000';

/** A request that whoever may make it cannot have an effect with: it fits no schema, or nothing that exists. */
function ask(operation: string, key: string | null) {
  const [method = '', path = ''] = operation.split(' ');
  const real = path.replace('{id}', NOWHERE).replaceAll(/\{[a-z]+\}/g, 'nobody');
  const headers: Record<string, string> = {
    // Neither feed begins with this, so that no stream stays open.
    ...(path.endsWith('/events') || path.startsWith('/api/v1/live') ? { 'last-event-id': 'none' } : {}),
    // From loopback the metrics are open; a proxy is not loopback.
    ...(path === '/metrics' ? { 'x-forwarded-for': '203.0.113.7' } : {}),
  };
  const takesBody = ['POST', 'PUT', 'PATCH'].includes(method);
  return door.call(method, real, { key, headers, ...(takesBody ? { body: { nothing: 'fits' } } : {}) });
}

test('every documented operation is in the table, and the table in the documentation', async () => {
  const document = (await door.call('GET', '/openapi.json', { key: null })).json as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const documented = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(documented.toSorted(), Object.keys(PERMISSION_OF).toSorted());
});

test('without a key no operation answers but the open ones', async () => {
  for (const [operation, permission] of Object.entries(PERMISSION_OF)) {
    const answer = await ask(operation, null);
    if (permission === OPEN) {
      assert.equal(answer.status, 200, operation);
      continue;
    }
    assert.equal(answer.status, 401, operation);
    assert.equal(answer.json?.['code'], 'unauthenticated', operation);
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/, operation);
  }
});

test('a key opens exactly what the table of roles says: every operation, every role', async () => {
  const keys: (readonly [Role, string])[] = [];
  for (const role of ROLES) {
    const agents = role === 'agent' ? ['builder-1'] : [];
    keys.push([role, (await door.makeKey({ roles: [role], agents })).text]);
  }
  const wrong: string[] = [];
  for (const [operation, permission] of Object.entries(PERMISSION_OF)) {
    if (permission === OPEN) continue;
    const answers = await Promise.all(
      keys.map(async ([role, key]) => ({ role, answer: await ask(operation, key) })),
    );
    for (const { role, answer } of answers) {
      const may = isPermitted({ roles: [role], scopes: null }, permission);
      const isForbidden = answer.status === 403 && answer.json?.['code'] === 'forbidden';
      if (may === isForbidden || answer.status >= 500)
        wrong.push(`${operation} as ${role}: ${answer.status} ${answer.text.slice(0, 120)}`);
      if (isForbidden)
        assert.match(String(answer.json?.['detail']), new RegExp(permission.replace('.', '\\.')), operation);
    }
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(door.errors(), []);
});

test('an agent’s key approves, resumes, frees, widens, grades and makes nothing, scopes or not', async () => {
  const never: readonly string[] = [
    'POST /api/v1/approvals/{id}/decision',
    'POST /api/v1/resume',
    'POST /api/v1/agents/{agent}/unfreeze',
    'PUT /api/v1/flags/{key}',
    'PUT /api/v1/charter',
    'POST /api/v1/keys',
    'DELETE /api/v1/keys/{key}',
    'POST /api/v1/actions/{id}/confirm',
    'POST /api/v1/stop',
    'GET /api/v1/audit/entries',
    'GET /api/v1/events',
  ];
  const { text } = await door.makeKey({ roles: ['agent'], agents: ['builder-1'], scopes: ['*'] });
  for (const operation of never) assert.equal((await ask(operation, text)).status, 403, operation);
});

test('the scopes of a key narrow what its role allows', async () => {
  const { text } = await door.makeKey({ roles: ['admin'], agents: 'any', scopes: ['agents.*', 'stop'] });
  assert.equal((await ask('GET /api/v1/agents', text)).status, 200);
  assert.equal((await ask('POST /api/v1/stop', text)).status, 422);
  for (const operation of [
    'POST /api/v1/resume',
    'PUT /api/v1/charter',
    'POST /api/v1/keys',
    'GET /api/v1/stats',
  ]) {
    assert.equal((await ask(operation, text)).status, 403, operation);
  }
});
