// Whom four eyes keep from approving, as far as the row says it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApprovalRow } from './store.ts';
import { personalRefusal } from './unfit.ts';

type Asked = Partial<Pick<ApprovalRow, 'requester' | 'requester_user' | 'editors' | 'four_eyes' | 'subject'>>;

function refused(asked: Asked, voter: string): string {
  const row = {
    subject: 'action',
    quorum: 1,
    four_eyes: true,
    requester: 'agent:builder-1',
    requester_user: null,
    editors: [],
    ...asked,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it looks at nothing else
  return personalRefusal(row as unknown as ApprovalRow, voter)?.detail ?? '';
}

test('nobody who asked for it, wrote it or has it done in their name approves it', () => {
  assert.match(refused({ requester: 'user:ada' }, 'user:ada'), /asked for this/);
  assert.match(refused({ requester_user: 'ada' }, 'user:ada'), /on whose authority/);
  assert.match(refused({ requester: 'schedule:nightly', editors: ['user:ada'] }, 'user:ada'), /wrote/);
  assert.equal(
    refused({ requester: 'user:ada', requester_user: 'ben', editors: ['user:cy'] }, 'user:dee'),
    '',
  );
});

// I6
test('a key that names nobody does not approve what somebody asked for: it could be a second one of theirs', () => {
  const asked: readonly Asked[] = [
    { requester: 'key:one' },
    { requester: 'user:ada' },
    { requester: 'somebody-new:x' },
    { requester_user: 'ada' },
    { requester: 'schedule:nightly', editors: ['key:one'] },
    { requester: 'key:one', subject: 'charter' },
    { requester: 'key:one', subject: 'unfreeze' },
  ];
  for (const one of asked) {
    assert.match(refused(one, 'key:two'), /names no person.*mandate key create --user/, JSON.stringify(one));
    assert.equal(refused(one, 'user:ben'), '');
    assert.equal(refused({ ...one, four_eyes: false }, 'key:two'), '', 'only where four eyes are asked for');
  }
});

test('the first key of an installation approves what only machines asked for', () => {
  const machines = ['agent:builder-1', 'schedule:nightly', 'mandate:tools', 'drill:a', 'case:a'];
  for (const requester of machines) assert.equal(refused({ requester }, 'key:admin'), '', requester);
});
