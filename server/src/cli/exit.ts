// Scripts read exit codes, people read sentences; both come from here, so that no two commands disagree.
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  denied: 3,
  held: 4,
  stopped: 5,
  unverified: 6,
  unreachable: 69,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For `mandate --help`. */
export const EXIT_CODES_TEXT = `Exit codes:
  0 done    1 failed    2 wrong usage    3 denied    4 waits for approval    5 stopped
  6 verification failed    69 the server cannot be reached`;

/** What a refusal over HTTP means for a script. Whatever is not named here is a failure. */
const EXIT_BY_PROBLEM: Readonly<Record<string, ExitCode>> = {
  denied: EXIT.denied,
  frozen: EXIT.denied,
  anonymous: EXIT.denied,
  unauthenticated: EXIT.denied,
  agent_unknown: EXIT.denied,
  scope_missing: EXIT.denied,
  consent_required: EXIT.denied,
  not_yours: EXIT.denied,
  forbidden: EXIT.denied,
  limit_exceeded: EXIT.denied,
  stopped: EXIT.stopped,
  malformed: EXIT.usage,
  invalid: EXIT.usage,
};

export function exitOfProblem(code: string): ExitCode {
  return Object.hasOwn(EXIT_BY_PROBLEM, code) ? (EXIT_BY_PROBLEM[code] ?? EXIT.failure) : EXIT.failure;
}

const EXIT_BY_STATUS: Readonly<Record<string, ExitCode>> = {
  success: EXIT.ok,
  permitted: EXIT.ok,
  recorded: EXIT.ok,
  executing: EXIT.ok,
  waiting_for_approval: EXIT.held,
  denied: EXIT.denied,
};

/** What the status of an act means for a script; failed, cancelled, expired and unknown are failures. */
export function exitOfStatus(status: string): ExitCode {
  return Object.hasOwn(EXIT_BY_STATUS, status) ? (EXIT_BY_STATUS[status] ?? EXIT.failure) : EXIT.failure;
}

/** What ends a command early: a sentence for people, a document for `--json`, a code for scripts. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: ExitCode;
  /** As in problem+json where it came over HTTP. */
  readonly document: Readonly<Record<string, unknown>>;
  /** What to do next, one step a line. */
  readonly steps: readonly string[];

  constructor(
    message: string,
    of: { exitCode: ExitCode; code: string; steps?: readonly string[]; document?: object },
  ) {
    super(message);
    this.exitCode = of.exitCode;
    this.steps = of.steps ?? [];
    this.document = { code: of.code, detail: [message, ...this.steps].join(' '), ...of.document };
  }
}

export function usageError(message: string, ...steps: readonly string[]): CommandFailed {
  return new CommandFailed(message, { exitCode: EXIT.usage, code: 'usage', steps });
}
