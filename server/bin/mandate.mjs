#!/usr/bin/env node
// What `npx mandate` starts. Plain JavaScript for any Node: it hands over to Node 24 where the system's is older.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { handOver, isNode24 } from './node24.mjs';

const source = new URL('../src/main.ts', import.meta.url);
const published = new URL('../dist/main.js', import.meta.url);

// A clone runs its sources, also when an older build lies beside them; the published package has no sources.
if (existsSync(source))
  handOver(['--conditions=mandate-source', fileURLToPath(source), ...process.argv.slice(2)]);
else if (isNode24()) await import(published);
else handOver([fileURLToPath(published), ...process.argv.slice(2)]);
