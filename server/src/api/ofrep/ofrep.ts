// Flags over the OpenFeature Remote Evaluation Protocol, so that any OpenFeature SDK reads Mandate's flags without
// knowing Mandate. Wire format: github.com/open-feature/protocol, service/openapi.yaml. Reading only: flags are changed
// where it is asked who may.
import { parseScope, scopeCovers } from '@mandate/kernel';
import type { Principal } from '../../platform/identity/principal.ts';
import { mountStandardDoor } from '../http/standard-door.ts';
import type { Doorway } from '../http/doorway.ts';
import type { StandardReply } from '../http/standard-door.ts';

/** One flag as it stands; a scoped row counts before the tenant's own where its scope covers the context. */
export interface OfrepFlag {
  readonly key: string;
  /** Empty for the whole tenant. */
  readonly scope: string;
  readonly value: string | number | boolean;
  readonly reason: string;
  readonly owner: string;
  readonly updatedAt: string;
}

export interface OfrepNeeds extends Doorway {
  readonly flags: (tenant: string) => Promise<readonly OfrepFlag[]>;
  /** The scopes that are stopped at this moment; `autonomy.emergencyStop` is true for whomever one of them covers. */
  readonly stops: (tenant: string) => Promise<readonly string[]>;
  readonly sha256: (text: string) => string;
}

const STOP = 'autonomy.emergencyStop';

/** Who the flag is asked for; what is not said is covered by no narrower scope. */
interface Context {
  readonly agent: string;
  readonly agentClass: string | null;
  readonly action: string;
  readonly user: string | null;
}

type ReadContext =
  | { readonly kind: 'context'; readonly context: Context }
  | {
      readonly kind: 'bad';
      readonly errorCode: 'PARSE_ERROR' | 'INVALID_CONTEXT';
      readonly errorDetails: string;
    };

/** Mounts `/ofrep/v1/evaluate/flags` and `/ofrep/v1/evaluate/flags/{key}`. */
export function mountOfrep(needs: OfrepNeeds): void {
  const { sha256 } = needs;
  const flagsFor = async (tenant: string, context: Context): Promise<readonly OfrepFlag[]> => {
    const [flags, stops] = await Promise.all([needs.flags(tenant), needs.stops(tenant)]);
    const isStopped = stops.some((scope) => covers(scope, context));
    return flags.map((flag) => (flag.key === STOP ? { ...flag, value: isStopped } : flag));
  };
  mountStandardDoor(needs, [
    {
      method: 'POST',
      url: '/ofrep/v1/evaluate/flags/:key',
      permission: 'flags.read',
      unreadable: (errorDetails, { params }) =>
        json(400, { key: params['key'] ?? '', errorCode: 'PARSE_ERROR', errorDetails }),
      async handle({ principal, params, body }) {
        const key = params['key'] ?? '';
        const read = readContext(body);
        if (read.kind === 'bad')
          return json(400, { key, errorCode: read.errorCode, errorDetails: read.errorDetails });
        const rows = (await flagsFor(principal.tenant, read.context)).filter((flag) => flag.key === key);
        if (rows.length === 0) {
          const errorDetails = `There is no flag ${key.slice(0, 200)}; POST /ofrep/v1/evaluate/flags lists them.`;
          return json(404, { key, errorCode: 'FLAG_NOT_FOUND', errorDetails });
        }
        return json(200, evaluate(key, rows, read.context));
      },
    },
    {
      method: 'POST',
      url: '/ofrep/v1/evaluate/flags',
      permission: 'flags.read',
      unreadable: (errorDetails) => json(400, { errorCode: 'PARSE_ERROR', errorDetails }),
      async handle({ principal, body, headers }) {
        const read = readContext(body);
        if (read.kind === 'bad')
          return json(400, { errorCode: read.errorCode, errorDetails: read.errorDetails });
        return bulk(principal, read.context, headers['if-none-match']);
      },
    },
  ]);

  async function bulk(
    { tenant }: Principal,
    context: Context,
    known: string | undefined,
  ): Promise<StandardReply> {
    const all = await flagsFor(tenant, context);
    const keys = [...new Set(all.map((flag) => flag.key))];
    const found = keys.map((key) =>
      evaluate(
        key,
        all.filter((flag) => flag.key === key),
        context,
      ),
    );
    const etag = `"${sha256(JSON.stringify(found)).slice(0, 32)}"`;
    const headers = { etag };
    const isKnown = (known ?? '').split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
    return isKnown
      ? { kind: 'json', status: 304, body: null, headers }
      : { kind: 'json', status: 200, body: { flags: found }, headers };
  }
}

function json(status: number, body: unknown): StandardReply {
  return { kind: 'json', status, body };
}

function evaluate(key: string, rows: readonly OfrepFlag[], context: Context) {
  const scoped = rows.filter((row) => row.scope !== '' && covers(row.scope, context));
  const own = rows.filter((row) => row.scope === '');
  const applying = [...scoped, ...own];
  // Of several rows that apply the strictest counts, as it does when an action is decided.
  const row = applying.find(({ value }) => value === false) ?? applying[0] ?? rows[0];
  if (row === undefined) throw new Error(`the flag ${key} has no row`);
  const isTargeted = row.scope !== '' && applying.includes(row);
  return {
    key,
    value: row.value,
    variant: typeof row.value === 'boolean' ? (row.value ? 'on' : 'off') : String(row.value),
    reason: isTargeted ? 'TARGETING_MATCH' : 'STATIC',
    metadata: { scope: row.scope, reason: row.reason, owner: row.owner, updatedAt: row.updatedAt },
  };
}

function covers(scope: string, { agent, agentClass, action, user }: Context): boolean {
  if (parseScope(scope).kind === 'problem') return true;
  return scopeCovers(scope, {
    agentClass,
    action: {
      agent,
      action,
      parameters: {},
      context: {},
      resource: null,
      user: user === null ? null : { id: user, email: null },
      chain: [],
      onBehalfOf: null,
      costMicroUsd: null,
    },
  });
}

/** `context.agent`, or OpenFeature's `targetingKey`, names the agent; `agentClass`, `action` and `user` narrow further. */
function readContext(body: unknown): ReadContext {
  if (!isObject(body))
    return { kind: 'bad', errorCode: 'PARSE_ERROR', errorDetails: 'The body must be a JSON object.' };
  const context = body['context'] ?? {};
  if (!isObject(context))
    return { kind: 'bad', errorCode: 'INVALID_CONTEXT', errorDetails: '/context must be a JSON object.' };
  for (const name of ['targetingKey', 'agent', 'agentClass', 'action', 'user']) {
    const value = context[name];
    if (value !== undefined && typeof value !== 'string') {
      const errorDetails = `/context/${name} must be a string.`;
      return { kind: 'bad', errorCode: 'INVALID_CONTEXT', errorDetails };
    }
  }
  return {
    kind: 'context',
    context: {
      agent: textOf(context['agent']) ?? textOf(context['targetingKey']) ?? '',
      agentClass: textOf(context['agentClass']),
      action: textOf(context['action']) ?? '',
      user: textOf(context['user']),
    },
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
