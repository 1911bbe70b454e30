import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '@mandate/kernel';
import { actionOf } from '../../../../test/plain.ts';
import { scopesOf, soughtScopes } from './scopes.ts';

const asked = (more: Partial<Action> = {}): Action => actionOf('mail.send', { agent: 'worker', ...more });

test('an act is remembered of its agent and of every agent whose authority it was, each with the person it works for', () => {
  const user = { id: 'ann', email: null };
  const { parties, runs } = scopesOf(asked({ chain: ['user:ann', 'lead', 'worker'], user }));
  assert.deepEqual(parties, ['["agent","worker","ann"]', '["agent","lead","ann"]']);
  assert.deepEqual(runs, []);
});

test('no name of an agent, a person or a run can spell the scope of another one', () => {
  const of = (more: Partial<Action>): readonly string[] => {
    const { parties, runs } = scopesOf(asked(more));
    return [...parties, ...runs];
  };
  const all = [
    ...of({ agent: 'a', user: { id: 'b', email: null } }),
    ...of({ agent: 'a","b', user: null }),
    ...of({ agent: 'a', run: '["agent","a",""]' }).slice(1),
    ...of({ agent: 'a' }),
  ];
  assert.equal(new Set(all).size, all.length);
});

test('a run adds to what is remembered of an agent that names it, and bounds it for whoever may ask for others', () => {
  const action = asked({ run: 'job-1' });
  assert.equal(soughtScopes(action, ['agent']).parties.length, 1);
  assert.equal(soughtScopes(action, ['agent', 'operator']).parties.length, 1);
  assert.deepEqual(soughtScopes(action, ['operator']), { parties: [], runs: ['["run","job-1"]'] });
  assert.equal(soughtScopes(asked(), ['operator']).parties.length, 1);
});
