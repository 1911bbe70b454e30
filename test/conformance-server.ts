// An MCP server that offers everything the official conformance suite asks for (2025-06-18 and 2025-11-25), on the low
// level of the official SDK, over Streamable HTTP with sessions and resumable streams. The gateway is put in front of it.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Server, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import type { EventId, JSONRPCMessage, ServerContext, StreamId } from '@modelcontextprotocol/server';

interface Closing {
  after(fn: () => Promise<void> | void): void;
}

type Content = Readonly<Record<string, unknown>>;
type Tool = (input: Readonly<Record<string, unknown>>, ctx: ServerContext) => Promise<readonly Content[]>;

/** A red pixel, and half a second of nothing. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==';

const say = (value: string): Content => ({ type: 'text', text: value });
const image = { type: 'image', data: PNG, mimeType: 'image/png' };

const askedOf = ({ action, content }: { readonly action: string; readonly content?: unknown }): string =>
  `action=${action}, content=${JSON.stringify(content ?? {})}`;

function elicit(ctx: ServerContext, message: string, properties: object, required?: readonly string[]) {
  const requestedSchema = { type: 'object', properties, ...(required === undefined ? {} : { required }) };
  // The schema is one that the suite writes down; the SDK's type lists its forms one by one.
  return ctx.mcpReq.elicitInput(
    { mode: 'form', message, requestedSchema: requestedSchema as never },
    // On the stream of the call: the session's own stream may not be open yet, and what is sent there is then lost.
    { relatedRequestId: ctx.mcpReq.id },
  );
}

const TOOLS: Readonly<Record<string, Tool>> = {
  test_simple_text: async () => [say('This is a simple text response for testing.')],
  test_image_content: async () => [image],
  test_audio_content: async () => [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }],
  test_embedded_resource: async () => [
    {
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    },
  ],
  test_multiple_content_types: async () => [
    say('Multiple content types test:'),
    image,
    {
      type: 'resource',
      resource: {
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: '{"test":"data","value":123}',
      },
    },
  ],
  async test_tool_with_logging(_input, ctx) {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed'])
      await ctx.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
    return [say('logged')];
  },
  test_error_handling() {
    throw new Error('This tool intentionally returns an error for testing');
  },
  async test_tool_with_progress(_input, ctx) {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    if (progressToken !== undefined)
      for (const progress of [0, 50, 100])
        await ctx.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total: 100 },
        });
    return [say('done')];
  },
  async test_sampling({ prompt }, ctx) {
    const answer = await ctx.mcpReq.requestSampling(
      { messages: [{ role: 'user', content: { type: 'text', text: String(prompt) } }], maxTokens: 100 },
      { relatedRequestId: ctx.mcpReq.id },
    );
    const { content } = answer;
    const block = Array.isArray(content) ? content[0] : content;
    return [say(`LLM response: ${block?.type === 'text' ? block.text : ''}`)];
  },
  async test_elicitation({ message }, ctx) {
    const properties = {
      username: { type: 'string', description: "User's response" },
      email: { type: 'string', description: "User's email address" },
    };
    const answer = await elicit(ctx, String(message), properties, ['username', 'email']);
    return [say(`User response: ${askedOf(answer)}`)];
  },
  async test_elicitation_sep1034_defaults(_input, ctx) {
    const answer = await elicit(ctx, 'Please check', {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    });
    return [say(`Elicitation completed: ${askedOf(answer)}`)];
  },
  async test_elicitation_sep1330_enums(_input, ctx) {
    const options = ['option1', 'option2', 'option3'];
    const titled = ['First', 'Second', 'Third'].map((title, at) => ({
      const: `value${at + 1}`,
      title: `${title} Option`,
    }));
    const answer = await elicit(ctx, 'Please choose', {
      untitledSingle: { type: 'string', enum: options },
      titledSingle: { type: 'string', oneOf: titled },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
      titledMulti: { type: 'array', items: { anyOf: titled } },
    });
    return [say(`Elicitation completed: ${askedOf(answer)}`)];
  },
  async test_reconnection(_input, ctx) {
    ctx.http?.closeSSE?.();
    return [say('Reconnected')];
  },
};

const SCHEMAS: Readonly<Record<string, object>> = {
  json_schema_2020_12_tool: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
    additionalProperties: false,
  },
  test_sampling: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
  test_elicitation: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
};

const PROMPTS: Readonly<Record<string, (args: Readonly<Record<string, string>>) => readonly Content[]>> = {
  test_simple_prompt: () => [say('This is a simple prompt for testing.')],
  test_prompt_with_arguments: ({ arg1, arg2 }) => [
    say(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
  ],
  test_prompt_with_embedded_resource: ({ resourceUri }) => [
    {
      type: 'resource',
      resource: {
        uri: resourceUri,
        mimeType: 'text/plain',
        text: 'Embedded resource content for testing.',
      },
    },
    say('Please process the embedded resource above.'),
  ],
  test_prompt_with_image: () => [image, say('Please analyze the image above.')],
};

const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  test_prompt_with_arguments: ['arg1', 'arg2'],
  test_prompt_with_embedded_resource: ['resourceUri'],
};

function readResource(uri: string): Content {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id !== undefined) {
    const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    return { uri, mimeType: 'application/json', text: data };
  }
  if (uri === 'test://static-binary') return { uri, mimeType: 'image/png', blob: PNG };
  return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' };
}

function createConformanceServer(): Server {
  const server = new Server(
    { name: 'conformance', version: '1.0.0' },
    {
      capabilities: {
        tools: {},
        logging: {},
        completions: {},
        prompts: {},
        resources: { subscribe: true },
      },
    },
  );
  // What the suite asks for is written out above; the SDK's result types repeat it form by form.
  const answer = (value: object): never => value as never;
  server.setRequestHandler('logging/setLevel', () => answer({}));
  server.setRequestHandler('tools/list', () =>
    answer({
      tools: [...Object.keys(TOOLS), 'json_schema_2020_12_tool'].map((name) => ({
        name,
        description: `Does what the conformance suite expects of ${name}`,
        inputSchema: SCHEMAS[name] ?? { type: 'object', properties: {} },
      })),
    }),
  );
  server.setRequestHandler('tools/call', async ({ params }, ctx) => {
    try {
      const content = await TOOLS[params.name]?.(params.arguments ?? {}, ctx);
      return answer({ content: content ?? [say('nothing to do')] });
    } catch (error) {
      return answer({ isError: true, content: [say(error instanceof Error ? error.message : 'failed')] });
    }
  });
  server.setRequestHandler('prompts/list', () =>
    answer({
      prompts: Object.keys(PROMPTS).map((name) => ({
        name,
        description: name,
        arguments: (ARGUMENTS[name] ?? []).map((each) => ({ name: each, required: true })),
      })),
    }),
  );
  server.setRequestHandler('prompts/get', ({ params }) =>
    answer({
      messages: (PROMPTS[params.name]?.(params.arguments ?? {}) ?? []).map((content) => ({
        role: 'user',
        content,
      })),
    }),
  );
  server.setRequestHandler('resources/list', () =>
    answer({
      resources: ['static-text', 'static-binary', 'watched-resource'].map((name) => ({
        uri: `test://${name}`,
        name,
        description: name,
        mimeType: name === 'static-binary' ? 'image/png' : 'text/plain',
      })),
    }),
  );
  server.setRequestHandler('resources/templates/list', () =>
    answer({ resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template' }] }),
  );
  server.setRequestHandler('resources/read', ({ params }) =>
    answer({ contents: [readResource(params.uri)] }),
  );
  server.setRequestHandler('resources/subscribe', () => answer({}));
  server.setRequestHandler('resources/unsubscribe', () => answer({}));
  server.setRequestHandler('completion/complete', () =>
    answer({ completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false } }),
  );
  return server;
}

/** Events of a session's streams, so that a client that lost one goes on where it stopped. */
function createEvents() {
  const events: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  return {
    async storeEvent(stream: StreamId, message: JSONRPCMessage): Promise<EventId> {
      const id = `${stream}_${events.length}`;
      events.push({ id, stream, message });
      return id;
    },
    async replayEventsAfter(
      last: EventId,
      { send }: { send: (id: EventId, message: JSONRPCMessage) => Promise<void> },
    ): Promise<StreamId> {
      const at = events.findIndex(({ id }) => id === last);
      const stream = events[at]?.stream ?? '';
      for (const event of events.slice(at + 1))
        if (event.stream === stream) await send(event.id, event.message);
      return stream;
    },
  };
}

