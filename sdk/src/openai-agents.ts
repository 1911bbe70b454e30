// OpenAI Agents (package `@openai/agents`) under Mandate: function tools run only through the gate, their approval step
// interrupts the run where people are needed, and guardrails govern tools whose function cannot be wrapped.
import type { Mandate } from './client.ts';
import type { GateOptions } from './gate.ts';
import type { Begun } from './run.ts';
import { readTool, signalAt, textAt } from './tool-options.ts';

/** A part of the framework's `FunctionCallItem`. */
export interface AgentsToolCall {
  readonly name: string;
  readonly callId: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
}

/** `ToolGuardrailFunctionOutput` of the framework, as far as Mandate uses it. */
export interface AgentsGuardrailOutput {
  readonly behavior:
    | { readonly type: 'allow' }
    | { readonly type: 'rejectContent'; readonly message: string };
  readonly outputInfo?: { readonly mandate: string | null };
}

/** For the `inputGuardrails` and `outputGuardrails` of a tool. */
export interface AgentsGuardrails {
  readonly inputGuardrails: {
    readonly name: string;
    readonly run: (data: { readonly toolCall: AgentsToolCall }) => Promise<AgentsGuardrailOutput>;
  }[];
  readonly outputGuardrails: {
    readonly name: string;
    readonly run: (data: {
      readonly toolCall: AgentsToolCall;
      readonly output: unknown;
    }) => Promise<AgentsGuardrailOutput>;
  }[];
}

export interface AgentsGate {
  /**
   * What goes into the framework's `tool()`: the same options, with an `execute` that runs only if it may, a
   * `needsApproval` that interrupts the run where people are needed, and an `errorFunction` that tells the model why a
   * call was not run. A `needsApproval` of the tool's own is asked as well.
   */
  tool<Options extends object>(options: Options): Options;
  /**
   * For tools whose function is not yours to wrap. The input guardrail begins the act, the output guardrail tells how it
   * ended; a tool that turns its own errors into texts counts as a success. Not together with `tool`.
   */
  guardrails(): AgentsGuardrails;
  /**
   * What people said about the interruptions of a run, waiting for them up to `timeoutMs` (50,000). Approve in the run's
   * state what is `approved`, reject what is `denied`, and go on; what `waits` is for later. The gate asks again anyway.
   */
  settle<Interruption extends { readonly rawItem: unknown }>(
    interruptions: readonly Interruption[],
    options?: { readonly timeoutMs?: number },
  ): Promise<
    {
      readonly interruption: Interruption;
      readonly status: 'approved' | 'denied' | 'waits';
      readonly text: string;
    }[]
  >;
}

const WAIT_MS = 50_000;
const MOST_BEGUN = 10_000;

export function createAgentsGate(mandate: Pick<Mandate, 'gate'>, options: GateOptions = {}): AgentsGate {
  const gate = mandate.gate(options);

  return {
    tool<Options extends object>(given: Options): Options {
      const { name, execute, isAsked } = readTool(given, { name: 'name', approval: 'needsApproval' });
      const governed = {
        errorFunction: (_context: unknown, error: unknown): string => textOf(error),
        ...given,
        async execute(input: unknown, context?: unknown, details?: unknown): Promise<unknown> {
          const call = {
            tool: name,
            input,
            callId: textAt(details, 'toolCall', 'callId'),
            signal: signalAt(details, 'signal'),
          };
          return gate.run(call, (decided) => Reflect.apply(execute, given, [decided, context, details]));
        },
        async needsApproval(context: unknown, input: unknown, callId?: string): Promise<boolean> {
          // A refusal is for the model to read, so it runs into the gate instead of waiting for somebody's click.
          const { kind } = await gate.review({ tool: name, input, callId });
          return kind === 'held' || isAsked(context, input, callId);
        },
      };
      // The same options but for what is described above, which takes and gives the same.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      return governed;
    },
    guardrails() {
      const open = new Map<string, Begun>();
      return {
        inputGuardrails: [
          {
            name: 'mandate',
            async run({ toolCall }) {
              const input = parse(toolCall.arguments);
              if (input === undefined) return reject('Its arguments are no JSON, so it was not run.', null);
              // Ids of calls repeat from run to run (`call_0`): an outcome told for another call would be a lie on record.
              if (open.has(keyOf(toolCall)))
                return reject('The very same call has been begun already, so it was not run again.', null);
              const opening = await gate.begin({ tool: toolCall.name, input, callId: toolCall.callId });
              switch (opening.kind) {
                case 'begun': {
                  open.set(keyOf(toolCall), opening.begun);
                  const [oldest] = open.keys();
                  if (open.size > MOST_BEGUN && oldest !== undefined) open.delete(oldest);
                  return { behavior: { type: 'allow' }, outputInfo: { mandate: opening.begun.id } };
                }
                case 'ran':
                  return reject(
                    `Mandate has run it already. Its result: ${JSON.stringify(opening.result)}`,
                    opening.id,
                  );
                case 'held':
                case 'refused':
                  return reject(opening.text, opening.id);
              }
            },
          },
        ],
        outputGuardrails: [
          {
            name: 'mandate',
            async run({ toolCall, output }) {
              const begun = open.get(keyOf(toolCall));
              open.delete(keyOf(toolCall));
              if (begun !== undefined) await gate.end(begun, { status: 'success', result: output });
              return { behavior: { type: 'allow' }, outputInfo: { mandate: begun?.id ?? null } };
            },
          },
        ],
      };
    },
    settle(interruptions, { timeoutMs = WAIT_MS } = {}) {
      return Promise.all(
        interruptions.map(async (interruption) => {
          const call = readCall(interruption.rawItem);
          if (call === null)
            return { interruption, status: 'denied', text: 'It is no call of a function tool.' } as const;
          const review = await gate.settle(call, timeoutMs);
          switch (review.kind) {
            case 'may_run':
              return { interruption, status: 'approved', text: 'Approved.' } as const;
            case 'held':
              return { interruption, status: 'waits', text: review.text } as const;
            case 'refused':
              return { interruption, status: 'denied', text: review.text } as const;
          }
        }),
      );
    },
  };
}

/** Input and output guardrail are given the same call. */
function keyOf({ name, callId, arguments: given }: AgentsToolCall): string {
  return JSON.stringify([name, callId, given]);
}

function reject(message: string, id: string | null): AgentsGuardrailOutput {
  return { behavior: { type: 'rejectContent', message }, outputInfo: { mandate: id } };
}

function readCall(item: unknown) {
  const tool = textAt(item, 'name');
  const callId = textAt(item, 'callId');
  const input = parse(textAt(item, 'arguments') ?? '-');
  return tool === undefined || callId === undefined || input === undefined ? null : { tool, input, callId };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text) as unknown;
  } catch {
    return undefined;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
