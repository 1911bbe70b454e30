// What a wrapped server answered to a call, as Mandate is told of it: whether it did what was asked, and the result as
// far as it fits into a report.
import type { JsonObject } from '@mandate/kernel';
import { errorTextOf, isObject } from '../api/mcp/message.ts';
import type { Outcome } from './mcp-verdict.ts';

/** Mandate takes bodies of up to 1 MiB; a larger result is reported by its size. */
const REPORT_MAX = 800_000;

/** A tool that reports its own failure has failed. */
export function outcomeOf({ result, error }: JsonObject): Outcome {
  if (!isObject(result)) return { status: 'failed', error: clipped(errorTextOf(error)) };
  if (result['isError'] === true)
    return { status: 'failed', error: clipped(JSON.stringify(result['content'] ?? null)) };
  const size = Buffer.byteLength(JSON.stringify(result));
  return {
    status: 'success',
    result:
      size <= REPORT_MAX
        ? result
        : { content: [], notKept: `The result has ${size} bytes; only the client has it.` },
  };
}

function clipped(text: string): string {
  return text.slice(0, 4_000).toWellFormed();
}
