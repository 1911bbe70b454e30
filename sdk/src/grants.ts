// Authority handed on: narrower or equal, expiring, revocable.
import type { GrantKind, GrantView } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, optional, textOf, wordOf } from './guard.ts';
import { createHandedOut } from './handed-out.ts';
import type { Transport } from './transport.ts';

const KINDS = ['consent', 'delegation', 'task', 'signature'] as const satisfies readonly GrantKind[];

export interface GrantOrder {
  /** `delegation` unless given. A consent needs a key with a user, and is looked up instead of carried. */
  readonly kind?: 'delegation' | 'task' | 'consent' | undefined;
  /** The agent that receives it. */
  readonly to: string;
  /** Names, or prefixes with one trailing `*`. */
  readonly actions: readonly string[];
  readonly purpose: string;
  /** ISO 8601; at most 30 days from now. */
  readonly expiresAt: string;
  /** Whose key hands it on; without one the operator's. */
  readonly agent?: string | undefined;
}

export interface GivenGrant extends GrantView {
  /** What the agent sends as `delegation`, shown this once; null for a consent. */
  readonly token: string | null;
}

export interface Grants {
  create(order: GrantOrder): Promise<GivenGrant>;
  /** Newest first. */
  list(): Promise<readonly GrantView[]>;
  /** Counts on the next decision. Throws MandateProblem `not_found` where none of yours stands. */
  revoke(id: string): Promise<void>;
}

const PATH = '/api/v1/grants';

export function createGrants(transport: Transport): Grants {
  return {
    async create({ agent, kind = 'delegation', ...order }) {
      const answer = await transport.read({
        method: 'POST',
        path: PATH,
        body: { kind, ...order },
        agent: agent ?? null,
        isRepeatable: false,
      });
      return {
        ...readGrant(answer, 'the answer'),
        token: optional(fieldsOf(answer, 'the answer')['token'], idOf, 'token'),
      };
    },
    ...createHandedOut(transport, { path: PATH, readOne: readGrant }),
  };
}

function readGrant(value: unknown, where: string): GrantView {
  const of = fieldsOf(value, where);
  const signature = optional(of['signature'], textOf, `${where}.signature`);
  return {
    id: idOf(of['id'], `${where}.id`),
    kind: wordOf(of['kind'], KINDS, `${where}.kind`),
    from: textOf(of['from'], `${where}.from`),
    to: textOf(of['to'], `${where}.to`),
    actions: listOf(of['actions'], textOf, `${where}.actions`),
    purpose: textOf(of['purpose'], `${where}.purpose`),
    createdAt: textOf(of['createdAt'], `${where}.createdAt`),
    expiresAt: textOf(of['expiresAt'], `${where}.expiresAt`),
    revokedAt: optional(of['revokedAt'], textOf, `${where}.revokedAt`),
    ...(signature === null
      ? {}
      : {
          signature,
          causes: listOf(of['causes'], textOf, `${where}.causes`),
          approval: textOf(of['approval'], `${where}.approval`),
        }),
  };
}
