// Plain functions under Mandate: each call of a governed function is an action, and the function itself begins only
// when that action may. Types stay as they were, but for the promise around the result.
import type { JsonObject } from '@mandate/kernel';
import type { AskedAction } from './ask.ts';
import { isPlain, lossIn } from './plain-json.ts';
import { resultOf } from './result-of.ts';
import type { RunOptions, Runs } from './run.ts';

/** Any function. `never` and `unknown` let every signature in without weakening it. */
export type Tool = (...args: never[]) => unknown;

/** The same function behind a promise. */
export type Governed<Fn extends Tool> = (...args: Parameters<Fn>) => Promise<Awaited<ReturnType<Fn>>>;

export type GovernedTools<Tools> = {
  readonly [Name in keyof Tools]: Tools[Name] extends Tool ? Governed<Tools[Name]> : never;
};

export interface GovernOptions {
  /** Stands before the name of each function: `{ prefix: 'git' }` makes `merge` the action `git.merge`. */
  readonly prefix?: string | undefined;
  /** The name of a single function, where its own is not the one to use. */
  readonly name?: string | undefined;
  readonly agent?: string | undefined;
  /**
   * The action's parameters for a call. Unless given: the argument itself where it is the only one and a plain object,
   * else `{ arguments: […] }`. Name paths `path` or as the charter says, so that the guardrails see them.
   */
  readonly parameters?: ((name: string, args: readonly unknown[]) => JsonObject) | undefined;
  /** What else belongs to the action of a call, such as `resource` or `estimatedCostUsd`. */
  readonly about?:
    | ((name: string, args: readonly unknown[]) => Omit<Partial<AskedAction>, 'action' | 'parameters'>)
    | undefined;
  /** Wait for people instead of throwing MandateHeld. */
  readonly wait?: RunOptions<unknown>['wait'];
  readonly signal?: AbortSignal | undefined;
}

export interface Govern {
  <Fn extends Tool>(tool: Fn, options?: GovernOptions): Governed<Fn>;
  <Tools extends object>(tools: Tools, options?: GovernOptions): GovernedTools<Tools>;
}

/** What the name of an action looks like when it is made of a program's names. */
export const SEGMENTS = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

export function createGovern(runs: Runs): Govern {
  function wrap(
    tool: (...args: unknown[]) => unknown,
    owner: object | null,
    name: string,
    options: GovernOptions,
  ): (...args: unknown[]) => Promise<unknown> {
    const { prefix } = options;
    const action = prefix === undefined ? name : `${prefix}.${name}`;
    if (!SEGMENTS.test(action))
      throw new TypeError(
        `${JSON.stringify(action)} is no name for an action (letters, digits, _ and -, dots between). Give the function a name, or govern() a name or prefix.`,
      );
    return async (...given) => {
      // Left out at the end is left out: f('x', undefined) is f('x').
      const args = copyOf(given.slice(0, given.findLastIndex((arg) => arg !== undefined) + 1), name, options);
      const asked = {
        ...options.about?.(name, args),
        action,
        parameters: parametersOf(name, args, options),
        ...(options.agent === undefined ? {} : { agent: options.agent }),
      };
      const outcome = await runs.run(asked, () => Reflect.apply(tool, owner, args), {
        wait: options.wait,
        signal: options.signal,
      });
      return resultOf(action, outcome);
    };
  }

  function govern(tools: object, options: GovernOptions = {}): unknown {
    if (isFunction(tools)) return wrap(tools, null, options.name ?? tools.name, options);
    const entries = Object.entries(tools).map(([name, tool]: [string, unknown]) => {
      // What is neither governed nor left out would be a way around Mandate that looks like a governed one.
      if (!isFunction(tool))
        throw new TypeError(
          `${name} is no function; govern() takes a function, or an object of plain functions.`,
        );
      return [name, wrap(tool, tools, name, options)] as const;
    });
    return Object.fromEntries(entries);
  }

  // The implementation wraps each function one to one, which is what the two signatures say.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return govern as Govern;
}

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}

/** What is called must be what was decided about, even if the caller changes its objects in between. */
function copyOf(args: readonly unknown[], name: string, { parameters }: GovernOptions): unknown[] {
  if (parameters !== undefined) return [...args];
  const lost = lossIn(args, 'arguments', 0);
  if (lost !== null)
    throw new TypeError(
      `${name}: ${lost}, which JSON cannot carry, so it cannot be decided about. Say what it means with govern(…, { parameters }).`,
    );
  return structuredClone([...args]);
}

function parametersOf(name: string, args: readonly unknown[], { parameters }: GovernOptions): JsonObject {
  if (parameters !== undefined) return parameters(name, args);
  const [only] = args;
  const single = args.length === 1 && isPlain(only) ? only : { arguments: args };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- copyOf() has proven that the arguments are JSON
  return (args.length === 0 ? {} : single) as JsonObject;
}
