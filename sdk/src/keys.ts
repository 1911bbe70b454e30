// API keys: one for each agent and each person. The text of a key comes once, with its making, and is kept nowhere.
import type { KeyView } from '@mandate/kernel';
import { fieldsOf, idOf, listOf, optional, textOf } from './guard.ts';
import { createHandedOut } from './handed-out.ts';
import type { Transport } from './transport.ts';

export interface KeyOrder {
  /** What people call it. */
  readonly label: string;
  /** `agent`, `operator`, `viewer`, `tech-lead`, `ops-lead`, `product-lead`, `exec-sponsor`, `admin`, `scrape`, `attestor`. */
  readonly roles: readonly string[];
  /** The agents it speaks for; `any` is for operators. None unless given. */
  readonly agents?: readonly string[] | 'any' | undefined;
  /** The person on whose authority it acts. */
  readonly user?:
    | { readonly id: string; readonly email?: string | null; readonly scopes?: readonly string[] }
    | undefined;
  /** Narrows what the roles allow: `actions.request`. */
  readonly scopes?: readonly string[] | undefined;
  /** ISO 8601; without one it does not expire. */
  readonly expiresAt?: string | undefined;
}

export interface MadeKey extends KeyView {
  /** To be presented as `Authorization: Bearer`; shown this once. */
  readonly text: string;
  /** For signed requests; shown this once. */
  readonly signingSecret: string;
}

export interface Keys {
  /** Throws MandateProblem `forbidden` for a key that would be wider than the one that asks. */
  create(order: KeyOrder): Promise<MadeKey>;
  list(): Promise<readonly KeyView[]>;
  /** It opens nothing from the next request on. */
  revoke(id: string): Promise<void>;
}

const PATH = '/api/v1/keys';

export function createKeys(transport: Transport): Keys {
  return {
    async create({ label, roles, agents, user, scopes, expiresAt }) {
      const answer = await transport.read({
        method: 'POST',
        path: PATH,
        body: {
          label,
          roles,
          ...(agents === undefined ? {} : { agents }),
          ...(user === undefined
            ? {}
            : { user: { id: user.id, email: user.email ?? null, scopes: user.scopes ?? [] } }),
          ...(scopes === undefined ? {} : { scopes }),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        },
        agent: null,
        isRepeatable: false,
      });
      const of = fieldsOf(answer, 'the answer');
      return {
        ...readKey(answer, 'the answer'),
        text: idOf(of['text'], 'text'),
        signingSecret: idOf(of['signingSecret'], 'signingSecret'),
      };
    },
    ...createHandedOut(transport, { path: PATH, readOne: readKey }),
  };
}

function readKey(value: unknown, where: string): KeyView {
  const of = fieldsOf(value, where);
  return {
    id: idOf(of['id'], `${where}.id`),
    label: textOf(of['label'], `${where}.label`),
    roles: listOf(of['roles'], textOf, `${where}.roles`),
    agents: of['agents'] === 'any' ? 'any' : listOf(of['agents'], textOf, `${where}.agents`),
    user: optional(of['user'], readUser, `${where}.user`),
    scopes: optional(of['scopes'], (list, at) => listOf(list, textOf, at), `${where}.scopes`),
    createdAt: optional(of['createdAt'], textOf, `${where}.createdAt`),
    createdBy: textOf(of['createdBy'], `${where}.createdBy`),
    expiresAt: optional(of['expiresAt'], textOf, `${where}.expiresAt`),
    revokedAt: optional(of['revokedAt'], textOf, `${where}.revokedAt`),
  };
}

function readUser(value: unknown, where: string): NonNullable<KeyView['user']> {
  const of = fieldsOf(value, where);
  return {
    id: textOf(of['id'], `${where}.id`),
    email: optional(of['email'], textOf, `${where}.email`),
    scopes: listOf(of['scopes'], textOf, `${where}.scopes`),
  };
}