/** Serves it on a free port of this machine; answers with the URL. */
export async function serveConformance(t: Closing): Promise<string> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const http = createServer((request, response) => void serve(request, response));
  // The suite keeps its connections; one that ends while a request is on its way would look like a failed check.
  http.keepAliveTimeout = 60_000;
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const { port } = http.address() as AddressInfo;

  async function transportOf(session: string | undefined) {
    const known = session === undefined ? undefined : sessions.get(session);
    if (known !== undefined) return known;
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      eventStore: createEvents(),
      retryInterval: 50,
      enableDnsRebindingProtection: true,
      allowedHosts: [`127.0.0.1:${port}`, `localhost:${port}`],
      allowedOrigins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`],
    });
    await createConformanceServer().connect(transport);
    return transport;
  }

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const session = incoming.headers['mcp-session-id'];
    const transport = await transportOf(typeof session === 'string' ? session : undefined);
    const method = incoming.method ?? 'GET';
    const body = method === 'POST' ? { body: await text(incoming) } : {};
    const headers = new Headers(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    );
    const answered = await transport.handleRequest(
      new Request(`http://127.0.0.1:${port}${incoming.url}`, { method, headers, ...body }),
    );
    outgoing.writeHead(answered.status, Object.fromEntries(answered.headers));
    if (answered.body === null) return void outgoing.end();
    Readable.fromWeb(answered.body as never)
      .on('error', () => outgoing.destroy())
      .pipe(outgoing);
  }

  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${port}/mcp`;
}
