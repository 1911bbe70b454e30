// Mastra (package `@mastra/core`) under Mandate: tools run only through the gate, and their `requireApproval` suspends the
// agent where people are needed.
import type { Mandate } from './client.ts';
import type { GateOptions, Review } from './gate.ts';
import { readTool, signalAt, textAt } from './tool-options.ts';

export interface MastraGate {
  /**
   * What goes into `createTool()`: the same options, with an `execute` that runs only if it may, and a `requireApproval`
   * that suspends the agent where people are needed. A `requireApproval` of the tool's own is asked as well.
   */
  tool<Options extends object>(options: Options): Options;
  /**
   * What people said about a suspended call, waiting for them up to `timeoutMs` (50,000): resume the agent with
   * approveToolCall() for `may_run`, with declineToolCall() for `refused`; `held` still waits. The gate asks again anyway.
   */
  settle(
    call: { readonly toolName: string; readonly args: unknown },
    options?: { readonly timeoutMs?: number },
  ): Promise<Review>;
}

const WAIT_MS = 50_000;

export function createMastraGate(mandate: Pick<Mandate, 'gate'>, options: GateOptions = {}): MastraGate {
  const gate = mandate.gate(options);
  return {
    tool<Options extends object>(given: Options): Options {
      const { name, execute, isAsked } = readTool(given, { name: 'id', approval: 'requireApproval' });
      const governed = {
        ...given,
        async execute(input: unknown, context?: unknown): Promise<unknown> {
          return gate.run({ tool: name, input, ...readContext(context) }, (decided) =>
            Reflect.apply(execute, given, [decided, context]),
          );
        },
        async requireApproval(input: unknown, context?: unknown): Promise<boolean> {
          // Mastra does not say here which call it is; the hold of an identical call is joined all the same.
          const { kind } = await gate.review({ tool: name, input });
          return kind === 'held' || isAsked(input, context);
        },
      };
      // The same options but for what is described above, which takes and gives the same.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      return governed;
    },
    settle: ({ toolName, args }, { timeoutMs = WAIT_MS } = {}) =>
      gate.settle({ tool: toolName, input: args }, timeoutMs),
  };
}

/** The call's id stands under `agent`; a step of a workflow has a run of its own instead. */
function readContext(context: unknown) {
  return {
    callId: textAt(context, 'agent', 'toolCallId'),
    session: textAt(context, 'agent', 'threadId') ?? textAt(context, 'workflow', 'runId'),
    signal: signalAt(context, 'abortSignal'),
  };
}
