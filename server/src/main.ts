// The process: reads the settings, opens what the parts stand on, starts the app and ends it in order.
import { createApp } from './app.ts';
import { loadConfig } from './platform/config/config.ts';
import { openInfrastructure } from './infrastructure.ts';

const config = loadConfig({ env: process.env, argv: process.argv.slice(3) });
const infrastructure = await openInfrastructure(config, { pretty: true });
const app = await createApp(infrastructure, { version: '0.1.0' });
const { url } = await app.start();
process.stderr.write(`${url} ${JSON.stringify(app.adminKey)}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void app.close().then(() => infrastructure.close()).then(() => process.exit(0));
  });
}
