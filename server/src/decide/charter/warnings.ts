// What is sound and yet not what its author believes: a part that nothing uses, and a key that this version keeps
// without acting on it. Whoever writes one must hear of it, because a charter is read as a promise (I5).
import type { Charter } from '@mandate/kernel';
import { warnOfUnreadResources } from './action-resource-data.ts';
import { renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { Merged } from './merged.ts';
import { warnOfForeignSlos } from './monitors-data.ts';
import { warnOfSharedSets } from './phases-data.ts';
import { warnOfRules } from './rule-warnings.ts';
import type { WrittenAction } from './schema.ts';

const NO_EFFECT = 'is kept for a later version and has no effect yet';

/** Actions may carry these; nothing reads them. */
const IDLE_FIELDS = ['amounts'] as const satisfies readonly (keyof WrittenAction)[];

/** What is allowed but looks unintended. `carried` are the roles that keys can carry. */
export function findWarnings(
  merged: Merged,
  charter: Charter,
  carried: readonly string[],
): readonly CharterError[] {
  return [
    ...unusedExecutors(merged, charter),
    ...idleFields(merged),
    ...warnOfUnreadResources(merged),
    ...idleRoles(merged, charter, carried),
    ...warnOfRules(merged, charter),
    ...warnOfSharedSets(merged, charter.phases ?? []),
    ...warnOfForeignSlos(merged, charter),
  ];
}

function unusedExecutors(merged: Merged, charter: Charter): readonly CharterError[] {
  const used = new Set(charter.actions.map((action) => action.executor));
  // An MCP server is also reached through the gateway by its name, without any action naming it.
  return Object.entries(charter.executors)
    .filter(([name, { kind }]) => !used.has(name) && kind !== 'mcp' && kind !== 'mcpHttp')
    .map(([name]) =>
      warningAt(
        merged,
        ['executors', name],
        `No action uses the executor ${name}. Name it under actions, or remove it.`,
      ),
    );
}

function idleFields({ actions }: Merged): readonly CharterError[] {
  return actions.flatMap(({ setting, placeOf }) =>
    IDLE_FIELDS.filter((field) => setting[field] !== undefined).map((field) => {
      const { place, path } = placeOf(field);
      return { ...place, pointer: renderPath(path), message: `${field} ${NO_EFFECT}.` };
    }),
  );
}

/** A role of one's own counts for rules that select it, through the charter's users; as an approver nobody has it. */
function idleRoles(merged: Merged, charter: Charter, carried: readonly string[]): readonly CharterError[] {
  const held = new Set(Object.values(charter.users).flatMap((user) => user.roles));
  const approving = new Set(charter.rules.flatMap((rule) => rule.approvers));
  return (charter.roles ?? []).flatMap((role, index) => {
    const standsIn = charter.approvals?.standIns.some((each) => each.for === role) ?? false;
    if (carried.includes(role) || standsIn || (held.has(role) && !approving.has(role))) return [];
    const message = approving.has(role)
      ? `No key can carry the role ${role} yet, so only admin can approve for it.`
      : `The role ${role} ${NO_EFFECT}: no key can carry it, and no user of this charter has it.`;
    return [warningAt(merged, ['roles', index], message)];
  });
}

function warningAt(merged: Merged, path: Path, message: string): CharterError {
  return { ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message };
}
