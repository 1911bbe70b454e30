// One look at what an agent sent, shared by every guardrail and by the exceptions of the rules: walking parameters and
// bringing paths to their plain form is most of what a decision costs.
import type { ActionSetting } from '../action-setting.ts';
import type { Action } from '../action.ts';
import { inside, textLeaves } from './leaves.ts';
import type { Place, TextLeaf } from './leaves.ts';
import { namedPaths } from './paths.ts';
import type { NamedPaths } from './paths.ts';
import { readName } from './traits.ts';
import type { TraitsOf } from './traits.ts';

export interface Reading {
  /** Keys and texts of the parameters, in document order. */
  readonly texts: readonly TextLeaf[];
  /** Everything that may hide a secret: the parameters, and what else the agent wrote about the action. */
  readonly searched: readonly TextLeaf[];
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
  const searched = besides(action, texts);
  return { texts, searched, paths: namedPaths(action, setting, traitsOf), hasDiff, hasCommand, traitsOf };
}

function besides({ context, resource, onBehalfOf }: Action, texts: readonly TextLeaf[]): readonly TextLeaf[] {
  const claims = textLeaves(context, CONTEXT);
  if (claims.length === 0 && resource === null && onBehalfOf === null) return texts;
  const all = [...texts, ...claims];
  // A resource and a person are named by words of the caller's own, so the key above says nothing of them.
  const add = (place: Place, text: string): void => {
    all.push({ kind: 'value', text, key: null, place });
  };
  if (resource !== null) {
    add(inside(RESOURCE, 'type'), resource.type);
    add(inside(RESOURCE, 'id'), resource.id);
  }
  if (onBehalfOf !== null) add({ parent: null, token: 'onBehalfOf', depth: 1 }, onBehalfOf);
  return all;
}

const CONTEXT: Place = { parent: null, token: 'context', depth: 1 };
const RESOURCE: Place = { parent: null, token: 'resource', depth: 1 };
