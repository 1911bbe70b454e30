// Whether a charter on trial holds anything may be said beside it, because people switch it over at run time and a
// file that says `audit` must not switch it back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideWith, findingOf, restrictionOf, ruleOf } from './fixtures.test.ts';

test('an override of enforcement counts instead of the charter, both ways', () => {
  const codeUnder = (charter: 'enforce' | 'audit', override: 'enforce' | 'audit' | null): string =>
    decideWith({
      rules: [ruleOf('red', '*')],
      charter: { enforcement: charter },
      facts: { enforcement: override, findings: [findingOf('critical', 'x')] },
    }).code;
  assert.equal(codeUnder('audit', null), 'audited');
  assert.equal(codeUnder('audit', 'enforce'), 'approval_required');
  assert.equal(codeUnder('enforce', 'audit'), 'audited');
  assert.equal(codeUnder('enforce', null), 'approval_required');
});

test('an override reaches phases, and never what audit does not relax', () => {
  const held = decideWith({
    charter: { enforcement: 'audit' },
    facts: { enforcement: 'enforce', restrictions: [restrictionOf('phase')] },
  });
  assert.equal(held.code, 'approval_required');
  const black = decideWith({ rules: [ruleOf('black', '*')], facts: { enforcement: 'audit' } });
  assert.equal(black.code, 'denied');
});

test('a rule keeps the enforcement of its own under an override', () => {
  const own = ruleOf('red', '*', { enforcement: 'audit' });
  assert.equal(decideWith({ rules: [own], facts: { enforcement: 'enforce' } }).code, 'audited');
});

test('an override that nobody knows enforces', () => {
  const decision = decideWith({
    rules: [ruleOf('red', '*')],
    charter: { enforcement: 'audit' },
    facts: { enforcement: 'lenient' as 'audit' },
  });
  assert.equal(decision.code, 'approval_required');
});
