import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { adviseOn, collapse } from './advice.ts';
import { draftText } from './draft-text.ts';
import type { Sighting } from './sightings.ts';

const BASE = 'version: 1\nextends: default\n';

const sighting = (action: string, more: Partial<Sighting> = {}): Sighting => ({
  action,
  acts: 1,
  ran: 1,
  approved: 0,
  deniedByPeople: 0,
  wouldHold: new Map([['rule:none', 1]]),
  heldOfRan: 1,
  wouldPass: 0,
  severity: 'medium',
  agents: ['builder-1'],
  agentsLeftOut: 0,
  paths: [],
  pathsLeftOut: 0,
  ruled: null,
  shipped: null,
  ...more,
});

test('whatever agents called things and wherever they wrote, the draft says what it means and nothing else', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(
        fc.oneof(fc.stringMatching(/^[A-Za-z0-9_.:/@+#~=-]{1,20}$/), fc.string({ minLength: 1 })),
        {
          maxLength: 12,
        },
      ),
      fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }),
      fc.constantFrom(BASE, 'version: 1\ntiers:\n', 'version: 1\ntiers: { green: { actions: [] }, red: }\n'),
      (names, words, text) => {
        const options = { relax: false, written: new Set<string>() };
        const advices = names.map((name) =>
          adviseOn(sighting(name, { paths: words, agents: words }), options),
        );
        const rules = collapse(advices, []);
        const kept = advices.filter(({ tier }) => tier === null);
        const read = parse(draftText({ text, rules, kept, header: words })) as Record<string, unknown>;
        assert.equal(read['enforcement'], 'enforce');
        const tiers = (read['tiers'] ?? {}) as Record<string, { actions?: unknown } | null>;
        const green = rules.map(({ match }) => match);
        assert.deepEqual(tiers['green']?.actions ?? [], green);
        assert.equal(rules.flatMap(({ of }) => of).length + kept.length, names.length);
      },
    ),
  );
});

test('a name that no rule could spell gets none, and is told', () => {
  for (const action of ['two words', 'a*', `a.${'b'.repeat(254)}`]) {
    const advice = adviseOn(sighting(action), { relax: true, written: new Set() });
    assert.equal(advice.tier, null);
    assert.match(advice.why.join(' '), /No rule can spell/);
  }
});
