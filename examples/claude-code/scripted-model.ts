// The Messages API of Anthropic with a script behind it instead of a model, so that the real Claude Code can be driven
// through a session that is the same each time. https://docs.anthropic.com/en/api/messages-streaming
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { once } from 'node:events';

export interface Turn {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Awaited before the model makes its call: what happens in the meantime in the world. */
  readonly meanwhile?: () => Promise<void>;
}

export interface ScriptedModel {
  readonly url: string;
  /** What Claude Code told the model about each call, in order. */
  readonly told: () => readonly string[];
  close(): void;
}

interface Part {
  readonly type: string;
  readonly tool_use_id: string;
}

export async function openScriptedModel(turns: readonly Turn[]): Promise<ScriptedModel> {
  const left = [...turns];
  const toldById = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void answer(request.url ?? '', Buffer.concat(chunks).toString('utf8'), response));
  });

  async function answer(path: string, text: string, response: ServerResponse): Promise<void> {
    if (!/^\/v1\/messages(\?|$)/.test(path)) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":1}');
      return;
    }
    const body = JSON.parse(text) as {
      readonly model: string;
      readonly tools?: readonly unknown[];
      readonly messages: readonly { readonly content: unknown }[];
    };
    for (const { content } of body.messages)
      for (const part of Array.isArray(content) ? (content as readonly Part[]) : [])
        if (part.type === 'tool_result') toldById.set(part.tool_use_id, JSON.stringify(part));
    // Claude Code also asks for titles and summaries, without tools; those are no turns of the conversation.
    const turn = (body.tools?.length ?? 0) > 0 ? left.shift() : undefined;
    await turn?.meanwhile?.();
    write(response, body.model, turn, `toolu_${turns.length - left.length}`);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the scripted model got no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    told: () => [...toldById.values()],
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function write(response: ServerResponse, model: string, turn: Turn | undefined, id: string): void {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const send = (type: string, fields: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send('message_start', {
    message: {
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    },
  });
  const [block, delta] =
    turn === undefined
      ? [
          { type: 'text', text: '' },
          { type: 'text_delta', text: 'done' },
        ]
      : [
          { type: 'tool_use', id, name: turn.tool, input: {} },
          { type: 'input_json_delta', partial_json: JSON.stringify(turn.input) },
        ];
  send('content_block_start', { index: 0, content_block: block });
  send('content_block_delta', { index: 0, delta });
  send('content_block_stop', { index: 0 });
  send('message_delta', {
    delta: { stop_reason: turn === undefined ? 'end_turn' : 'tool_use', stop_sequence: null },
    usage: { output_tokens: 1 },
  });
  send('message_stop', {});
  response.end();
}
