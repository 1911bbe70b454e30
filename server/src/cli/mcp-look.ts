// What a wrapped server says of its tools is looked at before one of them is called, as the gateway does for the servers
// that it runs: every list that passes is, and before the first call, and whenever the server has said that its list
// changed, the server is asked by us. These questions and their answers are the wrapper's own; the client sees none.
import type { JsonObject } from '@mandate/kernel';
import { idOf, isObject, metaOf } from '../api/mcp/message.ts';
import type { NotRun } from '../api/mcp/tool-result.ts';
import type { ReportTools } from './mcp-report.ts';

export interface ToolLook {
  /** A list that the client asked for, as the server gave it. */
  passed(result: unknown): void;
  /** Whether the message is the answer to a question of ours, which nobody else is to see. */
  isOurs(message: JsonObject): boolean;
  /** The server has said something of its own accord. */
  said(method: unknown): void;
  /** Why a call may not go on; null once everything that the server says of its tools is known to Mandate. */
  beforeCall(params: JsonObject): Promise<NotRun | null>;
  /** Whether the server has promised structured output of the tool. */
  hasOutputSchema(tool: string): boolean;
  /** The server has ended: nobody waits for its lists any more. */
  ended(): void;
}

export interface ToolLookNeeds {
  readonly upstream: string;
  readonly report: ReportTools;
  readonly toServer: (line: string) => void;
  readonly after: (waitMs: number, run: () => void) => () => void;
}

/** Ids of requests that begin so are the wrapper's own. */
export const OUR_IDS = 'mandate-tools-';
/** Nobody reads more tools than that. */
const PAGES_MAX = 50;
const LIST_MS = 15_000;
const LIST_CHANGED = 'notifications/tools/list_changed';

export function createToolLook({ upstream, report, toServer, after }: ToolLookNeeds): ToolLook {
  const structured = new Set<string>();
  const waiting = new Map<string, (answer: JsonObject | null) => void>();
  /** Lists that are on their way to Mandate. */
  const notes = new Set<Promise<void>>();
  /** Raised by whatever makes the last look count no more. */
  let changes = 0;
  let look: { readonly changes: number; readonly done: Promise<NotRun | null> } | null = null;
  let lastId = 0;
  let hasEnded = false;

  function learn(tools: readonly unknown[]): void {
    for (const tool of tools)
      if (isObject(tool) && typeof tool['name'] === 'string' && isObject(tool['outputSchema']))
        structured.add(tool['name']);
  }

  /** null when the server gave no answer in time, or has ended. */
  function ask(params: JsonObject, cursor: string | null): Promise<JsonObject | null> {
    if (hasEnded) return Promise.resolve(null);
    lastId += 1;
    const id = `${OUR_IDS}${lastId}`;
    // A request of 2026-07-28 carries who asks, and in which revision: the call's own says so.
    const { progressToken: _token, ...meta } = metaOf(params);
    return new Promise((resolve) => {
      const settle = (answer: JsonObject | null): void => {
        cancel();
        waiting.delete(id);
        resolve(answer);
      };
      const cancel = after(LIST_MS, () => settle(null));
      waiting.set(id, settle);
      toServer(
        JSON.stringify({
          jsonrpc: '2.0',
          id,
          method: 'tools/list',
          params: {
            ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
            ...(cursor === null ? {} : { cursor }),
          },
        }),
      );
    });
  }

  async function readPages(params: JsonObject): Promise<NotRun | null> {
    let cursor: string | null = null;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const answer = await ask(params, cursor);
      const result = answer?.['result'];
      if (!isObject(result)) return unseen('it did not show them');
      const tools = toolsIn(result);
      learn(tools);
      const why = await report(tools);
      if (why !== null) return why;
      const next = result['nextCursor'];
      if (typeof next !== 'string' || next === '') return null;
      cursor = next;
    }
    return unseen(`its list has more than ${PAGES_MAX} pages`);
  }

  function unseen(why: string): NotRun {
    return {
      code: 'unavailable',
      reasons: [`What ${upstream} says of its tools has to be looked at before one is called, and ${why}.`],
      next: 'It was not run. Look at what the server writes to its standard error, and start it anew.',
      actionId: null,
    };
  }

  return {
    passed(result) {
      if (!isObject(result)) return;
      const tools = toolsIn(result);
      learn(tools);
      const note = (async () => {
        // Not known to Mandate: the next call looks itself.
        if ((await report(tools)) !== null) changes += 1;
      })().finally(() => notes.delete(note));
      notes.add(note);
    },

    isOurs(message) {
      if (message['method'] !== undefined) return false;
      const id = idOf(message['id']);
      if (typeof id !== 'string' || !id.startsWith(OUR_IDS)) return false;
      waiting.get(id)?.(message);
      return true;
    },

    said(method) {
      if (method === LIST_CHANGED) changes += 1;
    },

    async beforeCall(params) {
      await Promise.all(notes);
      const current = look?.changes === changes ? look : { changes, done: readPages(params) };
      look = current;
      const why = await current.done;
      // What was not seen through is asked for again at the next call.
      if (why !== null && look === current) look = null;
      return why;
    },

    hasOutputSchema: (tool) => structured.has(tool),

    ended() {
      hasEnded = true;
      for (const settle of waiting.values()) settle(null);
    },
  };
}

function toolsIn(result: JsonObject): readonly unknown[] {
  const { tools } = result;
  return Array.isArray(tools) ? (tools as readonly unknown[]) : [];
}
