// What the name of a parameter says about its value. Every guardrail asks this of every key, and agents use the same
// few hundred keys all day, so the answers are worth remembering.
import { createMemo } from '../pattern.ts';
import { suspect } from './assignments.ts';
import type { Suspicion } from './assignments.ts';
import { wordsOf } from './leaves.ts';
import { isCommandName, isDiffName, isPathName } from './parameter-names.ts';
import { findSecrets } from './secrets.ts';
import type { FoundSecret } from './secrets.ts';

export interface NameTraits {
  readonly isPath: boolean;
  readonly isDiff: boolean;
  /** The value is an argument list or a shell line. */
  readonly isCommand: boolean;
  /** What the name makes one suspect of its value; null for most names. */
  readonly suspicion: Suspicion | null;
  /** Secrets that stand in the name itself. */
  readonly secrets: readonly FoundSecret[];
}

export type TraitsOf = (name: string) => NameTraits;

/** Reads one name. */
export function readName(name: string): NameTraits {
  const last = wordsOf(name).at(-1) ?? '';
  return {
    isPath: isPathName(last),
    isDiff: isDiffName(last),
    isCommand: isCommandName(last),
    suspicion: suspect(name),
    secrets: findSecrets(name),
  };
}

const MAX_NAMES = 2048;

/** `readName` with a memory, which belongs to whoever asks for it. */
export function rememberNames(): TraitsOf {
  return createMemo(MAX_NAMES, readName);
}
