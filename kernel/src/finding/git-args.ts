// What a git command line would do to branches. Only destructive commands matter here; a branch that the command
// does not name is reported as not said, and the guard treats that as guarded, because it cannot know.

export type BranchOperation = 'force_push' | 'rebase' | 'rewrite_history' | 'delete';

export interface GitEffect {
  readonly operation: BranchOperation;
  /** Branch names as written; `*` is every branch, null the current one, which the command does not say. */
  readonly branches: readonly (string | null)[];
}

const MAX_NESTING = 3;
const GLOBAL_WITH_VALUE: ReadonlySet<string> = new Set([
  '-C',
  '-c',
  '--git-dir',
  '--work-tree',
  '--namespace',
  '--exec-path',
  '--config-env',
]);
const WITH_VALUE: ReadonlySet<string> = new Set([
  '--repo',
  '--receive-pack',
  '--exec',
  '--push-option',
  '-o',
  '--onto',
  '-s',
  '-X',
  '-x',
]);

/**
 * The destructive effects of one command: an argument list (`['git', 'push', '-f']`) or a shell line. `after` holds
 * the words that are understood before the first argument (`['git', 'push']` for an action `git.push`).
 */
export function gitEffects(
  command: string | readonly string[],
  after: readonly string[] = [],
): readonly GitEffect[] {
  return effectsOf(typeof command === 'string' ? splitShell(command) : [command], after, 0);
}

function effectsOf(
  commands: readonly (readonly string[])[],
  after: readonly string[],
  nesting: number,
): GitEffect[] {
  let current: string | null = null;
  return commands.flatMap((tokens) => {
    // Both readings where the word git is only understood: `git.push` with ['origin'], and with ['push', 'origin'].
    const understood =
      after.length > 1 ? [[...after.slice(1), ...tokens], tokens] : after.length === 1 ? [tokens] : [];
    const lines = [...gitLines(tokens), ...understood];
    const effects = lines.flatMap((line) => {
      const [name = '', ...rest] = subcommand(line);
      const effect = readCommand(name, rest).map((found) => ({
        ...found,
        branches: found.branches.map((b) => b ?? current),
      }));
      current = switchedTo(name, rest) ?? current;
      return [...effect, ...aliases(line, nesting)];
    });
    const nested =
      nesting >= MAX_NESTING
        ? []
        : tokens.filter((token) => /\s/.test(token) && /git|push|rebase|reset/i.test(token));
    return [...effects, ...nested.flatMap((token) => effectsOf(splitShell(token), [], nesting + 1))];
  });
}

/** Splits a shell line into commands and words. Knows quotes, backslashes and `; & |` and newlines; expands nothing. */
export function splitShell(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  let word: string | null = null;
  let quote = '';
  const close = (): void => {
    if (word !== null) commands.at(-1)?.push(word);
    word = null;
  };
  for (let i = 0; i < line.length; i += 1) {
    const char = line[i] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === '\\' && i + 1 < line.length) {
      i += 1;
      word = (word ?? '') + (line[i] ?? '');
    } else if (/\s/.test(char) || ';&|()`'.includes(char)) {
      close();
      if (!/[ \t]/.test(char)) commands.push([]);
    } else word = (word ?? '') + char;
  }
  close();
  return commands.filter((words) => words.length > 0);
}

// What follows each word that is git, in whatever folder it lies.
function gitLines(tokens: readonly string[]): readonly (readonly string[])[] {
  return tokens.flatMap((token, i) =>
    /(?:^|[\\/])git(?:\.exe)?$/i.test(token) ? [tokens.slice(i + 1)] : [],
  );
}

function subcommand(line: readonly string[]): readonly string[] {
  let at = 0;
  while (at < line.length && line[at]?.startsWith('-') === true)
    at += GLOBAL_WITH_VALUE.has(line[at] ?? '') ? 2 : 1;
  return line.slice(at);
}

// `git -c alias.p='push -f' p` hides the command in a setting.
function aliases(line: readonly string[], nesting: number): readonly GitEffect[] {
  if (nesting >= MAX_NESTING) return [];
  return line.flatMap((token) => {
    const value = /^alias\.[^=]+=!?(.+)$/s.exec(token)?.[1];
    return value === undefined ? [] : effectsOf(splitShell(value), ['git'], nesting + 1);
  });
}

