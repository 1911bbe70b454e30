// Branches that people rely on must not be rewritten or deleted, however the wish is phrased: by the name of the
// action, by a parameter, or in the argument list of git.
import type { ActionSetting } from '../action-setting.ts';
import type { Action, Json } from '../action.ts';
import { gitEffects, readRefspec } from './git-args.ts';
import type { BranchOperation } from './git-args.ts';
import { isList, textLeaves, wordsOf } from './leaves.ts';
import { matchesWildcard } from './glob.ts';
import { isCommandName } from './parameter-names.ts';
import { lookUp } from './paths.ts';
import { plainText } from './plain-text.ts';

export interface BranchThreat {
  readonly operation: BranchOperation;
  /** As written; null where nobody said which branch, which counts as guarded. */
  readonly branch: string | null;
}

const HOSTS: ReadonlySet<string> = new Set(
  'git github gitlab bitbucket gitea repo repository vcs scm branch branches ref refs'.split(' '),
);
const BRANCH_WORDS: ReadonlySet<string> = new Set('branch branches ref refs refspec refspecs'.split(' '));
const BRANCH_NAMES: ReadonlySet<string> = new Set('target into'.split(' '));
const OTHER_SIDE: ReadonlySet<string> = new Set(
  'base source upstream from onto default parent start'.split(' '),
);
const MEANINGS: ReadonlySet<string> = new Set(
  'operation op mode method type strategy action kind'.split(' '),
);
const HARMLESS_FORCE: ReadonlySet<string> = new Set(
  'checkout switch clean add rm fetch pull clone stash tag worktree submodule'.split(' '),
);
const DELETES: ReadonlySet<string> = new Set('delete remove destroy'.split(' '));
const AROUND_BRANCH: ReadonlySet<string> = new Set('remote local head push on after merge'.split(' '));
const PREFIX = /^(?:refs\/heads\/|heads\/|refs\/remotes\/[^/]+\/|remotes\/[^/]+\/|orlgln\/|upstream\/)/;

/** What the name of an action says about branches; the same for every action of that name. */
export interface NameMeaning {
  readonly words: readonly string[];
  readonly operations: readonly BranchOperation[];
  /** The name speaks of git or of branches, so that parameters may name the operation. */
  readonly isHost: boolean;
}

/** Reads the name of an action. */
export function meaningOfName(name: string): NameMeaning {
  const words = wordsOf(name);
  const isHost = HOSTS.has(words[0] ?? '') || words.some((word) => BRANCH_WORDS.has(word));
  return { words, operations: meaningOf(words), isHost };
}

/** The names of branches in their folded form, made once. null: a name that cannot be folded guards every branch. */
export function foldBranches(names: readonly string[]): readonly (string | null)[] {
  return names.map((name) => plainText(name));
}

export interface BranchNeeds {
  readonly action: Action;
  readonly setting: ActionSetting | null;
  /** From `foldBranches`. */
  readonly guarded: readonly (string | null)[];
  readonly meaning: NameMeaning;
  /** Whether some parameter may be a command. */
  readonly hasCommand: boolean;
}

/** Every destructive operation on a guarded branch that the action means; at most one for each operation and branch. */
export function branchThreats(needs: BranchNeeds): readonly BranchThreat[] {
  const { action, setting, guarded, meaning } = needs;
  const meant = meantThreats(action, setting, meaning);
  const threats = needs.hasCommand ? [...meant, ...argumentThreats(action)] : meant;
  if (threats.length === 0) return threats;
  const guardedOnes = threats.filter(({ branch }) => branch === null || isProtected(branch, guarded));
  return [...new Map(guardedOnes.map((threat) => [`${threat.operation} ${threat.branch}`, threat])).values()];
}

/** Whether a branch name means one of the folded names (which may hold `*`), in whatever spelling. */
function isProtected(branch: string, guarded: readonly (string | null)[]): boolean {
  const folded = plainText(branch.trim());
  if (folded === null || folded.includes('*') || guarded.includes(null)) return true;
  let name = folded.replace(/\\/g, '/').replace(/^\++/, '');
  for (let next = name.replace(PREFIX, ''); next !== name; next = name.replace(PREFIX, '')) name = next;
  const bare = name.split(/[~^@:\s]/, 1)[0] ?? '';
  return guarded.some((pattern) => pattern !== null && matchesWildcard(pattern, bare));
}

function meantThreats(
  action: Action,
  setting: ActionSetting | null,
  meaning: NameMeaning,
): readonly BranchThreat[] {
  const { words } = meaning;
  const isHost = meaning.isHost || (setting?.branches.length ?? 0) > 0;
  const operations = new Set([
    ...meaning.operations,
    ...(isHost ? parameterMeanings(action.parameters, words) : []),
  ]);
  // Without an operation, only a refspec of a push can mean one.
  if (operations.size === 0 && !words.includes('push')) return [];
  const values = branchValues(action, setting, words);
  const refspecs = words.includes('push') ? values.map(({ value }) => readRefspec(value.trim())) : [];
  const named = refspecs.flatMap(({ target, forces, deletes }): readonly BranchThreat[] => [
    ...(forces ? [{ operation: 'force_push', branch: target } as const] : []),
    ...(deletes ? [{ operation: 'delete', branch: target } as const] : []),
  ]);
  return [...operations]
    .flatMap((operation): readonly BranchThreat[] => {
      const onThese = values.filter(({ otherSide }) => !otherSide || operation === 'delete');
      if (onThese.length > 0)
        return onThese.flatMap(({ value }) => sides(value).map((branch) => ({ operation, branch })));
      // Nobody said which branch. A deletion of something else than a branch is no concern of this guard.
      const isBranchDeletion = isHost && words.some((word) => BRANCH_WORDS.has(word));
      return operation !== 'delete' || isBranchDeletion ? [{ operation, branch: null }] : [];
    })
    .concat(named);
}

