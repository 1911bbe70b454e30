// A real server in a process of its own, as `mandate start` runs it: embedded Postgres with all its durability, the
// shipped settings, and one executor that does nothing, or the MCP server at the URL that is its second argument.
// Started with an IPC channel.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApp } from '../../server/src/app.ts';
import { openInfrastructure } from '../../server/src/infrastructure.ts';
import { loadConfig } from '../../server/src/platform/config/config.ts';
import { deriveKey } from '../../server/src/platform/crypto/derive.ts';
import { ensureDatabase } from '../../server/src/platform/postgres/database.ts';
import { startEmbedded } from '../../server/src/platform/postgres/launcher.ts';
import { loginUrls } from '../../server/src/platform/postgres/roles.ts';
import type { Served } from './processes.ts';

// Ceilings that every agent shares and that no benchmark reaches.
const charterOf = (upstream: string | undefined): string => `version: 1
${upstream === undefined ? '' : `executors:\n  bench: { mcp: '${upstream}' }`}
tiers:
  green:
    actions: [code.write, bench.run, bench.echo]
limits: { concurrentAgents: 1000, usdPerDay: 100000000 }
`;

const [, , dataDir = '', upstream] = process.argv;
writeFileSync(join(dataDir, 'charter.yaml'), charterOf(upstream));
const config = loadConfig({
  env: {
    PORT: '0',
    MANDATE_DATA_DIR: dataDir,
    MANDATE_CHARTER: join(dataDir, 'charter.yaml'),
    LOG_LEVEL: 'error',
  },
  argv: [],
});
const infrastructure = await openInfrastructure(config);
const app = await createApp(infrastructure, { version: 'bench', watchdog: false });
app.registerExecutor('bench.run', () => null);
const { url } = await app.start();

// The same cluster once more, for the address of its administrator.
const embedded = await startEmbedded({ dataDir, log: infrastructure.log });
const adminUrl = await ensureDatabase(embedded.adminUrl, 'mandate');
const secret = deriveKey(infrastructure.masterKeys.current, 'database-login').toString('base64');
const served: Served = {
  url,
  tenant: app.tenant,
  adminKey: app.adminKey.kind === 'created' ? app.adminKey.text : '',
  appUrl: loginUrls({ adminUrl, secret }).appUrl,
};
process.send?.(served);

process.once('message', () => {
  void (async () => {
    await app.close();
    await embedded.stop();
    await infrastructure.close();
    process.disconnect();
  })();
});
