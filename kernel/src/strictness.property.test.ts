// What is stricter only ever adds causes: otherwise an approval that people gave for the milder reasons would let run
// what has just become worse (I4, I6).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Action } from './action.ts';
import { missingSince } from './approval.ts';
import { decide } from './decide.ts';
import type { Decision, Effect } from './decision.ts';
import type { Facts } from './facts.ts';
import { snapshotOf } from './fixtures.test.ts';
import { compareTiers } from './tier.ts';
import type { World } from './worlds.test.ts';
import { anyWorld, foundIn, givenFor, soundWorld, tightenings } from './worlds.test.ts';

// How far an effect is from letting the act run.
const RUNS = 1500;
const REACH: Readonly<Record<Effect, number>> = { none: 0, execute: 0, hold: 1, throttle: 2, deny: 3 };

/** Decides twice, first as it is and then more strictly; once with nothing given and once with what people may have given. */
interface Pair {
  readonly plain: readonly [milder: Decision, stricter: Decision];
  readonly given: readonly [milder: Decision, stricter: Decision];
}

type Case = readonly [action: Action, facts: Partial<Facts>];

function pairs(worlds: fc.Arbitrary<readonly [World, Case, Case]>): fc.Arbitrary<Pair> {
  return worlds.chain(([{ law }, milder, stricter]) => {
    const both = (more: Partial<Facts>): Pair['plain'] => [
      decide(milder[0], snapshotOf(law, { ...milder[1], ...more })),
      decide(stricter[0], snapshotOf(law, { ...stricter[1], ...more })),
    ];
    const plain = both({});
    return givenFor(plain).map((more) => ({ plain, given: both(more) }));
  });
}

function assertStricter({ plain, given }: Pair): void {
  for (const [milder, stricter] of [plain, given]) {
    assert.ok(compareTiers(stricter.tier, milder.tier) >= 0, `${milder.tier} became ${stricter.tier}`);
    assert.ok(
      REACH[stricter.effect] >= REACH[milder.effect],
      `${milder.effect} (${milder.causes.join(', ')}) became ${stricter.effect} (${stricter.causes.join(', ')})`,
    );
  }
  const [milder, stricter] = plain;
  // A refusal needs no causes, and what audit lets pass has its own.
  if (milder.code !== stricter.code || milder.effect === 'deny') return;
  for (const cause of milder.causes) assert.ok(stricter.causes.includes(cause), `${cause} is gone`);
}

// I4, I6
test('nothing that an agent says of itself removes a cause, an approver or four eyes, lowers a quorum or lets more run', () => {
  const cases = anyWorld.map((world): readonly [World, Case, Case] => {
    const { action, said, facts } = world;
    return [world, [action, foundIn({}, facts)], [{ ...action, ...said }, facts]];
  });
  fc.assert(
    fc.property(pairs(cases), (pair) => {
      assertStricter(pair);
      const [silent, claimed] = pair.plain;
      for (const owed of silent.obligations)
        assert.ok(claimed.tier !== silent.tier || claimed.obligations.includes(owed), owed);
      if (silent.approval === null || claimed.approval === null) return;
      assert.equal(missingSince(claimed.approval, silent.approval), null);
    }),
    { numRuns: RUNS },
  );
});

// I4, I6
test('a stricter fact never turns hold into execute, whatever people have given, and takes no cause away', () => {
  const cases = fc.tuple(soundWorld, tightenings).map(([world, { apply }]): readonly [World, Case, Case] => {
    const action = { ...world.action, ...world.said };
    return [world, [action, world.facts], [action, apply(world.facts)]];
  });
  fc.assert(fc.property(pairs(cases), assertStricter), { numRuns: RUNS });
});
