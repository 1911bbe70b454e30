// How a call of a tool ended, told from what came back or from how it broke. Where nobody can say whether the tool ran, the
// act is unknown: a wrong `failed` would be repeated.
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { Cut } from './cut.ts';
import { failed, unknown } from './execution.ts';
import type { ExecutionOutcome } from './execution.ts';
import { STREAM_ENDED } from './mcp-http.ts';
import { errorText, shortenMiddle, successOf } from './result.ts';

export function toolOutcome(who: string, { isError, ...answer }: CallToolResult): ExecutionOutcome {
  if (isError === true) {
    const texts = answer.content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`));
    return failed('tool_error', `${who} reported a failure: ${shortenMiddle(texts.join('\n'), 1_500)}`);
  }
  return successOf(who, answer, null);
}

export function brokenCall(who: string, error: unknown, cut: Cut): ExecutionOutcome {
  const cause = cut.cause();
  if (cause === 'cancelled')
    return unknown(`${who} was told to cancel the call; whether it did is not known.`);
  if (cause === 'timeout') {
    return unknown(
      `${who} gave no answer within ${cut.waitMs / 1000} s; the call was cancelled, but may have taken effect.`,
    );
  }
  if (error instanceof ProtocolError && error.code !== STREAM_ENDED) {
    return failed('protocol_error', `${who} refused the call: ${errorText(error)} (${error.code})`);
  }
  if (error instanceof SdkHttpError && error.status !== undefined) {
    return failed('http_status', `${who} answered ${error.status}: ${errorText(error)}`);
  }
  if (error instanceof SdkError && malformed.has(error.code)) {
    return failed('bad_result', `${who} answered with something that is no tool result: ${errorText(error)}`);
  }
  return unknown(
    `${who} went away during the call (${deepestText(error)}); it may have taken effect. Look before running it again.`,
  );
}

const malformed = new Set<string>([SdkErrorCode.InvalidResult, SdkErrorCode.UnsupportedResultType]);

/** The tool has run and its client has the answer, so an answer that cannot be kept is no failure of the act. */
export function carriedOutcome(who: string, result: Readonly<Record<string, unknown>>): ExecutionOutcome {
  const { isError, ...kept } = result;
  if (isError === true) {
    const [first] = Array.isArray(result['content']) ? (result['content'] as readonly unknown[]) : [];
    const text = typeof first === 'object' && first !== null && 'text' in first ? String(first.text) : '';
    return failed('tool_error', `${who} reported a failure: ${shortenMiddle(text, 1_500)}`);
  }
  const outcome = successOf(who, kept, null);
  if (outcome.kind === 'success') return outcome;
  const note = outcome.kind === 'failed' ? outcome.error : 'it cannot be kept';
  return { kind: 'success', result: { content: [], notKept: note }, costMicroUsd: null };
}

export function findCause(error: unknown, wanted: (cause: Error) => boolean): Error | null {
  let cause: unknown = error;
  for (let depth = 0; depth < 8 && cause instanceof Error; depth += 1) {
    if (wanted(cause)) return cause;
    ({ cause } = cause);
  }
  return null;
}

/** Fetch says "fetch failed" and hides the reason in its causes. */
export function deepestText(error: unknown): string {
  if (error instanceof SdkHttpError) return `HTTP ${error.status}: ${errorText(error)}`;
  const deepest = findCause(error, ({ cause }) => !(cause instanceof Error));
  return errorText(deepest ?? error);
}
