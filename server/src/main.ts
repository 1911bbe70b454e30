// The process. It knows the composition root and hands the command line what only that can give, loaded when a
// command asks for it: most commands are over before the server's libraries would have been read.
import { readFileSync } from 'node:fs';
import type { Host, ServeAnswer } from './cli/cli.ts';
import { runCli } from './cli/cli.ts';
import { systemClock } from './platform/clock/clock.ts';
import type { Config } from './platform/config/config.ts';

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const version =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';

const host: Host = {
  version,
  serve,
  openFoundations: async (config) => (await import('./infrastructure.ts')).openInfrastructure(config),
  migrationsDir: async () => (await import('./infrastructure.ts')).MIGRATIONS,
};

async function serve(
  config: Config,
  { pretty, listen = true }: { readonly pretty: boolean; readonly listen?: boolean },
): Promise<ServeAnswer> {
  const [{ openInfrastructure }, { createApp, CharterRefused }] = await Promise.all([
    import('./infrastructure.ts'),
    import('./app.ts'),
  ]);
  const infrastructure = await openInfrastructure(config, { pretty });
  let close = (): Promise<void> => infrastructure.close();
  try {
    const app = await createApp(infrastructure, { version, isWorker: !listen });
    close = async () => {
      try {
        await app.close();
      } finally {
        await infrastructure.close();
      }
    };
    const { url } = listen ? await app.start() : await app.work().then(() => ({ url: '' }));
    return {
      kind: 'serving',
      serving: {
        url,
        adminKey: app.adminKey,
        database: infrastructure.database,
        charter: await app.charterOrigin(),
        close,
      },
    };
  } catch (error) {
    await close();
    if (error instanceof CharterRefused) return { kind: 'charter_refused', problems: error.problems };
    throw error;
  }
}

const LINGER_MS = 250;

process.exitCode = await runCli(process.argv.slice(2), host);
// By now everything is closed. What a failed attempt may have left open (a socket, a timer) must not keep the shell
// waiting; the timer itself keeps nothing alive.
systemClock.after(LINGER_MS, () => process.exit());
