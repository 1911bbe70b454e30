// Runs a program of the charter without any shell. The charter fixes program and arguments; what the agent sent fills
// whole arguments and standard input only, so that it can never become an option, a second command or a path to one.
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutorSetting, JsonObject } from '@mandate/kernel';
import { createCapture } from './capture.ts';
import type { Capture } from './capture.ts';
import { createCut } from './cut.ts';
import type { Cut } from './cut.ts';
import { killEscapees } from './escapees.ts';
import { failed, unknown } from './execution.ts';
import type { Execution, ExecutionOutcome } from './execution.ts';
import { startGroup } from './process-group.ts';
import type { ProcessEnd, ProcessNeeds } from './process-group.ts';
import { errorText, MAX_RESULT_BYTES, parseJson, shortenMiddle, successOf, toJson } from './result.ts';

export type CommandSetting = Extract<ExecutorSetting, { readonly kind: 'command' }>;

export interface CommandNeeds extends ProcessNeeds {
  /** The charter's directory. */
  readonly baseDir: string;
  /** Further directories a `cwd` may lie in. */
  readonly allowedDirs: readonly string[];
  /** The server's environment; only PATH, HOME and LANG are handed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const STDERR_BYTES = 65_536;
const ACT_MARK = 'MANDATE_ACT_ID';

/** Exit code 0 is a success (standard output, if it is JSON, is the result); anything else a failure. */
export async function runCommand(
  name: string,
  setting: CommandSetting,
  run: Execution,
  needs: CommandNeeds,
): Promise<ExecutionOutcome> {
  const argv = fillArguments(setting.command, run.parameters);
  if (argv.kind === 'refused') return failed(argv.code, `executors.${name}: ${argv.reason}`);
  const cwd = await resolveCwd(setting.cwd, needs);
  if (cwd.kind === 'refused') return failed('bad_executor', `executors.${name}: ${cwd.reason}`);

  const cut = createCut(run, setting.timeoutMs, needs.after);
  try {
    if (cut.cause() !== null) return { kind: 'cancelled' };
    return await runProcess(
      `The command of executor "${name}"`,
      { ...argv, cwd: cwd.dir, setting, run, cut },
      needs,
    );
  } finally {
    cut.end();
  }
}

interface Prepared {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly setting: CommandSetting;
  readonly run: Execution;
  readonly cut: Cut;
}

async function runProcess(who: string, prepared: Prepared, needs: CommandNeeds): Promise<ExecutionOutcome> {
  const { file, args, cwd, setting, run, cut } = prepared;
  const env = { ...cleanEnvironment(needs.environment), ...setting.env, [ACT_MARK]: run.actId };
  let group;
  try {
    group = startGroup({ file, args, cwd, env }, needs);
  } catch (error) {
    return notStarted(who, error);
  }
  if (group.child.pid === undefined) return outcomeOf(who, await group.ended, nothingPrinted(cut));
  const stdout = createCapture(MAX_RESULT_BYTES);
  const stderr = createCapture(STDERR_BYTES);
  group.child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
  group.child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
  group.child.stdin.end(JSON.stringify(run.parameters));
  cut.signal.addEventListener('abort', () => group.stop(), { once: true });
  // A cut that falls while the last output is read comes too late: the program had already ended by itself.
  let cause: ReturnType<Cut['cause']> = null;
  group.child.once('exit', () => {
    cause = cut.cause();
  });
  const end = await group.ended;
  if (cause !== null) await killEscapees(`${ACT_MARK}=${run.actId}`);
  return outcomeOf(who, end, { stdout, stderr, cause, waitMs: cut.waitMs });
}

interface Printed {
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly cause: ReturnType<Cut['cause']>;
  readonly waitMs: number;
}

function nothingPrinted(cut: Cut): Printed {
  return { stdout: createCapture(0), stderr: createCapture(0), cause: null, waitMs: cut.waitMs };
}

function outcomeOf(
  who: string,
  end: ProcessEnd,
  { stdout, stderr, cause, waitMs }: Printed,
): ExecutionOutcome {
  switch (end.kind) {
    case 'notStarted':
      return notStarted(who, end.error);
    case 'stuck':
      return unknown(`${who} was killed but does not end. Look at the machine before running it again.`);
    case 'exited':
      break;
  }
  if (cause === 'cancelled') return { kind: 'cancelled' };
  if (cause === 'timeout') {
    return unknown(
      `${who} was cut off after ${waitMs / 1000} s and may have done part of its work. Look before running it again. ${lastWords(stderr)}`,
    );
  }
  if (end.code !== 0) {
    const how = end.signal === null ? `ended with exit code ${end.code}` : `was killed by ${end.signal}`;
    return failed('exit_nonzero', `${who} ${how}. ${lastWords(stderr.seenBytes() > 0 ? stderr : stdout)}`);
  }
  return printedResult(who, stdout, stderr);
}

function notStarted(who: string, error: unknown): ExecutionOutcome {
  const remedy = 'Check the program, the PATH of the server and the length of the arguments.';
  return failed('executor_unavailable', `${who} could not be started: ${errorText(error)}. ${remedy}`);
}

function printedResult(who: string, stdout: Capture, stderr: Capture): ExecutionOutcome {
  const whole = stdout.whole();
  const parsed = whole === null ? null : parseJson(whole);
  if (parsed !== null && toJson(parsed.value).kind === 'json') return successOf(who, parsed.value, null);
  return successOf(who, fitText(stdout.text(), stderr.text()), null);
}

/** Escaping can make text six times as long as its bytes; it is shortened until the result fits. */
function fitText(stdout: string, stderr: string): { exitCode: 0; stdout: string; stderr: string } {
  let chars = stdout.length;
  for (;;) {
    const result = { exitCode: 0, stdout: shortenMiddle(stdout, chars), stderr } as const;
    const bytes = Buffer.byteLength(JSON.stringify(result));
    if (bytes <= MAX_RESULT_BYTES || chars === 0) return result;
    chars = Math.floor(chars * Math.min(0.9, MAX_RESULT_BYTES / bytes));
  }
}

function lastWords(capture: Capture): string {
  const tail = capture.tail(1_500).trim();
  return tail === '' ? 'It printed nothing.' : `Its last words: ${tail}`;
}

export type FilledArguments =
  | { readonly kind: 'filled'; readonly file: string; readonly args: readonly string[] }
  | { readonly kind: 'refused'; readonly code: 'bad_executor' | 'bad_parameter'; readonly reason: string };

/** Puts parameters in the place of `{name}` arguments. A placeholder is a whole argument, never part of one. */
export function fillArguments(command: readonly string[], parameters: JsonObject): FilledArguments {
  const [file, ...templates] = command;
  if (file === undefined || file === '' || anyPlaceholder.test(file)) {
    return refused('bad_executor', 'the program must be named by the charter, not by a parameter');
  }
  const args: string[] = [];
  let afterDashes = false;
  for (const template of templates) {
    const name = wholePlaceholder.exec(template)?.[1];
    if (name === undefined && anyPlaceholder.test(template)) {
      return refused(
        'bad_executor',
        `"${template}" mixes text and a placeholder; write the placeholder as an argument of its own`,
      );
    }
    if (name === undefined) {
      afterDashes ||= template === '--';
      args.push(template);
      continue;
    }
    const value = argumentText(name, parameters, afterDashes);
    if (typeof value !== 'string') return value;
    args.push(value);
  }
  return { kind: 'filled', file, args };
}

const wholePlaceholder = /^\{([A-Za-z_][A-Za-z0-9_-]*)\}$/;
const anyPlaceholder = /\{[A-Za-z_][A-Za-z0-9_-]*\}/;

function argumentText(name: string, parameters: JsonObject, afterDashes: boolean): string | FilledArguments {
  const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (value === undefined)
    return refused('bad_parameter', `the command needs the parameter "${name}"; send it`);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return refused(
      'bad_parameter',
      `the parameter "${name}" becomes an argument and must be a string, number or boolean`,
    );
  }
  const text = String(value);
  if (text.includes('\0'))
    return refused('bad_parameter', `the parameter "${name}" contains a NUL character`);
  if (text.startsWith('-') && !afterDashes) {
    return refused(
      'bad_parameter',
      `the parameter "${name}" starts with "-" and could be read as an option; put "--" before {${name}} in the charter if it may`,
    );
  }
  return text;
}

