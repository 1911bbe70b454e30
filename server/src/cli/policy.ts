// Reading and changing the law. Each command has a file of its own; here is only their order in the help.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { registerPolicyCheck } from './policy-check.ts';
import { registerPolicyExplain } from './policy-explain.ts';
import { registerPolicyShadow } from './policy-shadow.ts';
import { registerPolicySimulate } from './policy-simulate.ts';
import { registerPolicySuggest } from './policy-suggest.ts';
import { registerPolicyTest } from './policy-test.ts';
import { registerPolicyVersions } from './policy-versions.ts';

/** Adds one command, or several, to `mandate policy`. */
export type RegisterPolicy = (policy: Command, cli: Cli) => void;

const POLICY_COMMANDS: readonly RegisterPolicy[] = [
  registerPolicyCheck,
  registerPolicyExplain,
  registerPolicyTest,
  registerPolicyVersions,
  registerPolicySimulate,
  registerPolicySuggest,
  registerPolicyShadow,
];

export function registerPolicy(program: Command, cli: Cli): void {
  const policy = program
    .command('policy')
    .helpGroup(GROUPS.law)
    .description('check and test a charter; explain what it says; go back to one of before');
  for (const register of POLICY_COMMANDS) register(policy, cli);
}
