// The command line as the product registers it, to ask whether what a page types exists. Nothing is run: registering a
// command only describes it.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Cli } from '../../server/src/cli/command.ts';
import { COMMANDS } from '../../server/src/cli/commands.ts';
import { systemClock } from '../../server/src/platform/clock/clock.ts';
import { root } from './page.ts';

/** As much of a command of the `commander` library as is asked here. */
interface Command {
  name(): string;
  aliases(): readonly string[];
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  readonly registeredArguments: readonly { readonly required: boolean; readonly variadic: boolean }[];
}

interface Option {
  readonly long?: string;
  readonly short?: string;
  /** It takes a value, or may take one. */
  readonly required: boolean;
  readonly optional: boolean;
  readonly variadic: boolean;
}

/** What cli.ts adds to every command, and commander itself. */
const COMMON: readonly Option[] = ['--json', '--url', '--data-dir', '--help', '--version'].map((long) => ({
  long,
  required: long === '--url' || long === '--data-dir',
  optional: false,
  variadic: false,
}));
/** Added by cli.ts on its own. */
const ALONE: ReadonlySet<string> = new Set(['completion']);

export async function loadProgram(): Promise<Command> {
  const library = createRequire(`${root}server/package.json`).resolve('commander');
  const { Command: Program } = await import(pathToFileURL(library).href);
  const program = new Program('mandate');
  const refuse = (): never => {
    throw new Error('registering a command runs nothing');
  };
  const out = {
    data: refuse,
    talk: refuse,
    json: refuse,
    tint: String,
    tintTalk: String,
    isInteractive: false,
    talkStream: process.stderr,
  };
  const host = { version: '0.0.0', serve: refuse, openFoundations: refuse, migrationsDir: refuse };
  const cli: Cli = { env: {}, clock: systemClock, out, host, self: 'mandate', exitWith: refuse };
  for (const register of COMMANDS) register(program, cli);
  return program;
}

/** Every command with its way to it, `agent freeze` for one. */
export function commandNames(program: Command): readonly string[] {
  return program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [command.name()]
      : commandNames(command).map((name) => `${command.name()} ${name}`),
  );
}

/** What is wrong with a line that begins with `mandate`, in words; null when the command line would take it. */
export function lineProblem(program: Command, words: readonly string[]): string | null {
  let command = program;
  let at = 0;
  for (; at < words.length; at += 1) {
    const next = command.commands.find((child) =>
      [child.name(), ...child.aliases()].includes(words[at] ?? ''),
    );
    if (next === undefined) break;
    command = next;
  }
  if (command === program)
    return ALONE.has(words[0] ?? '') ? null : `there is no command ${words[0] ?? '(none)'}`;
  if (command.commands.length > 0) return `${command.name()} has no command ${words[at] ?? '(none)'}`;
  return argumentProblem(command, words.slice(at));
}

function argumentProblem(command: Command, words: readonly string[]): string | null {
  const options = [...command.options, ...COMMON];
  let given = 0;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') {
      given += words.length - at - 1;
      break;
    }
    if (!/^-./.test(word)) {
      given += 1;
      continue;
    }
    const [flag = '', value] = word.split(/=(.*)/s);
    const option = options.find(({ long, short }) => long === flag || short === flag);
    if (option === undefined) return `mandate ${command.name()} has no option ${flag}`;
    const takesNext = option.required || (option.optional && !(words[at + 1] ?? '-').startsWith('-'));
    if (value === undefined && takesNext) at += 1;
    if (at >= words.length) return `${flag} needs a value`;
  }
  const required = command.registeredArguments.filter((argument) => argument.required).length;
  const most = command.registeredArguments.some(({ variadic }) => variadic)
    ? Infinity
    : command.registeredArguments.length;
  if (given < required)
    return `mandate ${command.name()} needs ${required} argument(s), and ${given} are given`;
  return given > most ? `mandate ${command.name()} takes ${most} argument(s), and ${given} are given` : null;
}

/** The words of each `npx mandate` line, read as a shell would: quotes, `KEY=value` before it, `# …` after it. */
export function commandLines(script: string): readonly (readonly string[])[] {
  return script
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map(wordsOf)
    .flatMap((words) => {
      const start = words.findIndex((word, i) => word === 'npx' && words[i + 1] === 'mandate');
      const isBegun = start >= 0 && words.slice(0, start).every((word) => /^[A-Z_]+=/.test(word));
      return isBegun ? [words.slice(start + 2)] : [];
    });
}

function wordsOf(line: string): readonly string[] {
  const found = line.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|(#.*$)|([^\s'"]+)/g);
  const words: string[] = [];
  for (const [, single, double, comment, plain] of found) {
    // What follows an operator is another command; <id> stands for a word.
    if (comment !== undefined || /^(?:[|&;]|[<>](?![a-z]))/.test(plain ?? '')) break;
    words.push(single ?? double ?? plain ?? '');
  }
  return words;
}
