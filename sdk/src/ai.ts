// The AI SDK (package `ai`, version 7) under Mandate: its tools run only through the gate, and its approval step learns
// from Mandate what needs people, so that the conversation pauses where the framework can pause.
import type { Mandate } from './client.ts';
import type { GateOptions, Review } from './gate.ts';
import { isFields } from './guard.ts';
import { isForeign } from './tool-options.ts';

/** `ToolApprovalStatus` of the AI SDK, as far as Mandate uses it. */
export type AiApprovalStatus =
  | { readonly type: 'not-applicable' }
  | { readonly type: 'denied' | 'user-approval'; readonly reason: string };

/** What the AI SDK hands to a `toolApproval` function, as far as Mandate reads it. */
export interface AiApprovalQuestion {
  readonly toolCall: {
    readonly toolName: string;
    readonly toolCallId: string;
    readonly input?: unknown;
    readonly providerExecuted?: boolean | undefined;
  };
}

/** Goes to the end of the conversation's messages, and the next call runs what was approved. */
export interface AiToolMessage {
  readonly role: 'tool';
  readonly content: {
    readonly type: 'tool-approval-response';
    readonly approvalId: string;
    readonly approved: boolean;
    readonly reason?: string;
  }[];
}

export interface AiGateOptions extends GateOptions {
  /** Tools that run without Mandate. What has no `execute` runs elsewhere and must either stand here or stay out. */
  readonly ungoverned?: readonly string[] | undefined;
}

export interface AiGate {
  /** The same tools, each of which runs only if it may. Throws TypeError for one that nobody here executes. */
  tools<Tools extends object>(tools: Tools): Tools;
  /**
   * For `generateText`, `streamText` and `ToolLoopAgent`: what needs people pauses the conversation with an approval
   * request instead of running into the gate. It decides nothing by itself; `tools` hold without it as well.
   */
  readonly toolApproval: (question: AiApprovalQuestion) => Promise<AiApprovalStatus>;
  /**
   * Answers the approval requests in `result.content` with what people said in Mandate, waiting for them up to
   * `timeoutMs` (50,000); null while one still waits. An answer written by somebody else runs nothing: the gate asks.
   */
  approvalResponses(
    content: readonly unknown[],
    options?: { readonly timeoutMs?: number },
  ): Promise<AiToolMessage | null>;
}

interface ExecuteOptions {
  readonly toolCallId?: string;
  readonly abortSignal?: AbortSignal;
}

/** How long one review may wait; the gate answers within a minute whatever happens. */
const ROUND_MS = 50_000;

export function createAiGate(mandate: Pick<Mandate, 'gate'>, options: AiGateOptions = {}): AiGate {
  const { ungoverned = [], ...gateOptions } = options;
  const gate = mandate.gate(gateOptions);

  function governed(name: string, tool: unknown): unknown {
    if (ungoverned.includes(name)) return tool;
    const execute: unknown = isFields(tool) ? tool['execute'] : undefined;
    if (!isFields(tool) || !isForeign(execute))
      throw new TypeError(
        `The tool ${name} has no execute: it runs at the provider or in a client, where Mandate cannot hold it. Leave it out, or name it in { ungoverned } if it may do what it likes.`,
      );
    return {
      ...tool,
      execute: (input: unknown, given: ExecuteOptions = {}) =>
        gate.run(
          { tool: name, input, callId: given.toolCallId, signal: given.abortSignal },
          async (decided) => last(Reflect.apply(execute, tool, [decided, given])),
        ),
    };
  }

  async function toolApproval({ toolCall }: AiApprovalQuestion): Promise<AiApprovalStatus> {
    if (ungoverned.includes(toolCall.toolName)) return { type: 'not-applicable' };
    return statusOf(await gate.review(callOf(toolCall)));
  }

  return {
    tools<Tools extends object>(tools: Tools): Tools {
      const entries = Object.entries(tools).map(([name, tool]) => [name, governed(name, tool)] as const);
      // Each tool is itself but for its execute, which takes and gives the same.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      return Object.fromEntries(entries) as Tools;
    },
    toolApproval,
    async approvalResponses(content, { timeoutMs = ROUND_MS } = {}) {
      const requests = content.filter(isRequest);
      const reviews = await Promise.all(
        requests.map(({ toolCall }) => gate.settle(callOf(toolCall), timeoutMs)),
      );
      if (reviews.some(({ kind }) => kind === 'held')) return null;
      return {
        role: 'tool',
        content: requests.map(({ approvalId }, i) => responseOf(approvalId, reviews[i])),
      };
    },
  };
}

function callOf({ toolName, toolCallId, input }: AiApprovalQuestion['toolCall']) {
  return { tool: toolName, input, callId: toolCallId };
}

function statusOf(review: Review): AiApprovalStatus {
  switch (review.kind) {
    case 'may_run':
      return { type: 'not-applicable' };
    case 'held':
      return { type: 'user-approval', reason: review.text };
    case 'refused':
      return { type: 'denied', reason: review.text };
  }
}

function responseOf(approvalId: string, review: Review | undefined): AiToolMessage['content'][number] {
  return review?.kind === 'refused'
    ? { type: 'tool-approval-response', approvalId, approved: false, reason: review.text }
    : { type: 'tool-approval-response', approvalId, approved: review !== undefined };
}

interface ApprovalRequest extends AiApprovalQuestion {
  readonly approvalId: string;
}

/** A request that the AI SDK answered by itself (`isAutomatic`) waits for nobody. */
function isRequest(part: unknown): part is ApprovalRequest {
  return (
    isFields(part) &&
    part['type'] === 'tool-approval-request' &&
    part['isAutomatic'] !== true &&
    isFields(part['toolCall'])
  );
}

/** A tool may stream what it finds on its way; what it ends with is its result, and Mandate is told of that. */
async function last(result: unknown): Promise<unknown> {
  const settled = await result;
  if (!isStream(settled)) return settled;
  let final: unknown;
  for await (const part of settled) final = part;
  return final;
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
