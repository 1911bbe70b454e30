// One Postgres for a whole test run: `node --test --test-global-setup=test/postgres-setup.ts`. The test files find it
// through an environment variable, which they inherit.
import { prepareCluster, startTestServer } from './postgres.ts';
import type { EmbeddedPostgres } from '../server/src/platform/postgres/launcher.ts';

const servers: EmbeddedPostgres[] = [];

export async function globalSetup(): Promise<void> {
  const external = process.env['MANDATE_TEST_DATABASE_URL'];
  const server = external === undefined ? await startTestServer() : null;
  if (server !== null) servers.push(server);
  process.env['MANDATE_TEST_CLUSTER'] = JSON.stringify(
    await prepareCluster(external ?? server?.adminUrl ?? ''),
  );
}

export async function globalTeardown(): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