function readCommand(name: string, args: readonly string[]): readonly GitEffect[] {
  switch (name) {
    case 'push':
    case 'send-pack':
      return readPush(args);
    case 'rebase':
      return args.some((arg) => /^--(abort|continue|skip|quit|edit-todo|show-current-patch)$/.test(arg))
        ? []
        : [
            {
              operation: 'rebase',
              branches: [
                positionals(args)
                  .slice(args.includes('--root') ? 0 : 1)
                  .at(0) ?? null,
              ],
            },
          ];
    case 'reset':
      return args.some((arg) => /^--har?d?$/.test(arg))
        ? [{ operation: 'rewrite_history', branches: [null] }]
        : [];
    case 'filter-branch':
    case 'filter-repo':
      return [{ operation: 'rewrite_history', branches: ['*'] }];
    case 'branch':
      return readBranch(args);
    case 'update-ref':
      return [
        {
          operation: args.includes('-d') ? 'delete' : 'rewrite_history',
          branches: args.includes('--stdin') ? ['*'] : positionals(args).slice(0, 1),
        },
      ];
    case 'checkout':
    case 'switch':
      return resetTarget(args) === null
        ? []
        : [{ operation: 'rewrite_history', branches: [resetTarget(args)] }];
    default:
      return [];
  }
}

function readPush(args: readonly string[]): readonly GitEffect[] {
  const has = (long: RegExp, short: string): boolean =>
    args.some((arg) => long.test(arg) || isShort(arg, short));
  const force = has(/^--force(?!-if)/, 'f');
  const refspecs = positionals(args).slice(1).map(readRefspec);
  const effects: GitEffect[] = [];
  if (has(/^--mir?r?o?r?$/, '')) effects.push({ operation: 'force_push', branches: ['*'] });
  if (has(/^--del?e?t?e?$/, 'd'))
    effects.push({ operation: 'delete', branches: refspecs.map(({ target }) => target) });
  const deleted = refspecs.filter((refspec) => refspec.deletes);
  if (deleted.length > 0)
    effects.push({ operation: 'delete', branches: deleted.map(({ target }) => target) });
  const forced = refspecs.filter((refspec) => force || refspec.forces).map(({ target }) => target);
  if (forced.length > 0) effects.push({ operation: 'force_push', branches: forced });
  else if (force)
    effects.push({ operation: 'force_push', branches: [has(/^--(all|branches)$/, '') ? '*' : null] });
  return effects;
}

/** One refspec of a push: `+src:dst`. */
export function readRefspec(text: string): {
  readonly target: string | null;
  readonly forces: boolean;
  readonly deletes: boolean;
} {
  const forces = text.startsWith('+');
  const spec = forces ? text.slice(1) : text;
  const cut = spec.indexOf(':');
  const target = cut < 0 ? spec : spec.slice(cut + 1) || spec.slice(0, cut);
  const deletes = cut === 0 && target !== '';
  if (spec === ':' || target.includes('*')) return { target: '*', forces, deletes };
  return { target: target === 'HEAD' || target === '@' || target === '' ? null : target, forces, deletes };
}

function readBranch(args: readonly string[]): readonly GitEffect[] {
  const flag = (long: string, ...short: string[]): boolean =>
    args.some((arg) => arg === long || short.some((one) => isShort(arg, one)));
  const names = positionals(args);
  if (flag('--delete', 'd', 'D')) return [{ operation: 'delete', branches: names }];
  // Renaming takes the name away: one name renames the current branch, two the first.
  if (flag('--move', 'm', 'M'))
    return [{ operation: 'delete', branches: names.length > 1 ? names : [null, ...names] }];
  return flag('--force', 'f', 'C') ? [{ operation: 'rewrite_history', branches: names.slice(0, 1) }] : [];
}

// `checkout -B main x` and `switch -C main x` move a branch that exists.
function resetTarget(args: readonly string[]): string | null {
  const at = args.findIndex((arg) => arg === '-B' || arg === '-C' || arg === '--force-create');
  return at < 0 ? null : (args[at + 1] ?? null);
}

function switchedTo(name: string, args: readonly string[]): string | null {
  if (name !== 'checkout' && name !== 'switch') return null;
  return args.includes('--') ? null : (positionals(args)[0] ?? null);
}

function positionals(args: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? '';
    if (arg === '--') return [...found, ...args.slice(i + 1)];
    if (!arg.startsWith('-') || arg === '-') found.push(arg);
    else if (WITH_VALUE.has(arg)) i += 1;
  }
  return found;
}

function isShort(arg: string, letter: string): boolean {
  return letter !== '' && /^-[A-Za-z]+$/.test(arg) && arg.includes(letter);
}
