// LangChain and LangGraph tools (package `@langchain/core`) under Mandate: whatever calls a tool (an agent, a ToolNode, a
// chain) reaches the gate first. With LangGraph's `interrupt` a graph pauses where people are needed.
import type { Mandate } from './client.ts';
import { MandateHeld } from './errors.ts';
import type { GateOptions } from './gate.ts';
import { isForeign, signalAt, textAt } from './tool-options.ts';

export interface LangChainGateOptions extends GateOptions {
  /**
   * LangGraph's `interrupt`, for graphs with a checkpointer: a held call pauses the graph with `{ mandate: { id, … } }`,
   * and resuming it (with any value) asks Mandate again. Without it the model is told that the call waits.
   */
  readonly interrupt?: ((value: LangGraphHold) => unknown) | undefined;
}

export interface LangGraphHold {
  readonly mandate: {
    readonly id: string;
    readonly tool: string;
    readonly approval: { readonly id: string; readonly digest: string; readonly url: string };
    readonly text: string;
  };
}

export interface LangChainGate {
  /**
   * The same tools, each of which runs only if it may. Takes structured tools: those of `tool()`, of toolkits and of MCP
   * adapters. Throws TypeError for anything else.
   */
  tools<Tools extends readonly object[]>(tools: Tools): Tools;
}

export function createLangChainGate(
  mandate: Pick<Mandate, 'gate'>,
  options: LangChainGateOptions = {},
): LangChainGate {
  const { interrupt, ...gateOptions } = options;
  const gate = mandate.gate(gateOptions);

  function governed(tool: object): object {
    const name = 'name' in tool ? tool.name : undefined;
    const call = '_call' in tool ? tool._call : undefined;
    if (typeof name !== 'string' || !isForeign(call))
      throw new TypeError(
        'It is no structured tool of LangChain (no name, or no _call), so Mandate cannot stand in front of it.',
      );
    async function gated(input: unknown, runManager?: unknown, config?: unknown): Promise<unknown> {
      const asked = { tool: String(name), input, ...readConfig(config) };
      const run = (): Promise<unknown> =>
        gate.run(asked, async (decided) =>
          ended(await Reflect.apply(toolCall, tool, [decided, runManager, config])),
        );
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof MandateHeld) || interrupt === undefined) throw error;
        const { id, approval, message: text } = error;
        // The first time this throws and the graph stops; when it is resumed it returns, and Mandate is asked anew.
        interrupt({ mandate: { id, tool: asked.tool, approval, text } });
        return run();
      }
    }
    const toolCall = call;
    // LangChain hands every call to `_call` after it has validated the input. A descendant keeps the tool's class,
    // schema and callbacks, and leaves the tool itself as it was.
    const descendant: object = Object.create(tool, {
      _call: { value: gated, writable: true, configurable: true },
    });
    return descendant;
  }

  return {
    tools<Tools extends readonly object[]>(tools: Tools): Tools {
      const descendants: unknown = tools.map(governed);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each tool became a descendant of itself
      return descendants as Tools;
    },
  };
}

function readConfig(config: unknown) {
  return {
    callId: textAt(config, 'toolCall', 'id'),
    session: textAt(config, 'configurable', 'thread_id'),
    signal: signalAt(config, 'signal'),
  };
}

/** A tool may be a generator, whose end is its result: it must have run to its end before Mandate is told so. */
async function ended(result: unknown): Promise<unknown> {
  if (typeof result !== 'object' || result === null || !('next' in result) || !isIterator(result))
    return result;
  for (;;) {
    const { done, value } = await result.next();
    if (done === true) return value;
  }
}

function isIterator(value: object): value is AsyncIterator<unknown> {
  return Symbol.asyncIterator in value && 'next' in value && typeof value.next === 'function';
}
