// What is served beside the tables of routes, for the documentation: the open paths, the feeds and the MCP gateway have
// no JSON bodies of ours to describe, but whoever reads the document must find them there.

const problem = {
  description: 'A problem (RFC 9457)',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

function operation(
  operationId: string,
  summary: string,
  answer: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const tags = [
    operationId.startsWith('mcp') ? 'mcp' : operationId.startsWith('get-feed') ? 'events' : 'operations',
  ];
  return { operationId, tags, summary, ...more, responses: { ...answer, default: problem } };
}

function answering(type: string, description: string): Readonly<Record<string, unknown>> {
  return { '200': { description, content: { [type]: { schema: {} } } } };
}

const open = { security: [] };
const upstream = {
  parameters: [{ name: 'upstream', in: 'path', required: true, schema: { type: 'string' } }],
};
const position = {
  parameters: [
    { name: 'from', in: 'query', required: false, schema: { type: 'string', pattern: '^[0-9]{1,15}$' } },
    {
      name: 'Last-Event-ID',
      in: 'header',
      required: false,
      schema: { type: 'string', pattern: '^[0-9]{1,15}$' },
    },
  ],
};
const json = 'application/json';

/** OpenAPI 3.1 path items by path. */
export const STANDING_PATHS: Record<string, Record<string, unknown>> = {
  '/health': {
    get: operation('get-health', 'Whether the process lives', answering(json, '{ status, version }'), open),
  },
  '/ready': {
    get: operation(
      'get-ready',
      'Whether it can decide',
      { ...answering(json, '{ status, checks }'), '503': { description: 'Not ready; the same shape' } },
      open,
    ),
  },
  '/metrics': {
    get: operation(
      'get-metrics',
      'Metrics for Prometheus; a scrape key is needed from elsewhere than this machine',
      answering('text/plain', 'Prometheus text'),
    ),
  },
  '/openapi.json': { get: operation('get-openapi', 'This document', answering(json, 'OpenAPI 3.1'), open) },
  '/api/v1/events': {
    get: operation(
      'get-feed-events',
      'The journal as it grows, as CloudEvents over Server-Sent Events',
      answering('text/event-stream', 'A stream; the id of an event is its position'),
      position,
    ),
  },
  '/api/v1/workflows/{id}/events': {
    get: operation(
      'get-workflow-events',
      'The same, of one workflow run and the acts of its steps',
      answering('text/event-stream', 'A stream; the id of an event is its position'),
      {
        parameters: [
          { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
          ...position.parameters,
        ],
      },
    ),
  },
  '/api/v1/live': {
    get: operation(
      'get-feed-live',
      'The same over WebSocket',
      { '101': { description: 'One CloudEvent per message' } },
      position,
    ),
  },
  '/mcp/{upstream}': {
    post: operation(
      'mcp-post',
      'MCP Streamable HTTP in front of an MCP server of the charter; every tool call is decided',
      { '2XX': { description: 'JSON-RPC 2.0' } },
      { ...upstream, requestBody: { required: true, content: { [json]: { schema: { type: 'object' } } } } },
    ),
    get: operation(
      'mcp-get',
      'The event stream of an MCP session',
      answering('text/event-stream', 'JSON-RPC 2.0 messages'),
      upstream,
    ),
    delete: operation('mcp-delete', 'End an MCP session', { '204': { description: 'Ended' } }, upstream),
  },
};
