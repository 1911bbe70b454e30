// Puts back what production held before the last deployment.
import { cp, readdir, rm } from 'node:fs/promises';

const production = new URL('../production/', import.meta.url);
const previous = new URL('../production.previous/', import.meta.url);

await rm(production, { recursive: true, force: true });
await cp(previous, production, { recursive: true });
console.log(JSON.stringify({ restored: await readdir(production), to: 'production/' }));
