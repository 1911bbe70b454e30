// How the trust in an agent came about, as far back as is asked.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { harmless, table } from './output.ts';
import { listAt, textAt } from './read.ts';
import { openSession } from './session.ts';
import { readTime, when } from './times.ts';

interface TrustOptions {
  readonly from?: string;
  readonly to?: string;
  readonly limit: string;
}

export function registerAgentTrust(agent: Command, cli: Cli): void {
  agent
    .command('trust')
    .description('how the trust in an agent came about: every move with its cause, and every freeze')
    .argument('<agent>')
    .option('--from <when>', 'since a time, or a duration ago (2h, 7d)')
    .option('--to <when>', 'until a time, or a duration ago')
    .option('--limit <n>', 'how many, at most 1000', '50')
    .action((id: string, options: TrustOptions, command: Command) => show(cli, command, id, options));
}

async function show(cli: Cli, command: Command, id: string, options: TrustOptions): Promise<void> {
  const { out, clock } = cli;
  const nowMs = clock.nowMs();
  const query = new URLSearchParams({ limit: options.limit });
  for (const side of ['from', 'to'] as const) {
    const given = options[side];
    if (given !== undefined) query.set(side, readTime(given, `--${side}`, { nowMs, side: 'past' }));
  }
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'GET',
    path: `/api/v1/agents/${encodeURIComponent(id)}/trust?${query.toString()}`,
  });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return out.talk(`Nothing has moved the trust in ${harmless(id)} in this time.`);
  const rows = items.map((item) => [
    when(textAt(item, 'at'), nowMs),
    changeOf(item),
    textAt(item, 'cause'),
    textAt(item, 'action') || '-',
    textAt(item, 'by'),
  ]);
  out.data(table(['WHEN', 'TRUST', 'CAUSE', 'ACTION', 'SEEN BY'], rows, out.tint));
  if (textAt(answer, 'nextCursor') !== '') out.talk('There is more; ask with --to, or a higher --limit.');
}

function changeOf(item: unknown): { readonly text: string; readonly tint: 'red' | 'green' } {
  const kind = textAt(item, 'kind');
  if (kind !== 'moved') return { text: kind, tint: kind === 'frozen' ? 'red' : 'green' };
  const [before, after] = [textAt(item, 'before'), textAt(item, 'after')];
  return { text: `${before} → ${after}`, tint: Number(after) < Number(before) ? 'red' : 'green' };
}
