// What MCP servers say of their tools, as it was pinned: see it, report it for a server that Mandate does not run, forget it.
import type { HeldTool, JsonObject, ToolView } from '@mandate/kernel';
import { fieldsOf, listOf, numberOf, optional, parsedJson, textOf } from './guard.ts';
import { queryOf } from './query.ts';
import type { Transport } from './transport.ts';

export interface SeenTools {
  /** The first part of the action names of its tools. */
  readonly upstream: string;
  /** As `tools/list` gives them, complete. */
  readonly tools: readonly JsonObject[];
  /** Whose key is used; without one the operator's. */
  readonly agent?: string | undefined;
}

export interface Tools {
  /** Of one server, or of all. */
  list(upstream?: string): Promise<readonly ToolView[]>;
  /** When it resolves, every tool that has changed is held. Answers with those that are. */
  seen(list: SeenTools): Promise<readonly HeldTool[]>;
  /** The next list of the server is taken as it is. Answers with how many tools were forgotten. */
  forget(upstream: string, reason: string): Promise<number>;
}

const PATH = '/api/v1/tools';

export function createTools(transport: Transport): Tools {
  const post = async (verb: string, body: JsonObject, agent: string | null): Promise<unknown> =>
    transport.read({ method: 'POST', path: `${PATH}/${verb}`, body, agent, isRepeatable: verb === 'seen' });
  return {
    async list(upstream) {
      const path = `${PATH}${queryOf({ upstream })}`;
      const answer = await transport.read({ method: 'GET', path, agent: null, isRepeatable: true });
      return listOf(fieldsOf(answer, 'the answer')['items'], readTool, 'items');
    },
    async seen({ upstream, tools, agent }) {
      const answer = await post('seen', { upstream, tools }, agent ?? null);
      return listOf(fieldsOf(answer, 'the answer')['held'], readHeld, 'held');
    },
    async forget(upstream, reason) {
      const answer = await post('forget', { upstream, reason }, null);
      return numberOf(fieldsOf(answer, 'the answer')['forgotten'], 'forgotten');
    },
  };
}

function readHeld(value: unknown, where: string): HeldTool {
  const of = fieldsOf(value, where);
  return {
    name: textOf(of['name'], `${where}.name`),
    approval: optional(of['approval'], textOf, `${where}.approval`),
  };
}

function readTool(value: unknown, where: string): ToolView {
  const of = fieldsOf(value, where);
  return {
    upstream: textOf(of['upstream'], `${where}.upstream`),
    name: textOf(of['name'], `${where}.name`),
    hash: textOf(of['hash'], `${where}.hash`),
    told: jsonOf(of['told'], `${where}.told`),
    pinnedAt: textOf(of['pinnedAt'], `${where}.pinnedAt`),
    pinnedBy: textOf(of['pinnedBy'], `${where}.pinnedBy`),
    changed: optional(of['changed'], readChanged, `${where}.changed`),
  };
}

function readChanged(value: unknown, where: string): NonNullable<ToolView['changed']> {
  const of = fieldsOf(value, where);
  return {
    hash: textOf(of['hash'], `${where}.hash`),
    told: jsonOf(of['told'], `${where}.told`),
    at: optional(of['at'], textOf, `${where}.at`),
    approval: optional(of['approval'], textOf, `${where}.approval`),
  };
}

function jsonOf(value: unknown, where: string): JsonObject {
  return Object.fromEntries(
    Object.entries(fieldsOf(value, where)).map(([key, inner]) => [key, parsedJson(inner)]),
  );
}
