// What each role may do, as one table that a person can check line by line. Whether a *rule* lets an action run
// is the law's business; this table only says who may turn which handle of the control plane.
import { anyPatternCovers } from '@mandate/kernel';

export type Permission =
  | 'actions.request'
  | 'actions.request_for_others'
  | 'actions.read'
  | 'actions.report'
  | 'actions.confirm'
  | 'actions.resolve'
  | 'actions.cancel'
  | 'actions.rollback'
  | 'approvals.read'
  | 'approvals.decide'
  | 'grants.read'
  | 'grants.write'
  | 'grants.revoke_others'
  | 'consents.write'
  | 'agents.read'
  | 'agents.freeze'
  | 'agents.unfreeze'
  | 'flags.read'
  | 'flags.write'
  | 'flags.widen'
  | 'restrictions.read'
  | 'restrictions.write'
  | 'stop'
  | 'resume'
  | 'charter.read'
  | 'charter.write'
  | 'journal.read'
  | 'journal.export'
  | 'stats.read'
  | 'notifications.read'
  | 'notifications.write'
  | 'workflows.read'
  | 'workflows.write'
  | 'governance.read'
  | 'governance.write'
  | 'governance.fall'
  | 'governance.decide'
  | 'incidents.open'
  | 'incidents.resolve'
  | 'breakers.write'
  | 'keys.read'
  | 'keys.write'
  | 'metrics.read';

export type Role = 'viewer' | 'operator' | ApproverRole | 'admin' | MachineRole;
export type ApproverRole = 'tech-lead' | 'ops-lead' | 'product-lead' | 'exec-sponsor';
export type MachineRole = 'agent' | 'scrape' | 'attestor';

export const APPROVER_ROLES: readonly ApproverRole[] = [
  'tech-lead',
  'ops-lead',
  'product-lead',
  'exec-sponsor',
];
const MACHINE_ROLES: readonly MachineRole[] = ['agent', 'scrape', 'attestor'];
export const ROLES: readonly Role[] = ['viewer', 'operator', ...APPROVER_ROLES, 'admin', ...MACHINE_ROLES];

const VIEW: readonly Permission[] = [
  'actions.read',
  'approvals.read',
  'grants.read',
  'agents.read',
  'flags.read',
  'restrictions.read',
  'charter.read',
  'journal.read',
  'stats.read',
  'notifications.read',
  'workflows.read',
  'governance.read',
];

/** Making things stricter, or ending what runs: everybody who is responsible for agents may, at once. */
const TIGHTEN: readonly Permission[] = [
  'stop',
  'agents.freeze',
  'restrictions.write',
  'actions.cancel',
  'incidents.open',
  'governance.fall',
];

const OPERATE: readonly Permission[] = [
  ...VIEW,
  ...TIGHTEN,
  'actions.request',
  'actions.request_for_others',
  'actions.report',
  'actions.confirm',
  'actions.resolve',
  'actions.rollback',
  'grants.write',
  'grants.revoke_others',
  'consents.write',
  'flags.write',
  'notifications.write',
  'workflows.write',
  'governance.write',
  'incidents.resolve',
];

const APPROVE: readonly Permission[] = [
  ...VIEW,
  ...TIGHTEN,
  'approvals.decide',
  'governance.decide',
  'grants.write',
  'consents.write',
  'grants.revoke_others',
];

const ADMINISTER: readonly Permission[] = [
  ...OPERATE,
  ...APPROVE,
  'agents.unfreeze',
  'resume',
  'flags.widen',
  'charter.write',
  'journal.export',
  'breakers.write',
  'keys.read',
  'keys.write',
  'metrics.read',
];

/** The table. `flags.write` lets an operator tighten; widening takes `flags.widen`. */
export const PERMISSIONS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  // A vote may be handed in by everybody who may see what it is about: whether it counts is for roles, for stand-ins
  // whom the charter names, and for whose turn it is.
  viewer: new Set([...VIEW, 'approvals.decide']),
  operator: new Set([...OPERATE, 'agents.unfreeze', 'resume', 'approvals.decide']),
  'tech-lead': new Set([...APPROVE, 'agents.unfreeze', 'resume']),
  'ops-lead': new Set([...APPROVE, 'agents.unfreeze', 'resume', 'incidents.resolve']),
  'product-lead': new Set(APPROVE),
  'exec-sponsor': new Set([...APPROVE, 'journal.export']),
  admin: new Set(ADMINISTER),
  agent: new Set([
    'actions.request',
    'actions.read',
    'actions.report',
    'actions.cancel',
    'incidents.open',
    'grants.read',
    'grants.write',
    'flags.read',
  ]),
  scrape: new Set(['metrics.read']),
  attestor: new Set(['actions.read', 'actions.confirm']),
};

/** What nobody may do who also is an agent, whatever else its roles say: agents do not grade, approve or free themselves. */
export const NEVER_FOR_AGENTS: ReadonlySet<Permission> = new Set([
  'actions.request_for_others',
  'actions.confirm',
  'actions.resolve',
  'approvals.decide',
  'governance.write',
  'governance.fall',
  'governance.decide',
  'incidents.resolve',
  'consents.write',
  'agents.unfreeze',
  'resume',
  'flags.write',
  'flags.widen',
  'restrictions.write',
  'notifications.write',
  'charter.write',
  'breakers.write',
  'keys.read',
  'keys.write',
]);

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

/** Who asks, as far as permissions are concerned. */
export interface Holder {
  readonly roles: readonly Role[];
  /** Permission patterns (exact, or with one trailing `*`) that narrow what the roles allow; null leaves them as they are. */
  readonly scopes: readonly string[] | null;
}

/** Whether the roles allow it, the scopes leave it, and it is nothing that an agent may never do. */
export function isPermitted(holder: Holder, permission: Permission): boolean {
  if (holder.roles.includes('agent') && NEVER_FOR_AGENTS.has(permission)) return false;
  if (!holder.roles.some((role) => PERMISSIONS[role].has(permission))) return false;
  return holder.scopes === null || anyPatternCovers(holder.scopes, permission);
}

/** Which approver roles somebody may decide as: admin holds every one, an agent none. */
export function approverRolesOf(roles: readonly Role[]): readonly ApproverRole[] {
  if (roles.includes('agent')) return [];
  return roles.includes('admin') ? APPROVER_ROLES : APPROVER_ROLES.filter((role) => roles.includes(role));
}
