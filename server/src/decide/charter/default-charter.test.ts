// The shipped rules, judged by the kernel itself: this table is the promise of the documentation, not a copy of the
// file.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decide, DEFAULT_GUARDRAILS, DEFAULT_TRUST } from '@mandate/kernel';
import type { JsonObject, Tier } from '@mandate/kernel';
import { actionOf, factsOf } from '../../../../test/plain.ts';
import { readCharterFile, shippedCharters } from './disk.ts';
import { renderError } from './error.ts';
import { charterJsonSchema } from './json-schema.ts';
import { loadCharter } from './load.ts';
import type { LoadedCharter } from './load.ts';

const charters = fileURLToPath(new URL('../../../../charters', import.meta.url));

async function loadDefault(): Promise<LoadedCharter> {
  const result = await loadCharter({
    path: `${charters}/default.yaml`,
    readFile: readCharterFile,
    readShipped: shippedCharters,
  });
  if (result.kind === 'refused') assert.fail(result.problems.map(renderError).join('\n'));
  return result;
}

type Row = readonly [action: string, parameters: JsonObject, tier: Tier];

const table: readonly Row[] = [
  ['git.read_log', {}, 'green'],
  ['test.run_suite', {}, 'green'],
  ['test.generate_unit', {}, 'green'],
  ['code.read', {}, 'green'],
  ['code.analyze', {}, 'green'],
  ['code.review', {}, 'green'],
  ['code.lint', {}, 'green'],
  ['code.readall', {}, 'red'],
  ['code.write', { path: 'src/app.ts' }, 'green'],
  ['code.write', { path: '.env' }, 'red'],
  ['code.write', { path: 'apps/web/.env' }, 'red'],
  ['code.write', { path: 'secrets/db.txt' }, 'red'],
  ['code.write', { path: 'deploy/secrets/db.txt' }, 'red'],
  ['code.write', { path: 'server.key' }, 'red'],
  ['code.write', { path: 'certs/server.pem' }, 'red'],
  ['code.write', { paths: ['src/a.ts', 'x/../.env'] }, 'red'],
  ['docs.write', {}, 'green'],
  ['research.web', {}, 'green'],
  ['analyze.logs', {}, 'green'],
  ['monitor.uptime', {}, 'green'],
  ['git.create_pull_request', {}, 'yellow'],
  ['git.merge', { branch: 'feature/x' }, 'yellow'],
  ['git.merge', { branch: 'feature/x', into: 'develop' }, 'yellow'],
  ['git.merge', { branch: 'main' }, 'red'],
  ['git.merge', { branch: 'master' }, 'red'],
  ['git.merge', { branch: 'feature/x', base: 'refs/heads/main' }, 'red'],
  ['git.merge', { branch: 'feature/x', target: 'Main ' }, 'red'],
  ['git.merge', { branch: ['main'] }, 'red'],
  ['git.merge', {}, 'red'],
  ['deploy.staging', {}, 'yellow'],
  ['scan.security', {}, 'yellow'],
  ['dependency.update', { name: 'zod', type: 'minor' }, 'yellow'],
  ['dependency.update', { name: 'zod', type: 'patch' }, 'yellow'],
  ['dependency.update', { name: 'zod', major: false }, 'yellow'],
  ['dependency.update', { name: 'zod', type: 'major' }, 'red'],
  ['dependency.update', { name: 'zod', major: true }, 'red'],
  ['dependency.update', { name: 'zod', type: 'minor', major: true }, 'red'],
  ['dependency.update', { name: 'zod', type: 'MAJOR' }, 'red'],
  ['dependency.update', { name: 'zod', type: 5, major: 'no' }, 'red'],
  ['dependency.update', { name: 'zod' }, 'red'],
  ['deploy.production', {}, 'red'],
  ['git.force_push', {}, 'red'],
  ['secrets.rotate', {}, 'red'],
  ['infrastructure.modify', {}, 'red'],
  ['secrets.expose', {}, 'black'],
  ['data.exfiltrate', {}, 'black'],
  ['audit.delete', {}, 'black'],
  ['audit.modify', {}, 'black'],
  ['something.nobody_wrote_a_rule_for', {}, 'red'],
];

const DAY_MS = 1_767_225_600_000;

/** A quiet day: a known agent of standard trust, nothing restricted, tests recorded as passed. */
const facts = factsOf({
  nowMs: DAY_MS,
  principal: { id: 'key-1', roles: ['operator'] },
  trust: { score: 50, streak: 0, failuresInRow: 0, gainedToday: 0, gainedDay: 0, movedMs: DAY_MS },
  deployment: { testsPassed: true, openCriticalFindings: 0 },
});

const EFFECTS = { green: 'execute', yellow: 'execute', red: 'hold', black: 'deny' };

test('the shipped rules judge every action as the documentation says, and know no error', async () => {
  const { law } = await loadDefault();
  for (const [action, parameters, tier] of table) {
    const decision = decide(actionOf(action, { parameters }), { ...facts, law });
    const why = `${action} ${JSON.stringify(parameters)}: ${decision.trace.map((entry) => entry.text).join(' ')}`;
    assert.equal(decision.tier, tier, why);
    assert.equal(decision.effect, EFFECTS[tier], why);
    assert.deepEqual(
      decision.causes.filter((cause) => cause.startsWith('error:')),
      [],
      why,
    );
  }
});

test('the shipped charter loads without a warning and with the figures of the kernel', async () => {
  const { charter, warnings } = await loadDefault();
  assert.deepEqual(warnings, []);
  assert.deepEqual(charter.trust, DEFAULT_TRUST);
  assert.deepEqual(charter.guardrails, DEFAULT_GUARDRAILS);
  assert.equal(charter.limits.concurrentAgents, 150);
  assert.equal(charter.notify.digestMs, 1_800_000);
});

test('the JSON Schema that editors use is the schema of the loader', async () => {
  const committed = await readFile(`${charters}/charter.schema.json`, 'utf8');
  const howTo =
    'charter.schema.json is out of date: node --conditions=mandate-source server/src/decide/charter/json-schema.ts > charters/charter.schema.json && npx oxfmt charters';
  // Compared as data: the formatter may lay the file out as it likes.
  assert.deepEqual(JSON.parse(committed), JSON.parse(charterJsonSchema()), howTo);
});
