// Tells Mandate what a wrapped MCP server says of its tools, so that it is pinned there as it is for servers behind the
// gateway. Whatever is not a clear answer is a reason not to call a tool: nobody knows then whether one has changed.
import type { JsonObject } from '@mandate/kernel';
import { isObject } from '../api/mcp/message.ts';
import type { NotRun } from '../api/mcp/tool-result.ts';
import type { Client } from './client.ts';
import { refusalOf } from './mcp-verdict.ts';
import { listAt, textAt } from './read.ts';

/** Why nothing may be called after this list; null once every tool of it that has changed is held. */
export type ReportTools = (tools: readonly unknown[]) => Promise<NotRun | null>;

export interface ToolReportNeeds {
  readonly client: Client;
  readonly upstream: string;
  readonly talk: (text: string) => void;
}

/** Mandate takes bodies of up to 1 MiB; more tools come in several. */
const PART_BYTES = 700_000;
const PART_TOOLS = 1_000;
const REPORT_MS = 15_000;

export function createToolReport({ client, upstream, talk }: ToolReportNeeds): ReportTools {
  const told = new Set<string>();

  async function send(tools: readonly JsonObject[]): Promise<NotRun | null> {
    const path = '/api/v1/tools/seen';
    const answer = await client.send({
      method: 'POST',
      path,
      body: { upstream, tools },
      timeoutMs: REPORT_MS,
    });
    if (answer.kind !== 'ok') return because(refusalOf(answer, client.url));
    // Something else that answers 200 has pinned nothing.
    if (textAt(answer.body, 'upstream') !== upstream || !isObject(answer.body) || !('held' in answer.body)) {
      return because({
        code: 'unavailable',
        reasons: [`What answers at ${client.url} does not answer as Mandate would.`],
        next: 'Check MANDATE_URL; nothing was run.',
        actionId: null,
      });
    }
    for (const held of listAt(answer.body, 'held')) tell(textAt(held, 'name'), textAt(held, 'approval'));
    return null;
  }

  /** Each change once: whoever reads along is not told at every list. */
  function tell(name: string, approval: string): void {
    const what = `${name} ${approval}`;
    if (told.has(what)) return;
    told.add(what);
    const how =
      approval === '' ? 'People have refused what it says now.' : `mandate approve ${approval} accepts it.`;
    talk(`${upstream} has changed what it says of its tool ${name}; its calls wait. ${how}`);
  }

  return async (tools) => {
    for (const part of partsOf(tools)) {
      const why = await send(part);
      if (why !== null) return why;
    }
    return null;
  };

  function because(why: NotRun): NotRun {
    const first = `What ${upstream} says of its tools has to be known to Mandate before one is called.`;
    return { ...why, reasons: [first, ...why.reasons] };
  }
}

/** What is said under one name stays together, because it is compared together. */
function partsOf(tools: readonly unknown[]): readonly (readonly JsonObject[])[] {
  const byName = new Map<unknown, JsonObject[]>();
  for (const tool of tools)
    if (isObject(tool)) byName.set(tool['name'], [...(byName.get(tool['name']) ?? []), tool]);
  const parts: JsonObject[][] = [];
  let bytes = Infinity;
  for (const said of byName.values()) {
    const size = Buffer.byteLength(JSON.stringify(said));
    const last = parts.at(-1);
    if (last !== undefined && bytes + size <= PART_BYTES && last.length + said.length <= PART_TOOLS) {
      last.push(...said);
      bytes += size;
    } else {
      parts.push([...said]);
      bytes = size;
    }
  }
  return parts;
}
