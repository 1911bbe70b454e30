// mandate mcp tools: what MCP servers say of their tools, as it was pinned, and what has changed since.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { usageError } from './exit.ts';
import { harmless, table } from './output.ts';
import { listAt, textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { relative } from './times.ts';

export interface ToolsOptions {
  readonly forget?: string;
}

export async function tools(
  cli: Cli,
  command: Command,
  { upstream, options }: { readonly upstream: string | undefined; readonly options: ToolsOptions },
): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  if (options.forget !== undefined) {
    if (upstream === undefined)
      throw usageError(
        'Which server? What was pinned is forgotten server by server.',
        `Run: ${cli.self} mcp tools <server> --forget <reason>`,
      );
    const body = { upstream, reason: options.forget };
    const answer = await client.need({ method: 'POST', path: '/api/v1/tools/forget', body });
    if (json) return out.json(answer);
    return out.data(
      `Forgot ${textAt(answer, 'forgotten')} tools; the next list of ${harmless(upstream)} is taken as it is.`,
    );
  }
  const query = upstream === undefined ? '' : `?upstream=${encodeURIComponent(upstream)}`;
  const answer = await client.need({ method: 'GET', path: `/api/v1/tools${query}` });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return out.talk(
      'Nothing is pinned yet: tools are when a client first lists or calls them through the gateway or the wrapper.',
    );
  const nowMs = clock.nowMs();
  out.data(
    table(
      ['TOOL', 'PINNED', 'BY', 'CHANGED', 'APPROVAL'],
      items.map((item) => [
        `${textAt(item, 'upstream')}.${textAt(item, 'name')}`,
        relative(textAt(item, 'pinnedAt'), nowMs),
        textAt(item, 'pinnedBy'),
        valueAt(item, 'changed') === null
          ? ''
          : { text: `${relative(textAt(item, 'changed', 'at'), nowMs)}: its calls wait`, tint: 'red' },
        textAt(item, 'changed', 'approval'),
      ]),
      out.tint,
    ),
  );
}
