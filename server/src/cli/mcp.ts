// mandate mcp: puts an MCP server behind Mandate, either on the way (wrap) or in the charter (add).
import type { Register } from './command.ts';
import { GROUPS } from './command.ts';
import type { AddOptions } from './mcp-add.ts';
import type { ToolsOptions } from './mcp-tools.ts';
import type { WrapOptions } from './mcp-wrap.ts';

export const registerMcp: Register = (program, cli) => {
  const mcp = program
    .command('mcp')
    .helpGroup(GROUPS.ask)
    .description('put MCP servers behind Mandate')
    .enablePositionalOptions();
  mcp
    .command('wrap')
    .description('run an MCP server and have each tool call decided first')
    .argument('<command...>', 'the server and its arguments, after --')
    .option('--agent <name>', 'in whose name the calls are made (MANDATE_AGENT; mcp-client)')
    .option('--name <upstream>', 'first part of the actions; from the command by default')
    .option('--wait <seconds>', 'how long a held call waits for its approval', '25')
    .passThroughOptions()
    .action(async (words: string[], options: WrapOptions, command) => {
      const { wrap } = await import('./mcp-wrap.ts');
      await wrap(cli, command, words, options);
    });
  mcp
    .command('add')
    .description('list the tools of an MCP server, propose a tier for each, and write them into a charter')
    .argument('<name>', 'the executor, and the first part of its actions')
    .argument('[command...]', 'the server and its arguments, after --')
    .option('--url <url>', 'a server behind a URL instead of a command')
    .option('--write <charter>', 'write the proposal into this charter file')
    .action(async (name: string, words: string[], options: AddOptions, command) => {
      const { add } = await import('./mcp-add.ts');
      await add(cli, command, { name, words, options });
    });
  mcp
    .command('tools')
    .description('what MCP servers say of their tools, as it was pinned, and what has changed')
    .argument('[server]', 'only this executor')
    .option('--forget <reason>', 'forget what was pinned of it: its next list is taken as it is')
    .action(async (upstream: string | undefined, options: ToolsOptions, command) => {
      const { tools } = await import('./mcp-tools.ts');
      await tools(cli, command, { upstream, options });
    });
};