function refused(code: 'bad_executor' | 'bad_parameter', reason: string): FilledArguments {
  return { kind: 'refused', code, reason };
}

type ResolvedCwd =
  | { readonly kind: 'dir'; readonly dir: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** The real directory of `cwd`, symbolic links followed; it must lie in the charter's directory or an allowed one. */
export async function resolveCwd(
  cwd: string,
  { baseDir, allowedDirs }: Pick<CommandNeeds, 'baseDir' | 'allowedDirs'>,
): Promise<ResolvedCwd> {
  try {
    const dir = await realpath(path.resolve(baseDir, cwd));
    for (const allowed of [baseDir, ...allowedDirs]) {
      if (isInside(dir, await realpath(allowed))) return { kind: 'dir', dir };
    }
    return {
      kind: 'refused',
      reason: `cwd "${cwd}" lies outside the charter's directory; move it inside or allow its directory in the server's settings`,
    };
  } catch (error) {
    return {
      kind: 'refused',
      reason: `cwd "${cwd}" cannot be used: ${errorText(error)}. Create the directory`,
    };
  }
}

function isInside(dir: string, parent: string): boolean {
  const relative = path.relative(parent, dir);
  return (
    relative === '' ||
    (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative))
  );
}

/** What a child may know of the server's environment: where programs are, where home is, which language. */
export function cleanEnvironment(environment: CommandNeeds['environment']): Record<string, string> {
  const clean: Record<string, string> = { LANG: environment['LANG'] ?? 'C.UTF-8' };
  // Windows cannot start most programs without SystemRoot.
  for (const name of ['PATH', 'HOME', 'SystemRoot']) {
    const value = environment[name];
    if (value !== undefined) clean[name] = value;
  }
  return clean;
}
