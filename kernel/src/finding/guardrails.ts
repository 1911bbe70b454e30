// Guardrail settings made ready once for each charter: compiling seven globs and folding four branches takes longer
// than deciding with them.
import { createMemo } from '../pattern.ts';
import { foldBranches, meaningOfName } from './branches.ts';
import type { NameMeaning } from './branches.ts';
import { parseWindow } from './deployment.ts';
import type { DeploymentWindow } from './deployment.ts';
import { compileGlobs } from './glob.ts';
import type { CompiledGlob } from './glob.ts';
import type { GuardrailSettings } from './guardrail-settings.ts';
import { rememberNames } from './traits.ts';
import type { TraitsOf } from './traits.ts';

/** Compiled settings with a memory of names, which is dropped together with the charter. Not plain data. */
export interface Guardrails {
  readonly settings: GuardrailSettings;
  readonly paths: readonly CompiledGlob[];
  readonly branches: readonly (string | null)[];
  /** A text says why the window cannot be read, and then no deployment is safe. */
  readonly window: DeploymentWindow | string | null;
  readonly traitsOf: TraitsOf;
  readonly meaningOf: (action: string) => NameMeaning;
}

const MAX_ACTIONS = 4096;

/** Compiles settings as they stand; `compileLaw` reports what is wrong with them. */
export function compileGuardrails(settings: GuardrailSettings): Guardrails {
  const { deploymentWindow } = settings;
  return {
    settings,
    paths: compileGlobs(settings.protectedPaths),
    branches: foldBranches(settings.protectedBranches),
    window: deploymentWindow === null ? null : parseWindow(deploymentWindow),
    traitsOf: rememberNames(),
    meaningOf: createMemo(MAX_ACTIONS, meaningOfName),
  };
}
