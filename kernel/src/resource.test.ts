// Where the charter says which parameter is the resource, what an agent says it touches helps it to nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ResourceSetting } from './action-setting.ts';
import type { Action, JsonObject, Resource } from './action.ts';
import type { Charter } from './charter.ts';
import { decide } from './decide.ts';
import type { Effect } from './decision.ts';
import { explainRules } from './explain.ts';
import {
  actionOf,
  approvalOf,
  charterOf,
  exceptionOf,
  lawOf,
  restrictionOf,
  ruleOf,
  settingOfAction,
  snapshotOf,
} from './fixtures.test.ts';
import { compileLaw } from './law-compile.ts';
import type { Law } from './law.ts';
import { withResource } from './resource.ts';
import { matchRule } from './rule.ts';
import { compareTiers } from './tier.ts';

const UPDATE = 'portal.update';
const RESOURCES = { portal: ['tms', 'crm'], site: [] };
const RULES = [
  ruleOf('green', 'portal.*', {
    except: [exceptionOf({ when: "has(resource.id) && resource.id == 'crm'" })],
  }),
  ruleOf('green', 'free.*'),
];
const OFF = restrictionOf('flag', { id: 'off', scope: 'resource:portal/tms' });

function readingFrom(from: string, more: Partial<Charter> = {}): Law {
  const actions = [settingOfAction('portal.*', { resource: { type: 'portal', from } })];
  return lawOf(RULES, { actions, resources: RESOURCES, ...more });
}

const law = readingFrom('portal');

function portal(id: string): Resource {
  return { type: 'portal', id };
}

function read(parameters: JsonObject, from = 'portal'): string | null {
  return withResource(readingFrom(from), actionOf(UPDATE, { parameters })).resource?.id ?? null;
}

test('the resource is read by the name of the parameter or by its place, as paths and diffs are', () => {
  assert.equal(read({ portal: 'tms' }), 'tms');
  for (const from of ['target.portal', 'target/portal', '/target/portal'])
    assert.equal(read({ target: { portal: 'tms' } }, from), 'tms', from);
  assert.equal(read({ targets: ['x', 'tms'] }, 'targets.1'), 'tms');
  // One of the same name further down may be something else: taking it would be milder than taking none.
  assert.equal(read({ target: { portal: 'tms' } }), null);
});

test('a parameter that is missing or cannot be told names no resource', () => {
  const none: readonly JsonObject[] = [
    {},
    { portal: null },
    { portal: 7 },
    { portal: ['tms'] },
    { portal: { id: 'tms' } },
    { portal: '' },
    { portal: ' ' },
    { portal: 'a\u0000b' },
    { portal: 'a\u202eb' },
    { portal: 'a\ud800' },
    { portal: 'x'.repeat(257) },
  ];
  for (const parameters of none) assert.equal(read(parameters), null, JSON.stringify(parameters));
  assert.equal(read(Object.create({ portal: 'tms' }) as JsonObject), null);
  for (const from of ['__proto__', 'constructor.name', 'portal.length'])
    assert.equal(read({ portal: 'tms' }, from), null, from);
});

test('what is spelt nearly like a name of the charter may be that one, so it names none', () => {
  for (const spelt of ['TMS', ' tms', 'tms\u00a0', '%74ms', 'ｔms', 'tm\u0455'])
    assert.equal(read({ portal: spelt }), null, spelt);
  for (const other of ['tms2', 'edi', 'tms/sub']) assert.equal(read({ portal: other }), other);
  // Names that look alike and are both of the charter are told apart.
  const alike = readingFrom('portal', { resources: { portal: ['l1', 'll'] } });
  for (const id of ['l1', 'll']) {
    const seen = withResource(alike, actionOf(UPDATE, { parameters: { portal: id } }));
    assert.deepEqual(seen.resource, portal(id));
  }
});

test('a flag that is off holds what touches its resource, whatever is claimed, and what does not say', () => {
  const snapshot = snapshotOf(law, { restrictions: [OFF] });
  const held = (parameters: JsonObject, resource: Resource | null) => {
    const { effect, causes, trace } = decide(actionOf(UPDATE, { parameters, resource }), snapshot);
    return { effect, causes, trace: trace.find(({ part }) => part === 'restriction')?.text ?? '' };
  };
  for (const resource of [null, portal('tms')]) {
    const named = held({ portal: 'tms' }, resource);
    assert.deepEqual([named.effect, named.causes], ['hold', ['restriction:off']]);
    assert.match(named.trace, /^It touches portal\/tms, as the parameter `portal` says\. Restricted by/);
  }
  for (const resource of [null, portal('edi'), portal('tms')]) {
    const silent = held({}, resource);
    assert.deepEqual([silent.effect, silent.causes], ['hold', ['restriction:off']]);
    assert.match(silent.trace, /names no portal.*say what it touches in the parameter `portal`/);
  }
  assert.equal(held({ portal: 'edi' }, null).effect, 'execute');
});

