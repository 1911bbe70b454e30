// Whose runs somebody may steer. A run acts as its agents, so whoever has it done again or undone must be allowed to name
// all of them: otherwise a key for one agent would do with another what its own name does not let it ask for.
import type { Plan } from '@mandate/kernel';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Carried } from './carried.ts';
import type { LockedStep } from './run-lock.ts';

/** What keeps the asker from steering it, as a sentence; null where nothing does. */
export function overreach(
  asker: Pick<Asker, 'id' | 'agents'>,
  of: {
    readonly plan: Plan | null;
    readonly carried: Carried;
    readonly steps: readonly LockedStep[];
    readonly agentsByRole: ReadonlyMap<string, string | null>;
  },
): string | null {
  const { agents } = asker;
  if (agents === 'any') return null;
  const lent = of.carried.asker.agents;
  // Whoever started it could ask for nothing else either.
  if (lent !== 'any' && lent.every((agent) => agents.includes(agent))) return null;
  const named = agentsOf(of);
  const beyond =
    named === null ? ['agents that are known only later'] : named.filter((one) => !agents.includes(one));
  if (beyond.length === 0) return null;
  return `This run acts as ${beyond.join(', ')}, and ${asker.id} speaks for ${agents.join(', ') || 'no agent'} only. Let somebody do it who speaks for all agents of the run.`;
}

/** The agents of a run, as far as it has named them and will; null where that cannot be known beforehand. */
function agentsOf({
  plan,
  carried,
  steps,
  agentsByRole,
}: Parameters<typeof overreach>[1]): readonly string[] | null {
  if (plan === null) return null;
  const found = new Set(Object.values(carried.agents));
  for (const step of steps) {
    if (step.agent !== null) found.add(step.agent);
    else if (step.status === 'offered' && step.why !== null) found.add(step.why);
  }
  for (const { setting } of plan.steps) {
    if (setting.does.kind !== 'action') continue;
    const { agent, role } = setting.does;
    const name = agent ?? carried.agents[role ?? ''] ?? agentsByRole.get(role ?? '') ?? null;
    if (name === null || name.includes('${{')) return null;
    found.add(name);
  }
  return [...found].toSorted();
}

/** Roles that the template names and the run itself gives to nobody. */
export function openRoles(plan: Plan | null, carried: Carried): readonly string[] {
  return [
    ...new Set(
      (plan?.steps ?? []).flatMap(({ setting: { does } }) =>
        does.kind === 'action' && does.role !== null && !Object.hasOwn(carried.agents, does.role)
          ? [does.role]
          : [],
      ),
    ),
  ];
}
