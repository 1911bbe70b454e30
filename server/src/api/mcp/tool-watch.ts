// Sees to it that what a server says of its tools has been looked at before one of them is called: every list that
// passes is, and a connection over which nobody asked for one is asked by us.
import type { JsonObject } from '@mandate/kernel';
import type { Link } from './link.ts';
import { isObject, metaOf } from './message.ts';

export interface ToolWatch {
  /** Pages of a list that a client asked for. */
  passed(of: Watched, page: JsonObject): Promise<void>;
  /**
   * Before a call: asks for the list where this connection has not shown it, or has said that it changed. Answers with
   * why the call may not go on, or null.
   */
  beforeCall(of: Watched, params: JsonObject): Promise<string | null>;
}

export interface Watched {
  readonly link: Link;
  readonly tenant: string;
  readonly upstream: string;
  readonly by: string;
  readonly traceId: string | null;
}

export interface ToolWatchNeeds {
  readonly seen: (list: {
    readonly tenant: string;
    readonly upstream: string;
    readonly tools: readonly unknown[];
    readonly by: string;
    readonly traceId: string | null;
  }) => Promise<void>;
  readonly after: (waitMs: number, run: () => void) => () => void;
}

/** Nobody reads more tools than that. */
const PAGES_MAX = 50;
const LIST_MS = 15_000;

export function createToolWatch({ seen, after }: ToolWatchNeeds): ToolWatch {
  /** How often a connection had said that its list changed when the list was last asked for. */
  const listed = new WeakMap<Link, { readonly changes: number; readonly done: Promise<string | null> }>();

  function note({ tenant, upstream, by, traceId }: Watched, tools: readonly unknown[]): Promise<void> {
    return seen({ tenant, upstream, tools, by, traceId });
  }

  /** Its own time and its own end: a client that gives up its call must not end the look for all others. */
  async function ask(of: Watched, params: JsonObject): Promise<string | null> {
    const controller = new AbortController();
    const cancel = after(LIST_MS, () => controller.abort());
    try {
      return await readPages(of, params, controller.signal);
    } finally {
      cancel();
    }
  }

  async function readPages(of: Watched, params: JsonObject, signal: AbortSignal): Promise<string | null> {
    let cursor: string | null = null;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const answer = await listPage(of.link, { params, cursor, signal });
      const result = answer?.['result'];
      if (!isObject(result)) return 'it did not show them';
      await note(of, toolsIn(result));
      const next = result['nextCursor'];
      if (typeof next !== 'string' || next === '') return null;
      cursor = next;
    }
    return `its list has more than ${PAGES_MAX} pages`;
  }

  return {
    async passed(of, page) {
      if (isObject(page['result'])) await note(of, toolsIn(page['result']));
    },

    async beforeCall(of, params) {
      const { link } = of;
      const changes = link.listChanges();
      const known = listed.get(link);
      const look = known?.changes === changes ? known : { changes, done: ask(of, params) };
      listed.set(link, look);
      // What was not seen through is asked for again at the next call.
      const forget = (): void => {
        if (listed.get(link) === look) listed.delete(link);
      };
      try {
        const why = await look.done;
        if (why !== null) forget();
        return why;
      } catch (error) {
        forget();
        throw error;
      }
    },
  };
}

interface PageWanted {
  /** Of the call that waits for it: a request of 2026-07-28 carries who asks, and in which revision. */
  readonly params: JsonObject;
  readonly cursor: string | null;
  readonly signal: AbortSignal;
}

/** null when the connection broke or the time was over. */
function listPage(link: Link, { params, cursor, signal }: PageWanted): Promise<JsonObject | null> {
  const { progressToken: _token, ...meta } = metaOf(params);
  const method = 'tools/list';
  const id = 'mandate-tools';
  const whole = {
    jsonrpc: '2.0',
    id,
    method,
    params: {
      ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
      ...(cursor === null ? {} : { cursor }),
    },
  };
  return link.request({ id, method, whole, onEvent: () => {}, signal }).catch(() => null);
}

function toolsIn(result: JsonObject): readonly unknown[] {
  const { tools } = result;
  return Array.isArray(tools) ? tools : [];
}
