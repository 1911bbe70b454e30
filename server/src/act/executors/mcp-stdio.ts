// An MCP server behind a command. The SDK's own stdio transport signals only the direct child, waits for pipes that
// grandchildren may hold (npx starts a second process), and lets a full pipe block for ever; this one leads a process
// group like every other command and ends when its leader ends.
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/client';
import type { Transport } from '@modelcontextprotocol/client';
import { createCapture } from './capture.ts';
import { startGroup } from './process-group.ts';
import type { ProcessEnd, ProcessGroup, ProcessNeeds, ProcessStart } from './process-group.ts';
import { errorText } from './result.ts';

/** A single message larger than this ends the connection (8 MiB; results are capped far below). */
export const MAX_MESSAGE_BYTES = 8_388_608;

/** `stderr` and `pid` are also how the SDK recognises a stdio transport. */
export interface StdioTransport extends Transport {
  readonly pid: number | null;
  readonly stderr: null;
  /** What the server printed last on standard error, for error texts. */
  readonly lastWords: () => string;
}

export function createStdioTransport(start: ProcessStart, needs: ProcessNeeds): StdioTransport {
  const buffer = new ReadBuffer({ maxBufferSize: MAX_MESSAGE_BYTES });
  const stderr = createCapture(16_384);
  let group: ProcessGroup | null = null;
  let end: ProcessEnd | null = null;

  const transport: StdioTransport = {
    get pid() {
      return group?.child.pid ?? null;
    },
    stderr: null,
    lastWords: () => stderr.tail(1_000).trim(),
    async start() {
      if (group !== null) throw new Error('this MCP server has already been started');
      group = startGroup(start, needs);
      const { child, ended } = group;
      const closed = whenEnded(ended);
      if (child.pid === undefined) {
        await closed;
        throw new Error(
          end?.kind === 'notStarted' ? errorText(end.error) : 'the program could not be started',
        );
      }
      child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
      child.stdout.on('data', (chunk: Buffer) => receive(chunk));
    },
    send(message) {
      return new Promise((resolve, reject) => {
        if (group === null || end !== null) {
          reject(new Error('the MCP server is not running'));
          return;
        }
        // The callback comes with the flush or with the error of a pipe that broke; both end the wait.
        group.child.stdin.write(serializeMessage(message), (error) =>
          error == null ? resolve() : reject(error),
        );
      });
    },
    async close() {
      if (group === null || end !== null) return;
      group.child.stdin.end();
      group.stop();
      await group.ended;
    },
  };

  async function whenEnded(ended: Promise<ProcessEnd>): Promise<void> {
    end = await ended;
    buffer.clear();
    transport.onclose?.();
  }

  function receive(chunk: Buffer): void {
    try {
      buffer.append(chunk);
    } catch (error) {
      transport.onerror?.(error instanceof Error ? error : new Error(errorText(error)));
      group?.stop();
      return;
    }
    for (;;) {
      try {
        const message = buffer.readMessage();
        if (message === null) return;
        transport.onmessage?.(message);
      } catch (error) {
        // One line that is no message: reported, and the next line is tried.
        transport.onerror?.(error instanceof Error ? error : new Error(errorText(error)));
      }
    }
  }

  return transport;
}
