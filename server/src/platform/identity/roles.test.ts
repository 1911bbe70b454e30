import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APPROVER_ROLES as APPROVERS_OF_THE_LAW } from '@mandate/kernel';
import * as fc from 'fast-check';
import {
  approverRolesOf,
  APPROVER_ROLES,
  isPermitted,
  NEVER_FOR_AGENTS,
  type Permission,
  PERMISSIONS,
  type Role,
  ROLES,
} from './roles.ts';

test('an agent may ask, report and read, and nothing that would let it free or judge itself', () => {
  assert.deepEqual([...PERMISSIONS.agent].toSorted(), [
    'actions.cancel',
    'actions.read',
    'actions.report',
    'actions.request',
    'flags.read',
    'grants.read',
    'grants.write',
    'incidents.open',
  ]);
});

test('whatever other roles come with it, an agent is never permitted what agents may never do', () => {
  fc.assert(
    fc.property(fc.subarray([...ROLES]), fc.constantFrom(...NEVER_FOR_AGENTS), (others, permission) => {
      assert.equal(isPermitted({ roles: ['agent', ...others], scopes: null }, permission), false);
    }),
  );
});

test('who may turn the handles that matter', () => {
  const table: readonly (readonly [Permission, readonly Role[]])[] = [
    ['stop', ['operator', 'tech-lead', 'ops-lead', 'product-lead', 'exec-sponsor', 'admin']],
    ['resume', ['operator', 'tech-lead', 'ops-lead', 'admin']],
    ['agents.unfreeze', ['operator', 'tech-lead', 'ops-lead', 'admin']],
    [
      'approvals.decide',
      ['viewer', 'operator', 'tech-lead', 'ops-lead', 'product-lead', 'exec-sponsor', 'admin'],
    ],
    ['flags.write', ['operator', 'admin']],
    ['flags.widen', ['admin']],
    ['charter.write', ['admin']],
    ['keys.write', ['admin']],
    ['actions.request_for_others', ['operator', 'admin']],
    ['actions.confirm', ['operator', 'admin', 'attestor']],
    ['actions.resolve', ['operator', 'admin']],
    ['metrics.read', ['admin', 'scrape']],
  ];
  for (const [permission, expected] of table) {
    const holders = ROLES.filter((role) => isPermitted({ roles: [role], scopes: null }, permission));
    assert.deepEqual(holders, expected, permission);
  }
});

test('scopes of a key narrow its roles and never add to them', () => {
  assert.equal(isPermitted({ roles: ['admin'], scopes: ['actions.*'] }, 'actions.request'), true);
  assert.equal(isPermitted({ roles: ['admin'], scopes: ['actions.*'] }, 'resume'), false);
  assert.equal(isPermitted({ roles: ['viewer'], scopes: ['*'] }, 'resume'), false);
  assert.equal(isPermitted({ roles: ['admin'], scopes: [] }, 'stop'), false);
});

test('a key with scopes votes only where they name it, whatever role it has', () => {
  for (const role of ROLES.filter((each) => PERMISSIONS[each].has('approvals.decide'))) {
    const may = (...scopes: readonly string[]) => isPermitted({ roles: [role], scopes }, 'approvals.decide');
    assert.deepEqual([may('approvals.read'), may('actions.*', 'journal.read')], [false, false], role);
    assert.deepEqual([may('approvals.decide'), may('approvals.*')], [true, true], role);
  }
});

test('admin holds every approver role, an agent none', () => {
  assert.deepEqual(approverRolesOf(['admin']), APPROVER_ROLES);
  assert.deepEqual(approverRolesOf(['ops-lead', 'viewer']), ['ops-lead']);
  assert.deepEqual(approverRolesOf(['agent', 'admin']), []);
});

test('the kernel and the door mean the same approver roles', () => {
  assert.deepEqual(APPROVER_ROLES, APPROVERS_OF_THE_LAW);
});
