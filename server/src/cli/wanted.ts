// The body of a request for an action, read from the command line.
import { text as readAll } from 'node:stream/consumers';
import { usageError } from './exit.ts';

export interface WantedOptions {
  readonly cost?: string;
  readonly resource?: string;
  readonly context?: string;
}

export interface Wanted {
  readonly agent: string;
  readonly action: string;
  /** JSON, or `-` for stdin. */
  readonly parameters: string | undefined;
}

export async function wantedBody(
  { agent, action, parameters }: Wanted,
  options: WantedOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const text = parameters === '-' ? await readAll(process.stdin) : (parameters ?? '{}');
  return {
    agent,
    action,
    parameters: readObject(text, 'The parameters'),
    ...(options.context === undefined ? {} : { context: readObject(options.context, '--context') }),
    ...(options.resource === undefined ? {} : { resource: readResource(options.resource) }),
    ...(options.cost === undefined ? {} : { estimatedCostUsd: readCost(options.cost) }),
  };
}

/** `what` begins a sentence: `The parameters`. */
export function readObject(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw usageError(
      `${what} are no JSON: ${error instanceof Error ? error.message : String(error)}.`,
      `Quote them for the shell: '{"directory":"."}'`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageError(`${what} must be a JSON object, such as '{"directory":"."}'.`);
  return value;
}

function readResource(text: string): unknown {
  const slash = text.indexOf('/');
  if (slash < 1 || slash === text.length - 1)
    throw usageError(`--resource is ${JSON.stringify(text)}; write TYPE/ID, such as repository/shop.`);
  return { type: text.slice(0, slash), id: text.slice(slash + 1) };
}

function readCost(text: string): number {
  const cost = Number(text);
  if (text.trim() === '' || !Number.isFinite(cost) || cost < 0)
    throw usageError(`--cost is ${JSON.stringify(text)}; write US dollars, such as 0.25.`);
  return cost;
}
