// A tool call of an agent framework as an action: its name, its parameters, and the key under which a repeat of the very
// same call is the same act, so that a framework that retries cannot have it done twice.
import type { JsonObject } from '@mandate/kernel';
import type { AskedAction } from './ask.ts';
import { SEGMENTS } from './govern.ts';
import { isPlain, lossIn, uncopiedIn } from './plain-json.ts';

/** A call of a tool, as every framework knows it. */
export interface ToolCall {
  /** The tool's name, as the model calls it. */
  readonly tool: string;
  /** What the model wants to hand to it; JSON, unless `parameters` of the gate says what it means. */
  readonly input: unknown;
  /** The framework's id of this call. The same id with the same input is the same act, however often it is asked for. */
  readonly callId?: string | undefined;
  /** Tells calls with equal ids apart, in the place of the gate's own `session`. */
  readonly session?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CallMapping {
  /** Stands before the tool's name: `{ prefix: 'git' }` makes the tool `merge` the action `git.merge`. */
  readonly prefix?: string | undefined;
  readonly agent?: string | undefined;
  /** The whole name of the action, where prefix and tool name are not the one to use. */
  readonly action?: ((tool: string, input: unknown) => string) | undefined;
  /** The action's parameters. Unless given: the input itself where it is a plain object, else `{ input }`. */
  readonly parameters?: ((tool: string, input: unknown) => JsonObject) | undefined;
  /** What else belongs to the action of a call, such as `resource` or `estimatedCostUsd`. */
  readonly about?:
    | ((tool: string, input: unknown) => Omit<Partial<AskedAction>, 'action' | 'parameters' | 'attach'>)
    | undefined;
}

export interface MappedCall {
  readonly asked: AskedAction;
  /** Of this call alone; undefined where the framework has no id for it. */
  readonly idempotencyKey: string | undefined;
  /** A copy: what is called must be what was decided about, even if somebody changes the input in between. */
  readonly input: unknown;
}

/** Throws TypeError where the call cannot be put into words that could be decided about. */
export function mapCall(call: ToolCall, mapping: CallMapping, session: string): MappedCall {
  const { tool, callId } = call;
  const input = copyOf(call, mapping);
  const action =
    mapping.action?.(tool, input) ?? (mapping.prefix === undefined ? tool : `${mapping.prefix}.${tool}`);
  if (!SEGMENTS.test(action))
    throw new TypeError(
      `${JSON.stringify(action)} is no name for an action (letters, digits, _ and -, dots between). Say with { action } what the tool ${JSON.stringify(tool)} is called.`,
    );
  const given = mapping.parameters?.(tool, input);
  const parameters = given === undefined ? parametersOf(input) : structuredClone(given);
  return {
    input,
    asked: {
      ...mapping.about?.(tool, input),
      action,
      parameters,
      attach: true,
      ...(mapping.agent === undefined ? {} : { agent: mapping.agent }),
    },
    idempotencyKey:
      callId === undefined
        ? undefined
        : `tool-call:${fingerprint(JSON.stringify([call.session ?? session, callId, action, parameters]))}`,
  };
}

function copyOf({ tool, input }: ToolCall, { parameters }: CallMapping): unknown {
  if (parameters !== undefined) {
    const uncopied = uncopiedIn(input, 'the input', 0);
    if (uncopied !== null)
      throw new TypeError(
        `${tool}: ${uncopied}, which cannot be copied, so what would be called might not be what was decided about. Hand the tool plain values.`,
      );
    return structuredClone(input);
  }
  refuseLoss(tool, input);
  const copy = structuredClone(input);
  // Once more: what is read twice, such as a getter, may have been two things.
  refuseLoss(tool, copy);
  return copy;
}

function refuseLoss(tool: string, input: unknown): void {
  const lost = lossIn(input, 'the input', 0);
  if (lost !== null)
    throw new TypeError(
      `${tool}: ${lost}, which JSON cannot carry, so it cannot be decided about. Say what it means with { parameters }.`,
    );
}

function parametersOf(input: unknown): JsonObject {
  const parameters = input === undefined || input === null ? {} : isPlain(input) ? input : { input };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- copyOf() has proven that the input is JSON
  return parameters as JsonObject;
}

/**
 * 128 bits of four FNV-1a hashes (http://www.isthe.com/chongo/tech/comp/fnv/). Nothing rests on nobody finding two texts
 * with one fingerprint: the server compares the whole request with the key's first one and refuses another.
 */
function fingerprint(text: string): string {
  return [0, 1, 2, 3].map((seed) => fnv1a(`${seed}${text}`).toString(16).padStart(8, '0')).join('');
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
