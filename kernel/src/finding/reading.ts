// One look at what an agent sent, shared by every guardrail and by the exceptions of the rules: walking parameters and
// bringing paths to their plain form is most of what a decision costs.
import type { Action } from '../action.ts';
import type { ActionSetting } from '../charter.ts';
import { textLeaves } from './leaves.ts';
import type { TextLeaf } from './leaves.ts';
import { namedPaths } from './paths.ts';
import type { NamedPaths } from './paths.ts';
import { readName } from './traits.ts';
import type { TraitsOf } from './traits.ts';

export interface Reading {
  /** Keys and texts of the parameters, in document order. */
  readonly texts: readonly TextLeaf[];
  readonly paths: NamedPaths;
  /** Whether any key at all names a diff, or a command; where none does, nothing need be searched for one. */
  readonly hasDiff: boolean;
  readonly hasCommand: boolean;
  readonly traitsOf: TraitsOf;
}

/** Reads an action. `traitsOf` comes from a caller that decides often and remembers names. */
export function readAction(
  action: Action,
  setting: ActionSetting | null,
  traitsOf: TraitsOf = readName,
): Reading {
  const texts = textLeaves(action.parameters);
  let hasDiff = setting !== null && setting.diff !== null;
  let hasCommand = false;
  for (const { kind, text } of texts) {
    if (kind === 'value') continue;
    const traits = traitsOf(text);
    hasDiff ||= traits.isDiff;
    hasCommand ||= traits.isCommand;
  }
  return { texts, paths: namedPaths(action, setting, traitsOf), hasDiff, hasCommand, traitsOf };
}
