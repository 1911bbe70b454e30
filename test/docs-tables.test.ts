// Tables of the documentation against the code that they describe: whatever is added to the code and not to its page,
// or the other way round, fails here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compileCondition,
  DEFAULT_TRUST,
  formatType,
  moveTrust,
  newTrust,
  parseScope,
  RULE_ROOTS,
} from '@mandate/kernel';
import type { Severity } from '@mandate/kernel';
import { executorProblems, readExecutor } from '../server/src/decide/charter/executor.ts';
import type { WrittenExecutor } from '../server/src/decide/charter/executor-schema.ts';
import { charterJsonSchema } from '../server/src/decide/charter/json-schema.ts';
import { durationMs } from '../server/src/decide/charter/units.ts';
import { FLAG_DEFAULTS } from '../server/src/decide/restrictions/flags.ts';
import { EXIT } from '../server/src/cli/exit.ts';
import { SETTINGS } from '../server/src/platform/config/settings.ts';
import { duties } from '../server/src/platform/postgres/roles.ts';
import { readPages } from './docs/page.ts';
import type { Table } from './docs/page.ts';
import { readRoutes } from './docs/routes.ts';
import { readSource, unionOf, wordsIn } from './docs/source.ts';
import { renderTable, wholeTables } from './docs/tables.ts';

const pages = readPages();
const tables = new Map(pages.flatMap((page) => page.tables).map((table) => [table.name, table]));

function tableOf(name: string): Table {
  const table = tables.get(name);
  assert.ok(table !== undefined, `No page has a table marked <!-- table: ${name} -->`);
  return table;
}

/** The code marks of a column, flattened: `a`, `b` in one cell are two. */
function wordsOf(name: string, column = 0): readonly string[] {
  return tableOf(name).rows.flatMap((row) =>
    [...(row[column] ?? '').matchAll(/`([^`]+)`/g)].map(([, word = '']) => word),
  );
}

function assertWords(name: string, expected: Iterable<string>): void {
  assert.deepEqual(wordsOf(name).toSorted(), [...expected].toSorted(), tableOf(name).at);
}

test('settings, problems, permissions and routes stand in the documentation as the code has them', async () => {
  for (const [name, cells] of Object.entries(await wholeTables())) {
    const { at, header, rows } = tableOf(name);
    const expected = renderTable(cells);
    assert.equal(
      renderTable([header, ...rows]),
      expected,
      `${at}: run node --conditions=mandate-source test/docs/tables.ts`,
    );
  }
});

test('every status, kind and level that the code knows is explained', () => {
  assertWords('statuses', unionOf('server/src/act/actions/act.ts', 'ActStatus'));
  assertWords('approval-statuses', unionOf('kernel/src/approval.ts', 'ApprovalStatus'));
  assertWords('restriction-kinds', unionOf('kernel/src/restriction.ts', 'RestrictionKind'));
  assertWords('levels', unionOf('server/src/decide/restrictions/stop.ts', 'StopLevel'));
  assertWords('findings', wordsIn('kernel/src/{finding.ts,finding/*.ts}', /check: '([a-z_]+)'/g));
  assertWords('log-levels', SETTINGS.logLevel.allowed.replace('one of ', '').split(', '));
  assertWords('database-roles', ['mandate_owner', ...duties.map((duty) => `mandate_${duty}`)]);
});

test('every kind of scope has an example that can be read', () => {
  const kinds = wordsOf('scopes').map((scope) => {
    const parsed = parseScope(scope);
    assert.equal(parsed.kind, 'scope', scope);
    return parsed.kind === 'scope' ? parsed.scope.kind : '';
  });
  assert.deepEqual(
    kinds.toSorted(),
    wordsIn('kernel/src/restriction.ts', /^ {2}\| \{ readonly kind: '(\w+)'(?:;| \})/gm).filter(
      (kind) => kind !== 'scope' && kind !== 'problem',
    ),
  );
});

test('flags and their defaults are those that a new tenant gets', () => {
  const documented = tableOf('flags').rows.map((row) => row.slice(0, 2).join(' '));
  assert.deepEqual(
    documented,
    Object.entries(FLAG_DEFAULTS).map(([key, value]) => `\`${key}\` \`${String(value)}\``),
  );
});