test('a claim that contradicts the parameters is denied, and neither approval nor audit changes that', () => {
  const contradicting = actionOf(UPDATE, { parameters: { portal: 'tms' }, resource: portal('edi') });
  for (const enforcement of ['enforce', 'audit'] as const) {
    const decided = decide(
      contradicting,
      snapshotOf(readingFrom('portal', { enforcement }), { approval: approvalOf(['restriction:off']) }),
    );
    assert.deepEqual([decided.tier, decided.effect, decided.code], ['red', 'deny', 'denied']);
    assert.match(
      decided.reasons.join(' '),
      /touches portal\/edi, but its parameter `portal`.*says portal\/tms/,
    );
  }
  const secret = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
  const leaking = decide(
    actionOf(UPDATE, { parameters: { portal: 'tms' }, resource: portal(secret) }),
    snapshotOf(law),
  );
  assert.ok(!JSON.stringify(leaking).includes(secret));
});

test('rules, their exceptions and their explanation look at the resource of the parameters', () => {
  const said = actionOf(UPDATE, { parameters: { portal: 'crm' }, resource: portal('edi') });
  const facts = { ...snapshotOf(law), findings: [] };
  assert.equal(matchRule(law, said, facts).tier, 'red');
  assert.match(explainRules(law, said, facts)[0]?.why ?? '', /Its exception applies/);
});

test('the word of Mandate itself gives way to the parameters instead of contradicting them', () => {
  const undoing = actionOf(UPDATE, { parameters: { portal: 'tms' }, resource: portal('edi') });
  assert.equal(withResource(law, undoing, 'claimed'), undoing);
  assert.deepEqual(withResource(law, undoing, 'recorded').resource, portal('tms'));
});

test('where the charter reads no resource, an action stays the object that it was', () => {
  const free = actionOf('free.run', { resource: portal('tms') });
  assert.equal(withResource(law, free), free);
  const agreeing = actionOf(UPDATE, { parameters: { portal: 'tms' }, resource: portal('tms') });
  assert.equal(withResource(law, agreeing), agreeing);
});

test('a resource of a type that nobody has declared, or from no parameter, is a mistake of the charter', () => {
  const problemsOf = (resource: ResourceSetting): string => {
    const actions = [settingOfAction('a', { resource })];
    const result = compileLaw(charterOf([], { actions, resources: { ...RESOURCES, 'a/b': [] } }), 'v1');
    return result.kind === 'law' ? '' : result.problems.map(({ message }) => message).join('\n');
  };
  assert.equal(problemsOf({ type: 'site', from: 'site' }), '');
  assert.match(
    problemsOf({ type: 'protal', from: 'portal' }),
    /no resources of the type `protal` \(did you mean 'portal'\?\)/,
  );
  assert.match(problemsOf({ type: 'a/b', from: 'portal' }), /without \/ and \./);
  assert.match(problemsOf({ type: 'constructor', from: 'portal' }), /add it under resources/);
  for (const from of ['', '.', '//']) assert.match(problemsOf({ type: 'portal', from }), /is no parameter/);
});

const REACH: Readonly<Record<Effect, number>> = { none: 0, execute: 0, hold: 1, throttle: 2, deny: 3 };
const ids = fc.constantFrom('tms', 'crm', 'edi', 'TMS', ' tms', '');
const claims: fc.Arbitrary<Resource | null> = fc.option(
  fc.record({
    type: fc.constantFrom('portal', 'site', 'path', 'branch'),
    id: fc.oneof(ids, fc.constant('.env')),
  }),
);
const asked: fc.Arbitrary<Action> = fc
  .record({
    parameters: fc.oneof(
      fc.record({ portal: fc.oneof(ids, fc.integer(), fc.array(ids)) }),
      fc.constant({}),
      fc.record({ target: fc.record({ portal: ids }) }),
    ),
    name: fc.constantFrom(UPDATE, 'portal.push', 'portal.delete_branch'),
  })
  .map(({ parameters, name }) => actionOf(name, { parameters }));
const standing = fc.array(
  fc
    .record({
      kind: fc.constantFrom('stop', 'freeze', 'flag'),
      scope: fc.constantFrom(
        'resource:portal/tms',
        'resource:portal/crm',
        'resource:site/tms',
        'agent:other',
      ),
    })
    .map(({ kind, scope }) => restrictionOf(kind, { id: `${kind}-${scope}`, scope })),
  { maxLength: 3 },
);

test('where the charter reads the resource, no claim of one makes a decision milder than silence', () => {
  // I4
  const laws = fc.constantFrom(
    law,
    readingFrom('target.portal'),
    readingFrom('portal', { enforcement: 'audit' }),
  );
  fc.assert(
    fc.property(laws, asked, claims, standing, (which, action, resource, restrictions) => {
      const snapshot = snapshotOf(which, { restrictions });
      const silent = decide(action, snapshot);
      const claiming = decide({ ...action, resource }, snapshot);
      assert.ok(compareTiers(claiming.tier, silent.tier) >= 0, `${silent.tier} became ${claiming.tier}`);
      assert.ok(REACH[claiming.effect] >= REACH[silent.effect], `${silent.effect} became ${claiming.effect}`);
      // What the road decides about, records and starts is what was judged.
      const seen = withResource(which, { ...action, resource });
      assert.deepEqual(decide(seen, snapshot), claiming);
    }),
    { numRuns: 1_000 },
  );
});
