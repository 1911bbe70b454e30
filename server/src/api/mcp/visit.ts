// Who comes to the MCP door: proven, for one agent that the key may speak for, at one server that the charter names.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IS_AGENT_NAME, isAgentName } from '../../platform/http/names.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { asksByOwnName } from '../http/own-name.ts';
import { sendProblem } from '../http/problem.ts';
import type { Doorway } from '../http/doorway.ts';
import type { Owner } from './sessions.ts';

export const SESSION = 'mcp-session-id';

/** One request of a client that has been proven, with all that is known before its body is read. */
export interface Visit {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly owner: Owner;
  readonly asker: Asker;
  readonly sessionId: string | null;
  readonly traceId: string;
}

export interface EntranceNeeds extends Pick<Doorway, 'prove'> {
  readonly askerOf: (principal: Principal, traceId: string | null) => Asker;
  /** Adds the authority of a delegation token. */
  readonly delegate: (
    principal: Principal,
    token: string,
  ) => Promise<{ kind: 'principal'; principal: Principal } | { kind: 'refused'; detail: string }>;
  /** The executors of the active charter that are MCP servers, each with what tells its setting from another. */
  readonly upstreams: (tenant: string) => Promise<ReadonlyMap<string, string>>;
  /** Where clients reach this server. */
  readonly publicUrl: () => string;
}

export type Enter = (request: FastifyRequest, reply: FastifyReply, traceId: string) => Promise<Visit | null>;

/** Answers whoever may not enter by itself, and null. */
export function createEntrance({ prove, askerOf, delegate, upstreams, publicUrl }: EntranceNeeds): Enter {
  return async (request, reply, traceId) => {
    const refuse = async (refusal: Refusal): Promise<null> => {
      await sendProblem(reply, refusal, { traceId });
      return null;
    };
    // MCP asks its servers on localhost to look, whether or not they also ask for a key.
    if (!asksByOwnName(request, publicUrl())) {
      const detail = 'This name or origin is not one of this server; set MANDATE_PUBLIC_URL if it should be.';
      return refuse({ code: 'not_yours', detail });
    }
    const proven = await prove(request, reply, 'actions.request', traceId);
    if (proven === null) return null;
    const token = headerOf(request, 'x-mandate-delegation');
    const delegated =
      token === null ? ({ kind: 'principal', principal: proven } as const) : await delegate(proven, token);
    if (delegated.kind === 'refused') return refuse({ code: 'not_yours', detail: delegated.detail });
    const { principal } = delegated;
    const { tenant } = principal;
    const upstream = upstreamIn(request.params);
    const known = await upstreams(tenant);
    const setting = known.get(upstream);
    if (setting === undefined) return refuse(unknownUpstream(upstream, [...known.keys()]));
    const agent = agentOf(principal, headerOf(request, 'x-mandate-agent'));
    if (typeof agent !== 'string') return refuse(agent);
    const owner = { tenant, principal: principal.id, agent, upstream, setting };
    const asker = askerOf(principal, traceId);
    return { request, reply, owner, asker, sessionId: headerOf(request, SESSION), traceId };
  };
}

function unknownUpstream(upstream: string, known: readonly string[]): Refusal {
  const list =
    known.length === 0
      ? 'The charter has none; mandate mcp add proposes one.'
      : `The charter has ${known.join(', ')}.`;
  const name = JSON.stringify(upstream.slice(0, 80));
  return { code: 'not_found', detail: `There is no MCP server ${name}. ${list}` };
}

/** The agent in whose name the call is made: the header, else the only one of the key. */
function agentOf(principal: Principal, named: string | null): string | Refusal {
  const { agents } = principal;
  if (named !== null) {
    if (!isAgentName(named))
      return { code: 'invalid', detail: `X-Mandate-Agent takes ${IS_AGENT_NAME}, and no token or password.` };
    return agents === 'any' || agents.includes(named)
      ? named
      : { code: 'not_yours', detail: `This key does not speak for ${named}.` };
  }
  const [only] = agents === 'any' ? [] : agents;
  if (only !== undefined && agents.length === 1) return only;
  return {
    code: 'invalid',
    detail: 'This key may speak for several agents; name one in the header X-Mandate-Agent.',
  };
}

function upstreamIn(params: unknown): string {
  return typeof params === 'object' && params !== null && 'upstream' in params ? String(params.upstream) : '';
}

export function takesEvents(request: FastifyRequest): boolean {
  return (headerOf(request, 'accept') ?? '').includes('text/event-stream');
}

export function headerOf(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