// `src:dst` names two branches; which one is meant is for the executor, so both count.
function sides(value: string): readonly (string | null)[] {
  const names = value
    .split(':')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.map((name) => (/^\+?(?:HEAD|@)$/i.test(name) ? null : name));
}

function meaningOf(words: readonly string[]): readonly BranchOperation[] {
  const has = (...wanted: readonly string[]): boolean => wanted.every((word) => words.includes(word));
  const found: BranchOperation[] = [];
  if (has('force', 'push') || has('forcepush') || has('push', 'mirror')) found.push('force_push');
  if (has('rebase')) found.push('rebase');
  if (has('rewrite') || has('filter', 'branch') || has('filter', 'repo') || has('reset', 'hard'))
    found.push('rewrite_history');
  if (deletesBranch(words)) found.push('delete');
  return found;
}

// `git.delete`, `github.deleteRemoteBranch`, `delete_branch_on_merge`, and not `github.delete_file` or `delete`.
function deletesBranch(words: readonly string[]): boolean {
  return (
    words.some((word) => HOSTS.has(word)) &&
    words.some((word) => DELETES.has(word)) &&
    words.every((word) => HOSTS.has(word) || DELETES.has(word) || AROUND_BRANCH.has(word))
  );
}

function parameterMeanings(parameters: Json, words: readonly string[]): readonly BranchOperation[] {
  if (typeof parameters !== 'object' || parameters === null || isList(parameters)) return [];
  return Object.entries(parameters).flatMap(([key, value]) => {
    const keyWords = wordsOf(key);
    if (MEANINGS.has(keyWords.at(-1) ?? '') && typeof value === 'string')
      return meaning([...words, ...wordsOf(value)], words);
    return isOn(value) ? meaning([...words, ...keyWords], words) : [];
  });
}

function meaning(all: readonly string[], words: readonly string[]): readonly BranchOperation[] {
  const forces = all.includes('force') && !words.some((word) => HARMLESS_FORCE.has(word));
  const mirrors = all.includes('mirror') && words.includes('push');
  return [
    ...meaningOf(all),
    ...(forces || mirrors ? (['force_push'] as const) : []),
    ...(all.includes('hard') && all.includes('reset') ? (['rewrite_history'] as const) : []),
  ];
}

// A flag is off only when it plainly says so.
function isOn(value: Json): boolean {
  if (typeof value === 'string') return !/^(?:|false|no|off|0)$/i.test(value.trim());
  return value !== false && value !== null && value !== 0;
}

interface BranchValue {
  readonly value: string;
  /** The branch that is built upon, not the one that changes. */
  readonly otherSide: boolean;
}

// The agent's context is a claim: a guarded branch in it counts, and nothing in it clears anything.
function branchValues(
  action: Action,
  setting: ActionSetting | null,
  words: readonly string[],
): readonly BranchValue[] {
  const named = new Set(setting?.branches);
  const placed = (setting?.branches ?? []).flatMap((name) => {
    const at = name.includes('.') || name.includes('/') ? lookUp(action.parameters, name) : null;
    return at === null
      ? []
      : textLeaves(at.node)
          .filter(({ kind }) => kind === 'value')
          .map(({ text }) => text);
  });
  const values = [action.parameters, action.context].flatMap((root) =>
    textLeaves(root).flatMap(({ kind, text, key }): readonly BranchValue[] => {
      if (kind === 'key' || key === null) return [];
      if (named.has(key)) return [{ value: text, otherSide: false }];
      return isBranchName(key, words)
        ? [{ value: text, otherSide: wordsOf(key).some((word) => OTHER_SIDE.has(word)) }]
        : [];
    }),
  );
  const { resource } = action;
  const onResource = resource !== null && BRANCH_WORDS.has(resource.type.toLowerCase()) ? [resource.id] : [];
  return [...values, ...[...placed, ...onResource].map((value) => ({ value, otherSide: false }))].filter(
    ({ value }) => value.trim() !== '',
  );
}

function isBranchName(key: string, words: readonly string[]): boolean {
  const keyWords = wordsOf(key);
  const last = keyWords.at(-1) ?? '';
  if (BRANCH_WORDS.has(last) || keyWords.includes('branch')) return true;
  return (
    keyWords.length === 1 &&
    (BRANCH_NAMES.has(last) || (last === 'name' && words.some((word) => BRANCH_WORDS.has(word))))
  );
}

function argumentThreats(action: Action): readonly BranchThreat[] {
  const words = action.action.split('.');
  const after =
    words[0]?.toLowerCase() === 'git' ? ['git', (words[1] ?? '').replaceAll('_', '-').toLowerCase()] : [];
  return argumentLists(action.parameters).flatMap((command) =>
    gitEffects(command, after).flatMap(({ operation, branches }) =>
      branches.map((branch) => ({ operation, branch })),
    ),
  );
}

// Lists and lines under the names that command executors use, also one object further down.
function argumentLists(parameters: Json, depth = 0): readonly (string | readonly string[])[] {
  if (typeof parameters !== 'object' || parameters === null || isList(parameters) || depth > 4) return [];
  return Object.entries(parameters).flatMap(([key, value]): readonly (string | readonly string[])[] => {
    if (!isCommandName(wordsOf(key).at(-1) ?? '')) return argumentLists(value, depth + 1);
    if (typeof value === 'string') return [value];
    return isList(value)
      ? [value.filter((item) => typeof item === 'string')]
      : argumentLists(value, depth + 1);
  });
}
