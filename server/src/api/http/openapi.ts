// The OpenAPI 3.1 document, made of the same table of routes that is served.
import { z } from 'zod';
import { PROBLEMS } from '../../platform/http/problems.ts';
import type { Route } from '../../platform/http/route.ts';
import { STANDING_PATHS } from './standing-paths.ts';

export function openApiDocument(routes: readonly Route[], version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = structuredClone(STANDING_PATHS);
  const schemas: Record<string, unknown> = { Problem: problemSchema() };
  for (const route of routes) {
    const path = route.path.replaceAll(/:([a-zA-Z]+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mandate',
      version,
      description:
        'The control plane for autonomous AI agents. Every action travels one road: detect, decide, act, prove.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apiKey: [] }],
    // Actions come first, because that is what a reader is here for; what only keeps the server going comes last.
    tags: [...new Set(routes.map(tagOf)), 'events', 'mcp', 'operations'].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas,
    },
  };
}

function operationOf(route: Route, schemas: Record<string, unknown>): unknown {
  const parameters = [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)];
  return {
    operationId: operationId(route),
    tags: [tagOf(route)],
    summary: route.summary,
    description: `Needs the permission \`${route.permission}\`.`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === null
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: hoisted(route, schemaOf(route.body), schemas) } },
          },
        }),
    responses: {
      // Which of them (200, 201, 202) is told by the answer: an action that waits is accepted, not done.
      '2XX': { description: route.answer, content: { 'application/json': { schema: {} } } },
      default: {
        description: 'A problem (RFC 9457)',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function tagOf(route: Route): string {
  return route.path.split('/')[3] ?? 'mandate';
}

function pathParameters(route: Route): readonly unknown[] {
  return [...route.path.matchAll(/:([a-zA-Z]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: name === 'id' ? { type: 'string', format: 'uuid' } : { type: 'string' },
  }));
}

function queryParameters(route: Route): readonly unknown[] {
  if (route.query === null) return [];
  const { properties = {}, required = [] } = schemaOf(route.query);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function headerParameters(route: Route): readonly unknown[] {
  if (route.path !== '/api/v1/actions' || route.method !== 'POST') return [];
  const key = { type: 'string', minLength: 1, maxLength: 256 };
  return [
    { name: 'Idempotency-Key', in: 'header', required: false, schema: key },
    {
      name: 'Mandate-Attempt',
      in: 'header',
      required: false,
      schema: key,
      description:
        'Names this question: only its own repeat under the same Idempotency-Key reads its permit again',
    },
    {
      name: 'Prefer',
      in: 'header',
      required: false,
      schema: { type: 'string' },
      description: '`wait=30` holds the answer up to 30 s',
    },
  ];
}

function operationId(route: Route): string {
  const words = route.path
    .replace('/api/v1/', '')
    .split('/')
    .map((part) => part.replace(':', 'by-'));
  return [route.method.toLowerCase(), ...words].join('-').replaceAll(/[^a-zA-Z0-9-]/g, '-');
}

function schemaOf(schema: z.ZodType) {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' });
}

/** A schema that refers to itself keeps its parts beside it; in this document they have to stand among the components. */
function hoisted(
  route: Route,
  schema: ReturnType<typeof schemaOf>,
  schemas: Record<string, unknown>,
): unknown {
  const { $defs, ...rest } = schema;
  if ($defs === undefined) return schema;
  const nameOf = (part: string): string => `${operationId(route)}${part}`;
  const moved = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value).replaceAll(
        /"#\/\$defs\/([^"]+)"/g,
        (_whole, part: string) => `"#/components/schemas/${nameOf(part)}"`,
      ),
    );
  for (const [part, definition] of Object.entries($defs)) schemas[nameOf(part)] = moved(definition);
  return moved(rest);
}

function problemSchema(): unknown {
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'code', 'detail'],
    properties: {
      type: { type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string', enum: Object.keys(PROBLEMS) },
      detail: { type: 'string', description: 'What is wrong and what to do next' },
      traceId: { type: ['string', 'null'] },
      errors: {
        type: 'array',
        items: { type: 'object', properties: { pointer: { type: 'string' }, detail: { type: 'string' } } },
      },
    },
  };
}
