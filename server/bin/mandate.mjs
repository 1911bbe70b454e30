#!/usr/bin/env node
// What `npx mandate` starts. Plain JavaScript for any Node: it hands over to Node 24 where the system's is older.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { become, handOver, isNode24, SERVER_FLAGS, stays } from './node24.mjs';

const source = new URL('../src/main.ts', import.meta.url);
const published = new URL('../dist/main.js', import.meta.url);

const args = process.argv.slice(2);
const flags = stays(args) ? SERVER_FLAGS : [];

// A clone runs its sources, also when an older build lies beside them; the published package has no sources.
if (existsSync(source)) handOver([...flags, '--conditions=mandate-source', fileURLToPath(source), ...args]);
else if (!isNode24()) handOver([...flags, fileURLToPath(published), ...args]);
else {
  if (flags.length > 0) become([...process.execArgv, ...flags, fileURLToPath(published), ...args]);
  await import(published);
}