test('grants that a page names can be given, and no others', async () => {
  const route = (await readRoutes()).find(
    ({ method, path }) => method === 'POST' && path === '/api/v1/grants',
  );
  const body = { to: 'a', actions: ['b'], purpose: 'c', expiresAt: '2030-01-01T00:00:00Z' };
  const accepted = unionOf('kernel/src/grant.ts', 'GrantKind').filter(
    (kind) => route?.body?.safeParse({ ...body, kind }).success,
  );
  assertWords('grant-kinds', accepted);
});

test('every kind of journal entry that is written is listed', () => {
  const literal = wordsIn(
    'server/src/**/*.ts',
    /(?:kind: |entry\(|fact\()'((?:action|approval|trust|agent|stop|flag|grant|charter|key|policy|notification|workflow|readiness|governance|breaker|drill)\.[a-z_]+)'/g,
  );
  const composed = [
    ...wordsIn(
      'server/src/act/actions/actions.ts',
      /(?:success|confirmed|failed|cancelled|unknown): '([a-z]+)'/g,
    ).map((word) => `action.${word}`),
    ...['approved', 'denied'].map((word) => `approval.${word}`),
    ...['held', 'denied', 'recorded', 'started', 'permitted'].map((word) => `action.${word}`),
    ...['begun', 'succeeded', 'failed', 'skipped', 'put_off', 'offered'].map(
      (word) => `workflow.step_${word}`,
    ),
    ...['started', 'succeeded', 'failed', 'cancelled', 'paused', 'resumed', 'cancelling'].map(
      (word) => `workflow.${word}`,
    ),
    'workflow.retried',
    ...['opened', 'updated', 'resolved'].map((word) => `incident.${word}`),
    ...wordsIn('server/src/decide/tools/tools.ts', /'(tool\.[a-z_]+)'/g),
  ];
  assertWords('journal-kinds', new Set([...literal, ...composed]));
});

test('the figures of trust are the shipped ones', () => {
  const levels = tableOf('trust-levels').rows.map(([level = '', from = '']) => [
    level.replaceAll('`', ''),
    Number(from),
  ]);
  assert.deepEqual(levels, [['probation', 0], ...Object.entries(DEFAULT_TRUST.levels)]);
  const points = tableOf('trust-points').rows.map(([severity = '', success, failure]) => [
    severity.replaceAll('`', ''),
    success,
    failure,
  ]);
  const severities: readonly Severity[] = ['low', 'medium', 'high', 'critical'];
  assert.deepEqual(
    points,
    severities.map((name) => [name, `+${DEFAULT_TRUST.success[name]}`, `−${DEFAULT_TRUST.failure[name]}`]),
  );
});

test('the example of how trust moves is what the law makes of it', () => {
  let state = newTrust(DEFAULT_TRUST, 0);
  for (const [outcome = '', before, after] of tableOf('trust-example').rows) {
    assert.equal(String(state.score), before, outcome);
    const kind = outcome.endsWith('success') ? 'success' : 'failure';
    state = moveTrust(state, { kind, severity: 'medium', counts: true, nowMs: 0 }, DEFAULT_TRUST).state;
    assert.equal(String(state.score), after, outcome);
  }
});

test('every kind of executor takes exactly the keys that are listed for it, and its default timeout', () => {
  const url = 'https://a.example';
  const mains: Readonly<Record<string, WrittenExecutor>> = {
    '`command`': { command: ['true'] },
    '`http`': { http: url },
    '`mcp` (command)': { mcp: ['true'] },
    '`mcp` (URL)': { mcp: url },
  };
  const values: WrittenExecutor = {
    cwd: '.',
    env: {},
    method: 'POST',
    secret: 's',
    allowPrivate: true,
    timeout: '1s',
  };
  const { rows } = tableOf('executor-keys');
  assert.deepEqual(
    rows.map(([kind]) => kind),
    Object.keys(mains),
  );
  for (const [kind = '', keys = '', timeout = ''] of rows) {
    const main = mains[kind] ?? {};
    assert.equal(timeoutOf(main), durationMs(timeout), kind);
    for (const [key, value] of Object.entries(values)) {
      assert.equal(
        executorProblems({ ...main, [key]: value }).length === 0,
        keys.includes(`\`${key}\``),
        `${kind} ${key}`,
      );
    }
  }
});

function timeoutOf(written: WrittenExecutor): number {
  return readExecutor(written).timeoutMs;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

const schema = JSON.parse(charterJsonSchema()) as JsonSchema;

function keysOf(part: JsonSchema | boolean | undefined): readonly string[] {
  if (typeof part !== 'object') return [];
  const own = Object.entries(part.properties ?? {}).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
  return [
    ...own,
    ...keysOf(part.additionalProperties),
    ...keysOf(part.items),
    ...(part.anyOf ?? []).flatMap(keysOf),
  ];
}

test('every section and every key of a charter is documented, and each section by its name', () => {
  assertWords('sections', Object.keys(schema.properties ?? {}));
  const action = schema.properties?.['actions']?.additionalProperties;
  assertWords('action-keys', typeof action === 'object' ? Object.keys(action.properties ?? {}) : []);
  const all = pages.map(({ text }) => text).join('\n');
  assert.deepEqual(
    [...new Set(keysOf(schema))].filter((key) => !new RegExp(`\\b${key}\\b`).test(all)),
    [],
  );
});

test('the names that conditions start from are those of the language, with their types', () => {
  const documented = tableOf('roots').rows.map(([name, type]) => `${name} ${type}`);
  assert.deepEqual(
    documented,
    Object.entries(RULE_ROOTS).map(([name, type]) => `\`${name}\` ${formatType(type)}`),
  );
});

test('every example of a condition gives what the page says', () => {
  for (const [source = '', parameters = '', gives] of tableOf('conditions').rows) {
    const compiled = compileCondition(source.replace(/^`(.*)`$/, '$1'), RULE_ROOTS);
    assert.equal(compiled.kind, 'compiled', source);
    if (compiled.kind !== 'compiled') continue;
    const bindings = {
      parameters: JSON.parse(parameters.replaceAll('`', '')),
      context: {},
      agent: { id: 'a', class: null },
      user: {},
      resource: {},
      findings: [],
      now: 0,
    };
    const result = compiled.condition.evaluate(bindings);
    assert.equal(result.kind === 'value' ? String(result.value) : 'error', gives, source);
  }
});

test('every metric that is served is listed', () => {
  const namesIn = (prefix: string, ...files: readonly string[]): readonly string[] => {
    const source = files.map(readSource).join('\n');
    return [
      ...source.matchAll(/name: `\$\{prefix\}_(\w+)`/g),
      ...source.matchAll(/(?:gauge|counter)\(\s*'(\w+)'/g),
    ].map(([, name = '']) => `${prefix}_${name}`);
  };
  const metrics = 'server/src/prove/metrics';
  assertWords(
    'metrics',
    namesIn(
      'mandate',
      `${metrics}/metrics.ts`,
      `${metrics}/product-metrics.ts`,
      'server/src/act/notifications/metrics.ts',
    ),
  );
  assertWords('governance-metrics', [
    ...namesIn('mandate_governance', `${metrics}/governance-metrics.ts`),
    ...namesIn('mandate_slo', `${metrics}/slo-metrics.ts`),
  ]);
});

test('every exit code of the command line is explained', () => {
  assert.deepEqual(
    tableOf('exit-codes').rows.map(([code]) => Number(code)),
    Object.values(EXIT),
  );
});
