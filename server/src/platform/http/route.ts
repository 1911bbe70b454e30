// How a module offers itself over HTTP: a table of routes as plain data. The server mounts them, and the OpenAPI
// document is made of the same table, so that what is documented is what is served.
import type { z } from 'zod';
import type { Permission } from '../identity/roles.ts';
import type { Principal } from '../identity/principal.ts';
import type { Refusal } from './problems.ts';

export interface Call<Body = unknown, Query = unknown> {
  /** Proven; routes with `permission: null` are the only ones that see none. */
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly traceId: string;
  /** SHA-256 of the canonical body; worked out when asked for, since few calls need it. */
  readonly bodyDigest: () => string;
  /** Present on routes with an effect when the caller sent one; `digest` is over the parsed body. */
  readonly idempotency: { readonly key: string; readonly digest: string } | null;
  /** `Mandate-Attempt`: names one question of a client among those that share an Idempotency-Key; null without it. */
  readonly attempt: string | null;
  /** `Accept`, for routes whose answer has several forms; null without it. */
  readonly accept: string | null;
  /** How long the caller lets the answer be held: `Prefer: wait=30`; 0 without it. */
  readonly waitMs: number;
  readonly may: (permission: Permission) => boolean;
}

export type Reply =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      /** A document for people; `headers` names its content type. */
      readonly kind: 'document';
      readonly status: number;
      readonly body: string;
      readonly headers: Readonly<Record<string, string>> & { readonly 'content-type': string };
    }
  | {
      readonly kind: 'problem';
      readonly refusal: Refusal;
      readonly extra?: Readonly<Record<string, unknown>>;
    };

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `:name` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly permission: Permission;
  readonly body: z.ZodType | null;
  readonly query: z.ZodType | null;
  /** Shape of the good answer, for the documentation. */
  readonly answer: string;
  readonly handle: (call: Call) => Promise<Reply>;
}

interface RouteSpec<Body, Query> extends Omit<Route, 'body' | 'query' | 'handle'> {
  readonly body?: z.ZodType<Body>;
  readonly query?: z.ZodType<Query>;
  readonly handle: (call: Call<Body, Query>) => Promise<Reply>;
}

/** Ties a handler to the types that its schemas give it. */
export function route<Body = null, Query = null>({
  body,
  query,
  handle,
  ...rest
}: RouteSpec<Body, Query>): Route {
  return {
    ...rest,
    body: body ?? null,
    query: query ?? null,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server hands over only what these schemas parsed
    handle: (call) => handle(call as Call<Body, Query>),
  };
}

export function json(body: unknown, status = 200, headers?: Readonly<Record<string, string>>): Reply {
  return headers === undefined ? { kind: 'json', status, body } : { kind: 'json', status, body, headers };
}

export function problem(refusal: Refusal, extra?: Readonly<Record<string, unknown>>): Reply {
  return extra === undefined ? { kind: 'problem', refusal } : { kind: 'problem', refusal, extra };
}
